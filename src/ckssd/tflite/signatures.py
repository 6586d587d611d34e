"""TFLite files with several graphs: the one that a signature names, alone.

Everything else here works on one graph, and so does an interpreter that is not told a signature.
Slot numbers are those of tensorflow/lite/schema/schema.fbs.
"""

from __future__ import annotations

from pathlib import Path

from ckssd.errors import UsageError
from ckssd.tflite.flatbuffer import Malformed, Table, remove_table

MODEL_CODES, MODEL_SUBGRAPHS, MODEL_SIGNATURES = 1, 2, 7
SIGNATURE_KEY, SIGNATURE_SUBGRAPH = 2, 4
# Operators that run another graph of the file: CALL, IF, WHILE, CALL_ONCE.
CALLING = (31, 118, 119, 129)
CODE_BYTE, CODE_NUMBER = 0, 3


def signatures(data: bytes) -> dict[str, int]:
    """The names of a file's signatures, in their order, and the index of each one's graph."""
    tables = Table.root(data).tables(MODEL_SIGNATURES)
    return {table.text(SIGNATURE_KEY): table.number(SIGNATURE_SUBGRAPH, "I") for table in tables}


def only_graph(path: Path, data: bytes, signature: str | None) -> bytes:
    """The file with just the graph that a signature names; None: the first signature's, or the first.

    Raises
    ------
    UsageError
        There is no signature of this name.
    Malformed
        The graphs cannot be told apart.
    """
    named = signatures(data)
    if signature is not None and signature not in named:
        raise UsageError(
            "The model has no such signature",
            where=path,
            expected=", ".join(named) or "none: it has no signatures",
            got=signature,
        )
    chosen = named[signature] if signature is not None else next(iter(named.values()), 0)
    count = len(Table.root(data).tables(MODEL_SUBGRAPHS))
    if count == 1:
        return data
    if not 0 <= chosen < count:
        raise Malformed(f"a signature of graph {chosen} of {count}")
    _check_no_calls(data)
    kept = bytearray(data)
    for index in reversed([index for index in range(count) if index != chosen]):
        remove_table(kept, Table.root(kept), MODEL_SUBGRAPHS, index)
    while Table.root(kept).vector(MODEL_SIGNATURES)[1]:  # they count the graphs that were there
        remove_table(kept, Table.root(kept), MODEL_SIGNATURES, 0)
    return bytes(kept)


def _check_no_calls(data: bytes) -> None:
    for table in Table.root(data).tables(MODEL_CODES):
        code = max(table.number(CODE_BYTE, "b"), table.number(CODE_NUMBER, "i"))
        if code in CALLING:
            raise Malformed(f"its graphs run each other (operator {code})")
