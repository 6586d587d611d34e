"""Rules about an accuracy run: what it was of, what it says, and the log that was cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ckssd.loadgen.logs import ACCURACY
from ckssd.loadgen.rounds import Round
from ckssd.measure.files import hash_file
from ckssd.submission import rules
from ckssd.submission.layout import ACCURACY_FILES, ACCURACY_TXT, TRACE_FILE, Entry
from ckssd.submission.performance import check_loadgen, check_scenario, check_seeds
from ckssd.submission.rules import Finding
from ckssd.submission.run_logs import check_any_run, read_run
from ckssd.submission.tree import missing_files
from ckssd.submission.truncate import LARGEST_LOG, is_cut

_MAP = re.compile(r"^mAP=([\d.]+)%?", re.MULTILINE)
_HASH = re.compile(r"^hash=([0-9a-f]{64})$", re.MULTILINE)


def stated_accuracy(path: Path) -> float | None:
    """The mAP of an ``accuracy.txt``, 0 to 100."""
    found = _MAP.search(_text(path))
    return float(found[1]) if found else None


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def check_accuracy(entry: Entry, round_: Round) -> Iterator[Finding]:
    """The accuracy run of one scenario."""
    folder = entry.accuracy
    yield from missing_files(rules.ACCURACY_FILES, entry.owner, folder, ACCURACY_FILES, (TRACE_FILE,))
    if not folder.is_dir():
        return
    yield from _stated(entry, round_)
    yield from check_log(entry, folder)
    logs = read_run(entry.owner, folder)
    if isinstance(logs, Finding):
        yield logs
        return
    yield from check_any_run(logs, performance=False)
    yield from check_scenario(entry, logs, round_)
    yield from check_seeds(logs, round_.seeds())
    yield from check_loadgen(logs, round_)
    samples = int(logs.number("qsl_reported_total_count"))
    if samples != round_.accuracy_samples:
        expected = f"COCO's {round_.accuracy_samples} validation images"
        yield Finding(rules.ACCURACY_SAMPLES, logs.where, expected, f"{samples} images")


def _stated(entry: Entry, round_: Round) -> Iterator[Finding]:
    path = entry.accuracy / ACCURACY_TXT
    if not path.is_file():
        return
    stated = stated_accuracy(path)
    if stated is None:
        yield Finding(rules.ACCURACY_STATED, entry.show(path), "a line mAP=…%", "none")
    elif entry.owner.closed and stated < round_.accuracy_target:
        expected = f"at least {round_.accuracy_target:.2f}"
        advice = "the open division takes any accuracy"
        yield Finding(rules.ACCURACY_TARGET, entry.show(path), expected, stated, advice)


def check_log(entry: Entry, folder: Path) -> Iterator[Finding]:
    """Size and hash of the accuracy log in a folder."""
    log, said = folder / ACCURACY, folder / ACCURACY_TXT
    found = _HASH.search(_text(said))
    if said.is_file() and not found:
        yield Finding(rules.LOG_HASH, entry.show(said), "a line hash=…", "none", "ckssd submission truncate")
    if not log.is_file():
        return
    size = log.stat().st_size
    if size > LARGEST_LOG:
        expected, advice = f"at most {LARGEST_LOG} bytes", "ckssd submission truncate"
        yield Finding(rules.LOG_SIZE, entry.show(log), expected, size, advice)
    if found and not is_cut(log) and (whole := hash_file(log).sha256) != found[1]:
        yield Finding(rules.LOG_HASH, entry.show(said), whole, found[1], "the log was changed, or another's")
