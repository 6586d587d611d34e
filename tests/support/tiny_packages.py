"""Packages of a few bytes in a CK repository of their own, installed by the real ``ck install``."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from ckssd.ck.home import plain_path
from tests.support.processes import Started, StopAt
from tests.support.sandbox import CHECKOUT, Done, Sandbox

REPOSITORY = "tiny-packages"
SOFT = {
    "auto_detect": "no",
    "ckssd": {"paths": {"FILE": "one.txt", "PYTHON_FILE": "bin/python"}},
    "customize": {
        "env_prefix": "CK_ENV_TINY",
        "skip_add_dirs": "yes",
        "skip_add_to_bin": "yes",
        "skip_add_to_ld_path": "yes",
        "skip_add_to_path": "yes",
        "skip_path": "yes",
        "soft_file_universal": "provenance.json",
    },
    "soft_name": "a tiny package",
    "tags": ["tiny"],
    "use_customize_script_from_another_entry": {"data_uoa": "ckssd-hooks"},
}


def uid_of(name: str) -> str:
    """A CK UID for a name."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


class TinyPackages:
    """The repository, beside this project's in the CK home of a sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.cache = sandbox.cache
        self._folder = sandbox.folder / "tiny packages"
        for kind in ("package", "soft"):
            (self._folder / kind / ".cm").mkdir(parents=True)
        shutil.copytree(CHECKOUT / ".cm", self._folder / ".cm")
        description = {"data_alias": REPOSITORY, "data_uoa": REPOSITORY, "data_uid": uid_of(REPOSITORY)}
        text = json.dumps({**description, "data_name": REPOSITORY, "dict": {"repo_deps": []}})
        (self._folder / ".ckr.json").write_text(text)
        self._add_entry("soft", "tiny", SOFT)
        done = sandbox.ck("add", "repo", "--import=yes", f"--path={plain_path(self._folder)}", "--quiet")
        assert done.code == 0, done.text

    def remove(self) -> None:
        """Remove the home, the repository in it and the links to both."""
        link = plain_path(self._folder)
        self.sandbox.remove()
        if link.is_symlink():
            link.unlink()

    def add_download(self, name: str, url: str, body: bytes, **layout: Any) -> None:
        """Make a package of one downloaded file (``unpack="."`` for an archive)."""
        source = {
            "file_name": url.rpartition("/")[2],
            "urls": [url],
            "size": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
            "licence": "CC0-1.0",
        }
        self._add_package(name, {"recipe": "download", "sources": [{**source, **layout}]})

    def add_environment(self, name: str, lock: str) -> None:
        """Make a package that is a Python environment with the locked requirements."""
        self._add_package(
            name, {"recipe": "python-environment", "python": ">=3.8", "requirements": "requirements.lock"}
        )
        (self._folder / "package" / name / "requirements.lock").write_text(lock)

    def start(self, name: str, *words: str, stop_at: StopAt | None = None, **variables: str) -> Started:
        """Begin ``ck install package`` in a process group of its own."""
        added = {**self._variables(), **variables, **(stop_at.variables() if stop_at else {})}
        return self.sandbox.start("ck", "install", "package", f"--tags=tiny,{name}", *words, **added)

    def install(self, name: str, *words: str, **variables: str) -> Done:
        """Run ``ck install package``; a failure fails the test with all that was printed."""
        added = {**self._variables(), **variables}
        done = self.sandbox.ck("install", "package", f"--tags=tiny,{name}", *words, **added)
        assert done.code == 0, done.text
        return done

    def target(self, name: str) -> Path:
        """The folder that a package is installed in."""
        tools = (self.sandbox.folder / "tools").resolve()
        return tools / f"{name}-1.0-linux-64"

    def registered(self, name: str) -> list[Path]:
        """Where CK's environment entries of a package say that it is installed."""
        done = self.sandbox.ckssd("info", f"--tags=tiny,{name}", "--json")
        return [Path(item["location"]).resolve() for item in json.loads(done.out)["data"]["installed"]]

    def _variables(self) -> dict[str, str]:
        return {"UV_CACHE_DIR": str(self.sandbox.folder / "uv cache")}

    def _add_package(self, name: str, section: dict[str, Any]) -> None:
        meta = {
            "check_exit_status": "yes",
            "ckssd": section,
            "customize": {"version": "1.0", "version_split": [1, 0], "skip_file_check": "no"},
            "deps": {},
            "end_full_path": {"linux": "provenance.json"},
            "env": {},
            "soft_uoa": "tiny",
            "suggested_path": name,
            "tags": ["tiny", name],
            "use_scripts_from_another_entry": {"data_uoa": "ckssd-hooks"},
        }
        self._add_entry("package", name, meta)

    def _add_entry(self, kind: str, alias: str, meta: dict[str, Any]) -> None:
        uid = uid_of(f"{kind}:{alias}")
        names = self._folder / kind / ".cm"
        (names / f"alias-a-{alias}").write_text(uid + "\n")
        (names / f"alias-u-{uid}").write_text(alias + "\n")
        place = self._folder / kind / alias / ".cm"
        place.mkdir(parents=True)
        (place / "info.json").write_text(json.dumps({"backup_data_uid": uid, "data_name": alias}))
        (place / "meta.json").write_text(json.dumps(meta))
