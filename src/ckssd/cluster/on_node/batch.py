"""A batch on a node: makes there what it needs, and hands it to a process beside Ray's worker.

Everything that travels is known by its SHA-256: it is written once for each node, under a lock, and hashed
again by whoever opens it first. One process for each worker has the model open, and stays.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import types
import zipfile
from pathlib import Path
from typing import IO, Any, cast

from ckssd.cluster.on_node.cache import cache_folder, use
from ckssd.cluster.on_node.pictures import Source, fetch
from ckssd.cluster.on_node.problem import NodeError, problem

KEPT = "ckssd_on_node"  # Ray may make this module anew; what is kept between tasks is not in it
TIME_TO_END_S = 5


def run_batch(job: dict[str, Any], shard: str, pictures: dict[str, Any] | None) -> dict[str, Any]:
    """Run one batch of images; the answer is a dict with ``part`` (bytes), ``error`` or ``died``.

    ``job``: see ckssd.cluster.job. ``pictures``, where they are not on a shared path: ``sent``, file name to
    bytes, or ``source``, the fields of Source; the answer then has ``fetched``, the fields of Fetched.
    """
    node: dict[str, Any] = {"node": os.uname().nodename, "pid": os.getpid()}
    try:
        server = _server(job)
        with tempfile.TemporaryDirectory(prefix="ckssd-") as folder:
            images = Path(folder, "images")
            if pictures is None:
                images = Path(job["images"])
            elif "source" in pictures:
                node["fetched"] = vars(fetch(Source(**pictures["source"]), images))
            else:
                for name, content in pictures["sent"].items():
                    _write(content, images / name)
            return {**node, **server.run(shard, str(images), Path(folder, "found.part"))}
    except NodeError as error:
        return {**node, "error": error.fields}
    except OSError as error:
        lacks = problem("environment", "A node cannot keep what it needs", "its folders", got=str(error))
        return {**node, "error": lacks.fields}


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
        # What this uses of the node's cache is held until its end, or that of Ray's worker.
        with contextlib.ExitStack() as held:
            folder = _content(job, held)
            python = job["python"] if os.access(job["python"], os.X_OK) else _made_python(job, held)
            self.errors = tempfile.TemporaryFile()  # noqa: SIM115 (as long as the process)
            with tempfile.TemporaryDirectory(prefix="ckssd-") as told:
                self.process = self._begun(python, folder, _told(job, folder, Path(told)))
                # Both are pipes, which a type checker cannot know.
                self._questions = cast("IO[bytes]", self.process.stdin)
                self._answers = cast("IO[bytes]", self.process.stdout)
                first = self._answer()
            self._held = held.pop_all()
        if "ready" not in first:
            self.end()
            raise NodeError(first.get("error") or _died_opening(first["died"]))

    def _begun(self, python: str, folder: Path, flags: list[str]) -> subprocess.Popen[bytes]:
        # One thread each: a node runs as many of these as it has processors.
        one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(folder / "src")}
        return subprocess.Popen(
            [python, "-m", "ckssd.measure.serve", *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=dict(os.environ, **one),
        )

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
        self._held.close()


def _told(job: dict[str, Any], folder: Path, told: Path) -> list[str]:
    """The flags that tell the process its settings, by files that are written into ``told``."""
    settings = dict(job["settings"], images=str(folder), metrics_python=sys.executable)
    for place, name in job["paths"].items():
        *owners, field = place.split(".")
        values = settings
        for owner in owners:
            values[owner] = dict(values[owner])
            values = values[owner]
        values[field] = str(folder / name)
    flags = []
    for flag, content in (("--settings", settings), ("--sweep", job["sweep"])):
        if content is not None:
            file = told / f"{flag.strip('-')}.json"
            file.write_text(json.dumps(content))
            flags += [flag, str(file)]
    return flags


def _died_opening(died: dict[str, Any]) -> dict[str, Any]:
    end = f"{died['said']} (exit code {died['code']})"
    return {"code": "run", "what": "The runtime dies while it opens the model", "got": end}


def _made_python(job: dict[str, Any], held: contextlib.ExitStack) -> str:
    """An interpreter with the runtime, in an environment made here once of the same lock."""
    if job["lock"] is None:
        advice = "install it there, at the same place: ckssd install --tags=TAGS"
        raise problem("not-installed", "A node lacks the runtime", job["python"], advice=advice)
    sha256 = hashlib.sha256(job["lock"].encode()).hexdigest()
    place = cache_folder() / f"python{sys.version_info[0]}.{sys.version_info[1]}-{sha256}"
    held.enter_context(use(place, lambda folder: _make_python(folder, job)))
    return str(place / "bin" / "python")


def _make_python(folder: Path, job: dict[str, Any]) -> None:
    _run([sys.executable, "-m", "venv", str(folder)], job["python"])
    requirements = folder / "requirements.lock"
    requirements.write_text(job["lock"])
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
    # uv, by which such environments are made here, heeds no upper bound of a wheel's Python either.
    as_uv = ["--ignore-requires-python", "--only-binary", ":all:"]
    _run([*pip, *as_uv, "-r", str(requirements)], job["python"])


def _run(command: list[str], python: str) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()
        what = "A node cannot make the runtime's environment of its lock"
        raise problem("environment", what, python, got=said[-1])


def _content(job: dict[str, Any], held: contextlib.ExitStack) -> Path:
    """The folder with the library's source, the model and the annotations on this node."""
    place: Path = cache_folder() / job["id"]
    held.enter_context(use(place, lambda folder: _write_all(job, folder)))
    return place


def _write_all(job: dict[str, Any], folder: Path) -> None:
    import ray

    for name, (sha256, blob) in job["files"].items():
        content = bytes(ray.get(blob))
        found = hashlib.sha256(content).hexdigest()
        if found != sha256:
            what = "A file did not arrive on a node as it was sent"
            raise problem("verification", what, name, expected=f"sha256 {sha256}", got=found)
        if name == "src":
            zipfile.ZipFile(io.BytesIO(content)).extractall(folder / name)
        else:
            _write(content, folder / name)


def _write(content: bytes, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
