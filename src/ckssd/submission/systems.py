"""Rules about the description of the machine, ``systems/NAME.json``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ckssd.errors import InputError
from ckssd.json_file import read_object
from ckssd.submission import rules
from ckssd.submission.layout import Owner
from ckssd.submission.rules import Finding

# Source: submission-checker.py of r2.0, SYSTEM_DESC_REQUIRED_FIELDS and those since v1.0.
FIELDS = (
    *("submitter", "division", "system_type", "status", "system_name", "number_of_nodes"),
    *("host_processors_per_node", "host_processor_model_name", "host_processor_core_count"),
    *("host_processor_frequency", "host_processor_caches", "host_processor_interconnect"),
    *("host_memory_capacity", "host_memory_configuration", "host_storage_type", "host_storage_capacity"),
    *("host_networking", "host_networking_topology", "accelerators_per_node", "accelerator_model_name"),
    *("accelerator_host_interconnect", "accelerator_frequency", "accelerator_on-chip_memories"),
    *("accelerator_memory_configuration", "accelerator_memory_capacity", "accelerator_interconnect"),
    *("accelerator_interconnect_topology", "cooling", "hw_notes"),
    *("framework", "other_software_stack", "operating_system", "sw_notes"),
)
# Source: submission_rules.adoc, 5.7: "meaningful response required".
MEANINGFUL = (
    *("submitter", "division", "system_type", "status", "system_name", "number_of_nodes"),
    *("host_processors_per_node", "host_processor_model_name", "host_processor_core_count"),
    *("host_memory_capacity", "host_storage_type", "host_storage_capacity", "accelerators_per_node"),
    *("framework", "other_software_stack", "operating_system"),
)
OF_ACCELERATORS = (
    *("accelerator_model_name", "accelerator_memory_configuration", "accelerator_memory_capacity"),
)
COUNTS = ("number_of_nodes", "host_processors_per_node", "host_processor_core_count")
NOTHING = ("", "-", "n/a", "na", "none", "todo", "tbd", "unknown", "not stated", "?")
STATUSES = ("available", "preview", "rdi")
TYPES = ("edge", "datacenter,edge", "edge,datacenter")


def check_system(owner: Owner, system: str) -> Iterator[Finding]:
    """The description of one system."""
    path = owner.system_file(system)
    where = owner.show(path)
    try:
        described = read_object(path, "fields of a system")
    except InputError as error:
        yield Finding(rules.SYSTEM_FILE, where, "a JSON object", error.got or error.what)
        return
    for name in FIELDS:
        if name not in described:
            yield Finding(rules.SYSTEM_FIELDS, where, f"the field {name}", "no such field")
    yield from _values(described, where)
    for name, wanted in (("division", owner.division), ("submitter", owner.name)):
        got = str(described.get(name))
        if got.lower() != wanted.lower():
            yield Finding(rules.SYSTEM_FOLDERS, where, f"{name} {wanted}", got)
    if described.get("system_type") not in TYPES:
        yield Finding(rules.SYSTEM_TYPE, where, " or ".join(TYPES), described.get("system_type"))
    if str(described.get("status")).lower() not in STATUSES:
        yield Finding(rules.SYSTEM_STATUS, where, " or ".join(STATUSES), described.get("status"))


def _values(described: dict[str, Any], where: str) -> Iterator[Finding]:
    accelerated = str(described.get("accelerators_per_node", "0")).strip() not in ("0", "")
    for name in (*MEANINGFUL, *(OF_ACCELERATORS if accelerated else ())):
        value = described.get(name)
        if value is not None and str(value).strip().lower() in NOTHING:
            advice = f"state it: ckssd submission create --field {name}=…"
            yield Finding(rules.SYSTEM_VALUES, where, f"an answer in {name}", value or "nothing", advice)
    for name in (*COUNTS, "accelerators_per_node"):
        value = str(described.get(name, "1")).strip()
        least = 1 if name in COUNTS else 0
        if value.lower() not in NOTHING and not (value.isdigit() and int(value) >= least):
            yield Finding(rules.SYSTEM_VALUES, where, f"a number in {name}, at least {least}", value)
