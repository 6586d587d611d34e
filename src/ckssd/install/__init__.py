"""Installing so that nothing half-done is ever taken for whole: Pythons, environments, the transaction."""

from ckssd.install.environment import Environment, create_environment, install_packages_to, lock_of
from ckssd.install.identity import Identity
from ckssd.install.provenance import (
    Change,
    Provenance,
    SourceRecord,
    changes,
    manifest,
    read_provenance,
)
from ckssd.install.pythons import Python, choose_python, find_pythons, python_at
from ckssd.install.transaction import (
    Installation,
    Outcome,
    clean_stale,
    ensure,
    installed,
    registration,
    uninstall,
)
from ckssd.install.uv import find_uv, run_uv, uv_version

__all__ = [
    "Change",
    "Environment",
    "Identity",
    "Installation",
    "Outcome",
    "Provenance",
    "Python",
    "SourceRecord",
    "changes",
    "choose_python",
    "clean_stale",
    "create_environment",
    "ensure",
    "find_pythons",
    "find_uv",
    "install_packages_to",
    "installed",
    "lock_of",
    "manifest",
    "python_at",
    "read_provenance",
    "registration",
    "run_uv",
    "uninstall",
    "uv_version",
]
