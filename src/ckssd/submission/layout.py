"""Where everything of a submission stands; source: submission_rules.adoc, 5.6.2 (ckssd.submission.rules)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ckssd.loadgen.conf import SCENARIOS
from ckssd.loadgen.logs import ACCURACY, DETAIL, MLPERF_CONF, SUMMARY, TRACE, USER_CONF

CLOSED, OPEN = "closed", "open"
DIVISIONS = (CLOSED, OPEN)
SYSTEMS, CODE, MEASUREMENTS, RESULTS, COMPLIANCE = "systems", "code", "measurements", "results", "compliance"
FOLDERS = (SYSTEMS, CODE, MEASUREMENTS, RESULTS, COMPLIANCE)
ALSO = ("documentation",)  # folders of a submitter that the rules neither want nor forbid
RUN, ACCURACY_FOLDER, PERFORMANCE = "run_1", "accuracy", "performance"
ACCURACY_TXT, README, CHECKER_LOG = "accuracy.txt", "README.md", "compliance_checker_log.txt"
CHECKER_LOGS = (CHECKER_LOG, "submission_checker_log.txt")  # both are in published rounds
DEPARTURES = "departures.json"  # ours: what is known not to be by the rules

# By the names of their folders: this project knows the rules of SSD-MobileNet only.
OTHER_BENCHMARKS = (
    *("resnet50", "resnet", "ssd-resnet34", "ssd-large", "rnnt", "bert-99", "bert-99.9"),
    *("dlrm-99", "dlrm-99.9", "3d-unet-99", "3d-unet-99.9"),
)

PERFORMANCE_FILES = (SUMMARY, DETAIL)
ACCURACY_FILES = (SUMMARY, DETAIL, ACCURACY, ACCURACY_TXT)
MEASUREMENT_FILES = (MLPERF_CONF, USER_CONF, README)
# LoadGen leaves them beside the others; nobody wants or forbids them.
TRACE_FILE = TRACE
OPTIONAL_FILES = (TRACE, ACCURACY, "spl.txt")  # the last where power was measured


@dataclass(frozen=True)
class Owner:
    """A submitter's folder in a division of a submission."""

    root: Path
    division: str
    name: str

    @property
    def folder(self) -> Path:
        """``closed/NAME``."""
        return self.root / self.division / self.name

    @property
    def closed(self) -> bool:
        """Whether all rules count."""
        return self.division == CLOSED

    def system_file(self, system: str) -> Path:
        """The description of a system."""
        return self.folder / SYSTEMS / f"{system}.json"

    def systems(self) -> list[str]:
        """Systems that there are results of."""
        return folders_in(self.folder / RESULTS)

    def show(self, path: Path) -> str:
        """A path as findings name it: from the submission's folder."""
        return path.relative_to(self.root).as_posix()


@dataclass(frozen=True)
class Entry:
    """What belongs to one system, model and scenario; ``place`` is the scenario as its folder has it."""

    owner: Owner
    system: str
    model: str
    place: str

    @property
    def scenario(self) -> str:
        """The scenario by LoadGen's name: published rounds have ``offline``, too."""
        return next((name for name in SCENARIOS if name.lower() == self.place.lower()), self.place)

    def part(self, name: str) -> Path:
        """The entry's folder in ``results``, ``measurements`` or ``compliance``."""
        return self.owner.folder / name / self.system / self.model / self.place

    @property
    def performance(self) -> Path:
        """The performance run's logs."""
        return self.part(RESULTS) / PERFORMANCE / RUN

    @property
    def accuracy(self) -> Path:
        """The accuracy run's logs."""
        return self.part(RESULTS) / ACCURACY_FOLDER

    def implementation_file(self, implementation: str) -> Path:
        """The description of what ran on the system."""
        return self.part(MEASUREMENTS) / f"{self.system}_{implementation}_{self.place}.json"

    def code(self, implementation: str) -> Path:
        """The implementation's code."""
        return self.owner.folder / CODE / self.model / implementation

    def show(self, path: Path) -> str:
        """A path as findings name it."""
        return self.owner.show(path)


def owners(root: Path) -> Iterator[Owner]:
    """Submitters by division."""
    for division in DIVISIONS:
        for name in folders_in(root / division):
            yield Owner(root, division, name)


def models(owner: Owner, system: str) -> list[str]:
    """Models that there are results of, but for those of MLPerf's other benchmarks."""
    there = folders_in(owner.folder / RESULTS / system)
    return [name for name in there if name not in OTHER_BENCHMARKS]


def entries(owner: Owner, system: str) -> Iterator[Entry]:
    """What there are results of."""
    for model in models(owner, system):
        for scenario in folders_in(owner.folder / RESULTS / system / model):
            yield Entry(owner, system, model, scenario)


def folders_in(folder: Path) -> list[str]:
    """Names of the folders in a folder, sorted; none where there is no such folder."""
    return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def files_in(folder: Path) -> list[str]:
    """Names of the files in a folder, sorted; none where there is no such folder."""
    return sorted(path.name for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
