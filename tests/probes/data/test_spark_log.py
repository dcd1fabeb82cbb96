"""How even the pieces of a job are, from the sizes that its tasks report in Spark's event log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from probes.data.spark_log import SparkLogReader
from probes.scan import scan

MB = 1_000_000
NAME = "application_1700000000000_0001"


def event(stage: int, read: int, shuffled: int = 0, reason: str = "Success") -> str:
    metrics = {
        "Input Metrics": {"Bytes Read": read, "Records Read": 1},
        "Shuffle Read Metrics": {"Remote Bytes Read": shuffled, "Local Bytes Read": 0},
    }
    document: dict[str, Any] = {
        "Event": "SparkListenerTaskEnd", "Stage ID": stage, "Task End Reason": {"Reason": reason},
        "Task Metrics": metrics,
    }  # fmt: skip
    return json.dumps(document, separators=(",", ":"))


def log(*lines: str) -> str:
    start = '{"Event":"SparkListenerLogStart","Spark Version":"3.5.1"}'
    return "\n".join((start, *lines)) + "\n"


def read(text: str, name: str = NAME) -> dict[str, Any]:
    reader = SparkLogReader()
    assert reader.looks_at(Path(name))
    reader.read(Path(name), text.encode(), text)
    return {fact.name.removeprefix("data."): fact.value for fact in reader.findings().facts}


def test_the_largest_piece_over_the_median_one() -> None:
    text = log(*(event(1, 10 * MB) for _ in range(11)), event(1, 90 * MB))
    assert read(text)["partitions.largest_over_median"] == 9.0


def test_bytes_of_files_and_of_earlier_stages_are_both_read() -> None:
    text = log(*(event(1, 5 * MB, 5 * MB) for _ in range(11)), event(1, 20 * MB, 10 * MB))
    assert read(text)["partitions.largest_over_median"] == 3.0


def test_the_most_uneven_stage_tells() -> None:
    even = [event(1, 10 * MB) for _ in range(12)]
    skewed = [*(event(2, 0, 2 * MB) for _ in range(11)), event(2, 0, 14 * MB)]
    assert read(log(*even, *skewed))["partitions.largest_over_median"] == 7.0


@pytest.mark.parametrize(
    "lines",
    [
        [event(1, 10 * MB) for _ in range(9)],
        [event(1, 1_000) for _ in range(20)],
        [event(1, 0) for _ in range(20)],
        [event(1, 10 * MB, reason="TaskKilled") for _ in range(20)],
    ],
)
def test_few_small_empty_or_failed_tasks_say_nothing_of_evenness(lines: list[str]) -> None:
    assert read(log(*lines)) == {"engine.present": True, "engine.name": "pyspark"}


def test_a_log_that_is_being_written_ends_in_the_middle_of_a_line() -> None:
    text = log(*(event(1, 10 * MB) for _ in range(12)))[:-40]
    assert read(text, NAME + ".inprogress")["partitions.largest_over_median"] == 1.0


@pytest.mark.parametrize(
    "line", ['{"Event":"SparkListenerTaskEnd","Stage ID":{}}', '{"Event":"SparkListenerTaskEnd"}', "[]"]
)
def test_events_of_other_forms_are_passed_over(line: str) -> None:
    assert read(log(line, *(event(1, 10 * MB) for _ in range(12))))["partitions.largest_over_median"] == 1.0


def test_another_file_of_such_a_name_is_none() -> None:
    assert read("hello\n", "local-1700000000000") == {}


def test_a_log_may_be_larger_than_other_documents(tmp_path: Path) -> None:
    lines = [event(1, 10 * MB) for _ in range(12)]
    (tmp_path / NAME).write_text(log(*lines, "#" * 9 * MB))
    (tmp_path / "large.json").write_text('"' + "a" * 9 * MB + '"')
    found = scan([str(tmp_path)])
    assert {fact.name: fact.value for fact in found.facts}["data.partitions.largest_over_median"] == 1.0
    assert [Path(problem.file).name for problem in found.problems] == ["large.json"]
