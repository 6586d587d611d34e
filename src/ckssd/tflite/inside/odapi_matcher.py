"""What exporters use of ``tensorflow.contrib.quantize.python.graph_matcher``, which TensorFlow 2 lacks.

Copied into ``object_detection/`` when that package is installed. Patterns are trees: an operation's type
(``*``, or several with ``|`` between them) and those of its inputs. A pattern that appears twice in a tree
stands for one and the same tensor. Stands alone: Python 3.6 or later, nothing but the standard library.
"""
# mypy: ignore-errors

import itertools


class OpTypePattern:
    """Matches an operation by its type and, if ``inputs`` is given, by all its inputs."""

    def __init__(self, op_type, name=None, inputs=None, ordered_inputs=True):
        self.name = name
        self._types = None if op_type == "*" else op_type.split("|")
        self._inputs = [OpTypePattern(each) if isinstance(each, str) else each for each in inputs or []]
        self._ordered = ordered_inputs

    def match(self, op, tensor, found):
        """What ``found`` becomes when this pattern matches, as pattern to (op, tensor); else None."""
        if self in found:
            return found if found[self] == (op, tensor) else None
        if self._types is not None and op.type not in self._types:
            return None
        found = {**found, self: (op, tensor)}
        if not self._inputs:
            return found
        if len(op.inputs) != len(self._inputs):
            return None
        orders = [self._inputs] if self._ordered else itertools.permutations(self._inputs)
        return next(filter(None, (_match_inputs(op, order, found) for order in orders)), None)


class OneofPattern:
    """Matches what the first of several patterns that matches does."""

    def __init__(self, sub_patterns):
        self._patterns = sub_patterns

    def match(self, op, tensor, found):
        """As that of OpTypePattern."""
        matches = (pattern.match(op, tensor, found) for pattern in self._patterns)
        return next((match for match in matches if match is not None), None)


def _match_inputs(op, patterns, found):
    for tensor, pattern in zip(op.inputs, patterns):
        found = pattern.match(tensor.op, tensor, found)
        if found is None:
            return None
    return found


class MatchResult:
    """The operations and tensors that the parts of a pattern stand for."""

    def __init__(self, found):
        self._found = found

    def get_op(self, pattern):
        """The operation that a pattern matched; None if it is no part of the match."""
        return self._found.get(pattern, (None, None))[0]

    def get_tensor(self, pattern):
        """The tensor by which it was reached; None for the operation that the match begins with."""
        return self._found.get(pattern, (None, None))[1]


class GraphMatcher:
    """Finds a pattern in a graph."""

    def __init__(self, pattern):
        self._pattern = pattern

    def match_op(self, op):
        """The match that begins with an operation, or None."""
        found = self._pattern.match(op, None, {})
        return None if found is None else MatchResult(found)

    def match_ops(self, ops):
        """Every match that begins with one of the operations."""
        return filter(None, map(self.match_op, ops))

    def match_graph(self, graph):
        """Every match in a graph; operations that are added meanwhile are not looked at."""
        return self.match_ops(graph.get_operations())
