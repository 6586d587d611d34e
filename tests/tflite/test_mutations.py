"""2,000 mutations of TFLite files: a model that is read whole, or one clear error; never anything else.

`CKSSD_MUTATIONS=20000 pytest tests/tflite/test_mutations.py` runs more of them than the default.
"""

from __future__ import annotations

import os
import random
import resource
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ckssd.errors import CkssdError
from ckssd.tflite.activation import class_activation, class_output
from ckssd.tflite.model import TFLiteModel, cut_model, read_model, with_options
from ckssd.tflite.precision import precision_of
from tests.detect.tiny_model import OPTIONS, tiny_model

pytestmark = pytest.mark.slow(seconds=8)

CASES = int(os.environ.get("CKSSD_MUTATIONS", "2000"))
FILES = (
    tiny_model(anchors=4),
    tiny_model(anchors=4, int8_input=True, logits=True),
    tiny_model(anchors=4, several={"quick": {"use_regular_nms": False}, "slow": OPTIONS}),
)
MORE_MEMORY = 1 << 30
STRUCTURE = 6000  # the weights follow
EXTREMES = (0, 1, 4, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


@pytest.fixture
def bounded_memory() -> Iterator[None]:
    """This process gets no more than 1 GiB on top of what it has; MemoryError would be a failure."""
    limits = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MORE_MEMORY, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, limits)


def telling(data: bytes) -> list[int]:
    """Where a file has bytes that say something: each is worth a mutation, padding and weights are not."""
    end = min(len(data), STRUCTURE)
    return [place for place in range(4, end) if any(data[max(0, place - 3) : place + 4])]


PLACES = [telling(data) for data in FILES]


def mutated(chance: random.Random) -> bytes:
    number = chance.randrange(len(FILES))
    data = bytearray(FILES[number])
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        place = chance.choice(PLACES[number])
        word = chance.choice([*EXTREMES, chance.randrange(1 << 32)]).to_bytes(4, "little")
        new = chance.choice([word, word[:1], bytes([chance.randrange(256)])])
        data[place : place + len(new)] = new
    return bytes(data[: chance.randrange(len(data))] if chance.random() < 0.1 else data)


def rewritten(model: TFLiteModel) -> object:
    return with_options(model, model.options) if model.options else None


PARTS: tuple[Callable[[TFLiteModel], object], ...] = (
    class_activation,
    class_output,
    precision_of,
    cut_model,
    rewritten,
)


@pytest.mark.usefixtures("bounded_memory")
def test_a_mutated_file_gives_a_model_or_one_error(tmp_path: Path) -> None:
    chance = random.Random(11)
    path = tmp_path / "broken.tflite"
    ends: Counter[str] = Counter()
    said: list[str] = []
    for _ in range(CASES):
        path.write_bytes(mutated(chance))
        try:
            model = read_model(path, chance.choice([None, None, None, "quick"]))
        except CkssdError as error:
            ends["refused"] += 1
            said.append(str(error))
            continue
        ends["read"] += 1
        for part in PARTS:
            try:
                part(model)
            except CkssdError as error:
                ends[part.__name__] += 1
                said.append(str(error))
    assert [text for text in said if "broken.tflite" not in text] == []
    # Neither kind of end may be so rare that nothing was tried.
    assert min(ends["refused"], ends["read"]) > CASES / 10, ends
