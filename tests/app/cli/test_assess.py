"""`loadstone assess` as its users run it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.cli.main import main
from assessments.evidence import sealed
from assessments.store import open_store
from probes.facts import Source, Value, observed

Captured = pytest.CaptureFixture[str]
NOW = datetime.now(UTC)

ANSWERS = """schema: loadstone.answers/1
profile: {target_kind: http, deploys_to: k8s}
answers:
  INF-08: INF_08_c
  INF-14: {choice: INF_14_b, note: "two since spring"}
  INF-11: unsure
"""
TWO_QUESTIONS = """schema: loadstone.lens/1
name: two-questions
title: Two questions
version: 1.0.0
pillars: [{id: memory, name: Memory}]
axes: [{id: workload, name: Workload}]
questions:
- id: MEM-1
  pillar: memory
  axes: [workload]
  weight: 3
  short: Memory limit
  question: Where does the limit come from?
  why: A limit under the peak kills.
  choices:
  - {id: MEM_1_no, value: 0, text: Nowhere}
  - {id: MEM_1_a, value: 0.5, text: From a run, contradicted_by: derived.memory_limit_headroom < 1,
     verified_by: derived.memory_limit_headroom >= 1}
  - {id: MEM_1_b, value: 1, text: From each release, contradicted_by: derived.memory_limit_headroom < 1.1,
     verified_by: derived.memory_limit_headroom >= 1.2}
  remediation: {text: Raise the limit, effort_days: 0.5, impact: 4, tradeoff: Memory costs}
- id: MEM-2
  pillar: memory
  axes: [workload]
  weight: 1
  question: Does anyone look?
  why: Growth is slow.
  choices:
  - {id: MEM_2_no, value: 0, text: No}
  - {id: MEM_2_a, value: 1, text: Yes, unprovable: nobody asks them}
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOADSTONE_STORE", str(tmp_path / "store.sqlite"))
    (tmp_path / "answers.yaml").write_text(ANSWERS)
    (tmp_path / "two.yaml").write_text(TWO_QUESTIONS)
    (tmp_path / "two-answers.yaml").write_text(
        "schema: loadstone.answers/1\nlens: two.yaml\nanswers: {MEM-1: MEM_1_b, MEM-2: MEM_2_a}\n"
    )
    monkeypatch.chdir(tmp_path)


def evidence(path: Path, *, seal: bool = True, at: datetime = NOW, **values: Value) -> str:
    """A file of facts, by names in which `__` stands for a point."""
    source = Source("scan", file="deploy.yaml", line=3)
    facts = [
        observed(name.replace("__", "."), value, source, at=at, state="read").to_json()
        for name, value in values.items()
    ]
    document: Mapping[str, Any] = {
        "schema": "loadstone.facts/1",
        "facts": facts,
        "problems": [],
        "scanned": [],
    }
    path.write_text(json.dumps(sealed(document) if seal else document))
    return str(path)


def memory(limit: int, peak: int) -> dict[str, Value]:
    return {"infra__kubernetes__memory_limit_bytes": limit, "process__rss_peak_bytes": peak}


def judged(capsys: Captured, *argv: str, code: int = 0) -> dict[str, Any]:
    assert main(["assess", *argv, "--json", "-"]) == code
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def state(document: Mapping[str, Any], question: str) -> str:
    (found,) = (claim["state"] for claim in document["claims"] if claim["question"] == question)
    return str(found)


def test_the_score_is_printed_by_pillar_with_what_is_contradicted_and_what_to_do(
    tmp_path: Path, capsys: Captured
) -> None:
    """1 GB over 950 MB is 1.05: contradicts `b`, proves `a`. Weights 3 and 1: claimed 100, supported
    (3·½ + 1·½)/4 = 50, proven 3·½/4 = 37.5."""
    file = evidence(tmp_path / "facts.json", **memory(1_000_000_000, 950_000_000))
    assert main(["assess", "shop", "--answers", "two-answers.yaml", "--evidence", file]) == 0
    out = capsys.readouterr().out
    rows = [row.split() for row in out.splitlines()]
    assert ["pillar", "score", "proven", "supported", "claimed", "band"] in rows
    assert ["Memory", "50", "38", "50", "100", "limited"] in rows
    assert "50 of 100 overall, set by Memory: limited" in out
    assert "Claims: 1 claimed, 1 contradicted" in out
    assert "1 claim is contradicted by the evidence:" in out
    assert "MEM-1  Memory limit" in out
    assert "Claimed: From each release" in out
    assert "derived.memory_limit_headroom = 1.05263" in out
    assert "What to do first:" in out
    assert "Stored as 'shop'" in out


def test_fail_on_contradicted_is_exit_code_1_only_where_there_is_one(
    tmp_path: Path, capsys: Captured
) -> None:
    low = evidence(tmp_path / "low.json", **memory(1_000_000_000, 950_000_000))
    options = ("--answers", "two-answers.yaml", "--fail-on", "contradicted")
    judged(capsys, "good", *options)
    document = judged(capsys, "bad", *options, "--evidence", low, code=1)
    assert state(document, "MEM-1") == "contradicted"
    judged(capsys, "bad", "--answers", "two-answers.yaml")


