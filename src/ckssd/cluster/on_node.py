"""What runs in Ray's worker on a node: makes there what a batch needs, and hands it to a process beside it.

Ray sends this module as it stands, so it imports nothing of the library and works with any Python that Ray
runs on. Everything that travels is known by its SHA-256: it is written once for each node, under a lock, and
hashed again by whoever opens it first. One process for each worker has the model open, and stays.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import types
import zipfile
from pathlib import Path
from typing import IO, Any, cast

KEPT = "ckssd_on_node"  # Ray may make this module anew; what is kept between tasks is not in it
TIME_TO_END_S = 5


def run_batch(job: dict[str, Any], shard: str, pictures: dict[str, bytes] | None) -> dict[str, Any]:
    """Run one batch of images; the answer is a dict with ``part`` (bytes), ``error`` or ``died``.

    ``job``: see ckssd.cluster.job. ``pictures``: file name to bytes, where they are not on a shared path.
    """
    node = {"node": os.uname().nodename, "pid": os.getpid()}
    try:
        server = _server(job)
        with tempfile.TemporaryDirectory(prefix="ckssd-") as folder:
            images = job["images"] if pictures is None else _written(pictures, Path(folder, "images"))
            return {**node, **server.run(shard, images, Path(folder, "found.part"))}
    except NodeError as problem:
        return {**node, "error": problem.args[0]}
    except OSError as error:
        what = {"code": "environment", "what": "A node cannot keep what it needs", "where": node["node"]}
        return {**node, "error": {**what, "got": str(error)}}


class NodeError(Exception):
    """What the driver raises as an error of the family: the dict of CkssdError.as_dict."""


def _server(job: dict[str, Any]) -> Server:
    kept = sys.modules.setdefault(KEPT, types.ModuleType(KEPT))
    servers = kept.__dict__.setdefault("servers", {})
    server: Server | None = servers.get(job["id"])
    if server is None or server.process.poll() is not None:
        for old in servers.values():
            old.end()
        servers.clear()
        server = servers[job["id"]] = Server(job)
    return server


class Server:
    """``python -m ckssd.measure.serve`` with the job's model."""

    def __init__(self, job: dict[str, Any]) -> None:
        folder = _content(job)
        settings = dict(job["settings"], images=str(folder), metrics_python=sys.executable)
        for place, name in job["paths"].items():
            *owners, field = place.split(".")
            values = settings
            for owner in owners:
                values[owner] = dict(values[owner])
                values = values[owner]
            values[field] = str(folder / name)
        told = Path(tempfile.mkdtemp(prefix="ckssd-"))
        flags = []
        for flag, content in (("--settings", settings), ("--sweep", job["sweep"])):
            if content is not None:
                file = told / f"{flag.strip('-')}.json"
                file.write_text(json.dumps(content))
                flags += [flag, str(file)]
        python = job["python"] if os.access(job["python"], os.X_OK) else _made_python(job)
        # One thread each: a node runs as many of these as it has processors.
        one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(folder / "src")}
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 (as long as the process)
        self.process = subprocess.Popen(
            [python, "-m", "ckssd.measure.serve", *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=dict(os.environ, **one),
        )
        # Both are pipes, which a type checker cannot know.
        self._questions, self._answers = (
            cast("IO[bytes]", self.process.stdin),
            cast("IO[bytes]", self.process.stdout),
        )
        try:
            first = self._answer()
        finally:
            shutil.rmtree(told, ignore_errors=True)
        if "ready" not in first:
            self.end()
            raise NodeError(first.get("error") or _died_opening(first["died"]))

    def run(self, shard: str, images: str, output: Path) -> dict[str, Any]:
        """Run a batch; what it was busy with if it dies."""
        request = json.dumps({"shard": shard, "images": images, "output": str(output)}) + "\n"
        with contextlib.suppress(OSError):  # it has died: its answer says so
            self._questions.write(request.encode())
            self._questions.flush()
        answer = self._answer()
        if "done" in answer:
            return {"part": output.read_bytes()}
        return answer

    def _answer(self) -> dict[str, Any]:
        """The next line that is an answer; what it was busy with if there is none."""
        image = None
        for line in self._answers:
            try:
                answer: dict[str, Any] = json.loads(line)
            except ValueError:  # cut off by its end
                break
            if "image" not in answer:
                return answer
            image = answer["image"]
        code = self.process.wait()
        self.errors.seek(max(0, self.errors.seek(0, 2) - 2000))
        said = self.errors.read().decode("utf-8", "replace").strip().splitlines()
        return {"died": {"image": image, "code": code, "said": said[-1] if said else ""}}

    def end(self) -> None:
        """Let it end, and see that it does."""
        with contextlib.suppress(OSError):
            self._questions.close()
        try:
            self.process.wait(TIME_TO_END_S)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


def _died_opening(died: dict[str, Any]) -> dict[str, Any]:
    end = f"{died['said']} (exit code {died['code']})"
    return {"code": "run", "what": "The runtime dies while it opens the model", "got": end}


def _made_python(job: dict[str, Any]) -> str:
    """An interpreter with the runtime, in an environment made here once of the same lock."""
    where = f"{job['python']} on {os.uname().nodename}"
    if job["lock"] is None:
        advice = "install it there, at the same place: ckssd install --tags=TAGS"
        raise NodeError(
            {"code": "not-installed", "what": "A node lacks the runtime", "where": where, "advice": advice}
        )
    sha256 = hashlib.sha256(job["lock"].encode()).hexdigest()
    place: Path = _cache() / f"python{sys.version_info[0]}.{sys.version_info[1]}-{sha256}"
    python, whole = place / "bin" / "python", place / "whole"
    _cache().mkdir(parents=True, exist_ok=True)
    with place.with_name(f"{place.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            shutil.rmtree(place, ignore_errors=True)
            _run([sys.executable, "-m", "venv", str(place)], where)
            requirements = place / "requirements.lock"
            requirements.write_text(job["lock"])
            pip = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
            # uv, by which such environments are made here, heeds no upper bound of a wheel's Python either.
            as_uv = ["--ignore-requires-python", "--only-binary", ":all:"]
            _run([*pip, *as_uv, "-r", str(requirements)], where)
            whole.touch()
    return str(python)


def _run(command: list[str], where: str) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()
        what = "A node cannot make the runtime's environment of its lock"
        raise NodeError({"code": "environment", "what": what, "where": where, "got": said[-1]})


def _content(job: dict[str, Any]) -> Path:
    """The folder with the library's source, the model and the annotations on this node."""
    place: Path = _cache() / job["id"]
    if place.is_dir():
        return place
    _cache().mkdir(parents=True, exist_ok=True)
    with place.with_name(f"{place.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.is_dir():
            staging = Path(tempfile.mkdtemp(prefix=".ckssd-", dir=_cache()))
            try:
                _write_all(job, staging)
                staging.rename(place)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    return place


def _write_all(job: dict[str, Any], folder: Path) -> None:
    import ray

    for name, (sha256, blob) in job["files"].items():
        content = bytes(ray.get(blob))
        found = hashlib.sha256(content).hexdigest()
        if found != sha256:
            raise NodeError(
                {
                    "code": "verification",
                    "what": "A file did not arrive on a node as it was sent",
                    "where": f"{name} on {os.uname().nodename}",
                    "expected": f"sha256 {sha256}",
                    "got": found,
                }
            )
        if name == "src":
            zipfile.ZipFile(io.BytesIO(content)).extractall(folder / name)
        else:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _cache() -> Path:
    given = os.environ.get("CKSSD_CACHE", "")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "ckssd")
    return Path(given or base, "cluster")


def _written(pictures: dict[str, bytes], folder: Path) -> str:
    for name, content in pictures.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return str(folder)
