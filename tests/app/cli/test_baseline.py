"""Runs held against earlier ones: which figures, which verdict, which exit code, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from app.cli import outcome
from app.cli.baseline import (
    Baseline,
    baseline_lines,
    compare,
    entries_of,
    entry_of,
    figures_of,
    read_baseline,
    refuse_too_short,
)
from app.cli.main import main
from assessments.store import open_store
from probes.errors import UsageError, UserError
from probes.events import Finished, Started
from probes.load.spec import ClosedSegment, LoadSpec, OpenSegment
from probes.probe import ProbeContext
from probes.slo import parse_slo

TARGET = "http://127.0.0.1:8000/predict"
Make = Callable[..., dict[str, Any]]
BEFORE = (101.0, 99.0, 103.0, 100.0, 98.0)
SLOWER = (111.0, 108.0, 113.0, 110.0, 109.0)
SAME = (102.0, 100.0, 101.0, 99.0, 103.0)
"""STATISTICS' check values: ratio 1.09983, 95 % [1.07083, 1.12961]; and the same."""

Captured = pytest.CaptureFixture[str]


def entry(run: str, *, grade: str = "valid", **metrics: float) -> dict[str, Any]:
    return {"run": run, "status": "completed", "grade": grade, "metrics": metrics}


def entries(values: Sequence[float], name: str = "p50", side: str = "x") -> tuple[dict[str, Any], ...]:
    return tuple({**entry(f"{side}{index}"), "metrics": {name: value}} for index, value in enumerate(values))


# which figures


def test_a_given_rate_is_compared_by_its_times_and_callers_by_their_throughput(result: Make) -> None:
    """The rate of an open loop was asked for: that it came back says nothing about the target's speed."""
    open_loop = result(mode="segments", bound=None)
    assert figures_of(open_loop) == {"p50": 12.0, "p99": 80.0, "cpu_ms_per_request": 9.8}
    open_loop["load"]["slo"] = "p90<=200ms,errors<=1%"
    assert figures_of(open_loop).keys() == {"p50", "p90", "cpu_ms_per_request"}
    closed = result(mode="segments", bound=None)
    closed["steps"][-1] |= {"mode": "closed", "achieved_per_s": 80.0}
    assert figures_of(closed)["throughput"] == 80.0


def test_a_search_is_compared_by_its_capacity_alone(result: Make) -> None:
    """Its times belong to another rate each time. A bound on one side is no figure."""
    assert figures_of(result()) == {"capacity": 198.4, "cpu_ms_per_request": 9.8}
    assert "capacity" not in figures_of(result(bound="at_least"))
    assert "capacity" not in figures_of(result(bound="indeterminate"))


def test_what_was_not_measured_is_no_figure(result: Make) -> None:
    bare = result(mode="segments", bound=None, steps=[{"mode": "open", "response_ms": {"p50": 0.0}}])
    assert figures_of(bare) == {}
    assert figures_of(result(mode="segments", bound=None, steps=[])) == {}


# which verdict


def test_the_check_values_of_the_rule() -> None:
    found = compare(Baseline(entries(BEFORE)), entries(SLOWER))
    assert (found["verdict"], found["more_runs_needed"], found["compared"]) == ("worse", 0, 5)
    (change,) = found["changes"]
    assert change["metric"] == "p50"
    assert [change[key] for key in ("ratio", "low", "high")] == pytest.approx(
        [1.09983, 1.07083, 1.12961], abs=1e-5
    )
    assert compare(Baseline(entries(BEFORE)), entries(SAME))["verdict"] == "same"
    assert compare(Baseline(entries(SLOWER)), entries(BEFORE))["verdict"] == "better"
    more = compare(Baseline(entries(BEFORE, "capacity")), entries(SLOWER, "capacity"))
    assert more["verdict"] == "better"  # more a second
    assert compare(Baseline(entries(BEFORE), allow=0.2), entries(SLOWER))["verdict"] == "same"


def test_too_few_runs_are_unclear_and_say_how_many_are_missing() -> None:
    few = compare(Baseline(entries(BEFORE)), entries(SLOWER[:2]))
    assert few["verdict"] == "unclear"
    assert few["more_runs_needed"] >= 3
    tail = compare(Baseline(entries(BEFORE, "p99")), entries(SLOWER, "p99"))
    assert tail["verdict"] == "unclear"  # the 99th percentile takes eight
    assert tail["more_runs_needed"] >= 3
    one = compare(Baseline(entries(BEFORE[:1])), entries(SLOWER[:1]))
    assert (one["verdict"], one["more_runs_needed"]) == ("unclear", 4)
    assert "low" not in one["changes"][0]