def test_what_is_stored_is_judged_again_without_answers(tmp_path: Path, capsys: Captured) -> None:
    judged(capsys, "shop", "--answers", "two-answers.yaml", "--title", "Two of them")
    document = judged(capsys, "shop", "--evidence", evidence(tmp_path / "f.json", **memory(900, 950)))
    assert state(document, "MEM-1") == "contradicted"
    assert document["assessment"]["title"] == "Two of them"
    with open_store() as store:
        assert len(store.assessment("shop").answers) == 2


def test_a_file_without_its_seal_counts_as_given_by_hand(tmp_path: Path, capsys: Captured) -> None:
    """By hand it neither contradicts nor proves: the same figures challenge the claim."""
    file = evidence(tmp_path / "facts.json", seal=False, **memory(1_000_000_000, 950_000_000))
    assert main(["assess", "shop", "--answers", "two-answers.yaml", "--evidence", file]) == 0
    out = capsys.readouterr().out
    assert "has no right seal: its facts count as given by hand" in " ".join(out.split())
    document = judged(capsys, "shop")
    assert state(document, "MEM-1") == "challenged"


def test_a_changed_byte_breaks_the_seal(tmp_path: Path, capsys: Captured) -> None:
    file = tmp_path / "facts.json"
    evidence(file, **memory(1_000_000_000, 950_000_000))
    file.write_text(file.read_text().replace("950000000", "150000000"))
    document = judged(capsys, "shop", "--answers", "two-answers.yaml", "--evidence", str(file))
    assert state(document, "MEM-1") == "claimed", "given by hand it backs the claim and does not prove it"


def test_evidence_expires_by_the_moment_that_is_asked_for(tmp_path: Path, capsys: Captured) -> None:
    file = evidence(tmp_path / "facts.json", **memory(1_300_000_000, 950_000_000))
    options = ("shop", "--answers", "two-answers.yaml", "--evidence", file)
    assert state(judged(capsys, *options), "MEM-1") == "verified"
    later = (NOW + timedelta(days=200)).date().isoformat()
    document = judged(capsys, *options, "--as-of", later)
    assert state(document, "MEM-1") == "claimed"
    assert document["as_of"].startswith(later)


def test_without_a_store_nothing_is_kept(tmp_path: Path, capsys: Captured) -> None:
    file = evidence(tmp_path / "facts.json", **memory(1_300_000_000, 950_000_000))
    document = judged(capsys, "shop", "--answers", "two-answers.yaml", "--evidence", file, "--no-store")
    assert state(document, "MEM-1") == "verified"
    assert not (tmp_path / "store.sqlite").exists()


def test_our_lens_is_the_default(capsys: Captured) -> None:
    document = judged(capsys, "shop", "--answers", "answers.yaml")
    assert document["lens"]["name"] == "loadstone-readiness"
    assert state(document, "INF-11") == "unsure"


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["shop", "--answers", "none.yaml"], "none.yaml"),
        (["shop", "--answers", "answers.yaml", "--lens", "two.yaml"], "the lens has no question 'INF-08'"),
        (["shop", "--answers", "two-answers.yaml", "--lens", "loadstone-readiness"], "answers the lens"),
        (["shop", "--answers", "answers.yaml", "--evidence", "answers.yaml"], "answers.yaml"),
        (["shop", "--answers", "answers.yaml", "--as-of", "soon"], "'soon' is no moment"),
        (["shop", "--answers", "answers.yaml", "--fail-on", "contradiction"], "did you mean contradicted?"),
        (["shop", "--lens", "two.yaml"], "--lens needs --answers"),
        (["shop", "--no-store"], "--no-store needs --answers"),
        (["shop"], "there is no assessment 'shop'"),
        (["", "--answers", "answers.yaml"], "the name of an assessment is empty"),
        (["shop", "--answers", "answers.yaml", "--store", "x", "--no-store"], "exclude each other"),
        ([], "NAME"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(argv: list[str], says: str, capsys: Captured) -> None:
    assert main(["assess", *argv]) == 2
    out, err = capsys.readouterr()
    assert says in err
    assert err.count("\n") == 1
    assert out == ""


def test_what_is_wrong_in_the_answers_is_said_with_its_line(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "answers.yaml").write_text(ANSWERS.replace("INF_14_b", "INF_14_x"))
    assert main(["assess", "shop", "--answers", "answers.yaml"]) == 2
    assert "answers.yaml, line 5: INF-14 has no choice 'INF_14_x'" in capsys.readouterr().err
    assert not (tmp_path / "store.sqlite").exists()


def test_text_of_others_is_shown_escaped(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "two.yaml").write_text(
        TWO_QUESTIONS.replace("text: From each release", 'text: "From\\e[31m each"')
    )
    file = evidence(tmp_path / "facts.json", **memory(900, 950))
    assert main(["assess", "shop", "--answers", "two-answers.yaml", "--evidence", file]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "From\\x1b[31m each" in out
