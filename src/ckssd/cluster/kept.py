"""A run's folder: each finished batch as a part's file, and of what run; `--resume` goes on from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ckssd import report
from ckssd.cluster.job import Job
from ckssd.errors import CkssdError, EnvironmentSetupError, InputError, UsageError
from ckssd.json_file import read_object, write_json
from ckssd.measure.parts import Part, from_bytes, read_part, write_part
from ckssd.measure.shards import Shard

RUN = "run.json"


@dataclass(frozen=True)
class KeptRun:
    """Batches 0 to ``batches`` - 1 in ``folder``."""

    folder: Path
    batches: int

    def path(self, batch: int) -> Path:
        """The file of a batch."""
        return self.folder / f"{batch + 1:06d}.part"

    def shard(self, batch: int) -> Shard:
        """A batch as a part of the run."""
        return Shard(batch + 1, self.batches)

    def keep(self, batch: int, content: bytes) -> Part:
        """Write an answer, which is seen to be the part that it should be; return it.

        Raises
        ------
        InputError
            It is another, or none.
        """
        part = from_bytes(content, f"the answer for batch {batch + 1}")
        self._check(part, batch)
        write_part(self.path(batch), part)
        return part

    def finished(self) -> dict[int, Path]:
        """The batches that are there and whole; what is damaged is removed."""
        found = {}
        for batch in range(self.batches):
            path = self.path(batch)
            if not path.exists():
                continue
            try:
                self._check(read_part(path), batch)
            except InputError as fault:
                report.say(f"{fault}: it is run again")
                path.unlink()
            else:
                found[batch] = path
        return found

    def _check(self, part: Part, batch: int) -> None:
        if part.shard != self.shard(batch):
            raise InputError(
                "A batch is another", where=self.path(batch), expected=self.shard(batch), got=part.shard
            )


def begin(folder: Path, job: Job, batches: int) -> KeptRun:
    """Begin a run in a folder that has none.

    Raises
    ------
    UsageError
        It has one.
    EnvironmentSetupError
        It cannot be written to.
    """
    if (folder / RUN).exists():
        raise UsageError(
            "The folder has a run", where=folder, advice="go on with it (--resume), or name another folder"
        )
    try:
        write_json(folder / RUN, {"job": job.id, "batches": batches})
    except OSError as error:
        raise EnvironmentSetupError("The run's folder cannot be written to", where=folder) from error
    return KeptRun(folder, batches)


def resume(folder: Path, job: Job) -> KeptRun:
    """The run that a folder has.

    Raises
    ------
    InputError
        It has none, or one with another model, data set, setting or version of this library.
    """
    try:
        kept = read_object(folder / RUN, "run's facts")
    except CkssdError as error:
        raise InputError("The folder has no run to go on with", where=folder, got=error.got) from error
    batches = kept.get("batches")
    if kept.get("job") != job.id or not isinstance(batches, int) or batches < 1:
        raise InputError(
            "The folder has another run",
            where=folder,
            expected="the same model, data set, settings and version of ckssd",
            advice="begin anew in another folder",
        )
    return KeptRun(folder, batches)
