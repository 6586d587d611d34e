"""A machine as ``systems/NAME.json`` wants it: what can be read is read, the rest is said to be unstated."""

from __future__ import annotations

import difflib
import os
import platform
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ckssd.errors import UsageError
from ckssd.measure.machine import describe_machine
from ckssd.submission.systems import FIELDS

UNSTATED, NOT_THERE = "not stated", "N/A"
OWN = ("submitter", "division")  # of the folders; nobody else's to say
_KIB_IN_GIB = 1 << 20


def describe_system(
    owner: Mapping[str, str], settings: Mapping[str, Any], said: Mapping[str, str]
) -> dict[str, Any]:
    """The description of a machine.

    Parameters
    ----------
    owner
        ``submitter`` and ``division``.
    settings
        Of a run on it: see ckssd.measure.result.RunSettings.
    said
        Fields that a person states; they count more than what was read.

    Raises
    ------
    UsageError
        A field is none of a description.
    """
    for name in said:
        if name not in FIELDS or name in OWN:
            near = difflib.get_close_matches(name, FIELDS, 1)
            raise UsageError("A system has no such field", expected=near[0] if near else FIELDS, got=name)
    found = dict.fromkeys(FIELDS, UNSTATED)
    found |= {name: NOT_THERE for name in FIELDS if name.startswith("accelerator")}
    found |= {
        "accelerators_per_node": "0",
        "host_networking": NOT_THERE,
        "host_networking_topology": NOT_THERE,
    }
    return {**found, **_read(), **_software(settings), **said, **owner}


def _read() -> dict[str, Any]:
    machine = describe_machine()
    found = {
        "system_type": "edge",
        "status": "rdi",
        "system_name": f"{machine['cpu']}, {machine['processors']} processors",
        "number_of_nodes": "1",
        "host_processors_per_node": str(len(_packages()) or 1),
        "host_processor_model_name": machine["cpu"],
        "host_processor_core_count": str(machine["processors"]),
        "host_storage_capacity": f"{shutil.disk_usage('/').total / 1024**3:.0f} GiB",
        "operating_system": _operating_system(),
        "hw_notes": f"core count: processors that the process could use, of {os.cpu_count()}",
    }
    read = {
        "host_memory_capacity": _memory(),
        "host_processor_frequency": _frequency(),
        "host_processor_caches": _caches(),
    }
    return {**found, **{name: text for name, text in read.items() if text}}


# Where the kernel has no such files (macOS), the fields stay unstated.


def _memory() -> str:
    try:
        text = Path("/proc/meminfo").read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(r"^MemTotal:\s*(\d+) kB$", text, re.MULTILINE)
    return f"{int(found[1]) / _KIB_IN_GIB:.0f} GiB" if found else ""


def _frequency() -> str:
    try:
        text = Path("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq").read_text(encoding="utf-8")
    except OSError:
        return ""
    return f"{int(text) // 1000} MHz" if text.strip().isdigit() else ""


def _packages() -> set[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return set()
    return set(re.findall(r"^physical id\s*: (\d+)$", text, re.MULTILINE))


def _operating_system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.platform()


def _caches() -> str:
    parts = []
    try:
        for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
            level, kind, size = (
                (folder / name).read_text(encoding="utf-8").strip() for name in ("level", "type", "size")
            )
            parts.append(f"L{level} {kind.lower()} {size}")
    except OSError:
        return ""
    return ", ".join(parts)


def _software(settings: Mapping[str, Any]) -> dict[str, str]:
    runtime, versions = str(settings["runtime"]), dict(settings["versions"])
    main = next((f"{name} {text}" for name, text in versions.items() if runtime in name), runtime)
    return {
        "framework": main,
        "other_software_stack": ", ".join(f"{name} {text}" for name, text in versions.items()),
        "sw_notes": f"{settings['threads']} threads; {settings['postprocessed_by']}",
    }
