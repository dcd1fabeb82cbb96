"""Altered evidence is noticed, named, and never used."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assessments.store import Store, StoredRun, StoreError, open_store

Change = Callable[..., None]


def flip_bit(path: Path, within: str) -> None:
    """Flips the lowest bit of the last byte of the last place in the file where `within` stands."""
    content = bytearray(path.read_bytes())
    place = content.rindex(within.encode()) + len(within.encode()) - 1
    content[place] ^= 1
    path.write_bytes(content)


def read(path: Path) -> StoredRun:
    with open_store(str(path)) as store:
        return store.run("run-0001")


def test_a_flipped_bit_in_a_histogram_is_reported(recorded: Path) -> None:
    flip_bit(recorded, "service-histogram-of-step-1")
    run = read(recorded)
    assert run.damaged == ["the service histogram of step 1 does not match its hash and is left out"]
    assert run.histograms[0] == ("response-histogram-of-step-0", "service-histogram-of-step-0")
    assert run.histograms[1] == ("response-histogram-of-step-1", "")


def test_a_flipped_bit_in_a_step_is_reported(recorded: Path, sample: Any) -> None:
    flip_bit(recorded, '"response_ms":{"p99":20')
    run = read(recorded)
    assert run.damaged == ["step 0 does not match its hash and is left out"]
    assert run.steps == [sample.step(1).step]
    assert run.histograms == [("response-histogram-of-step-1", "service-histogram-of-step-1")]


def test_a_flipped_bit_in_the_result_is_reported(recorded: Path, sample: Any) -> None:
    flip_bit(recorded, '"capacity":{"rate_per_s":198.4')
    run = read(recorded)
    assert run.damaged == ["the result does not match its hash: it is rebuilt from the steps and facts"]
    assert "capacity" not in run.result
    assert run.result["run"]["grade"] == "insufficient"
    assert run.result["steps"] == [sample.step(0).step, sample.step(1).step]


def test_a_result_that_is_no_json_any_more_is_reported(recorded: Path) -> None:
    flip_bit(recorded, '"capacity":{')
    assert len(read(recorded).damaged) == 1


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("second", "rss_bytes", "5000000001"),
        ("second", "t", "'nonsense'"),
        ("fact", "document", "'{\"value\": 1}'"),
        ("note", "text", "x'ff00ff'"),
    ],
)
def test_a_changed_row_is_reported_and_left_out(
    recorded: Path, change: Change, table: str, column: str, value: str
) -> None:
    whole = read(recorded)
    change(recorded, f"UPDATE {table} SET {column} = {value} WHERE position = 0")
    run = read(recorded)
    assert run.damaged == [f"{table} 0 does not match its hash and is left out"]
    assert getattr(run, f"{table}s") == getattr(whole, f"{table}s")[1:]


@pytest.mark.parametrize("table", ["second", "fact", "note"])
def test_a_row_that_is_gone_is_reported(recorded: Path, change: Change, table: str) -> None:
    change(recorded, f"DELETE FROM {table} WHERE position = 0")
    (said,) = read(recorded).damaged
    assert f"{table}s are stored where" in said


def test_a_row_moved_to_another_place_is_reported(recorded: Path, change: Change) -> None:
    change(recorded, "UPDATE second SET position = 9 WHERE position = 2")
    assert read(recorded).damaged == ["second 9 does not match its hash and is left out"]


def test_changed_figures_in_the_listing_are_not_shown(recorded: Path, change: Change) -> None:
    change(recorded, "UPDATE run SET capacity_per_s = 9000")
    with open_store(str(recorded)) as store:
        (summary,) = store.runs()
        run = store.run("run-0001")
    assert summary.damaged
    assert (summary.capacity, summary.low, summary.high, summary.p99_ms, summary.grade) == (None,) * 5
    assert "row does not match its hash" in run.damaged[0]
    assert run.result["capacity"]["rate_per_s"] == 198.4  # the result has a hash of its own, and it matches


def test_an_unreadable_time_does_not_hide_the_other_runs(recorded: Path, change: Change, sample: Any) -> None:
    with open_store(str(recorded)) as store, store.record("run-0002") as recorder:
        recorder(sample.started())
    change(recorded, "UPDATE run SET started_at = 'noon', target = '{' WHERE id = 'run-0001'")
    with open_store(str(recorded)) as store:
        assert {summary.id: summary.damaged for summary in store.runs()} == {
            "run-0001": True,
            "run-0002": False,
        }


def test_no_single_flipped_bit_passes_unseen(recorded: Path) -> None:
    """Wherever a bit flips, the store is refused, or says what is damaged, or reads the same as before."""
    with open_store(str(recorded)) as store:
        whole = everything(store)
    content = recorded.read_bytes()
    chance = random.Random(20260301)
    used = [place for place, byte in enumerate(content) if byte]
    for _ in range(150):
        place, bit = chance.choice(used), chance.randrange(8)
        altered = bytearray(content)
        altered[place] ^= 1 << bit
        recorded.write_bytes(altered)
        Path(f"{recorded}-journal").unlink(missing_ok=True)
        try:
            with open_store(str(recorded)) as store:
                found = everything(store)
        except StoreError:
            continue
        noticed = found[0].damaged or any(summary.damaged for summary in found[1])
        assert noticed or found == whole, f"bit {bit} of byte {place}"


def everything(store: Store) -> tuple[StoredRun, list[Any]]:
    """All but the assessment's name, which is no evidence."""
    run = store.run("run-0001")
    return (
        replace(run, summary=replace(run.summary, assessment=None)),
        [replace(summary, assessment=None) for summary in store.runs()],
    )
