"""A stored assessment is judged from what is intact of it, and moves to another store without a change."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assessments.assessment import assess, materials_of, rescored
from assessments.claims import Answers, Attachment, Claim, read_answers
from assessments.evidence import EvidenceFile, read_evidence, sealed
from assessments.judging import Materials
from assessments.lens import Lens, bundled_lens, load_lens
from assessments.store import (
    Answer,
    AnswerChanged,
    DamagedSetup,
    Setup,
    Store,
    UnknownAssessment,
    open_store,
)
from assessments.stored import (
    add_by_hand,
    add_evidence,
    add_evidence_file,
    add_scan,
    answer_of,
    claim_of,
    keep,
    keep_changes,
    materials,
    milestone,
    restore_document,
)
from probes.errors import UsageError
from probes.facts import Fact, Source, observed

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LENS = """\
schema: loadstone.lens/1
name: two-questions
title: Two questions and a half
version: "1"
pillars: [{id: infrastructure, name: Infrastructure}, {id: monitoring, name: Monitoring}]
axes: [{id: workload, name: Workload}]
questions:
- id: INF-12
  pillar: infrastructure
  axes: [workload]
  weight: 3
  question: What is the highest load that one copy holds?
  choices:
  - {id: INF_12_no, value: 0, text: Unknown}
  - {id: INF_12_c, value: 0.75, text: Measured, verified_by: load.capacity > 0}
  - {id: INF_12_d, value: 1, text: Measured often, verified_by: history.load_runs_90_days >= 3}
  remediation: {text: Run a ramp, effort_days: 1, tradeoff: load on the system}
- id: INF-08
  pillar: infrastructure
  axes: [workload]
  weight: 3
  applies_when: profile.deploys_to == k8s
  question: Where does the memory limit come from?
  choices:
  - {id: INF_08_no, value: 0, text: There is none}
  - id: INF_08_c
    value: 0.75
    text: From a load run
    verified_by: derived.memory_limit_headroom >= 1.2
    contradicted_by: derived.memory_limit_headroom < 1.1
  remediation: {text: Raise it, effort_days: 0.5, tradeoff: idle memory}
- id: MON-01
  pillar: monitoring
  axes: [workload]
  weight: 2
  question: Is there an alert on latency?
  choices:
  - {id: MON_01_no, value: 0, text: There is none}
  - {id: MON_01_c, value: 1, text: On the SLO, unprovable: no probe reads it here}
  remediation: {text: Add one, effort_days: 1, tradeoff: calls at night}
"""
ANSWERS = """\
schema: loadstone.answers/1
lens: lenses/two.yaml
profile: {target_kind: http, deploys_to: k8s, slo: "p99<=200ms", peak_per_s: 180, replicas: 4,
          target_peak_per_s: 420, growth: {workload: 8%/month}}
answers:
  INF-12: INF_12_c
  INF-08: {choice: INF_08_c, note: "since March", attachments: [{file: runbook.pdf, dated: 2026-02-02}]}
  MON-01: unsure
