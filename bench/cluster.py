"""A run over Ray on this machine against throughput mode, and what more nodes would give, by simulation.

    .venv/bin/python -m bench.cluster [--images 5000] [--rounds 3] [--results DIR]

Throughput mode with 1 and 2 threads and Ray with 1 and 2 workers take turns, with the full-size model on
images of COCO's size. Start-up is apart: Ray's rate is that of the images after each worker's first batch,
over the time from the first answer to the last. Results go to bench/results/cluster.json and cluster.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench.cluster_model import Costs, simulate
from bench.context import (
    COCO_LABELS,
    COCO_TOOLS,
    FULL_SIZE_MODEL,
    LITERT,
    ROOT,
    Context,
    in_turn,
    median_ratio,
)
from bench.images import make_images
from bench.written import RESULTS, load_before, write_results
from ckssd.cluster.job import make_job
from ckssd.endings import run_main
from ckssd.errors import RunError
from ckssd.measure.settings import from_mapping
from ckssd.report import step

RAY = "lib,ray"
WORKERS = (1, 2)
AT_LEAST = 0.95
NODES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
WORKERS_EACH = 2
LINK = 1e9 / 8  # bytes a second: 1 Gbit/s
SIMULATED_IMAGES = (5000, 125_000)


def main() -> None:
    """Read the options; an error is one line, not a traceback."""
    parser = argparse.ArgumentParser(prog="bench.cluster", description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=5000, help="of COCO's size (default: 5000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each runs (default: 3)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the results go")
    options = parser.parse_args()
    sys.exit(run_main("bench.cluster", partial(run, options)))


def run(options: argparse.Namespace) -> int:
    """Measure, simulate, write."""
    load = load_before()
    with tempfile.TemporaryDirectory(prefix="ckssd-bench-") as folder:
        context = Context(Path(folder), Path(folder) / "data", options.rounds)
        for tags in (RAY, LITERT, COCO_TOOLS, FULL_SIZE_MODEL):
            context.install(tags)
        step(f"{options.images} images of COCO's size")
        make_images(context.data, options.images, COCO_LABELS)
        ray = Path(context.variables(RAY)["CK_ENV_LIB_RAY_PYTHON_FILE"])
        contenders: dict[str, Any] = {}
        for count in WORKERS:
            contenders[f"throughput {count}"] = partial(_throughput, context, count)
            contenders[f"ray {count}"] = partial(_over_ray, context, ray, count)
        results = in_turn(contenders, options.rounds)
        content = make_job(from_mapping(context.settings()), context.litert_python).contents
    sizes = {name: len(part) for name, part in content.items()}
    found = _summary(results, options.images, sum(sizes.values()))
    _write(options, {**found, "load_before": load, "travels_bytes": sizes, "runs": results})
    return 0


def _throughput(context: Context, threads: int) -> dict[str, Any]:
    file = context.write(f"throughput-{threads}.json", context.settings(threads=threads))
    timer: dict[str, Any] = context.run(context.litert_python, "whole_run.py", file)
    processor = timer["processor_time_s"] / timer["images"]
    return {**timer, "rate": timer["images"] / timer["test_time_s"], "processor_s": processor}


def _over_ray(context: Context, ray: Path, workers: int) -> dict[str, Any]:
    file = context.write(f"ray-{workers}.json", context.settings(threads=workers))
    output = context.folder / f"ray-{workers}-result.json"
    words = [str(ray), "-m", "ckssd.cluster", "--settings", str(file), "--output", str(output)]
    variables = {
        "CK_CLUSTER": "ray",
        "PYTHONPATH": str(ROOT / "src"),
        "CKSSD_CACHE": str(context.folder / "cache"),
    }
    began = time.monotonic()
    with subprocess.Popen(
        [*words, "--python", str(context.litert_python)],
        env={**context.environment, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        watched = _Memory(process.pid)
        said = process.communicate()[1]
        memory = watched.end()
    if process.returncode:
        raise RunError("A contender failed", where="ray", got=said.strip()[-500:])
    timer = json.loads(output.read_text())
    facts = timer["cluster"]
    batch = timer["images"] / facts["batches"]
    steady = timer["images"] - workers * batch
    return {
        **facts,  # has `images`, too: how they come
        "rate": steady / (facts["last_answer_s"] - facts["first_answer_s"]),
        "processor_s": timer["run_time_state"]["processor_time_s"] / timer["images"],
        "whole_s": time.monotonic() - began,
        "memory_mb": memory,
        "worker_memory_mb": timer["settings"]["machine"]["detecting_peak_memory_mb"],
        "detections_sha256": timer["detections_sha256"],
        "images": timer["images"],
        **{name: timer[name] for name in ("mAP", "recall", "detections")},
    }


class _Memory:
    """The largest sum of proportional set sizes (PSS) of a process and all below it, in MiB."""

    def __init__(self, pid: int) -> None:
        self._pid, self._most, self._ended = pid, 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(2.0):
            self._most = max(self._most, sum(map(_pss, _tree(self._pid))))

    def end(self) -> float:
        """Stop watching; the most that it was."""
        self._ended.set()
        self._thread.join()
        return self._most


def _pss(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def _tree(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [pid], [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def _summary(results: dict[str, list[Any]], images: int, content_bytes: int) -> dict[str, Any]:
    rates = {name: [run["rate"] for run in runs] for name, runs in results.items()}
    efficiency = {n: median_ratio(rates[f"ray {n}"], rates[f"throughput {n}"]) for n in WORKERS}
    rays = [run for n in WORKERS for run in results[f"ray {n}"]]
    costs = Costs(
        image_s=median(1 / rate for rate in rates["ray 1"]),
        driver_s_per_batch=median(run["driver_s"] / run["batches"] for run in rays),
        answer_bytes_per_image=median(run["answer_bytes"] / run["images"] for run in rays),
        content_bytes=content_bytes,
        open_s=median(run["first_answer_s"] - run["connected_s"] for run in results["ray 1"]),
        link_bytes_per_s=LINK,
    )
    equal = {run[key] for runs in results.values() for run in runs for key in ("mAP",)}
    return {
        "images": images,
        "rates": rates,
        "processor_s": {name: median(run["processor_s"] for run in runs) for name, runs in results.items()},
        "efficiency": efficiency,
        "scaling": median_ratio(rates["ray 2"], rates["ray 1"]),
        "connected_s": median(run["connected_s"] for run in rays),
        "memory_mb": {n: median(run["memory_mb"] for run in results[f"ray {n}"]) for n in WORKERS},
        "worker_memory_mb": median(run["worker_memory_mb"] for run in rays),
        "costs": dataclasses.asdict(costs),
        "equal": len(equal) == 1 and len({run["detections_sha256"] for run in rays}) == 1,
        "simulated": {
            count: [dataclasses.asdict(simulate(n, WORKERS_EACH, count, costs)) for n in NODES]
            for count in SIMULATED_IMAGES
        },
    }


def _write(options: argparse.Namespace, found: dict[str, Any]) -> None:
    how = (
        f"{found['images']} images, full-size model, medians of {options.rounds} rounds in turn; "
        f"{found['load_before']}"
    )
    lines = [*_measured(found), "", *_simulated(found)]
    content = {"rounds": options.rounds, **found}
    write_results(options.results, "cluster", content, lines, command="python -m bench.cluster", how=how)


def _measured(found: dict[str, Any]) -> list[str]:
    rates, costs = found["rates"], found["costs"]
    rows = [
        f"| {n} | {median(rates[f'throughput {n}']):.1f} | {median(rates[f'ray {n}']):.1f} | "
        f"{found['efficiency'][n]:.3f} | {found['memory_mb'][n]:.0f} |"
        for n in WORKERS
    ]
    met = "met" if found["efficiency"][2] >= AT_LEAST else "**not met**"
    overhead = 1000 * (costs["image_s"] - 1 / median(rates["throughput 1"]))
    processor = found["processor_s"]
    share = processor["ray 1"] / processor["throughput 1"]
    return [
        "| threads or workers | throughput mode, images/s | Ray, images/s | ratio | all of Ray, MB |",
        "|---|---|---|---|---|",
        *rows,
        "",
        f"Efficiency with 2 workers at least {AT_LEAST}: {met}. "
        f"Two workers are {found['scaling']:.2f} times one. "
        f"Detections and mAP equal in all runs: {'yes' if found['equal'] else '**no**'}.",
        "",
        f"Start-up: Ray {found['connected_s']:.1f} s, then {costs['open_s']:.1f} s to the first answer. "
        f"A worker's process with the runtime: {found['worker_memory_mb']:.0f} MB.",
        f"An image's way costs {overhead:.2f} ms more than in throughput mode (one worker), "
        f"and {share:.3f} times the processor time of detection; "
        f"the driver takes {1000 * costs['driver_s_per_batch']:.1f} ms a batch, an answer has "
        f"{costs['answer_bytes_per_image']:.0f} bytes an image, "
        f"the job {costs['content_bytes'] / 1e6:.1f} MB.",
    ]


def _simulated(found: dict[str, Any]) -> list[str]:
    image_s = found["costs"]["image_s"]
    lines = [
        f"Simulated with these figures, {WORKERS_EACH} workers a node, a link of 1 Gbit/s into the driver "
        "(assumptions: bench/cluster_model.py); seconds from when Ray is ready, and efficiency:",
        "",
        f"| nodes | {' | '.join(f'{count} images' for count in found['simulated'])} |",
        "|---" * (1 + len(found["simulated"])) + "|",
    ]
    for place, nodes in enumerate(NODES):
        cells = []
        for count, runs in found["simulated"].items():
            one = runs[place]
            share = count * image_s / (one["workers"] * one["seconds"])
            cells.append(f"{one['seconds']:.0f} s, {share:.2f} (driver busy {one['driver_busy']:.2f})")
        lines.append(f"| {nodes} | {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    main()