def test_runs_that_say_nothing_certain_do_not_count() -> None:
    spoilt = [entry(f"s{k}", grade="client_limited", p50=900.0) for k in range(5)]
    found = compare(Baseline(entries(BEFORE)), [*entries(SAME), *spoilt])
    assert (found["verdict"], found["compared"]) == ("same", 5)
    nothing = compare(Baseline(entries(BEFORE)), spoilt)
    assert (nothing["verdict"], nothing["changes"], nothing["more_runs_needed"]) == ("unclear", [], 5)


def test_runs_that_do_not_count_are_named_with_the_reason(result: Make) -> None:
    busy = entry("s", grade="client_limited", p50=900.0) | {"grade_reason": "in step 1 the client was late"}
    few = entry("f", grade="insufficient", p50=100.0) | {"grade_reason": "step 1 has 240 requests"}
    baseline = Baseline(entries(BEFORE[:2])).joined_by(few).joined_by(entries(BEFORE[2:3])[0])
    assert len(baseline.entries) == 3
    found = compare(baseline, [*entries(SAME[:2]), busy])
    assert found["left_out"] == [
        {"side": "before", "run": "f", "grade": "insufficient", "grade_reason": "step 1 has 240 requests"},
        {"side": "now", "run": "s", "grade": "client_limited", "grade_reason": busy["grade_reason"]},
    ]
    said = "\n".join(str(one) for one in baseline_lines(result(baseline=found), 200))
    assert "Left out, not graded valid: 2 runs (for example, step 1 has 240 requests)" in said
    assert "more valid runs on each side" in said
    assert "left_out" not in compare(Baseline(entries(BEFORE)), entries(SAME))


def test_runs_too_short_to_count_are_refused_before_they_are_sent(
    told: Callable[..., Told], capsys: Captured
) -> None:
    """p99 has an interval from 368 requests on: 0.99^367 is over 2.5 %, 0.99^368 is not."""
    assert 0.99**368 <= 0.025 < 0.99**367
    probe = told(BEFORE)
    short = ["probe", TARGET, "--rate", "60", "--duration", "4s", "--baseline", OTHER]
    assert main(short) == 2
    assert not probe.specs
    error = capsys.readouterr().err
    assert "60/s for 4 s is 240 requests" in error
    assert "fewer than 368" in error
    assert "give each run 8 s" in error  # (368 + 3 * 368 ** 0.5) / 60 = 7.1
    refuse_too_short(LoadSpec((OpenSegment(60, 60, 4),), slo=parse_slo("p95<=1s")))
    refuse_too_short(LoadSpec((ClosedSegment(1, 1),)))
    refuse_too_short(LoadSpec())


def test_a_figure_that_one_run_lacks_is_not_compared() -> None:
    half = [*entries(SAME[:4]), entry("x", p99=1.0)]
    assert compare(Baseline(entries(BEFORE)), half)["changes"] == []


def test_the_exit_code_of_a_verdict(result: Make) -> None:
    codes = {verdict: outcome.exit_code(result(baseline={"verdict": verdict})) for verdict in
             ("same", "better", "worse", "unclear")}  # fmt: skip
    assert codes == {"same": 0, "better": 0, "worse": 5, "unclear": 4}
    broken = result(baseline={"verdict": "worse"}, requirements=[{"held": False}])
    assert outcome.exit_code(broken) == 1
    limited = result(grade="client_limited", baseline={"verdict": "worse"})
    assert outcome.exit_code(limited) == 5
    assert outcome.first_of({0, 4, 5}) == 5
    assert outcome.first_of({0, 1, 5, 3}) == 3


# what is read


def written(path: Path, document: object) -> str:
    path.write_text(json.dumps(document))
    return str(path)


@pytest.fixture
def before(result: Make, tmp_path: Path) -> Callable[..., str]:
    """A file with a result of the load below; changes go into the document."""

    def make(name: str = "before.json", **changes: Any) -> str:
        document = result(mode="segments", bound=None)
        document["load"] = json.loads(json.dumps(LOAD))
        for key, value in changes.items():
            document[key] = {**document[key], **value} if isinstance(value, dict) else value
        return written(tmp_path / name, document)

    return make


