"""Flags of the commands that run over a cluster, and the variables that the same is said by."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ckssd.ck.environments import environments, the_environment
from ckssd.cli.pairs import pairs
from ckssd.cluster.settings import FIELDS, VARIABLE, from_environment
from ckssd.errors import UsageError
from ckssd.secrets import given

RAY_TAGS = "lib,ray"
FLAGS = {
    "cluster": VARIABLE,
    "run_folder": "CK_CLUSTER_FOLDER",
    "cluster_images": "CK_CLUSTER_IMAGES",
}
ALONE = ("--run-folder", "--resume", "--cluster-images")


def add_cluster_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where a run goes over a cluster."""
    add = parser.add_argument
    add(
        "--cluster",
        metavar="ADDRESS",
        help="run over Ray: ray (this machine), ray://HOST:PORT, or HOST:PORT of ray start (CK_CLUSTER)",
    )
    add("--run-folder", type=Path, metavar="DIR", help="keep what is finished there (CK_CLUSTER_FOLDER)")
    add("--resume", action="store_true", help="go on with what that folder has (CK_CLUSTER_RESUME)")
    add(
        "--cluster-images",
        metavar="HOW",
        help="shared (on a path that all nodes have, the default), sent, an address that they fetch from"
        " (https://HOST/…/, s3://BUCKET/…/), or entry: that of the data set's entry (CK_CLUSTER_IMAGES)",
    )


def refuse_cluster(options: argparse.Namespace, what: str, advice: str) -> None:
    """Raise a UsageError if a cluster is named where nothing goes over one: ``what`` says where."""
    named = pairs(options.env, "--env").get(VARIABLE, os.environ.get(VARIABLE, ""))
    if named.strip():
        raise UsageError(f"{what} is not run over a cluster", where=VARIABLE, advice=advice)


def cluster_variables(options: argparse.Namespace) -> dict[str, str]:
    """All variables of a run over a cluster; empty if none is asked for.

    Raises
    ------
    UsageError
        A value cannot be used.
    """
    said = {variable: os.environ[variable] for variable, _ in FIELDS.values() if os.environ.get(variable)}
    said |= {name: str(word) for flag, name in FLAGS.items() if (word := getattr(options, flag))}
    said |= {"CK_CLUSTER_RESUME": "yes"} if options.resume else {}
    named = pairs(options.env, "--env")
    said |= {name: given(text) for name, text in named.items() if name.startswith(VARIABLE)}
    if from_environment(said) is None:
        if options.run_folder or options.resume or options.cluster_images:
            got = " ".join(flag for flag in ALONE if getattr(options, flag.strip("-").replace("-", "_")))
            raise UsageError("These flags go with --cluster", got=got)
        return {}
    if environments(RAY_TAGS):
        said |= the_environment(RAY_TAGS).variables
    return said
