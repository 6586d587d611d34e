"""CK's hooks for ``package`` entries: the install of one package, whole or not at all.

CK asks for the install and registers what came of it; everything between is :mod:`ckssd.recipes`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ckssd.ck.environments import find_by_location, remove_half_made
from ckssd.ck.home import ck_repositories
from ckssd.ck.kernel import Answer, hook
from ckssd.ck.options import BEHIND_THE_DEFAULT, DEFAULT_TAG, folder_part, tags_of
from ckssd.ck.variations import OPPOSITE, switched_off
from ckssd.install import registration
from ckssd.recipes import Dependency, Package, install, recipe_of
from ckssd.report import say
from ckssd.secrets import public_value

# CK registers the environment after `setup` returned and gives no hook behind that, so the lock on
# the folder is kept until this process installs the next package or ends: never two locks at once.
_registering = contextlib.ExitStack()


@hook
def pre_path(i: dict[str, Any]) -> Answer:
    """Make tags and folder say what the variables of this install change.

    ``--env.CK_APPLY_FIXES=no`` turns the variation ``fixes`` into ``no-fixes``: the same installation as
    by ``--tags=…,no-fixes``, never taken for one with the fixes. Variables that decide the content, such as
    ``--env.DATA_TYPE=FP16``, give an installation of its own, too (:mod:`ckssd.ck.options`).
    """
    # CK keeps these variables in what it registers, so they lose their secrets before anything else.
    i["install_env"].update({k: public_value(v) for k, v in i["install_env"].items() if isinstance(v, str)})
    suffix = ""
    for name in switched_off(i["cfg"].get("variations", {}), i["tags"], i["install_env"]):
        i["tags"][i["tags"].index(name)] = OPPOSITE + name
        # CK puts the variations' names behind this, sorted: "-no" and "-fixes-v2019.05".
        suffix = "-" + OPPOSITE.rstrip("-")
    asked = _asked(i)
    # What is installed by its own tags only can then be a dependency of what asks for these.
    i["tags"].extend(asked.section.get("environment_tags", []))
    chosen = recipe_of(asked)
    chosen.refuse_other_sources(asked)
    options = chosen.own_options(asked)
    if options:
        names = chosen.own_names(asked)
        tags = names or tags_of(options)
        others = "" if names else f"; {DEFAULT_TAG} is the entry's"
        say(f"An installation of its own, chosen by the tags {','.join(tags)}{others}")
        suffix = ("-" + "-".join(names) if names else folder_part(options)) + suffix
        i["tags"].extend(tags)
        i["customize"]["sort"] = BEHIND_THE_DEFAULT
    elif chosen.content:
        i["tags"].append(DEFAULT_TAG)
    if suffix:
        i["customize"]["extra_suggested_path"] = suffix
    return {}


def _asked(i: dict[str, Any]) -> Package:
    """Return what is known of a package before CK has chosen its folder and dependencies."""
    return Package(
        alias=i["cfg"]["suggested_path"],
        uid="",
        version=i["version"],
        folder=Path(),
        meta=i["cfg"],
        options=_options(i["install_env"]),
        variations=_variations(i),
    )


@hook
def setup(i: dict[str, Any]) -> Answer:
    """Install the package into ``i['install_path']``, or find it whole there."""
    target = Path(i["install_path"])
    package = package_of(i)
    _registering.close()
    _registering.enter_context(registration(target))
    remove_half_made()
    install(package, target, recipe_of(package))
    registered = find_by_location(target)
    return {"soft_cfg": {"env_data_uoa": registered} if registered else {}}


def package_of(i: dict[str, Any]) -> Package:
    """Translate CK's dictionary into a package."""
    return Package(
        alias=Path(i["path_original_package"]).name,
        uid=i["customize"]["used_package_uid"],
        version=i["customize"].get("version", ""),
        folder=Path(i["path_original_package"]),
        meta=i["cfg"],
        options=_options(i["new_env"]),
        dependencies={
            name: Dependency(uid=dependency["uoa"], variables=dependency["dict"].get("env", {}))
            for name, dependency in i["deps"].items()
            if dependency.get("uoa")
        },
        variations=_variations(i),
        home=str(ck_repositories()),
    )


def _options(variables: Mapping[str, Any]) -> dict[str, str]:
    return {name: public_value(str(value)) for name, value in variables.items()}


def _variations(i: dict[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(set(i["tags"]) & set(i["cfg"].get("variations", {}))))
