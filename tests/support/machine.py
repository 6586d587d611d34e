"""What this machine can have of what the demo needs; tests of the rest are skipped, with the reason.

A machine whose only Python is 3.14 has TensorFlow's pre-release and not the Object Detection API. What there
is, `make demo`'s own plan says.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from ckssd.fetch.locking import held_lock
from tests.support.sandbox import Sandbox

# Not in this process: CK is imported once, for one home.
_CODE = """
import json, sys
from ckssd.cli.demo_plan import plan_demo
plan = plan_demo()
parts = [[part.tags, *part.options] for part in plan.parts]
print("\\n" + json.dumps({"parts": parts, "lacks_api": plan.no_photographs}))
"""


@dataclass(frozen=True)
class Machine:
    """``parts``: tags and options of the packages that the demo installs; ``lacks_api``: why, or empty."""

    parts: list[list[str]]
    lacks_api: str


def this_machine(home: Sandbox, folder: Path) -> Machine:
    """What the demo's plan says, asked once in a run whose folder is ``folder``."""
    place = folder / "machine.json"
    with held_lock(folder / "machine.lock", "this machine"):
        if not place.exists():
            done = home.run(sys.executable, "-c", _CODE)
            assert done.code == 0, done.text
            place.write_text(done.out.splitlines()[-1])
    return Machine(**json.loads(place.read_text()))
