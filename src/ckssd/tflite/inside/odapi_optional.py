"""Packages that only other architectures and other metrics of the Object Detection API need.

Copied into ``object_detection/`` when that package is installed. A package that is there is the real one;
of one that is missing the import succeeds, and its first use says what is missing.
Stands alone: Python 3.6 or later.
"""
# mypy: ignore-errors

import importlib


class Absent:
    """A module or a name in it that cannot be imported; calling it, or anything in it, says why."""

    def __init__(self, name, reason):
        self._name, self._reason = name, reason

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent(self._name + "." + name, self._reason)

    def __call__(self, *_unused, **_unused_too):
        """End whatever would use it."""
        raise ImportError(
            "{} is needed here and is not in this environment ({}): no SSD needs it, and ck-ssd "
            "does not install it".format(self._name, self._reason)
        )


def module(*names):
    """The first module of these names that is there, or a stand-in that fails when it is used."""
    missing = None
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError as error:
            missing = error
    return Absent(names[0], missing)
