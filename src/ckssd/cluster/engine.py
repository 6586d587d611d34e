"""Ray, as far as a run needs it: its nodes, tasks on a named node, and what became of them.

Which node runs what is ours to say: Ray does not notice a node that hangs, and would give it work again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from ckssd import report
from ckssd.cluster import on_node
from ckssd.cluster.job import Job
from ckssd.cluster.on_node import batch as of_a_batch
from ckssd.cluster.schedule import Given
from ckssd.cluster.settings import LOCAL, ClusterSettings
from ckssd.endings import ENDING_SIGNALS
from ckssd.errors import EnvironmentSetupError, NetworkError, NotInstalledError, short

CONNECT_WITHIN_S = 10
FETCH_WITHIN_S = 60
LOOPBACK = ("127.0.0.1", "localhost", "::1")
# Where Ray keeps sockets, whose paths have 107 bytes at most: temporary folders of others are longer.
SHORT_FOLDER = Path("/tmp")  # noqa: S108 (a folder of our own in it)


class Lost:
    """No answer will come, and why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class Engine:
    """A cluster of Ray, for as long as the block lasts; raises as ``connected`` does."""

    def __init__(self, ray: ModuleType, dashboard: str) -> None:
        self._ray = ray
        self.dashboard = dashboard
        self._tasks: dict[Any, Given] = {}
        self._job: dict[str, Any] = {}
        ray.cloudpickle.register_pickle_by_value(on_node)
        self._task = ray.remote(num_cpus=1, max_retries=0)(of_a_batch.run_batch)

    @property
    def version(self) -> str:
        """Of Ray."""
        return str(self._ray.__version__)

    def nodes(self) -> dict[str, int]:
        """The nodes that are alive, each with the number of its processors."""
        found = {}
        for node in self._ray.nodes():
            processors = int(node["Resources"].get("CPU", 0))
            if node["Alive"] and processors:
                found[str(node["NodeID"])] = processors
        return found

    def send(self, job: Job) -> None:
        """Put what the nodes need into the object store, from where each fetches it once."""
        try:
            files = {
                name: (job.hashes[name], self._ray.put(content)) for name, content in job.contents.items()
            }
        except self._ray.exceptions.ObjectStoreFullError as error:
            raise EnvironmentSetupError(
                "The cluster's object store is too small for the model and the annotations",
                got=_first_line(error),
                advice="give its nodes more (--object-store-memory of ray start)",
            ) from error
        described = {"settings": job.settings, "paths": job.paths, "python": job.python, "images": job.images}
        self._job = {"id": job.id, "files": files, "sweep": job.sweep, "lock": job.lock, **described}

    def start(self, given: Given, shard: str, pictures: dict[str, Any] | None) -> None:
        """Begin a batch on its node; ``pictures``: see ckssd.cluster.on_node.batch.run_batch.

        Those that are sent go by the object store. An address may have secrets: it stays with the task.
        """
        affinity = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(given.node, soft=False)
        sent = self._ray.put(pictures) if pictures and "sent" in pictures else pictures
        task = self._task.options(scheduling_strategy=affinity)
        self._tasks[task.remote(self._job, shard, sent)] = given

    def finished(self, wait_s: float) -> Iterator[tuple[Given, dict[str, Any] | Lost]]:
        """What became of batches, as soon as there is something to say or the time is over."""
        if not self._tasks:
            return
        # Ready are only those whose answer has arrived here: a node that hangs now cannot hold us.
        ready, _ = self._ray.wait(list(self._tasks), num_returns=1, timeout=wait_s)
        for reference in ready:
            given = self._tasks.pop(reference)
            try:
                answer: dict[str, Any] = self._ray.get(reference, timeout=FETCH_WITHIN_S)
            except self._ray.exceptions.RayError as error:
                yield given, Lost(f"{type(error).__name__}: {_first_line(error)}")
            else:
                yield given, answer

    def forget(self, gone: list[Given]) -> None:
        """Nobody waits for these any more."""
        for reference, given in list(self._tasks.items()):
            if given in gone:
                del self._tasks[reference]
                with contextlib.suppress(self._ray.exceptions.RayError):
                    self._ray.cancel(reference, force=True)

    def stop(self) -> None:
        """End what still runs: late copies of batches that were answered."""
        self.forget(list(self._tasks.values()))


