"""The demo's table."""

from __future__ import annotations

from ckssd.cli.demo import as_run, table


def test_a_run_is_a_row_under_its_headings() -> None:
    timer = {
        "mAP": 0.61234,
        "recall": 0.71234,
        "metrics": {},
        "run_time_state": {"images_per_second": 312.34, "prediction_time_avg_s": 0.0064},
        "settings": {"runtime": "tflite", "images": 250, "threads": 2},
        "notes": [],
    }
    heading, row = table([as_run("fast", timer)]).splitlines()
    assert heading.split() == ["runtime", "NMS", "images", "mAP", "Recall", "images/s", "threads"]
    assert row.split() == ["tflite", "fast", "250", "0.6123", "0.7123", "312.3", "2"]
    assert [len(heading), heading.index("images/s") + len("images/s")] == [len(row), row.index("312.3") + 5]
