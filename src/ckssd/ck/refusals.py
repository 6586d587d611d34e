"""CK's hook before a benchmark. CK imports it within every run's time, so it imports next to nothing.

CK writes ``--env.NAME=VALUE`` into the script that it prints and runs, and into the experiment's entry.
"""

from __future__ import annotations

from typing import Any

from ckssd.ck.kernel import Answer, hook
from ckssd.errors import UsageError
from ckssd.secrets import public

# As in ckssd.cluster.settings, whose imports take longer.
ADDRESSES = {
    "CK_CLUSTER": "give it to ckssd benchmark --cluster",
    "CK_CLUSTER_IMAGES": "set it in the shell: CK_CLUSTER_IMAGES=ADDRESS ck benchmark …",
}


@hook
def refuse_secrets(i: dict[str, Any]) -> Answer:
    """Refuse addresses with secrets among CK's own variables; those of the shell are not CK's."""
    for name, advice in ADDRESSES.items():
        text = str(i.get("env", {}).get(name, ""))
        if public(text) != text:
            raise UsageError(
                "CK would print and record the secrets of an address", where=f"--env.{name}", advice=advice
            )
    return {}
