"""The command line ``ckssd``: the jobs of the CK entries for people without CK, by the same functions."""

from ckssd.cli.main import main

__all__ = ["main"]
