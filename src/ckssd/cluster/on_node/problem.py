"""What a node says when it cannot do something."""

from __future__ import annotations

import os


class NodeError(Exception):
    """What the driver raises as an error of the family: the dict of CkssdError.as_dict."""

    @property
    def fields(self) -> dict[str, str]:
        """That dict."""
        fields: dict[str, str] = self.args[0]
        return fields


def problem(code: str, what: str, where: str, **more: str) -> NodeError:
    """The error with a node's name behind the place; ``more``: expected, got, advice."""
    return NodeError({"code": code, "what": what, "where": f"{where} on {os.uname().nodename}", **more})
