"""`loadstone lens` on AWS custom lenses and on ours."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from app.cli.main import main

Captured = pytest.CaptureFixture[str]


def question(name: str, default: bool = True, **more: Any) -> dict[str, Any]:
    rules = [
        {"condition": f"{name}_1 && {name}_2", "risk": "NO_RISK"},
        {"condition": f"{name}_1", "risk": "MEDIUM_RISK"},
        {"condition": "default", "risk": "HIGH_RISK"},
    ]
    choices = [{"id": f"{name}_{ending}", "title": f"Practice {ending}"} for ending in ("1", "2", "no")]
    return {
        "id": name,
        "title": "How do you do it?",
        "choices": choices,
        "riskRules": rules if default else rules[:2],
    } | more


def write(path: Path, *questions: dict[str, Any], **more: Any) -> str:
    pillar = {"id": "pillar_1", "name": "Reliability", "questions": list(questions)}
    lens = {"schemaVersion": "2021-11-01", "name": "Team lens", "description": "Ours", "pillars": [pillar]}
    path.write_text(json.dumps(lens | more, indent=1), encoding="utf-8")
    return str(path)


@pytest.fixture
def good(tmp_path: Path) -> str:
    return write(tmp_path / "good.json", question("aaa"), question("bbb"))


@pytest.fixture
def odd(tmp_path: Path) -> str:
    """No default in one question, a title that is NaN in the other, a key that AWS does not know."""
    first, second = question("aaa", default=False), question("bbb", title=math.nan)
    return write(tmp_path / "odd.json", first, second, _team={"a": 1.0})


def said(captured: Captured) -> str:
    return " ".join(captured.readouterr().out.split())


def test_a_good_lens_passes_the_strict_check(good: str, capsys: Captured) -> None:
    assert main(["lens", "check", good, "--strict"]) == 0
    assert "Team lens: 1 pillar, 2 questions, 6 choices, 6 rules. No problems." in said(capsys)


def test_problems_are_named_and_break_only_the_strict_check(odd: str, capsys: Captured) -> None:
    assert main(["lens", "check", odd]) == 0
    out = said(capsys)
    assert "3 problems:" in out
    assert "no_default line" in out
    assert "not_text line" in out
    assert "'_team', which AWS does not know" in out
    assert main(["lens", "check", odd, "--strict"]) == 1


def test_the_check_for_machines_is_contracts(odd: str, capsys: Captured) -> None:
    assert main(["lens", "check", odd, "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "loadstone.lens-check/1"
    assert [document[name] for name in ("name", "pillars", "questions", "choices", "rules")] == [
        "Team lens", 1, 2, 6, 5,
    ]  # fmt: skip
    found = {problem["kind"]: problem for problem in document["problems"]}
    assert set(found) == {"no_default", "not_text", "unknown_key"}
    assert found["no_default"]["question"] == "aaa"
    assert found["unknown_key"]["question"] is None


def test_risks_are_counted_for_a_selection(good: str, capsys: Captured) -> None:
    def counts(select: str) -> list[int]:
        assert main(["lens", "risks", good, "--select", select, "--json", "-"]) == 0
        document = json.loads(capsys.readouterr().out)
        names = ("HIGH_RISK", "MEDIUM_RISK", "NO_RISK", "UNANSWERED", "NOT_RATED")
        return [document[name] for name in names]

    assert counts("none") == [0, 0, 0, 2, 0]
    assert counts("all") == [0, 0, 2, 0, 0]
    assert counts("first") == [0, 2, 0, 0, 0]


def test_risks_warn_where_none_of_these_is_chosen_with_others(good: str, capsys: Captured) -> None:
    assert main(["lens", "risks", good, "--select", "all"]) == 0
    assert "selected together with others in 2 questions (aaa, bbb)" in said(capsys)


def test_answers_of_a_person_are_a_selection(good: str, tmp_path: Path, capsys: Captured) -> None:
    answers = tmp_path / "answers.yaml"
    answers.write_text(
        "schema: loadstone.answers/1\nlens: good.json\nanswers:\n  aaa: [aaa_1, aaa_2]\n  bbb: aaa\n"
    )
    argv = ["lens", "risks", good, "--select", f"@{answers}", "--json", "-"]
    assert main(argv) == 2
    assert "answers.yaml, line 5: bbb has no choice 'aaa'" in capsys.readouterr().err
    answers.write_text(answers.read_text().replace("bbb: aaa", 'bbb: {not_applicable: "no such thing"}'))
    assert main(argv) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["NO_RISK"], document["NOT_APPLICABLE"], document["UNANSWERED"]) == (1, 1, 0)
    assert document["questions"][0] == {"question": "aaa", "selected": ["aaa_1", "aaa_2"], "risk": "NO_RISK"}


def test_show_prints_questions_choices_and_rules(odd: str, capsys: Captured) -> None:
    assert main(["lens", "show", odd]) == 0
    out = said(capsys)
    for part in ("Reliability (pillar_1)", "aaa How do you do it?", "[ ] aaa_no Practice no", "bbb –"):
        assert part in out
    assert "NO_RISK: aaa_1 && aaa_2" in out
    assert main(["lens", "show", odd, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["content"][0]["questions"][0]["weight"] == 1


def test_import_and_export_give_the_lens_back(odd: str, tmp_path: Path, capsys: Captured) -> None:
    kept, back = tmp_path / "kept.json", tmp_path / "back.json"
    assert main(["lens", "import", odd, "-o", str(kept)]) == 0
    assert "It has 3 problems" in said(capsys)
    assert json.loads(kept.read_text())["schema"] == "loadstone.aws-lens/1"
    assert main(["lens", "export", str(kept), "-o", str(back)]) == 0
    canonical = [json.dumps(json.loads(Path(path).read_text()), sort_keys=True) for path in (odd, back)]
    assert canonical[0] == canonical[1]
    assert "NaN" in canonical[0]
    capsys.readouterr()
    assert main(["lens", "export", str(kept), "-o", "-"]) == 0
    assert capsys.readouterr().out == back.read_text()
    for word in ("check", "show"):
        assert main(["lens", word, str(kept)]) == 0


OURS = """\
schema: loadstone.lens/1
name: our-lens
title: Our lens
version: "1"
constants:
  MARGIN: {value: 1.1, reason: a pause took 8 %}
