"""Hostile lens and answers files: refused in one line with file and line, in bounded memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from assessments.claims import SCHEMA as ANSWERS
from assessments.claims import read_answers
from assessments.lens import Lens, find_lens, load_lens
from probes.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
LENS = """\
schema: loadstone.lens/1
name: small-lens
title: A small lens
version: "1.0"
constants: {MARGIN: {value: 1.1, reason: a pause took 8 %}}
conditions:
  roomy: {when: derived.memory_limit_headroom >= MARGIN, meaning: the limit lies above the peak}
pillars: [{id: infrastructure, name: Infrastructure}]
questions:
- id: INF-08
  pillar: infrastructure
  weight: 3
  question: Where does the limit come from?
  choices:
  - {id: INF_08_no, value: 0, text: There is none}
  - {id: INF_08_a, value: 0.5, text: One run, verified_by: roomy}
  - {id: INF_08_b, value: 1, text: Each release, unprovable: no probe reads releases}
  remediation: {text: Set it, effort_days: 1, tradeoff: idle memory}
"""
LONG = "x" * 100_000
KEY = "x" * 1_000
"""YAML itself takes no longer one."""
BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{level}: &a{level} [{','.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 10)
)
DOUBLING = "conditions:\n  c0: {when: roomy, meaning: a}\n" + "".join(
    f"  c{level}: {{when: c{level - 1} && c{level - 1}, meaning: a}}\n" for level in range(1, 150)
)
MANY = "answers:\n" + "".join(f"  Q-{place}: abc\n" for place in range(10_001))
WEIGHT, PROVEN, TITLE = "weight: 3", "verified_by: roomy", "title: A small lens"
CONDITION = "when: derived.memory_limit_headroom >= MARGIN"


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        (TITLE, f"{BOMB}{TITLE}", 4, "the alias *a0 is not followed here"),
        (TITLE, "title: !!python/object/apply:os.system [id]", 3, "the tag"),
        (TITLE, "title: !ours A small lens", 3, "the tag !ours is not followed here"),
        (TITLE, f"{TITLE}\n{TITLE}", 4, "'title' stands twice"),
        (TITLE, f"title: {LONG}", 3, "title has 100000 characters: at most are 4000"),
        (TITLE, f"title: {'[' * 50_000}", 3, "nested more than 100 levels"),
        (TITLE, f"title: {'{a: ' * 50_000}", 3, "nested more than 100 levels"),
        (TITLE, f"{KEY}: 1", 3, "a lens has no 'xxx"),
        (TITLE, "titel: A small lens", 3, "did you mean title?"),
        ("schema: loadstone.lens/1", f"schema: {LONG}", 1, "the schema of a lens is"),
        (WEIGHT, "weight: .nan", 12, ".nan is no number"),
        (WEIGHT, "weight: -.inf", 12, "-.inf is no number"),
        (WEIGHT, "weight: 1e999", 12, "1e999 is too large for a number"),
        (WEIGHT, f"weight: {'9' * 100_000}", 12, "a number of 100000 characters"),
        (WEIGHT, "weight: 0x10", 12, "weight is a number from 0 to 100, not '0x10'"),
        (WEIGHT, "weight: [3]", 12, "not a list"),
        ("id: INF_08_a", f"id: {LONG}", 16, "is no id"),
        ("pillar: infrastructure", f"pillar: {LONG}", 11, "the lens has no pillar"),
        (CONDITION, "when: roomy", 7, "conditions go in a circle: roomy → roomy"),
        ("conditions:\n", DOUBLING, None, "comparisons on"),
        (PROVEN, "verified_by: __import__('os')", 16, "is no part of an expression"),
        (PROVEN, "verified_by: 'load.capacity; import os'", 16, "';' at character 14"),
        (PROVEN, "verified_by: 'lambda: 0'", 16, "cannot be read"),
        (PROVEN, "verified_by: '{{7*7}}'", 16, "cannot be read"),
        (PROVEN, "verified_by: load.capacity > 1e400", 16, "cannot be read"),
        (PROVEN, f"verified_by: load.capacity > {'9' * 1000}", 16, "longer than 32 characters"),
        (PROVEN, f"verified_by: '{'!' * 1_900}load.capacity'", 16, "nested more than"),
        (PROVEN, f"verified_by: {LONG}", 16, "characters"),
        (PROVEN, "verified_by: 3", 16, "verified_by is a text, not 3"),
    ],
)  # fmt: skip
def test_a_hostile_lens_is_refused_with_file_and_line(
    old: str, new: str, line: int | None, says: str
) -> None:
    assert old in LENS
    with pytest.raises(UsageError) as told:
        load_lens(LENS.replace(old, new, 1).encode(), "small.yaml")
    message = str(told.value)
    assert message.startswith("small.yaml, line " if line is None else f"small.yaml, line {line}: ")
    assert says in message
    assert "\n" not in message
    assert len(message) < 500


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (f"{BOMB}answers: {{}}", 3, "the alias *a0 is not followed here"),
        ("answers: !!python/name:os.system", 2, "the tag"),
        ("answers: {INF-08: a, INF-08: b}", 2, "'INF-08' stands twice"),
        (f"answers: {{{KEY}: INF_08_a}}", 2, "the lens has no question"),
        (f"answers: {{INF-08: {LONG}}}", 2, "INF-08 has no choice"),
        ("answers: {INF-8: INF_08_a}", 2, "no question 'INF-8': did you mean INF-08?"),
        ("answers: {INF-08: INF_08_aa}", 2, "no choice 'INF_08_aa': did you mean INF_08_a?"),
        ("answers: {INF-08: [INF_08_a, INF_08_b]}", 2, "takes one choice, not 2"),
        (f"answers: {{INF-08: {{choice: INF_08_a, note: {LONG * 20}}}}}", 2, "at most 200,000 characters"),
        (f"answers: {{INF-08: {{not_applicable: {LONG}}}}}", 2, "at most 10,000 characters"),
        (f"answers: {{}}\n{KEY}: 1", 3, "a file of answers has no 'xxx"),
        (f"answers: {{}}\nlens: {LONG}", 3, "at most 10,000 characters"),
        ("answers: {}\nweights: {INF-08: .nan}", 3, ".nan is no number"),
        ("answers: {}\nweights: {INF-08: 1e99}", 3, "at most 100"),
        (f"answers: {{}}\nprofile: {{peak_per_s: {'9' * 100_000}}}", 3, "a number of 100000 characters"),
        ("answers: {}\nprofile: {peak_per_s: 1e300}", 3, "peak_per_s is a number"),
        (f"answers: {{}}\nprofile: {{growth: {{workload: {LONG}}}}}", 3, "no growth"),
        (f"answers: {'{a: ' * 50_000}", 2, "nested more than 100 levels"),
        (MANY, None, "10,000 keys"),
        ("answers: {INF-08: {choice: INF_08_a, attachments: [{file: a, dated: 2026-99-99}]}}", 2, "a day"),
        (f"answers: {{}}\nchallenges: [{{fact: {LONG}, reason: test data, at: 2026-01-01}}]", 3, "text"),
    ],
)  # fmt: skip
def test_hostile_answers_are_refused_with_file_and_line(text: str, line: int | None, says: str) -> None:
    lens = load_lens(LENS.encode(), "small.yaml")
    with pytest.raises(UsageError) as told:
        read_answers(f"schema: {ANSWERS}\n{text}\n".encode(), "answers.yaml").check(lens)
    message = str(told.value)
    assert message.startswith("answers.yaml, line " if line is None else f"answers.yaml, line {line}: ")
    assert says in message
    assert "\n" not in message
    assert len(message) < 700


@pytest.mark.parametrize(
    "text", ["", "42", "- a", "a\x00b", "%", "\x7f", "[", "a: b: c", "\t- a", "? [a]\n: b"]
)
def test_what_is_no_lens_and_no_answers_at_all_is_refused_in_a_sentence(text: str) -> None:
    for read in (load_lens, read_answers):
        with pytest.raises(UsageError) as told:
            read(text.encode(), "file.yaml")
        assert str(told.value).startswith("file.yaml, line ")
        assert "\n" not in str(told.value)


def test_a_path_that_is_no_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    for name in (str(tmp_path), "a\x00b", "x" * 100_000, "/proc/self/mem", "/dev/zero", ""):
        with pytest.raises(UsageError) as told:
            find_lens(name)
        assert "\n" not in str(told.value)


def _aws(*questions: dict[str, object]) -> str:
    pillar = {"id": "ppp", "name": "p", "questions": list(questions)}
    return json.dumps({"schemaVersion": "2021-11-01", "name": "n", "description": "d", "pillars": [pillar]})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (json.dumps({"pillars": [{"id": "ppp"}] * 51}), "the lens has 51 pillars, at most 50 are read"),
        (_aws(*[{"id": "q"}] * 501), "more than 500 questions"),
        (_aws({"id": "q", "choices": [{"id": "c"}] * 101}), "question 'q' has 101 choices"),
        (_aws({"id": "q", "riskRules": [{}] * 101}), "question 'q' has 101 riskRules"),
        (_aws({"id": "q", "title": "x" * 1_000_001}), "more than 1 MB is not read"),
    ],
)
def test_an_aws_lens_that_would_take_too_long_to_check_is_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        load_lens(text.encode(), "lens.json")


def test_code_in_the_condition_of_a_rule_is_text() -> None:
    rules = [{"condition": "__import__('os').system('id')", "risk": "NO_RISK"}]
    lens: Lens = load_lens(
        _aws({"id": "qqq", "choices": [{"id": "aaa"}], "riskRules": rules}).encode(), "a.json"
    )
    assert lens.imported is not None
    (rule,) = lens.imported.questions[0].rules
    assert rule.condition is None


def test_hostile_files_stay_within_the_memory_of_their_size(tmp_path: Path) -> None:
    """One child after the other reads them all; the most that it held is asked of the kernel."""
    files = {
        "bomb.yaml": LENS.replace(TITLE, f"{BOMB}{TITLE}"),
        "values.yaml": "schema: loadstone.lens/1\nx: [" + "1," * 990_000 + "]",
        "dashes.yaml": "schema:\n" + "- a\n" * 490_000,
        "deep.json": "[" * 1_000_000,
        "keys.json": json.dumps({"pillars": {f"k{place}": 1 for place in range(100_000)}}),
        "choices.json": _aws({"id": "q", "choices": [{"id": "c"}] * 60_000}),
        "large.yaml": "schema: " + "x" * 3_000_000,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    program = (
        "import re, sys\n"
        "from app.cli.main import main\n"
        "codes = {main(['lens', 'check', path]) for path in sys.argv[1:]}\n"
        "status = open('/proc/self/status').read()\n"
        "print(codes, re.search(r'VmHWM:\\s+(\\d+) kB', status)[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *(str(tmp_path / name) for name in files)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    codes, _, kilobytes = done.stdout.strip().rpartition(" ")
    assert codes == "{2}"
    assert done.stderr.count("\n") == len(files)
    assert int(kilobytes) < 200_000
