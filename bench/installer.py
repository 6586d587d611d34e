"""The installer's figures, measured side by side in one run.

    .venv/bin/python -m bench.installer [--runs 7] [--megabytes 200] [--large 1000] [--results DIR]

A verified download against ``curl``, which checks nothing, and against ``curl`` and then ``sha256sum``, each
of the same file from the same local server, in turn; the time that installing an installed package takes;
the peak memory of a large download. Times are medians of wall seconds, after one run that warms up. Results
go to bench/results/installer.json and installer.md.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.context import ROOT
from bench.ended import Ended, run_to_end
from bench.written import RESULTS, load_before, write_results
from ckssd.ck.home import home_in, register

PACKAGE = "labelmap,coco"
# Prints how long the download itself takes, without starting Python and importing.
OURS = """
import sys, time
from pathlib import Path
import ckssd.fetch.urls
from ckssd.fetch import Settings, Source, fetch
url, size, sha256, cache = sys.argv[1:]
began = time.perf_counter()
fetch(Source("big.bin", (url,), int(size), sha256), Settings(Path(cache)), quiet=True)
print(time.perf_counter() - began)
"""


@dataclass(frozen=True)
class Served:
    """A file at a local server; ``size`` in bytes."""

    url: str
    size: int
    sha256: str


def make_file(path: Path, megabytes: int) -> str:
    """Write a file that does not compress; return its sha256."""
    piece, digest = random.Random(0).randbytes(1_000_000), hashlib.sha256()
    with path.open("wb") as stream:
        for _ in range(megabytes):
            stream.write(piece)
            digest.update(piece)
    return digest.hexdigest()


@contextlib.contextmanager
def served(folder: Path, megabytes: int) -> Iterator[Served]:
    """Serve a file of that size."""
    folder.mkdir()
    digest = make_file(folder / "big.bin", megabytes)
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "-b", "127.0.0.1", "-d", str(folder), "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert server.stdout is not None
        port = server.stdout.readline().split("port ")[1].split()[0]
        yield Served(f"http://127.0.0.1:{port}/big.bin", megabytes * 1_000_000, digest)
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(folder)


def download_by_ckssd(file: Served, cache: Path) -> Ended:
    """Download the file into a cache of its own, in a process of its own."""
    ended = run_to_end(sys.executable, "-c", OURS, file.url, str(file.size), file.sha256, str(cache))
    shutil.rmtree(cache)
    return ended


def download_times(folder: Path, file: Served, runs: int) -> dict[str, list[float]]:
    """Run the candidates in turn; return the seconds of each."""
    rows: dict[str, list[float]] = {
        name: [] for name in ("`curl`", "`curl` and `sha256sum`", "ckssd, the download", "ckssd, the process")
    }
    target = folder / "by-curl"
    for number in range(runs + 1):
        curl = run_to_end("curl", "-s", "-o", str(target), file.url).seconds
        check = run_to_end("sha256sum", str(target)).seconds
        target.unlink()
        ours = download_by_ckssd(file, folder / "cache")
        if number:  # the first warms up
            for row, seconds in zip(rows.values(), (curl, curl + check, float(ours.out), ours.seconds)):
                row.append(seconds)
    return rows


def repeated_install(folder: Path, runs: int) -> float:
    """Install a package in a CK home of its own; return the seconds that it then takes again."""
    home = home_in(folder)
    register(ROOT, home)
    command = (str(Path(sys.executable).with_name("ck")), "install", "package", f"--tags={PACKAGE}")
    run_to_end(*command, variables=home.variables())
    return statistics.median(run_to_end(*command, variables=home.variables()).seconds for _ in range(runs))


def table(megabytes: int, rows: dict[str, list[float]]) -> Iterator[str]:
    """The downloads, with their ratios run by run."""
    yield f"| {megabytes} MB from a local server | s | times `curl` | times `curl` and `sha256sum` |"
    yield "|---|---|---|---|"
    alone, checked = list(rows.values())[:2]
    for name, seconds in rows.items():
        ratios = (
            statistics.median(mine / theirs for mine, theirs in zip(seconds, row)) for row in (alone, checked)
        )
        shown = " | ".join(f"{ratio:.2f}" for ratio in ratios)
        yield f"| {name} | {statistics.median(seconds):.2f} | {shown} |"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="bench.installer", description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder (default: bench/results)")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument(
        "--large", type=int, default=1000, help="megabytes of the download whose memory counts"
    )
    options = parser.parse_args()
    how = f"medians of {options.runs} runs; {load_before()}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with served(folder / "served", options.megabytes) as file:
            times = download_times(folder, file, options.runs)
        with served(folder / "served", options.large) as file:
            peak = download_by_ckssd(file, folder / "cache").peak_bytes / 1e6
        again = repeated_install(folder / "ck", options.runs)
    lines = [*table(options.megabytes, times), "", "| | |", "|---|---|"]
    lines.append(f"| `ck install` of an installed package | {again:.2f} s |")
    lines.append(f"| peak memory of a download of {options.large} MB | {peak:.0f} MB |")
    content = {"download_s": times, "repeated_install_s": again, "peak_mb": peak}
    write_results(options.results, "installer", content, lines, command="python -m bench.installer", how=how)


if __name__ == "__main__":
    main()