@contextlib.contextmanager
def connected(cluster: ClusterSettings, processors: int) -> Iterator[Engine]:
    """Ray on this machine, with so many processors, or the cluster at an address.

    Raises
    ------
    NotInstalledError
        This Python has no Ray.
    NetworkError
        The address does not answer.
    EnvironmentSetupError
        Ray refuses: another version, a token that it does not know.
    """
    local = cluster.address == LOCAL
    if not local:
        _check_address(cluster.reach)
    ray = _import_ray(loopback=local or _host_and_port(cluster.reach)[0] in LOOPBACK)
    with contextlib.ExitStack() as ending:
        quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
        if local:
            folder = tempfile.mkdtemp(
                prefix="ckssd-ray-", dir=SHORT_FOLDER if SHORT_FOLDER.is_dir() else None
            )
            ending.callback(shutil.rmtree, folder, ignore_errors=True)
            where = {"num_cpus": processors, "include_dashboard": False, "_temp_dir": folder}
        else:
            where = {"address": cluster.reach}
        handlers = {number: signal.getsignal(number) for number in ENDING_SIGNALS}
        context = _begun(ray, {**where, **quiet}, cluster.address)
        ending.callback(ray.shutdown)
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():  # Ray's own print a trace of C++
                signal.signal(number, handler)
        engine = Engine(ray, str(getattr(context, "dashboard_url", "") or ""))
        ending.callback(engine.stop)
        yield engine


def _begun(ray: ModuleType, arguments: dict[str, Any], address: str) -> Any:
    """Ray's context; Ray gives its own processes half a minute, which a busy machine may need twice."""
    for again in (True, False):
        try:
            return ray.init(**arguments)
        except (ConnectionError, OSError) as error:
            raise NetworkError("Ray cannot be reached", where=address, got=_first_line(error)) from error
        except (RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise EnvironmentSetupError(
                "Ray refuses the connection", where=address, got=_first_line(error)
            ) from error
        except Exception as error:
            ray.shutdown()
            if not again or address != LOCAL:
                raise EnvironmentSetupError(
                    "Ray does not start", where=address, got=_first_line(error)
                ) from error
            report.say("Ray did not start in time: once more")
    raise AssertionError


def _import_ray(*, loopback: bool) -> ModuleType:
    # It reads these when it is imported. Nothing is reported over the network.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if loopback:  # Ray's name for: every socket on 127.0.0.1
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    try:
        import ray
        import ray.util.scheduling_strategies
    except ImportError as error:
        raise NotInstalledError(
            "This Python has no Ray", got=str(error), advice="ckssd install --tags=lib,ray"
        ) from error
    logging.getLogger("ray").setLevel(logging.ERROR)
    found: ModuleType = ray
    return found


def _host_and_port(address: str) -> tuple[str, int]:
    parts = urlsplit(address if "://" in address else f"//{address}")
    return parts.hostname or "", parts.port or 0


def _check_address(address: str) -> None:
    """Ray itself tries for minutes to reach an address where nobody is."""
    host, port = _host_and_port(address)
    try:
        socket.create_connection((host, port), CONNECT_WITHIN_S).close()
    except (OSError, OverflowError) as error:
        raise NetworkError(
            "Nothing answers at Ray's address", where=f"{host}:{port}", got=str(error)
        ) from error


def _first_line(error: BaseException) -> str:
    """The first line that says something: one that ends in a colon is a heading of the next."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[:2] if lines and lines[0].endswith(":") else lines[:1]
    return short(" ".join(said) or type(error).__name__, 300)


def tell(engine: Engine, nodes: dict[str, int]) -> None:
    """Say what a run has."""
    workers = sum(nodes.values())
    report.say(f"Ray {engine.version}: {workers} workers on {len(nodes)} nodes")
    if engine.dashboard:
        report.say(f"Dashboard: http://{engine.dashboard}")
