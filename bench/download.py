"""Verified download against curl, side by side: the same file from a local server, in turn, several times.

    .venv/bin/python bench/download.py [--megabytes 200] [--runs 5]

Prints wall seconds and peak memory of whole processes. ``curl`` alone checks nothing; ``curl + sha256sum``
does what a verified download has to do, one after the other.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

OURS = """
import sys
from pathlib import Path
from ckssd.fetch import Settings, Source, fetch
url, size, sha256, cache = sys.argv[1:]
fetch(Source("big.bin", (url,), int(size), sha256), Settings(Path(cache)), quiet=True)
"""


def make_file(path: Path, megabytes: int) -> str:
    """Write a file that does not compress; return its sha256."""
    piece, digest = random.Random(0).randbytes(1 << 20), hashlib.sha256()
    with path.open("wb") as stream:
        for _ in range(megabytes):
            stream.write(piece)
            digest.update(piece)
    return digest.hexdigest()


def timed(command: list[str]) -> tuple[float, int]:
    """Run a process; return its wall seconds and peak memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"this command failed: {command}")
    return time.perf_counter() - start, usage.ru_maxrss // 1024


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "served").mkdir()
        digest = make_file(folder / "served" / "big.bin", options.megabytes)
        server = subprocess.Popen(
            [sys.executable, "-u", "-m", "http.server", "-b", "127.0.0.1", "-d", str(folder / "served"), "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert server.stdout is not None
            port = server.stdout.readline().split("port ")[1].split()[0]
            measure(folder, f"http://127.0.0.1:{port}/big.bin", options.megabytes << 20, digest, options.runs)
        finally:
            server.kill()


def measure(folder: Path, url: str, size: int, digest: str, runs: int) -> None:
    """Run the three in turn and print medians and ratios."""
    rows: dict[str, list[float]] = {"curl": [], "curl + sha256sum": [], "ckssd": []}
    peak = 0
    for run in range(runs + 1):
        target = folder / "by-curl"
        curl, _ = timed(["curl", "-s", "-o", str(target), url])
        check, _ = timed(["sha256sum", str(target)])
        target.unlink()
        cache = folder / f"cache{run}"
        ours, memory = timed([sys.executable, "-c", OURS, url, str(size), digest, str(cache)])
        subprocess.run(["rm", "-rf", str(cache)], check=True)
        if run:  # the first warms the file cache up
            for name, seconds in zip(rows, (curl, curl + check, ours)):
                rows[name].append(seconds)
            peak = max(peak, memory)
    for name, seconds in rows.items():
        ratio = statistics.median(mine / theirs for mine, theirs in zip(rows["ckssd"], seconds))
        print(f"{name:<17} {statistics.median(seconds):7.3f} s   ckssd takes {ratio:.2f} times as long")
    print(f"peak memory of ckssd: {peak} MB")


if __name__ == "__main__":
    main()
