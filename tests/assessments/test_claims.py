"""Claims: files of answers, and the profile in them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest

from assessments.claims import SCHEMA, Answers, Attachment, Claim, answers_of, read_answers
from assessments.profile import FIELDS, read_profile
from probes.errors import UsageError

CONTRACT_EXAMPLE = """\
schema: loadstone.answers/1
lens: loadstone-readiness            # or a path; an AWS lens answers with lists of choice ids
profile: {target_kind: http, deploys_to: k8s, slo: "p99<=200ms,errors<=1%", peak_per_s: 180,
          target_peak_per_s: 420, replicas: 4,
          growth: {workload: 8%/month, users: 6%/month, data: 15%/month, complexity: 0},
          price_per_replica_hour: 1.20, currency: USD}
answers:
  INF-01: INF_01_c
  INF-12: {choice: INF_12_c, note: "…", attachments: [{file: runbook.pdf, dated: 2026-10-02}]}
  INF-14: {not_applicable: "no GPUs anywhere"}
  MON-03: unsure
weights: {}                          # optional; recorded and printed
"""


@dataclass
class Checklist:
    """A stand-in for a lens."""

    choice_ids: dict[str, tuple[str, ...]] = field(
        default_factory=lambda: {
            "INF-01": ("INF_01_a", "INF_01_b", "INF_01_c"),
            "INF-12": ("INF_12_a", "INF_12_c"),
            "INF-14": ("INF_14_a",),
            "MON-03": ("MON_03_a",),
        }
    )
    takes_several: bool = False


def read(text: str) -> Answers:
    return read_answers(text.encode(), "answers.yaml")


def answering(answer: str, *, more: str = "") -> Answers:
    return read(f"schema: {SCHEMA}\n{more}answers:\n  INF-01: {answer}\n")


def test_the_contracts_example_reads() -> None:
    answers = read(CONTRACT_EXAMPLE)
    answers.check(Checklist())
    assert answers.lens == "loadstone-readiness"
    assert answers.claims == {
        "INF-01": Claim("INF-01", ("INF_01_c",)),
        "INF-12": Claim(
            "INF-12",
            ("INF_12_c",),
            note="…",
            attachments=(Attachment("runbook.pdf", date(2026, 10, 2)),),
        ),
        "INF-14": Claim("INF-14", (), "not_applicable", reason="no GPUs anywhere"),
        "MON-03": Claim("MON-03", (), "unsure"),
    }
    assert answers.profile.facts()["profile.peak_per_s"] == 180
    assert answers.profile.growth["workload"] == "8%/month"
    assert answers.profile.growth["complexity"] == "0"
    assert answers.weights == {}


def test_answers_survive_being_written_and_read() -> None:
    more = (
        "weights: {INF-01: 2}\n"
        "challenges: [{fact: load.capacity, reason: test data, at: 2026-03-01, note: small}]\n"
    )
    for answers in (read(CONTRACT_EXAMPLE), answering("[INF_01_a, INF_01_b]", more=more)):
        document = json.loads(json.dumps(answers.to_json()))
        again = answers_of(document, answers.name)
        assert again == answers
        as_json = json.dumps(document).encode()
        assert read_answers(as_json, "answers.json").to_json() == document


def test_a_challenge_holds_to_the_end_of_its_day() -> None:
    more = "challenges: [{fact: load.capacity, reason: remediated, at: 2026-03-01, by: Ana}]\n"
    (challenge,) = answering("INF_01_a", more=more).challenges
    assert challenge.at == datetime(2026, 3, 1, 23, 59, 59, 999999, tzinfo=UTC)
    assert (challenge.fact, challenge.reason, challenge.by) == ("load.capacity", "remediated", "Ana")


@pytest.mark.parametrize("word", ["null", "unanswered", "~"])
def test_no_answer_is_unanswered(word: str) -> None:
    assert answering(word).claims["INF-01"].state == "unanswered"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("answers: {}", 1, "the schema of answers is loadstone.answers/1"),
        (f"schema: {SCHEMA}\nanswer: {{}}", 2, "has no 'answer': did you mean answers?"),
        (f"schema: {SCHEMA}", 1, "needs 'answers'"),
        (f"schema: {SCHEMA}\nanswers: [INF-01]", 2, "mapping"),
        (f"schema: {SCHEMA}\nanswers:\n  INF-01: {{chioce: a}}", 3, "did you mean choice?"),
        (f"schema: {SCHEMA}\nanswers:\n  INF-01: {{note: a}}", 3, "either a choice or not_applicable"),
        (f"schema: {SCHEMA}\nanswers:\n  INF-01: {{not_applicable: ''}}", 3, "say why INF-01"),
        (f"schema: {SCHEMA}\nanswers:\n  INF-01: {{not_applicable: true}}", 3, "say why INF-01"),
        (f"schema: {SCHEMA}\nanswers:\n  INF-01: not_applicable", 3, "say why INF-01"),
        (f"schema: {SCHEMA}\nanswers:\n  INF-01: 3", 3, "id of a choice"),
        (f"schema: {SCHEMA}\nanswers:\n  INF-01: []", 3, "id of a choice"),
        (f"schema: {SCHEMA}\nanswers:\n  INF-01: [aaa, aaa]", 3, "twice"),
        (f"schema: {SCHEMA}\nanswers:\n  INF-01: aaa\n  INF-01: bbb", 4, "INF-01"),
        (f"schema: {SCHEMA}\nanswers: {{}}\nweights: {{INF-01: 0}}", 3, "number above 0"),
        (f"schema: {SCHEMA}\nanswers: {{}}\nweights: {{INF-01: true}}", 3, "number above 0"),
        (f"schema: {SCHEMA}\nanswers: {{}}\nprofile: {{tagret_kind: http}}", 3, "did you mean target_kind?"),
        (f"schema: {SCHEMA}\nanswers: {{}}\nprofile:\n  target_kind: htp", 4, "did you mean http?"),
        (f"schema: {SCHEMA}\nanswers: {{}}\nprofile:\n  replicas: 1.5", 4, "whole number"),
        (f"schema: {SCHEMA}\nanswers: {{}}\nprofile:\n  growth: {{wrkload: 1}}", 4, "did you mean workload?"),
        (f"schema: {SCHEMA}\nanswers: {{}}\nprofile:\n  growth: {{users: often}}", 4, "no growth"),
        (
            f"schema: {SCHEMA}\nanswers:\n  INF-01:\n    choice: aaa\n    attachments:\n"
            "    - {file: a, dated: soon}",
            6,
            "a day such as 2026-10-02",
        ),
        (
            f"schema: {SCHEMA}\nanswers: {{}}\nchallenges:\n"
            "- {fact: load.capacty, reason: test data, at: 2026-01-01}",
            4,
            "did you mean load.capacity?",
        ),
    ],
)
def test_what_is_wrong_is_refused_with_file_and_line(text: str, line: int, says: str) -> None:
    with pytest.raises(UsageError) as told:
        read(text)
    assert str(told.value).startswith(f"answers.yaml, line {line}:")
    assert says in str(told.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("INF-011: INF_01_a", "no question 'INF-011': did you mean INF-01?"),
        ("INF-01: INF_01_d", "no choice 'INF_01_d': did you mean INF_01_"),
        ("INF-01: [INF_01_a, INF_01_b]", "takes one choice"),
    ],
)
def test_answers_to_what_the_lens_has_not_are_refused_with_their_line(text: str, says: str) -> None:
    answers = read(f"schema: {SCHEMA}\nanswers:\n  MON-03: MON_03_a\n  {text}\n")
    with pytest.raises(UsageError) as told:
        answers.check(Checklist())
    assert str(told.value).startswith("answers.yaml, line 4: ")
    assert says in str(told.value)


def test_several_choices_and_weights_are_taken_where_the_lens_has_them() -> None:
    answers = answering("[INF_01_a, INF_01_b]", more="weights: {INF-12: 2.5}\n")
    answers.check(Checklist(takes_several=True))
    assert answers.claims["INF-01"].choices == ("INF_01_a", "INF_01_b")
    assert answers.weights == {"INF-12": 2.5}
    with pytest.raises(UsageError, match="no question 'INF-13'"):
        answering("INF_01_a", more="weights: {INF-13: 2.5}\n").check(Checklist())


def test_a_claim_fits_its_state() -> None:
    for wrong in (
        {"state": "answered"},
        {"choices": ("a",), "state": "unsure"},
        {"state": "not_applicable"},
        {"state": "not_applicable", "reason": " "},
        {"choices": ("a",), "reason": "no GPUs"},
        {"state": "perhaps"},
    ):
        with pytest.raises(UsageError):
            Claim("INF-01", **wrong)  # type: ignore[arg-type]


def test_every_field_of_a_profile_takes_its_type_and_no_other() -> None:
    good: dict[str, Any] = {
        "choice": None, "text": "p99<=200ms", "number": 1.5, "integer": 4, "boolean": True,
        "ratio": 0.7, "date": "2027-01-15",
    }  # fmt: skip
    for name, entry in FIELDS.items():
        value = entry.choices[0] if entry.type == "choice" else good[entry.type]
        assert read_profile({name: value}).facts() == {f"profile.{name}": value}
        for wrong in ([], {}, -1, "no such thing" if entry.type != "text" else 3):
            with pytest.raises(UsageError, match=name):
                read_profile({name: wrong})
        assert read_profile({name: None}).facts() == {}


def test_an_objective_that_cannot_be_read_is_refused() -> None:
    for wrong in ("", "fast", "p99<=200", "p99<=-1ms", "p99<=200ms,p99<=1s", "p99<=exit()"):
        with pytest.raises(UsageError, match=r"^answers\.yaml, line 3: "):
            read_profile({"slo": wrong}, at={"slo": "answers.yaml, line 3"})


def test_a_word_of_100_000_characters_in_a_note_is_kept() -> None:
    answers = answering(f"{{choice: INF_01_a, note: {'w' * 100_000}}}")
    assert answers.claims["INF-01"].note == "w" * 100_000
