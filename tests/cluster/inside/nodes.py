"""A cluster of local nodes, for as long as standard input is open; runs in Ray's environment.

Prints a JSON object for itself and after each line it reads: ``add`` adds a node.
"""

import json
import os
import shutil
import sys
import tempfile

os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # every socket on 127.0.0.1
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

from ray.cluster_utils import Cluster

STORE_BYTES = int(os.environ.get("TEST_STORE_BYTES", 100 << 20))

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
os.makedirs("/tmp/ray", exist_ok=True)  # where Ray notes the last cluster, whatever folder it has
folder = tempfile.mkdtemp(prefix="ckssd-ray-", dir="/tmp")
arguments = {"num_cpus": 1, "object_store_memory": STORE_BYTES, "include_dashboard": False}
cluster = Cluster(initialize_head=True, head_node_args={**arguments, "temp_dir": folder})


def tell():
    nodes = [cluster.head_node, *cluster.worker_nodes]
    raylets = [node.all_processes["raylet"][0].process.pid for node in nodes]
    answers.write(json.dumps({"address": cluster.address, "raylets": raylets, "folder": folder}) + "\n")
    answers.flush()


cluster.add_node(**arguments)
tell()
for _ in sys.stdin:
    cluster.add_node(**arguments)
    tell()
cluster.shutdown()
shutil.rmtree(folder, ignore_errors=True)