conditions:
  roomy: {when: derived.memory_limit_headroom >= MARGIN, meaning: the limit lies above the peak}
pillars: [{id: infrastructure, name: Infrastructure}]
axes: [{id: workload, name: Requests per second}]
questions:
- id: INF-08
  pillar: infrastructure
  axes: [workload]
  weight: 3
  critical: true
  applies_when: profile.deploys_to == k8s
  question: Where do the limits come from?
  why: Wrong ones kill under load.
  choices:
  - {id: INF_08_no, value: 0, text: There are none}
  - id: INF_08_a
    value: 0.5
    text: From one run
    verified_by: roomy
    contradicted_by: derived.memory_limit_headroom < 1
  - {id: INF_08_b, value: 1, text: For each release, unprovable: no probe reads releases}
  remediation: {text: Set it to the peak and a fifth, effort_days: 0.5, impact: 4, tradeoff: idle memory}
  references: [{title: A page, url: "https://example.org/page"}]
"""


@pytest.fixture
def ours(tmp_path: Path) -> str:
    (tmp_path / "ours.yaml").write_text(OURS)
    return str(tmp_path / "ours.yaml")


def test_a_lens_of_ours_is_checked_and_lists_what_no_probe_proves(ours: str, capsys: Captured) -> None:
    assert main(["lens", "check", ours, "--strict"]) == 0
    out = said(capsys)
    assert "our-lens: 1 pillar, 1 question, 3 choices, 2 rules." in out
    assert "Choices that no probe can prove yet: 1. No problems." in out
    assert main(["lens", "check", ours, "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["rules"], document["problems"], document["unprovable"]) == (2, [], ["INF_08_b"])


def test_a_lens_of_ours_that_cannot_be_used_is_refused_with_its_line(
    tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / "ours.yaml").write_text(OURS.replace("value: 0.5", "value: half"))
    for word in ("check", "show", "risks", "import", "export"):
        more = {"risks": ["--select", "all"], "import": ["-o", "-"], "export": ["-o", "-"]}.get(word, [])
        assert main(["lens", word, str(tmp_path / "ours.yaml"), *more]) == 2
        err = capsys.readouterr().err
        assert "ours.yaml, line 23: value is a number from 0 to 1, not 'half'" in err
        assert err.count("\n") == 1


def test_show_says_what_proves_and_contradicts_and_where_a_question_is_asked(
    ours: str, capsys: Captured
) -> None:
    assert main(["lens", "show", ours]) == 0
    out = said(capsys)
    for part in (
        "Infrastructure (infrastructure)",
        "INF-08 Where do the limits come from? (weight 3, critical, workload)",
        "asked where: profile.deploys_to == k8s",
        "[ ] INF_08_a 0.5 From one run",
        "proven by: roomy",
        "contradicted by: derived.memory_limit_headroom < 1",
        "cannot be proven yet: no probe reads releases",
    ):
        assert part in out
    assert "Trade-off" not in out


def test_one_question_is_shown_whole(ours: str, capsys: Captured) -> None:
    assert main(["lens", "show", ours, "--question", "INF-08"]) == 0
    out = said(capsys)
    for part in (
        "Why: Wrong ones kill under load.",
        "To do: Set it to the peak and a fifth (0.5 working days, impact 4 of 5). Trade-off: idle memory",
        "roomy: derived.memory_limit_headroom >= MARGIN (the limit lies above the peak)",
        "MARGIN = 1.1: a pause took 8 %",
        "Read: A page https://example.org/page",
    ):
        assert part in out
    assert main(["lens", "show", ours, "--question", "INF-08", "--json", "-"]) == 0
    (pillar,) = json.loads(capsys.readouterr().out)["content"]
    (shown,) = pillar["questions"]
    assert shown["choices"][1]["verified_by"] == "roomy"
    assert shown["remediation"]["tradeoff"] == "idle memory"
    assert main(["lens", "show", ours, "--question", "INF-8"]) == 2
    assert "no question 'INF-8': did you mean INF-08?" in capsys.readouterr().err


def test_the_lens_that_comes_along_is_known_by_its_name(capsys: Captured) -> None:
    assert main(["lens", "check", "loadstone-readiness", "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["name"] == "loadstone-readiness"
    assert document["pillars"] == 4
    assert document["questions"] >= 50
    assert main(["lens", "check", "loadstone-readines"]) == 2
    assert "did you mean loadstone-readiness?" in capsys.readouterr().err


def test_ladders_are_rated_by_the_rules_they_are_exported_with(
    ours: str, tmp_path: Path, capsys: Captured
) -> None:
    answers = tmp_path / "answers.yaml"
    exported = tmp_path / "exported.json"
    assert main(["lens", "export", ours, "-o", str(exported)]) == 0
    assert main(["lens", "check", str(exported), "--strict"]) == 0
    for choice, risk in (("INF_08_no", "HIGH_RISK"), ("INF_08_a", "MEDIUM_RISK"), ("INF_08_b", "NO_RISK")):
        for lens, question in ((ours, "INF-08"), (str(exported), "INF_08")):
            answers.write_text(f"schema: loadstone.answers/1\nanswers: {{{question}: {choice}}}\n")
            capsys.readouterr()
            assert main(["lens", "risks", lens, "--select", f"@{answers}", "--json", "-"]) == 0
            document = json.loads(capsys.readouterr().out)
            assert document[risk] == 1
            assert sum(document[name] for name in ("HIGH_RISK", "MEDIUM_RISK", "NO_RISK")) == 1


def test_a_question_that_the_profile_leaves_out_has_no_risk(
    ours: str, tmp_path: Path, capsys: Captured
) -> None:
    answers = tmp_path / "answers.yaml"
    answers.write_text(
        "schema: loadstone.answers/1\nprofile: {deploys_to: vm}\nanswers: {INF-08: INF_08_no}\n"
    )
    assert main(["lens", "risks", ours, "--select", f"@{answers}", "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["NOT_APPLICABLE"], document["HIGH_RISK"]) == (1, 0)


def test_a_lens_of_ours_imports_as_json_and_means_the_same(
    ours: str, tmp_path: Path, capsys: Captured
) -> None:
    from assessments.lens import find_lens

    kept = tmp_path / "kept.json"
    assert main(["lens", "import", ours, "-o", str(kept)]) == 0
    assert find_lens(str(kept)) == find_lens(ours)


def test_an_import_takes_the_sidecar_along_and_a_second_one_changes_nothing(
    good: str, tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / "good.loadstone.yaml").write_text(
        "schema: loadstone.sidecar/1\nquestions:\n  aaa: {weight: 4}\n"
    )
    (tmp_path / "kept").mkdir()
    kept, again = tmp_path / "kept" / "one.json", tmp_path / "kept" / "two.json"
    assert main(["lens", "import", good, "-o", str(kept)]) == 0
    document = json.loads(kept.read_text())
    assert document["weights"] == {"aaa": 4.0, "bbb": 1.0}
    assert document["source"]["file"] == "good.json"
    assert document["source"]["sha256"] == hashlib.sha256(Path(good).read_bytes()).hexdigest()
    assert main(["lens", "import", str(kept), "-o", str(again)]) == 0
    assert again.read_text() == kept.read_text()
    (tmp_path / "good.loadstone.yaml").write_text("schema: loadstone.sidecar/1\nquestions: {aab: {}}\n")
    assert main(["lens", "check", good]) == 2
    assert "good.loadstone.yaml, line 2: the lens has no question 'aab'" in capsys.readouterr().err


@pytest.fixture
def real(tmp_path: Path) -> str:
    """All at once of what real files hold beside the format."""
    dead = question("dead")
    dead["riskRules"][1] = {"condition": "(!dead_1) || (!dead_2)", "risk": "HIGH_RISK"}
    none = question("none", default=False)
    none["choices"][2] = {"id": "none_3", "title": "None of the above"}
    none["choices"][0]["helpfulResource"] = {"displayText": "Read", "Url": "https://a.org"}
    none["choices"][1]["improvementPlan"] = {"displayText": "Do", "url": ""}
    resources = [{"type": "HELPFUL_RESOURCE", "content": [{"displayText": "x", "url": "https://a b.org"}]}]
    none["choices"][1]["additionalResources"] = resources
    constant = question("same", title=math.nan)
    constant["riskRules"] = [{"condition": "default", "risk": "HIGH_RISK"}]
    return write(tmp_path / "real.json", dead, none, constant, notes=[1, 2.5, None, {"Ä": True}])


def test_what_real_files_hold_is_named_and_rated_and_kept(
    real: str, tmp_path: Path, capsys: Captured
) -> None:
    assert main(["lens", "check", real, "--json", "-"]) == 0
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert Counter(problem["kind"] for problem in problems) == {
        "dead_rule": 1, "no_default": 1, "none_without_no": 1, "bad_url": 2, "unknown_key": 2,
        "not_text": 1, "constant_risk": 1,
    }  # fmt: skip
    (dead,) = [problem for problem in problems if problem["kind"] == "dead_rule"]
    assert (dead["question"], dead["message"]) == (
        "dead",
        "rule 3 (default → HIGH_RISK) can never fire: rules 1 and 2 take every selection for which it is "
        "true",
    )
    counts = {}
    for select in ("none", "all", "first"):
        assert main(["lens", "risks", real, "--select", select, "--json", "-"]) == 0
        document = json.loads(capsys.readouterr().out)
        counts[select] = {name: document[name] for name in document if name.isupper() and document[name]}
        assert document["only_inform"] == ["same"]
    assert counts == {
        "none": {"UNANSWERED": 3},
        "all": {"NO_RISK": 2, "HIGH_RISK": 1},
        "first": {"HIGH_RISK": 2, "MEDIUM_RISK": 1},
    }
    kept, back = str(tmp_path / "kept.json"), str(tmp_path / "back.json")
    assert main(["lens", "import", real, "-o", kept]) == 0
    assert main(["lens", "export", kept, "-o", back]) == 0
    assert json.dumps(json.loads(Path(back).read_text())) == json.dumps(json.loads(Path(real).read_text()))


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (["lens"], "is missing"),
        (["lens", "chek", "x"], "did you mean check?"),
        (["lens", "check", "/no/where.json"], "neither a lens nor a file"),
        (["lens", "check", "GOOD", "--select", "all"], "--select belongs to lens risks"),
        (["lens", "risks", "GOOD"], "needs a selection"),
        (["lens", "risks", "GOOD", "--select", "al"], "did you mean all?"),
        (["lens", "risks", "GOOD", "--select", "@/no/where.yaml"], "cannot be read"),
        (["lens", "risks", "GOOD", "--select", "all", "--strict"], "--strict belongs to lens check"),
        (["lens", "check", "GOOD", "--question", "aaa"], "--question belongs to lens show"),
        (["lens", "import", "GOOD"], "add -o FILE"),
        (["lens", "export", "GOOD", "-o", "GOOD"], "name another file"),
        (["lens", "export", "GOOD", "-o", "/no/where.json"], "cannot be written"),
        (["lens", "export", "GOOD", "-o", "-", "--json", "-"], "leave --json out"),
    ],
)
def test_a_wrong_command_line_is_one_sentence(
    argv: list[str], part: str, good: str, capsys: Captured
) -> None:
    assert main([good if word == "GOOD" else word for word in argv]) == 2
    err = capsys.readouterr().err
    assert part in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"pillars": 1}',
        '{"pillars": [], "pillars": []}',
        "[" * 200_000,
        '{"a": ' * 50_000,
        "\x00",
        '{"pillars": [{"id": "a\\ud800"}]}',
        '{"pillars": 1e999}',
    ],
)
def test_what_is_no_lens_is_refused_in_one_line(text: str, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "bad.json").write_text(text)
    assert main(["lens", "check", str(tmp_path / "bad.json")]) == 2
    err = capsys.readouterr().err
    assert "bad.json" in err
    assert err.count("\n") == 1


def test_text_of_a_lens_cannot_play_with_the_terminal(tmp_path: Path, capsys: Captured) -> None:
    path = write(tmp_path / "evil.json", question("aaa", title="\x1b[2J\u202e"), name="\x1b]0;x\x07")
    for argv in (["check"], ["show"], ["risks", "--select", "all"]):
        assert main(["lens", argv[0], path, *argv[1:]]) == 0
    assert "\x1b" not in capsys.readouterr().out