LOAD = LoadSpec(segments=(OpenSegment(100, 100, 9),)).to_json()


def test_files_are_read_with_all_runs_they_tell_of(before: Callable[..., str]) -> None:
    (alone,) = read_baseline([before()], None, LOAD, None).entries
    assert (alone["run"], alone["metrics"]["p50"]) == ("3f9a00112233", 12.0)
    many = before("many.json", repeats=[entry("a", p50=1.0), entry("b", p50=2.0)])
    found = read_baseline([many, many, before()], None, LOAD, 0.1)
    assert [one["run"] for one in found.entries] == ["a", "b", "3f9a00112233"]  # each once
    assert found.allow == 0.1


def test_another_seed_is_the_same_load_and_another_rate_is_not(before: Callable[..., str]) -> None:
    assert read_baseline([before()], None, LOAD | {"seed": 9}, None).entries
    other = LoadSpec(segments=(OpenSegment(200, 200, 9),)).to_json()
    with pytest.raises(UsageError, match=r"under another load \(segments\)"):
        read_baseline([before()], None, other, None)
    with pytest.raises(UsageError, match="segments, arrivals"):
        read_baseline([before()], None, LoadSpec((ClosedSegment(1, 9),), arrivals="constant").to_json(), None)


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ({"grade": "client_limited"}, "is client limited and says nothing certain"),
        ({"grade": "unstable"}, "is unstable"),
        ({"status": "interrupted"}, "is interrupted"),
    ],
)
def test_a_baseline_that_says_nothing_certain_is_refused(
    run: dict[str, str], said: str, before: Callable[..., str]
) -> None:
    with pytest.raises(UsageError, match=said):
        read_baseline([before(run=run)], None, LOAD, None)


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    store = str(tmp_path / "store.sqlite")
    for word, said in (
        (written(tmp_path / "x.json", {"schema": "other"}), "no result of loadstone probe"),
        (written(tmp_path / "y.json", []), "no result of loadstone probe"),
        (str(tmp_path / "none.json"), "is not there"),
        ("abcd12", "abcd12"),
    ):
        with pytest.raises(UserError, match=said):
            read_baseline([word], store, LOAD, None)


# through the command line, with a probe that says what it is told


class Told:
    """A probe whose n-th run has the n-th median response time."""

    def __init__(self, result: dict[str, Any], medians: Sequence[float]) -> None:
        self.result, self.medians = result, list(medians)
        self.specs: list[LoadSpec] = []
        self.targets: list[str] = []

    def __call__(self, target: Any, spec: LoadSpec, **_: object) -> Told:
        self.targets.append(target.address)
        self.specs.append(spec)
        return self

    def run(self, context: ProbeContext) -> Mapping[str, Any]:
        median = self.medians[len(self.specs) - 1]
        step = {**self.result["steps"][-1], "response_ms": {"p50": median}}
        step.pop("cpu_ms_per_request")
        run = {**self.result["run"], "id": context.run_id}
        if median < 0:
            run |= {"status": "failed", "grade": "unstable", "reason": "gone"}
        spec = self.specs[-1]
        document = {**self.result, "run": run, "steps": [step], "load": spec.to_json()}
        context.emit(Started(0.0, run, document["target"], document["load"]))
        context.emit(Finished(1.0, document))
        return document


