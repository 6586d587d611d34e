"""The rules that a submission folder is held against: each has a name, what it says, and where it stands.

The words are this project's own; ``source`` is the document and the section that has the rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

POLICIES = "mlcommons/policies, submission_rules.adoc (February 2022)"
INFERENCE = "mlcommons/inference_policies, inference_rules.adoc (January 2022)"
CHECKER = "mlcommons/inference, branch r2.0, tools/submission/submission-checker.py"
REPOSITORY = "mlcommons/inference, tools/submission/repository_checks.sh (June 2022)"
COMPLIANCE = "mlcommons/inference, branch r2.0, compliance/nvidia"
LAYOUT = f"{POLICIES}, 5.6.2 Inference"


@dataclass(frozen=True)
class Rule:
    """``name`` is for people and machines, and never changes; ``says`` is one sentence."""

    name: str
    says: str
    source: str


# The tree.
LAYOUT_FOLDERS = Rule("layout", "the folders of a submission, and no others, are where they belong", LAYOUT)
MODEL_NAME = Rule("model-name", "in the closed division, the benchmark has the rules' own name", LAYOUT)
SCENARIO_NAME = Rule("scenario-name", "a scenario's folder has LoadGen's own name", LAYOUT)
FILE_SIZE = Rule("file-size", "no file is larger than 50 MB", REPOSITORY)
SYMBOLIC_LINK = Rule("symbolic-link", "there are no symbolic links", REPOSITORY)
HIDDEN_NAME = Rule("hidden-name", "no file or folder begins with a dot", REPOSITORY)
SPACE_IN_NAME = Rule("space-in-name", "no file or folder has a space in its name", REPOSITORY)
CHECKER_LOG = Rule("checker-log", "results has the log of the submission checker", LAYOUT)

# The machine.
SYSTEM_FILE = Rule("system-file", "each system is described in systems", LAYOUT)
SYSTEM_FIELDS = Rule("system-fields", "a system's description has all fields", f"{POLICIES}, 5.7; {CHECKER}")
SYSTEM_VALUES = Rule(
    "system-values", "fields that want a meaningful answer have one", f"{POLICIES}, 5.7, second column"
)
SYSTEM_FOLDERS = Rule("system-folders", "division and submitter are those of the folders", CHECKER)
SYSTEM_TYPE = Rule("system-type", "the system is one for the edge", f"{INFERENCE}, 4.1.1, the edge suite")
SYSTEM_STATUS = Rule(
    "system-status", "the system is available, preview or rdi", f"{POLICIES}, 7.3; {CHECKER}"
)

# What was measured with.
MEASUREMENT_FILES = Rule("measurement-files", "each scenario has its configuration and a README", LAYOUT)
IMPLEMENTATION = Rule(
    "implementation", "weights, their types, changes and retraining are stated", f"{POLICIES}, 5.8"
)
README = Rule("readme", "the README says by which command the results come", f"{POLICIES}, 5.11")
CODE = Rule("code", "the code between model and LoadGen is there", f"{LAYOUT}; 5.10, 5.11")
USER_CONF = Rule("user-conf", "user.conf has only what a user may set", f"{INFERENCE}, 5.1")
MLPERF_CONF = Rule("mlperf-conf", "mlperf.conf is the round's", LAYOUT)

# A performance run.
PERFORMANCE_FILES = Rule("performance-files", "a performance run has LoadGen's two logs", LAYOUT)
READABLE_LOG = Rule("readable-log", "LoadGen's logs can be read", f"{POLICIES}, 5.9")
VALID = Rule("valid", "LoadGen calls the result valid", CHECKER)
NO_ERRORS = Rule("no-errors", "LoadGen's log has no errors", CHECKER)
SAME_IN_SUMMARY = Rule(
    "same-in-summary", "summary and detailed log of a run say the same", f"{POLICIES}, 5.9"
)
SCENARIO_RUN = Rule("scenario-run", "a scenario was run, or may be inferred", f"{INFERENCE}, 4.1.1")
MODE = Rule("mode", "a run was made in its own mode", f"{INFERENCE}, 5.1")
SEEDS = Rule("seeds", "LoadGen's seeds are the round's", f"{CHECKER}, seeds")
PERFORMANCE_SAMPLES = Rule(
    "performance-samples", "queries come from at least 256 samples", f"{INFERENCE}, 4.1.1"
)
DURATION = Rule("duration", "a performance run takes at least 600 seconds", f"{INFERENCE}, 3 Scenarios")
QUERY_COUNT = Rule("query-count", "there are enough queries for the percentile", f"{CHECKER}, min-queries")
OFFLINE_SAMPLES = Rule("offline-samples", "Offline has at least 24576 samples", f"{INFERENCE}, 3 Scenarios")
EARLY_STOPPING = Rule(
    "early-stopping", "early stopping is satisfied", f"{INFERENCE}, 3 Scenarios; appendix A"
)
PERCENTILE = Rule("percentile", "the latency's percentile is the scenario's", f"{INFERENCE}, 3 Scenarios")
STREAMS = Rule("streams", "a query has the scenario's number of samples", f"{INFERENCE}, 3 Scenarios")
NO_AUDIT = Rule("no-audit", "a result's run has no settings of compliance tests", f"{COMPLIANCE}/README.md")
LOADGEN = Rule("loadgen", "LoadGen is the round's, and unchanged", f"{INFERENCE}, 5.1")

# An accuracy run.
ACCURACY_FILES = Rule("accuracy-files", "an accuracy run has LoadGen's logs and accuracy.txt", LAYOUT)
ACCURACY_STATED = Rule("accuracy-stated", "accuracy.txt has the mAP", f"{LAYOUT}; {CHECKER}")
ACCURACY_TARGET = Rule("accuracy-target", "mAP is at least 99 % of the reference's 22", f"{INFERENCE}, 4.1.1")
ACCURACY_SAMPLES = Rule(
    "accuracy-samples",
    "accuracy is of COCO's 5000 validation images, each once, in both divisions",
    f"{INFERENCE}, 4.1.1; 4.1.2",
)
LOG_SIZE = Rule("log-size", "the accuracy log is cut to 10 kB", f"{LAYOUT}; {CHECKER}, MAX_ACCURACY_LOG_SIZE")
LOG_HASH = Rule("log-hash", "accuracy.txt has the SHA-256 of the whole accuracy log", f"{LAYOUT}; {CHECKER}")

# Compliance tests.
COMPLIANCE_TESTS = Rule(
    "compliance-tests",
    "closed results have all compliance tests",
    f"{POLICIES}, 5.13.2; {COMPLIANCE}/README.md",
)
COMPLIANCE_FILES = Rule("compliance-files", "a compliance test has its logs and verdicts", LAYOUT)
COMPLIANCE_SETTINGS = Rule(
    "compliance-settings", "a test's run had the test's audit.config", f"{COMPLIANCE}/TEST*/audit.config"
)
COMPLIANCE_STATED = Rule("compliance-stated", "each verdict says that the test passes", CHECKER)
TEST01_SPEED = Rule(
    "test01-speed",
    "logging answers does not change the speed",
    f"{COMPLIANCE}/TEST01/README.md, Introduction",
)
TEST01_ACCURACY = Rule(
    "test01-accuracy",
    "where answers are not the accuracy run's, mAP of both is the same within 1 %",
    f"{COMPLIANCE}/TEST01/README.md, Part III",
)
TEST04_CACHING = Rule(
    "test04-caching",
    "one sample again and again is not faster",
    f"{COMPLIANCE}/TEST04-A/README.md, Pass Criteria",
)
TEST05_SPEED = Rule(
    "test05-speed", "other seeds do not change the speed", f"{COMPLIANCE}/TEST05/README.md, Pass Criteria"
)

# The set.
SCENARIO_SET = Rule(
    "scenario-set", "the closed division has all scenarios of the round, and no others", f"{INFERENCE}, 4.1.1"
)

RULES: tuple[Rule, ...] = tuple(value for value in [*globals().values()] if isinstance(value, Rule))


@dataclass(frozen=True)
class Finding:
    """A rule that is broken: where (a path in the submission), what was expected, what is there."""

    rule: Rule
    where: str
    expected: object
    got: object
    advice: str = ""
    declared: bool = False

    def __str__(self) -> str:
        """One line for people; it stands below the rule's name."""
        advice = f"; {self.advice}" if self.advice else ""
        return f"{self.where} (expected {self.expected}, got {self.got}){advice}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "rule": self.rule.name,
            "says": self.rule.says,
            "source": self.rule.source,
            "where": self.where,
            "expected": str(self.expected),
            "got": str(self.got),
            "advice": self.advice,
            "declared": self.declared,
        }