weights: {MON-01: 1.5}
challenges:
- {fact: load.error_ratio, reason: test data, at: 2026-03-01, note: "a canary", by: "M."}
"""


@pytest.fixture
def lens() -> Lens:
    return load_lens(LENS.encode(), "two.yaml")


@pytest.fixture
def answers() -> Answers:
    return read_answers(ANSWERS.encode(), "answers.yaml")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with open_store(str(path)) as opened:
        yield opened


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    """A store on another machine."""
    with open_store(str(tmp_path / "other.sqlite")) as opened:
        yield opened


@pytest.fixture
def shop(store: Store, lens: Lens, answers: Answers) -> Store:
    """The assessment `shop`: two runs, a scan, a fact by hand, and a milestone of the day before."""
    keep(store, "shop", answers=answers, lens=lens, title="The shop before the campaign")
    store.add_result(run("run-0001", NOON - timedelta(days=3), capacity=150.0), "shop")
    milestone(store, "shop", "yesterday", judged(store, "shop", NOON - timedelta(days=1)))
    store.add_result(run("run-0002", NOON - timedelta(hours=2), capacity=198.4), "shop")
    add_scan(store, "shop", scan(2.0e9))
    add_by_hand(store, "shop", fact("infra.kubernetes.hpa.max_replicas", 6))
    return store


def fact(name: str, value: Any, source: Source | None = None, at: datetime = NOON) -> Fact:
    return observed(
        name, value, source or Source("kubernetes", file="deploy.yaml", line=12), at=at, state="read"
    )


def run(run_id: str, at: datetime, capacity: float = 198.4) -> dict[str, Any]:
    source = Source("load", run=run_id, machine="build-7")
    facts = [
        observed("load.capacity", capacity, source, at=at, low=capacity - 5, high=capacity + 5),
        observed("process.rss_peak_bytes", 1_900_000_000, source, at=at),
        observed("load.error_ratio", 0.5, source, at=at),
    ]
    return {
        "schema": "loadstone.probe/1",
        "run": {
            "id": run_id, "started_at": at.isoformat(), "seconds": 41.5, "status": "completed",
            "reason": None, "grade": "valid", "grade_reason": None, "seed": 7, "machine": {"cores": 2},
            "version": "0.1.0",
        },
        "target": {"kind": "http", "address": "http://127.0.0.1:8000/predict", "pids": [7], "remote": False},
        "load": {"mode": "search"},
        "capacity": {"rate_per_s": capacity, "low": capacity - 5, "high": capacity + 5, "bound": "bracketed"},
        "steps": [{"mode": "open", "offered_per_s": 100, "achieved_per_s": 99.5, "seconds": 8.0}],
        "facts": [entry.to_json() for entry in facts],
    }  # fmt: skip


def scan(limit_bytes: float, at: datetime = NOON, *, path: str = "deploy/deploy.yaml") -> dict[str, Any]:
    return {
        "schema": "loadstone.facts/1",
        "facts": [fact("infra.kubernetes.memory_limit_bytes", int(limit_bytes), at=at).to_json()],
        "problems": [{"file": "deploy/broken.yaml", "line": 7, "message": "this is no YAML"}],
        "scanned": [{"path": path, "kind": "kubernetes", "seconds": 0.1}],
    }


def judged(store: Store, name: str, at: datetime = NOON) -> dict[str, Any]:
    """The document, as it is after it was written to a file and read again."""
    document: dict[str, Any] = json.loads(json.dumps(assess(materials(store, name), at).to_json()))
    return document


def values(found: Materials, name: str) -> list[Any]:
    return sorted(entry.value for entry in found.facts if entry.name == name)


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def states(document: Mapping[str, Any]) -> dict[str, str]:
    return {claim["question"]: claim["state"] for claim in document["claims"]}


def test_what_was_answered_comes_back_as_it_was_read(store: Store, lens: Lens, answers: Answers) -> None:
    keep(store, "shop", answers=answers, lens=lens, title="The shop")
    found = materials(store, "shop")
    assert found.answers.to_json() == answers.to_json()
    assert found.lens.to_json() == lens.to_json()
    assert (found.name, found.title, found.problems) == ("shop", "The shop", ())
    assert found.id == store.assessment("shop").id


def test_materials_hold_runs_newest_first_and_the_facts_of_everything(shop: Store) -> None:
    found = materials(shop, "shop")
    assert [entry["run"]["id"] for entry in found.runs] == ["run-0002", "run-0001"]
    assert values(found, "load.capacity") == [150.0, 198.4]
    assert values(found, "infra.kubernetes.memory_limit_bytes") == [2_000_000_000]
    (by_hand,) = (entry for entry in found.facts if entry.name == "infra.kubernetes.hpa.max_replicas")
    assert (by_hand.state, by_hand.value) == ("by_hand", 6)
    assert [entry["label"] for entry in found.milestones] == ["yesterday"]
    assert found.problems == ("deploy/broken.yaml, line 7: this is no YAML",)


def test_claims_are_held_against_what_is_stored(shop: Store) -> None:
    """Capacity was measured; a limit of 2.0 GB over a peak of 1.9 GB is a headroom of 1.05, below 1.1."""
    document = judged(shop, "shop")
    assert states(document) == {"INF-12": "verified", "INF-08": "contradicted", "MON-01": "unsure"}
    assert [entry["challenge"]["by"] for entry in document["set_aside"] if "challenge" in entry] == ["M."] * 2


def test_a_restored_assessment_scores_to_the_same_document(shop: Store, other: Store) -> None:
    document = judged(shop, "shop")
    assert restore_document(other, document) == "shop"
    assert judged(other, "shop") == document
    assert rescored(document) == document
    assert [entry.id for entry in other.runs("shop")] == ["run-0002", "run-0001"]
    assert other.assessment("shop").damaged == []


def test_it_does_so_where_its_runs_are_stored_already(shop: Store) -> None:
    document = judged(shop, "shop")
    assert restore_document(shop, document, "copy") == "copy"
    again = judged(shop, "copy")
    assert again["assessment"]["id"] != document["assessment"]["id"]
    same = {"assessment": document["assessment"]}
    assert again | same == document
    with pytest.raises(UsageError, match="there is an assessment 'copy' already"):
        restore_document(shop, document, "copy")


def test_a_restored_assessment_goes_on(shop: Store, other: Store) -> None:
    """Raising the limit to 2.4 GB over a peak of 1.9 GB verifies what 2.0 GB contradicted."""
    restore_document(other, judged(shop, "shop"))
    add_scan(other, "shop", scan(2.4e9, NOON + timedelta(hours=1)))
    later = judged(other, "shop", NOON + timedelta(hours=2))
    assert states(later)["INF-08"] == "verified"


def test_a_document_that_none_of_our_stores_wrote_is_restored(
    other: Store, lens: Lens, answers: Answers
) -> None:
    given = Materials("by hand", "an-id-of-its-own", lens, answers, problems=("the disk was full",))
    document = json.loads(json.dumps(assess(given, NOON).to_json()))
    restore_document(other, document)
    assert judged(other, "by hand") == document


@pytest.mark.parametrize(
    "wrong",
    [
        {"schema": "loadstone.facts/1"},
        {"lens": {"schema": "loadstone.lens/1"}},
        {"as_of": "noon"},
        {"facts": [{"name": "load.capacity"}]},
        {"assessment": {}},
        {"assessment": {"name": "", "id": "x" * 32}},
        {"runs": [{"schema": "loadstone.probe/1"}]},
        {"milestones": [{"label": "x"}]},
    ],
)
def test_what_is_no_whole_assessment_leaves_nothing(shop: Store, other: Store, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        restore_document(other, judged(shop, "shop") | wrong)
    assert (other.assessments(), other.runs()) == ([], [])


def test_a_milestone_keeps_the_document_and_not_the_milestones_in_it(shop: Store) -> None:
    document = judged(shop, "shop")
    summary = milestone(shop, "shop", "today", document)
    assert (summary.label, summary.at) == ("today", NOON)
    kept = shop.milestone("shop", "today").document
    assert kept == document | {"milestones": []}
    assert materials_of(kept).runs == tuple(document["runs"])
    labels = [entry["label"] for entry in materials(shop, "shop").milestones]
    assert labels == ["yesterday", "today"]
    with pytest.raises(UsageError, match="already"):
        milestone(shop, "shop", "today", document)
    with pytest.raises(UsageError, match="this is no assessment"):
        milestone(shop, "shop", "other", {"schema": "loadstone.probe/1"})


def test_milestones_travel_with_the_document(shop: Store, other: Store) -> None:
    milestone(shop, "shop", "today", judged(shop, "shop"))
    restore_document(other, judged(shop, "shop"))
    assert [entry.label for entry in other.milestones("shop")] == ["yesterday", "today"]
    before = shop.milestone("shop", "today").document
    after = other.milestone("shop", "today").document
    headings = [
        {"run": {key: run["run"][key] for key in ("id", "started_at", "status", "grade")}}
        for run in before["runs"]
    ]
    assert len(headings) == 2, "that they were counts when it is judged again"
    assert after == {**before, "runs": headings}


def test_a_later_scan_of_the_same_paths_takes_the_place_of_the_earlier(shop: Store) -> None:
    add_scan(shop, "shop", scan(2.4e9, NOON + timedelta(hours=1)))
    assert values(materials(shop, "shop"), "infra.kubernetes.memory_limit_bytes") == [2_400_000_000]
    nothing = scan(1) | {"facts": []}
    add_scan(shop, "shop", nothing)
    assert values(materials(shop, "shop"), "infra.kubernetes.memory_limit_bytes") == []
    add_scan(shop, "shop", scan(3e9, path="charts/"))
    add_scan(shop, "shop", nothing | {"scanned": [{"path": "another/"}]})
    assert values(materials(shop, "shop"), "infra.kubernetes.memory_limit_bytes") == [3_000_000_000]


def test_a_sealed_result_of_another_machine_becomes_a_run(store: Store, lens: Lens, answers: Answers) -> None:
    keep(store, "shop", answers=answers, lens=lens)
    assert add_evidence(store, "shop", sealed(run("run-0007", NOON))) == ()
    found = materials(store, "shop")
    assert [entry["run"]["id"] for entry in found.runs] == ["run-0007"]
    assert {entry.state for entry in found.facts} == {"measured"}
    assert states(judged(store, "shop"))["INF-12"] == "verified"


@pytest.mark.parametrize("edit", ["none", "value"])
def test_a_result_without_its_right_seal_is_given_by_hand(
    store: Store, lens: Lens, answers: Answers, edit: str
) -> None:
    document = run("run-0007", NOON)
    if edit == "value":
        document = sealed(document)
        document["facts"][0]["value"] = 900.0
    keep(store, "shop", answers=answers, lens=lens)
    add_evidence(store, "shop", document)
    found = materials(store, "shop")
    assert (found.runs, store.runs()) == ((), [])
    assert {entry.state for entry in found.facts} == {"by_hand"}
    assert states(judged(store, "shop"))["INF-12"] == "claimed"


def test_files_of_evidence_are_taken_in_with_what_is_wrong_in_them(store: Store) -> None:
    document = scan(2e9)
    document["facts"].append({"name": "load.capacitee", "value": 1})
    data = json.dumps(sealed(document)).encode()
    found = add_evidence_file(store, "shop", data, "facts.json")
    assert (found.sealed, len(found.facts), len(found.problems)) == (True, 1, 1)
    assert materials(store, "shop").problems == found.problems
    ((piece,), _) = store.evidence("shop")
    assert (piece.kind, piece.origin, piece.sealed) == ("facts_file", "facts.json", True)
    add_evidence_file(store, "shop", json.dumps(sealed(run("run-1", NOON))).encode(), "run.json")
    assert [entry.id for entry in store.runs("shop")] == ["run-1"]
    with pytest.raises(UsageError, match="no evidence of Loadstone"):
        add_evidence_file(store, "shop", b"{}", "empty.json")


def test_an_evidence_file_brings_its_facts(store: Store) -> None:
    given: EvidenceFile = read_evidence(json.dumps(sealed(run("run-0007", NOON))).encode(), "run.json")
    assert add_evidence(store, "shop", given) == ()
    found = materials(store, "shop")
    assert (found.facts, found.runs) == (given.facts, ())


def test_a_fact_that_two_sources_bring_counts_once(store: Store) -> None:
    add_scan(store, "shop", scan(2e9))
    add_evidence(store, "shop", sealed(scan(2e9)), origin="facts.json")
    assert len(store.evidence("shop")[0]) == 2
    assert values(materials(store, "shop"), "infra.kubernetes.memory_limit_bytes") == [2_000_000_000]


def test_a_fact_by_hand_takes_the_place_of_the_one_before(store: Store) -> None:
    for value in (6, 8):
        add_by_hand(store, "shop", fact("infra.kubernetes.hpa.max_replicas", value))
    assert values(materials(store, "shop"), "infra.kubernetes.hpa.max_replicas") == [8]


def test_what_is_derived_is_never_taken_over(store: Store) -> None:
    derived = observed("derived.memory_limit_headroom", 9.0, Source("derived"), at=NOON)
    add_scan(store, "shop", scan(2e9) | {"facts": [derived.to_json()]})
    assert materials(store, "shop").facts == ()


def test_what_is_no_scan_is_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="this is no scan"):
        add_scan(store, "shop", run("run-0007", NOON))
    with pytest.raises(UsageError, match="no evidence of Loadstone"):
        add_evidence(store, "shop", {"schema": "loadstone.answers/1"})
    assert store.assessments() == []


def test_answers_that_do_not_fit_the_lens_are_not_kept(store: Store, lens: Lens, answers: Answers) -> None:
    wrong = replace(answers, claims={"INF-99": Claim("INF-99", ("INF_99_a",))})
    with pytest.raises(UsageError, match="the lens has no question 'INF-99'"):
        keep(store, "shop", answers=wrong, lens=lens)
    with pytest.raises(UsageError, match="weights"):
        keep(store, "shop", answers=replace(answers, weights={"INF-12": 0.0}), lens=lens)
    assert store.assessments() == []


def answered(answers: Answers, question: str, choice: str | None) -> Answers:
    claims = {name: claim for name, claim in answers.claims.items() if name != question}
    return replace(
        answers, claims=claims if choice is None else claims | {question: Claim(question, (choice,))}
    )


def with_profile(answers: Answers, **values: Any) -> Answers:
    kept = {name: value for name, value in {**answers.profile.values, **values}.items() if value is not None}
    return replace(answers, profile=replace(answers.profile, values=kept))


def test_two_who_change_different_answers_both_keep_theirs(shop: Store, path: Path, answers: Answers) -> None:
    mine = with_profile(answered(answers, "INF-12", "INF_12_no"), replicas=6, usual_per_s=90)
    theirs = with_profile(answered(answers, "MON-01", "MON_01_c"), peak_per_s=200, replicas=None)
    with open_store(str(path)) as other:
        keep_changes(other, "shop", answers, replace(theirs, weights={"INF-12": 2.0}))
    keep_changes(shop, "shop", answers, replace(mine, challenges=()))
    found = materials(shop, "shop").answers
    chosen = {name: claim.choices for name, claim in found.claims.items()}
    assert chosen == {"INF-12": ("INF_12_no",), "INF-08": ("INF_08_c",), "MON-01": ("MON_01_c",)}
    profile = found.profile.values
    assert (profile["replicas"], profile["usual_per_s"], profile["peak_per_s"]) == (6, 90, 200)
    assert (found.weights, found.challenges) == ({"INF-12": 2.0}, ())
    assert found.lens == answers.lens
    assert store_counts(shop) == (3, [])


def store_counts(store: Store) -> tuple[int, list[str]]:
    found = store.assessment("shop")
    return len(found.answers), found.damaged


@pytest.mark.parametrize("choice", ["INF_12_d", None])
def test_an_answer_that_another_changed_meanwhile_stays(
    shop: Store, answers: Answers, choice: str | None
) -> None:
    keep_changes(shop, "shop", answers, answered(answers, "INF-12", "INF_12_no"))
    mine = answered(answered(answers, "INF-12", choice), "MON-01", "MON_01_c")
    with pytest.raises(AnswerChanged, match="INF-12"):
        keep_changes(shop, "shop", answers, with_profile(mine, replicas=9))
    found = materials(shop, "shop").answers
    assert found.claims["INF-12"].choices == ("INF_12_no",)
    assert (found.claims["MON-01"].state, found.profile.values["replicas"]) == ("unsure", 4)


def test_an_answer_is_taken_back_and_given_again(shop: Store, answers: Answers) -> None:
    without = answered(answers, "INF-12", None)
    keep_changes(shop, "shop", answers, without)
    keep_changes(shop, "shop", answers, without)  # the same change again is none
    assert store_counts(shop) == (2, [])
    keep_changes(shop, "shop", without, answers)
    assert materials(shop, "shop").answers.to_json() == answers.to_json()
    assert store_counts(shop) == (3, [])


def test_a_change_leaves_damaged_answers_as_they_are(shop: Store, path: Path, answers: Answers) -> None:
    change(path, "UPDATE answer SET note = 'since April' WHERE question = 'INF-08'")
    keep_changes(shop, "shop", answers, answered(answers, "MON-01", "MON_01_c"))
    (said,) = store_counts(shop)[1]
    assert said.startswith("the answer to INF-08 does not match its hash")
    keep_changes(shop, "shop", answers, answered(answers, "INF-08", "INF_08_no"))
    assert store_counts(shop) == (3, [])


def test_changes_that_do_not_fit_are_not_kept(shop: Store, answers: Answers) -> None:
    with pytest.raises(UsageError, match="INF-12 has no choice 'INF_12_z'"):
        keep_changes(shop, "shop", answers, answered(answers, "INF-12", "INF_12_z"))
    with pytest.raises(UnknownAssessment):
        keep_changes(shop, "shup", answers, answered(answers, "INF-12", "INF_12_no"))
    assert materials(shop, "shop").answers.to_json() == answers.to_json()


def test_answers_are_held_against_the_lens_that_is_stored(store: Store, lens: Lens, answers: Answers) -> None:
    keep(store, "shop", lens=lens, title="The shop")
    keep(store, "shop", answers=answers)
    assert materials(store, "shop").lens.name == "two-questions"
    assert materials(store, "shop").title == "The shop"
    keep(store, "shop", title="Another")
    assert materials(store, "shop").answers.to_json() == answers.to_json()


def test_without_a_lens_it_is_the_one_that_comes_along(store: Store) -> None:
    store.save_answer("shop", Answer("nothing-of-it", choices=("x",)))
    found = materials(store, "shop")
    assert found.lens is bundled_lens()
    question = bundled_lens().questions[0]
    keep(
        store,
        "shop",
        answers=Answers("a", claims={question.id: Claim(question.id, (question.choices[0].id,))}),
    )
    assert store.setup("shop").lens == bundled_lens().to_json()
    assert materials(store, "shop").lens is bundled_lens()


def test_answers_to_another_lens_are_left_out_and_named(shop: Store) -> None:
    shop.save_answer("shop", Answer("INF-99", choices=("INF_99_a",)))
    shop.save_answer("shop", Answer("MON-01", choices=("MON_01_x",), version=1))
    found = materials(shop, "shop")
    assert sorted(found.answers.claims) == ["INF-08", "INF-12"]
    (said,) = (entry for entry in found.problems if "no such question or choice" in entry)
    assert "INF-99, MON-01" in said
    assert states(judged(shop, "shop"))["MON-01"] == "unanswered"


@pytest.mark.parametrize(
    ("setup", "said"),
    [
        (Setup(profile={"deploys_to": "k8s", "colour": "red"}), "a profile has no 'colour'"),
        (Setup(weights={"INF-99": 2.0}), "the lens has no question 'INF-99'"),
        (Setup(challenges=({"fact": "load.capacity", "reason": "mood", "at": "2026-03-01"},)), "'mood'"),
        (Setup(challenges=({"reason": "test data"},)), "a stored challenge cannot be read"),
    ],
)
def test_what_this_version_does_not_know_of_the_setup_is_said(
    store: Store, lens: Lens, setup: Setup, said: str
) -> None:
    store.save_setup("shop", replace(setup, lens=lens.to_json()))
    (problem,) = materials(store, "shop").problems
    assert said in problem
    assert "left out" in problem


def test_an_unreadable_attachment_costs_its_answer(store: Store, lens: Lens) -> None:
    store.save_setup("shop", Setup(lens=lens.to_json()))
    store.save_answer("shop", Answer("INF-12", choices=("INF_12_c",), attachments=({"dated": "soon"},)))
    found = materials(store, "shop")
    assert found.answers.claims == {}
    assert "INF-12: an attachment cannot be read" in found.problems[0]


@pytest.mark.parametrize(
    ("statement", "says", "state"),
    [
        ("UPDATE answer SET choices = '[\"INF_12_d\"]' WHERE question = 'INF-12'", "INF-12", "unanswered"),
        ("DELETE FROM answer WHERE question = 'INF-12'", "2 answers are stored where 3", "unanswered"),
        ("UPDATE run SET result = replace(result, '198.4', '998.4')", "run run-0002", "claimed"),
    ],
)
def test_what_is_damaged_is_named_and_not_scored(
    shop: Store, path: Path, statement: str, says: str, state: str
) -> None:
    if "run SET" in statement:
        change(path, "UPDATE run SET result = '{}' WHERE id = 'run-0001'")
    change(path, statement)
    document = judged(shop, "shop")
    assert any(says in problem for problem in document["problems"])
    assert states(document)["INF-12"] == state


def test_a_damaged_scan_is_named_and_not_scored(shop: Store, path: Path) -> None:
    """The changed limit of 9 GB would verify the claim that 2 GB contradicts."""
    change(path, "UPDATE evidence SET document = replace(document, '2000000000', '9000000000')")
    document = judged(shop, "shop")
    assert any("deploy/deploy.yaml does not match its hash" in entry for entry in document["problems"])
    assert states(document)["INF-08"] == "claimed"


def test_a_damaged_milestone_is_named_and_not_shown(shop: Store, path: Path) -> None:
    change(path, "UPDATE milestone SET document = replace(document, '150.0', '950.0')")
    document = judged(shop, "shop")
    assert document["milestones"] == []
    assert any("the milestone yesterday" in entry for entry in document["problems"])


def test_by_a_damaged_setup_nothing_is_judged_until_it_is_given_again(
    shop: Store, path: Path, lens: Lens, answers: Answers
) -> None:
    change(path, "UPDATE setup SET challenges = '[]'")
    with pytest.raises(DamagedSetup, match="give profile, lens, weights and challenges again"):
        materials(shop, "shop")
    with pytest.raises(DamagedSetup):  # by which lens?
        keep(shop, "shop", answers=answers)
    keep(shop, "shop", answers=answers, lens=lens)
    assert states(judged(shop, "shop"))["INF-08"] == "contradicted"


def test_an_unknown_assessment_is_unknown(store: Store) -> None:
    with pytest.raises(UnknownAssessment):
        materials(store, "shop")
    with pytest.raises(UnknownAssessment):
        milestone(store, "shop", "x", {"schema": "loadstone.assessment/1", "as_of": NOON.isoformat()})


@pytest.mark.parametrize(
    "claim",
    [
        Claim(
            "INF-12", ("a", "b"), note="why", attachments=(Attachment("x.pdf", NOON.date()), Attachment("y"))
        ),
        Claim("INF-12", (), "not_applicable", reason="no GPUs"),
        Claim("INF-12", (), "unsure", note="ask"),
        Claim("INF-12", (), "unanswered"),
    ],
)
def test_claims_and_stored_answers_are_the_same_thing(store: Store, claim: Claim) -> None:
    assert claim_of(answer_of(claim)) == claim
    assert claim_of(store.save_answer("shop", answer_of(claim))) == claim
    (stored,) = store.answers("shop")
    assert store.save_answer("shop", answer_of(claim, version=stored.version)).version == 2