@pytest.fixture
def told(result: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Told]:
    monkeypatch.setenv("LOADSTONE_STORE", str(tmp_path / "store.sqlite"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def make(medians: Sequence[float]) -> Told:
        probe = Told(result(mode="segments", bound=None), medians)
        module = ModuleType("probes.load.probe")
        module.LoadProbe = probe  # type: ignore[attr-defined]
        monkeypatch.setitem(__import__("sys").modules, "probes.load.probe", module)
        return probe

    return make


ARGV = ["probe", TARGET, "--rate", "100", "--duration", "9s", "--quiet"]


def test_before_and_after_by_the_command_line(
    told: Callable[..., Told], tmp_path: Path, capsys: Captured
) -> None:
    first, second = str(tmp_path / "before.json"), str(tmp_path / "after.json")
    probe = told(BEFORE)
    assert main([*ARGV, "--repeat", "5", "--json", first]) == 0
    assert [spec.seed for spec in probe.specs] == [1, 2, 3, 4, 5]
    document = json.loads(Path(first).read_text())
    assert [one["metrics"] for one in document["repeats"]] == [{"p50": value} for value in BEFORE]
    assert len({one["run"] for one in document["repeats"]}) == 5
    assert "baseline" not in document
    with open_store(None) as store:
        assert {run.id for run in store.runs()} == {one["run"] for one in document["repeats"]}
        assert store.run(document["run"]["id"]).result["repeats"] == document["repeats"]

    told(SLOWER)
    assert main([*ARGV, "--repeat", "5", "--baseline", first, "--json", second]) == 5
    found = json.loads(Path(second).read_text())["baseline"]
    assert (found["verdict"], found["runs"]) == ("worse", [one["run"] for one in document["repeats"]])
    shown = capsys.readouterr().out
    assert "Against the baseline: slower (5 runs before, 5 runs now)." in shown
    assert "p50 is 1.100 times as before (1.07–1.13" in shown

    told(SAME)
    assert main([*ARGV, "--repeat", "5", "--baseline", document["run"]["id"]]) == 0  # the stored run
    told(SAME[:1])
    assert main([*ARGV, "--baseline", first]) == 4
    assert "more runs on each side would tell" in capsys.readouterr().out
    told(SLOWER)
    assert main([*ARGV, "--repeat", "5", "--baseline", first, "--allow", "20%"]) == 0


OTHER = "http://127.0.0.1:8001/predict"


def test_a_live_baseline_is_measured_in_turn(
    told: Callable[..., Told], tmp_path: Path, capsys: Captured
) -> None:
    file = str(tmp_path / "found.json")
    in_turn = [value for pair in zip(BEFORE, SLOWER, strict=True) for value in pair]
    probe = told(in_turn)
    assert main([*ARGV, "--repeat", "5", "--baseline", OTHER, "--json", file, "--assessment", "shop"]) == 5
    assert probe.targets == [OTHER, TARGET] * 5
    assert [spec.seed for spec in probe.specs] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5], "each pair has its arrivals"
    found = json.loads(Path(file).read_text())
    assert [one["metrics"]["p50"] for one in found["repeats"]] == list(SLOWER)
    (change,) = found["baseline"]["changes"]
    assert change["ratio"] == pytest.approx(1.09983, abs=1e-5)
    assert (change["low"], change["high"]) == (
        pytest.approx(1.07083, abs=1e-5),
        pytest.approx(1.12961, abs=1e-5),
    )
    assert len(found["baseline"]["runs"]) == 5
    with open_store(None) as store:
        joined = {run.id for run in store.runs("shop")}
        assert joined == {one["run"] for one in found["repeats"]}, "the other target's runs join nothing"
        assert len(store.runs()) == 10

    told([value for pair in zip(BEFORE, SAME, strict=True) for value in pair])
    capsys.readouterr()
    assert main([*ARGV, "--repeat", "5", "--baseline", OTHER, "--no-store"]) == 0
    shown = capsys.readouterr().out
    assert "Against the baseline: as fast (5 runs before, 5 runs now)." in shown
    assert "These runs would tell a change of" in shown

    probe = told([*in_turn[:2], -1.0])
    assert main([*ARGV, "--repeat", "5", "--baseline", OTHER, "--no-store"]) == 3
    assert probe.targets == [OTHER, TARGET, OTHER]


def test_a_run_that_fails_is_the_last(told: Callable[..., Told], capsys: Captured) -> None:
    probe = told([100.0, -1.0, 100.0])
    assert main([*ARGV, "--repeat", "3", "--no-store"]) == 3
    assert len(probe.specs) == 2


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--allow", "5%"], "add --baseline"),
        (["--repeat", "0"], "'0' is no value for --repeat"),
        (["--baseline", OTHER, "x.json"], "give it alone"),
        (["--baseline", "no.json"], "--baseline no.json is not there"),
        (["--baseline", "x", "--allow", "5"], "is not the least change that matters"),
    ],
)
def test_what_is_refused(argv: list[str], said: str, told: Callable[..., Told], capsys: Captured) -> None:
    probe = told(BEFORE)
    assert main([*ARGV, *argv]) == 2
    assert said in capsys.readouterr().err
    assert not probe.specs


def test_nothing_is_said_of_a_baseline_that_was_not_asked_for(result: Make) -> None:
    assert baseline_lines(result(), 80) == []
    assert entries_of(result()) == [entry_of(result())]
