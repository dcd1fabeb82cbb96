"""How an assessment is made of its parts: the same with a store and without one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.assessing import (
    Given,
    Scan,
    assess_here,
    assess_stored,
    keep,
    lens_for,
    moment,
    named_from,
    scanned,
    with_slo,
)
from assessments.claims import read_answers
from assessments.evidence import sealed
from assessments.growth_profiles import with_declared
from assessments.lens import bundled_lens
from assessments.store import open_store
from probes.errors import UsageError
from probes.facts import Source, observed

NOW = datetime.now(UTC)
ANSWERS = b"""schema: loadstone.answers/1
profile: {target_kind: http, deploys_to: k8s, target_peak_per_s: 100}
answers: {INF-08: INF_08_c, INF-12: INF_12_c, INF-14: {choice: INF_14_b, note: two}, MON-01: unsure}
"""
MANIFEST = """apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: a, image: "a:1", resources: {requests: {cpu: 1}, limits: {memory: 100M}}}]}
"""


def run_of(machine: str | None = None) -> dict[str, Any]:
    """The result of a load run that needed 80 MB: the limit of 100 MB is 1.25 of that."""
    source = Source("load", run="3f9a001122", machine=machine)
    facts = [observed("load.capacity", 198.4, source), observed("process.rss_peak_bytes", 80_000_000, source)]
    return {
        "schema": "loadstone.probe/1",
        "run": {
            "id": "3f9a001122", "started_at": NOW.isoformat(), "seconds": 20.0, "status": "completed",
            "reason": None, "grade": "valid", "grade_reason": None, "seed": 7, "machine": {},
            "version": "0.1.0",
        },
        "target": {"kind": "http", "address": "http://127.0.0.1:1/", "remote": False},
        "load": {"mode": "find_capacity", "slo": "p99<=200ms,errors<=1%"},
        "steps": [],
        "facts": [fact.to_json() for fact in facts],
    }  # fmt: skip


@pytest.fixture
def given(tmp_path: Path) -> Given:
    folder = tmp_path / "deploy"
    folder.mkdir()
    (folder / "shop.yaml").write_text(MANIFEST)
    scan = Scan("deploy", scanned([str(folder)], base=tmp_path))
    answers = read_answers(ANSWERS, "answers.yaml")
    return Given(
        "shop", bundled_lens(), answers, "Shop", (scan,), (("r.json", json.dumps(sealed(run_of())).encode()),)
    )


def test_with_a_store_and_without_the_same_comes_out(given: Given, tmp_path: Path) -> None:
    """All but the id, which the store gives."""
    now = datetime.now(UTC)
    here = assess_here(given, as_of=now)
    with open_store(str(tmp_path / "store.sqlite")) as store:
        assert keep(store, given) == ()
        stored = assess_stored(store, "shop", now)
    one, other = here.to_json(), stored.to_json()
    states = {claim["question"]: claim["state"] for claim in one["claims"]}
    assert (states["INF-08"], states["INF-12"], states["INF-14"]) == ("verified", "verified", "verified")
    for key in ("claims", "scores", "actions", "facts", "profile", "answers", "forecast", "verdict"):
        assert one[key] == other[key], key
    assert one["assessment"]["title"] == other["assessment"]["title"] == "Shop"


def test_a_run_from_elsewhere_that_is_sealed_is_a_run_and_one_that_is_not_is_given_by_hand(
    given: Given,
) -> None:
    assert [run["run"]["id"] for run in assess_here(given).materials.runs] == ["3f9a001122"]
    unsealed = Given(
        given.name, given.lens, given.answers, files=(("r.json", json.dumps(run_of()).encode()),)
    )
    found = assess_here(unsealed)
    assert found.materials.runs == ()
    assert {fact.state for fact in found.materials.facts} == {"by_hand"}
    states = {entry.question: entry.state for entry in found.judgements}
    assert states["INF-12"] == "claimed"


def test_what_a_scan_could_not_read_is_a_problem_of_the_assessment(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        MANIFEST.replace("limits: {memory: 100M}", 'limits: {memory: "{{ .m }}"}')
    )
    document = scanned([str(tmp_path / "a.yaml")], base=tmp_path)
    given = Given("shop", bundled_lens(), read_answers(ANSWERS, "a"), scans=(Scan("a.yaml", document),))
    problems = assess_here(given).materials.problems
    assert [problem.split(":")[0] for problem in problems] == ["a.yaml, line 9"]


def test_files_are_named_from_the_folder_that_they_lie_below(tmp_path: Path) -> None:
    assert named_from(tmp_path, str(tmp_path / "deploy" / "a.yaml")) == str(Path("deploy", "a.yaml"))
    assert named_from(tmp_path / "deploy", str(tmp_path / "a.yaml")) == str(tmp_path / "a.yaml")
    assert named_from(tmp_path, "http://127.0.0.1:1/metrics") == "http://127.0.0.1:1/metrics"


def test_the_lens_is_the_one_named_else_that_of_the_answers_else_ours(tmp_path: Path) -> None:
    plain = read_answers(ANSWERS, "a.yaml")
    assert lens_for(plain, tmp_path) is bundled_lens()
    named = read_answers(ANSWERS + b"lens: loadstone-readiness\n", "a.yaml")
    assert lens_for(named, tmp_path) is bundled_lens()
    assert lens_for(named, tmp_path, "loadstone-readiness") is bundled_lens()
    with pytest.raises(UsageError, match="neither a lens nor a file"):
        lens_for(read_answers(ANSWERS + b"lens: none.yaml\n", "a.yaml"), tmp_path)


def test_moments() -> None:
    assert moment("2026-03-01T12:00:00Z") == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert moment("2026-03-01T12:00:00") == datetime(2026, 3, 1, 12, tzinfo=UTC)
    end = moment("2026-03-01")
    assert (end.date().isoformat(), end.hour, end.tzinfo) == ("2026-03-01", 23, UTC)
    with pytest.raises(UsageError, match="'soon' is no moment"):
        moment("soon")


def test_the_objective_of_the_load_is_that_of_the_profile_where_it_names_none() -> None:
    answers = read_answers(ANSWERS, "a.yaml")
    filled = with_slo(answers, "p99<=100ms")
    assert filled.profile.values["slo"] == "p99<=100ms"
    assert with_slo(filled, "p99<=900ms") is filled
    assert with_slo(answers, None) is answers
    campaign = ANSWERS.replace(b"target_peak_per_s: 100", b"growth_profile: retail-campaign")
    declaring = read_answers(campaign, "answers.yaml")
    declared = str(with_declared(declaring.profile).values["slo"])
    assert with_slo(declaring, declared) is declaring, "what nobody gave stays declared"
    assert with_slo(declaring, "p99<=100ms").profile.values["slo"] == "p99<=100ms"
