"""The page: one file that asks for nothing, in which nothing that a person named is markup."""

from __future__ import annotations

import copy
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from ckssd.cli.main import main
from ckssd.visual.make import Report
from ckssd.visual.page import page
from ckssd.visual.svg import nice_ticks
from tests.measure.conftest import Bench
from tests.visual.conftest import edited, whole_report

HOSTILE = "<script>alert('x')</script>\"'&</title>"
VOID = {"meta", "link", "br", "img", "input"}


class Read(HTMLParser):
    """Elements with their attributes, and texts; every element that is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_file_asks_for_nothing(whole: Report) -> None:
    text = page(whole.data, whole.pictures)
    read = Read(text)
    for tag, attributes in read.elements:
        for name in ("src", "href", "xlink:href", "action", "srcset"):
            address = attributes.get(name)
            assert address is None or address.startswith(("#", "data:")), (tag, address)
    assert "url(" not in text
    assert "@import" not in text
    assert "https:" not in text
    assert "default-src 'none'" in text


def test_links_inside_lead_somewhere_and_ids_are_there_once(whole: Report) -> None:
    elements = Read(page(whole.data, whole.pictures)).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {attributes["href"] for tag, attributes in elements if tag == "a"}
    assert links <= {f"#{name}" for name in ids}


def test_the_answer_comes_first(whole: Report) -> None:
    words = " ".join(" ".join(Read(page(whole.data, whole.pictures)).texts).split())
    shown = words[words.index("How well, and how fast") :]
    answer = whole.data["runs"][0]["answer"]
    assert shown.index(f"{answer['mAP']:.3f}") < shown.index("Precision against recall")
    assert "Published accuracy: nothing to compare with" in shown


def test_charts_say_in_words_what_they_show(whole: Report) -> None:
    drawn = [one for _, one in Read(page(whole.data, whole.pictures)).elements if one.get("role") == "img"]
    assert sum(one.get("class") == "chart" for one in drawn) == 6
    assert all(len(one["aria-label"] or "") > 30 for one in drawn)


def test_the_data_are_inside_as_json(whole: Report) -> None:
    (text,) = re.findall(
        r'<script type="application/json" id="report-data">(.*?)</script>',
        page(whole.data, whole.pictures),
        re.DOTALL,
    )
    assert json.loads(text) == json.loads(json.dumps(whole.data))


def test_hostile_names_are_text(whole: Report) -> None:
    safe = Read(page(whole.data, whole.pictures))
    changed = copy.deepcopy(whole.data)
    (run,) = changed["runs"]
    run["name"] = run["answer"]["model"] = changed["question"] = HOSTILE
    run["notes"] = [HOSTILE]
    run["versions"][HOSTILE] = HOSTILE
    run["machine"][HOSTILE] = HOSTILE
    run["facts"][0]["facts"][0] = {"name": HOSTILE, "value": [HOSTILE]}
    for one in run["accuracy"]["classes"]:
        one["name"] = HOSTILE
    run["accuracy"]["confusion"]["classes"] = [HOSTILE] * len(run["accuracy"]["confusion"]["classes"])
    for image in run["accuracy"]["worst"]:
        image["file_name"] = HOSTILE
        for one in (*image["objects"], *image["detections"]):
            one["class"] = HOSTILE
    read = Read(page(changed, whole.pictures))
    scripts = [tag for tag, _ in read.elements if tag == "script"]
    assert scripts == [tag for tag, _ in safe.elements if tag == "script"]
    assert sum(HOSTILE in text for text in read.texts) > 10


def test_600_classes_fit_in_a_page(whole: Report) -> None:
    changed = copy.deepcopy(whole.data)
    accuracy = changed["runs"][0]["accuracy"]
    (one, *_) = accuracy["classes"]
    accuracy["classes"] = [{**one, "name": f"class {number}"} for number in range(600)]
    accuracy["confusion"]["matrix"] = None
    accuracy["confusion"]["pairs"] = [{"truth": "class 1", "found": "class 2", "count": 3}] * 200
    text = page(changed, whole.pictures)
    assert len(text) < 1_200_000
    assert text.count("class 599") == 2  # in the table and in the data
    assert "The pairs that are confused most" in text


@pytest.mark.parametrize("part", ["accuracy", "times"])
def test_a_report_without_a_part_says_why(whole: Report, part: str) -> None:
    changed = copy.deepcopy(whole.data)
    changed["runs"][0][part] = None
    changed["runs"][0]["missing"][part] = "it was taken away"
    assert "it was taken away" in page(changed, whole.pictures)


def test_no_detections_make_a_page(results: Path) -> None:
    (results / "detections.json").write_text("[]")
    edited(results / "tmp-ck-timer.json", lambda record: record.pop("detections_sha256"))
    made = whole_report(results)
    read = Read(page(made.data, made.pictures))
    assert "missed" in " ".join(read.texts)


def test_one_class_makes_a_page(results: Path, bench: Bench, tmp_path: Path) -> None:
    one = Path(shutil.copy(bench.annotations, tmp_path / "one.json"))

    def only_circles(content: dict[str, Any]) -> None:
        for name, key in (("categories", "id"), ("annotations", "category_id")):
            content[name] = [entry for entry in content[name] if entry[key] == 1]

    edited(one, only_circles)
    edited(results / "tmp-ck-timer.json", lambda record: record["settings"].pop("annotations_sha256"))
    made = whole_report(results, annotations=one)
    assert [entry["name"] for entry in made.data["runs"][0]["accuracy"]["classes"]] == ["circle"]
    Read(page(made.data, made.pictures))


def test_the_command_writes_the_file_or_prints_the_data(
    results: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (results / "detections.json").unlink()  # what needs no metric tools, which are installed in another test
    place = tmp_path / "a new folder" / "report.html"
    assert main(["report", str(results), "-o", str(place)]) == 0
    assert capfd.readouterr().out == f"Report: {place}\n"
    assert place.read_text().startswith("<!doctype html>")
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(results), "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["data"]["format"] == 1
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["{0}/nothing"], 3, "There is no result of a benchmark: {0}/nothing"),
        (["{0}", "-o", "{0}/tmp-ck-timer.json"], 2, "--output would overwrite what is read"),
        (["{0}", "-o", "/proc/no/report.html"], 7, "The report cannot be written: /proc/no/report.html"),
        (["https://example.org/run"], 2, "RUN is a file of this machine"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    results: Path, capfd: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    (results / "detections.json").unlink()
    assert main(["report", *(word.format(results) for word in words)]) == code
    err = capfd.readouterr().err
    assert err.startswith(f"ckssd report: {said.format(results)}")
    assert err.count("\n") == 1


def test_ticks_are_round_numbers_inside_the_range() -> None:
    assert nice_ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert nice_ticks(0, 37) == [0, 10, 20, 30]
    assert nice_ticks(2.1, 6.9) == [3, 4, 5, 6]
    assert nice_ticks(5, 5) == [5]
