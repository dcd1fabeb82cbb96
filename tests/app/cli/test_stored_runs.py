"""`list`, `show` and `compare` on a real store."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.cli.compare_runs import compared, differences
from app.cli.main import main
from assessments.evidence import is_sealed
from assessments.store import open_store
from probes.events import Finished, Note, Second, Started, Step
from probes.load.histogram import Histogram

Make = Callable[..., dict[str, Any]]
Captured = pytest.CaptureFixture[str]
Keep = Callable[..., None]


@pytest.fixture
def keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keep:
    """Stores a run as a probe would."""
    path = str(tmp_path / "store.sqlite")
    monkeypatch.setenv("LOADSTONE_STORE", path)

    def store_run(run_id: str, document: dict[str, Any], assessment: str | None = None) -> None:
        document = {**document, "run": {**document["run"], "id": run_id}}
        with open_store(path) as store, store.record(run_id, assessment) as recorder:
            recorder(Started(0.0, document["run"], document["target"], document["load"]))
            recorder(Second(1.0, 0, None, 99.0, 3, 0, 99, 1, 1, 12.0, None, None, None, 120_000_000, None))
            for index, step in enumerate(document["steps"]):
                recorder(Step(2.0, index, step, Histogram().to_text(), Histogram().to_text()))
            recorder(Note(2.5, "warning", "this machine was busy"))
            recorder(Finished(3.0, document))
        assert recorder.failure is None

    return store_run


def test_the_list_is_newest_first_and_names_what_it_is(keep: Keep, result: Make, capsys: Captured) -> None:
    older = result()
    older["run"]["started_at"] = "2026-11-23T00:00:00+00:00"
    keep("aaaa00000001", older, "shop")
    keep("bbbb00000002", result(grade="client_limited", bound=None, steps=[]))
    assert main(["list"]) == 0
    title, shop, blank, head, first, second = capsys.readouterr().out.splitlines()
    assert title.split() == ["assessment", "answers", "runs", "evidence", "milestones", "changed"]
    assert shop.split()[:5] == ["shop", "0", "1", "0", "0"]
    assert blank == ""
    assert head.split()[:2] == ["run", "started"]
    assert first.startswith("bbbb00000002")
    assert "client" in first
    assert " – " in first
    assert second.startswith("aaaa00000001")
    assert "198 (193–203)" in second
    assert second.endswith("shop")


def test_the_list_can_be_of_one_assessment_and_for_machines(
    keep: Keep, result: Make, capsys: Captured
) -> None:
    keep("aaaa00000001", result(), "shop")
    keep("bbbb00000002", result())
    assert main(["list", "--assessment", "shop", "--json", "-"]) == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert (run["id"], run["assessment"]) == ("aaaa00000001", "shop")
    assert run["capacity"] == {"rate_per_s": 198.4, "low": 193.0, "high": 203.1}
    assert main(["list", "--limit", "1"]) == 0
    assert "The newest 1; --limit N shows more." in capsys.readouterr().out


def test_an_empty_store_says_how_to_begin(keep: Keep, capsys: Captured) -> None:
    assert main(["list"]) == 0
    assert "loadstone probe TARGET makes one" in " ".join(capsys.readouterr().out.split())


def test_show_prints_the_same_words_as_the_probe_and_the_notes(
    keep: Keep, result: Make, capsys: Captured
) -> None:
    keep("aaaa00000001", result(requirements=[{"text": "p99<=1ms", "held": False, "measured": 80.0}]))
    assert main(["show", "aaaa"]) == 0
    out = capsys.readouterr().out
    assert "Run aaaa00000001 of" in out
    assert "Carries 198 requests/s (193–203, 95 %)" in out
    assert "broken       p99<=1ms (measured 80 ms)" in out
    assert "warning: this machine was busy" in out
    assert "second" not in out


def test_show_prints_every_second_on_demand(keep: Keep, result: Make, capsys: Captured) -> None:
    keep("aaaa00000001", result())
    assert main(["show", "last", "--seconds"]) == 0
    row = capsys.readouterr().out.splitlines()[-1]
    assert row.split() == ["1", "1", "–", "99", "3", "12", "–", "2", "–", "120"]


def test_show_gives_the_document_to_machines(keep: Keep, result: Make, capsys: Captured) -> None:
    keep("aaaa00000001", result())
    assert main(["show", "last", "--json", "-"]) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert document["capacity"]["rate_per_s"] == 198.4
    assert is_sealed(document)  # so that another machine takes it as measured
    assert "Carries 198" in err


def test_show_tells_what_is_damaged(keep: Keep, result: Make, capsys: Captured, tmp_path: Path) -> None:
    import sqlite3

    keep("aaaa00000001", result())
    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        (notes,) = [name for name in tables if "note" in name]
        connection.execute(f"UPDATE {notes} SET text = 'all is well'")
    connection.close()
    assert main(["show", "last"]) == 0
    out = capsys.readouterr().out
    assert "damaged: " in out
    assert "all is well" not in out
    assert main(["show", "last", "--json", "-"]) == 0
    assert not is_sealed(json.loads(capsys.readouterr().out))  # what was changed is no evidence


@pytest.mark.parametrize(
    "argv",
    [["show", "zzzzzz"], ["compare", "last", "zzzzzz"], ["show", "last", "--json", "/no/where/x.json"]],
)
def test_what_is_not_there_is_one_sentence(
    keep: Keep, result: Make, capsys: Captured, argv: list[str]
) -> None:
    keep("aaaa00000001", result())
    assert main(argv) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_compare_says_what_is_apart_and_what_noise_may_be(keep: Keep, result: Make, capsys: Captured) -> None:
    keep("aaaa00000001", result())
    keep("bbbb00000002", result(capacity={"rate_per_s": 297.6, "low": 290.0, "high": 305.0}))
    assert main(["compare", "aaaa", "bbbb"]) == 0
    out = capsys.readouterr().out
    (capacity,) = [row for row in out.splitlines() if row.startswith("capacity")]
    assert capacity.split() == ["capacity", "1/s", "198", "(193–203)", "298", "(290–305)", "1.50", "apart"]
    (p99,) = [row for row in out.splitlines() if row.startswith("p99 ms")]
    assert p99.endswith("1.00  not told apart")
    assert "Two single runs cannot tell noise from a change" in out
    assert "warning" not in out


def test_compare_warns_where_the_runs_are_not_alike(result: Make) -> None:
    other = result(grade="unstable", status="interrupted")
    other["target"] = {"address": "http://other/"}
    other["load"] = {"mode": "segments", "slo": "p99<=1s"}
    other["run"]["machine"] = {"name": "other", "cpu_model": "X"}
    said = "\n".join(differences(result(), other))
    for part in ("targets differ", "SLOs differ", "looked for the capacity", "machines differ (name)"):
        assert part in said
    assert "B was not completed (interrupted)" in said
    assert "B is graded unstable" in said
    assert differences(result(), result()) == []


def test_compare_for_machines(keep: Keep, result: Make, capsys: Captured) -> None:
    keep("aaaa00000001", result())
    keep("bbbb00000002", result(bound="at_least"))
    assert main(["compare", "aaaa", "bbbb", "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    capacity = document["metrics"][0]
    assert capacity["a"] == {"value": 198.4, "low": 193.0, "high": 203.1}
    assert capacity["b"] == {"value": 198.4}
    assert "intervals_apart" not in capacity
    assert capacity["ratio"] == 1.0


def test_intervals_that_touch_are_not_apart(result: Make) -> None:
    rows = compared(result(), result(capacity={"low": 203.1, "high": 220.0}))
    assert rows[0].apart is False
    assert compared(result(bound=None, steps=[]), result(bound=None, steps=[])) == []
