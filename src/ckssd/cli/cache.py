"""Look after the cache of downloaded files, which every installation shares, and of runs over a cluster.

    ckssd cache list
    ckssd cache verify
    ckssd cache prune --unused-for 30

Files are named by their hash and checked on every use. Installed packages do not need them any more: pruning
costs a download when something is installed again. What this machine keeps as a node of a cluster (models,
environments) is shown and pruned as well, but for what a run uses. Python packages are in uv's own cache: see
`uv cache`.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from ckssd.cli.result import Result
from ckssd.cluster.on_node.cache import Kept, cache_folder, kept, prune
from ckssd.errors import UsageError, VerificationError
from ckssd.fetch import Settings, SourceCache
from ckssd.fetch.cache import CacheEntry, unwritable

SECONDS_A_DAY = 86400.0
DEFAULT_DAYS = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "action", choices=["list", "verify", "prune"], help="show it, hash it again, or remove old files"
    )
    parser.add_argument(
        "--unused-for",
        type=float,
        metavar="DAYS",
        help=f"prune: what nobody used for so long (default {DEFAULT_DAYS:.0f}; 0: everything)",
    )


def run(options: argparse.Namespace) -> Result:
    """Do one of the three."""
    cache = SourceCache(Settings.from_environment().cache)
    if options.action != "prune":
        if options.unused_for is not None:
            raise UsageError("A flag does not belong to this action", where="--unused-for", expected="prune")
        return _listed(cache) if options.action == "list" else _verified(cache)
    days = DEFAULT_DAYS if options.unused_for is None else options.unused_for
    if not 0 <= days < float("inf"):
        raise UsageError(
            "A number of days makes no sense", where="--unused-for", expected="0 or more", got=days
        )
    return _pruned(cache, days)


def _listed(cache: SourceCache) -> Result:
    entries, partials = cache.list(), cache.partials()
    total = sum(entry.size for entry in entries) + sum(size for _, size in partials)
    lines = [_line(entry) for entry in entries]
    lines += [f"{size:>14,} bytes  unfinished  {path.name}" for path, size in partials]
    lines.append(f"{len(entries)} files, {len(partials)} unfinished, {total:,} bytes in {cache.root}")
    nodes = {one: one.size() for one in kept(cache_folder())}
    lines += [_node_line(one, size) + (", in use" if one.in_use else "") for one, size in nodes.items()]
    if nodes:
        lines.append(
            f"{len(nodes)} of runs over a cluster, {sum(nodes.values()):,} bytes in {cache_folder()}"
        )
    data = {
        "folder": str(cache.root),
        "bytes": total,
        "files": [_as_dict(entry) for entry in entries],
        "unfinished": [{"path": str(path), "size": size} for path, size in partials],
        "cluster": [{**_node_dict(one, size), "in_use": one.in_use} for one, size in nodes.items()],
    }
    return Result("\n".join(lines), data)


def _verified(cache: SourceCache) -> Result:
    verdicts = cache.verify()
    bad = [entry for entry, whole in verdicts if not whole]
    lines = [f"changed: {entry.path} ({entry.file_name})" for entry in bad]
    lines.append(f"{len(verdicts) - len(bad)} of {len(verdicts)} files are whole in {cache.root}")
    files = [{**_as_dict(entry), "whole": whole} for entry, whole in verdicts]
    error = None
    if bad:
        error = VerificationError(
            "Files of the cache are not what their names say",
            where=cache.root,
            expected="all whole",
            got=f"{len(bad)} changed",
            advice="nothing uses them: the next install of each downloads it again",
        )
    return Result("\n".join(lines), {"folder": str(cache.root), "files": files}, error)


def _pruned(cache: SourceCache, days: float) -> Result:
    removed = cache.prune(unused_for_seconds=days * SECONDS_A_DAY)
    total = sum(entry.size for entry in removed)
    lines = [f"removed: {_line(entry)}" for entry in removed]
    lines.append(f"{len(removed)} files removed, {total:,} bytes; {len(cache.list())} stay in {cache.root}")
    nodes = _pruned_nodes(days)
    lines += [f"removed: {_node_line(one, size)}" for one, size in nodes.items()]
    if nodes:
        left = f"{len(kept(cache_folder()))} stay in {cache_folder()}"
        lines.append(f"{len(nodes)} of runs over a cluster removed, {sum(nodes.values()):,} bytes; {left}")
    data = {
        "folder": str(cache.root),
        "bytes": total,
        "removed": [_as_dict(entry) for entry in removed],
        "cluster": [_node_dict(one, size) for one, size in nodes.items()],
    }
    return Result("\n".join(lines), data)


def _pruned_nodes(days: float) -> dict[Kept, int]:
    """What a node's cache lost, with its size."""
    folder = cache_folder()
    sizes = {one.path: one.size() for one in kept(folder)}
    try:
        removed = prune(folder, most_jobs=None, unused_s=days * SECONDS_A_DAY)
    except OSError as error:
        raise unwritable(folder, error) from error
    return {one: sizes.get(one.path, 0) for one in removed}


def _line(entry: CacheEntry) -> str:
    return (
        f"{entry.size:>14,} bytes  {_used(entry.used)}  {entry.file_name}  {entry.algorithm} {entry.digest}"
    )


def _node_line(one: Kept, size: int) -> str:
    return f"{size:>14,} bytes  {_used(one.used)}  {one.kind} {one.path.name}"


def _used(when: float) -> str:
    return time.strftime("used %Y-%m-%d", time.localtime(when)) if when else "half made     "


def _node_dict(one: Kept, size: int) -> dict[str, Any]:
    return {"kind": one.kind, "path": str(one.path), "size": size, "used": one.used}


def _as_dict(entry: CacheEntry) -> dict[str, Any]:
    return {
        "file": entry.file_name,
        "path": str(entry.path),
        entry.algorithm: entry.digest,
        "size": entry.size,
        "url": entry.url,
        "added": entry.added,
        "used": entry.used,
    }
