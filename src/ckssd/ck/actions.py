"""The actions of CK's module ``ssd``: each prints what the function of the same job returns."""

from __future__ import annotations

from typing import Any

from ckssd.ck.inventory import describe, inventory
from ckssd.ck.kernel import Answer, hook


@hook
def info(i: dict[str, Any]) -> Answer:
    """``ck info ssd``: what is installed, with versions, sizes and the variables each thing gives."""
    items = inventory(i.get("tags", ""))
    if i.get("out") == "con":
        print(describe(items))
    return {"installed": [item.as_dict() for item in items]}
