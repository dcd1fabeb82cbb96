"""A run file is read as a whole before anything is started: what is wrong in it is said with its line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli.run_file import RunFile, read_run_file
from assessments.growth_profiles import find_profile
from probes.errors import UsageError
from probes.load.sizes import Sweep
from probes.load.spec import ClosedSegment, OpenSegment, ReplaySegment, Think

Write = Callable[[str], Path]

LOAD = "assessment: a\ntarget: http://127.0.0.1:1/\n"
JUDGED = "assessment: a\nanswers: answers.yaml\n"
ANSWERS = """schema: loadstone.answers/1
profile: {target_kind: http, deploys_to: k8s, slo: "p95<=50ms"}
answers:
  INF-08: INF_08_c
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    (tmp_path / "answers.yaml").write_text(ANSWERS)
    (tmp_path / "deploy").mkdir()
    (tmp_path / "bodies.jsonl").write_text('{"a": 1}\n\n{"a": 2}\n')

    def make(text: str) -> Path:
        path = tmp_path / "loadstone.yaml"
        path.write_text(text)
        return path

    return make


def refused(path: Path) -> str:
    with pytest.raises(UsageError) as caught:
        read_run_file(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_whole_file_is_read(write: Write, tmp_path: Path) -> None:
    path = write(
        """
assessment: shop
title: Before the campaign
target: http://127.0.0.1:{port}/recommend?k={port}
start:
  command: ["{python}", "{here}/serve.py", --port, "{port}"]
  ready: readyz
  deadline: 5s
  environment: {MODE: demo}
bodies: bodies.jsonl
headers: {X-A: b, Authorization: env:HOME}
expect_status: 201
slo: p99<=200ms,errors<=1%
load: {precision: 10%, budget: 30s, max_rate: 300, arrivals: constant, seed: 9, warmup: 0}
with: {metrics: "http://127.0.0.1:{port}/metrics", manifests: deploy}
answers: answers.yaml
lens: loadstone-readiness
scan: [deploy/, "prometheus=http://127.0.0.1:9090"]
workload: shop
require: [capacity>=150, p99<=100ms]
report: [out.pdf, out.html, out.xml]
"""
    )
    file = read_run_file(path)
    assert (file.assessment, file.title, file.workload) == ("shop", "Before the campaign", "shop")
    assert file.start is not None
    assert file.start.command == (sys.executable, f"{tmp_path}/serve.py", "--port", "{port}")
    assert (file.start.ready, file.start.deadline_s) == ("readyz", 5.0)
    assert file.start.is_given_its_port
    target = file.target_at(4711)
    assert (target.port, target.path) == (4711, "/recommend?k=4711")
    assert (target.bodies, target.method, target.expect_status) == ((b'{"a": 1}', b'{"a": 2}'), "POST", 201)
    assert "X-A: b" in target.shown_headers
    assert "Authorization: env:HOME" in target.shown_headers
    spec = file.spec
    assert (spec.slo.text, spec.slo_asked, spec.precision, spec.budget_s) == (
        "p99<=200ms,errors<=1%", True, 0.1, 30.0,
    )  # fmt: skip
    assert (spec.max_rate, spec.arrivals, spec.seed, spec.warmup_s) == (300.0, "constant", 9, 0.0)
    assert [one.text for one in spec.requirements] == ["capacity>=150", "p99<=100ms"]
    assert [(one.system, one.address) for one in file.checks] == [
        ("metrics", "http://127.0.0.1:{port}/metrics"),
        ("manifests", str(tmp_path / "deploy")),
    ]
    assert file.paths == (str(tmp_path / "deploy"),)
    assert file.live == (("prometheus", "http://127.0.0.1:9090"),)
    assert [(one.path, one.format) for one in file.reports] == [
        (tmp_path / "out.pdf", "pdf"),
        (tmp_path / "out.html", "html"),
        (tmp_path / "out.xml", "junit"),
    ]
    assert file.answers is not None
    assert file.lens is not None
    assert list(file.answers.claims) == ["INF-08"]


def test_the_other_kinds_of_load(write: Write) -> None:
    def segments(load: str) -> tuple[object, ...]:
        return read_run_file(
            write(f"assessment: a\ntarget: http://127.0.0.1:1/\nload: {load}\n")
        ).spec.segments

    assert segments("{rate: 200, duration: 30s}") == (OpenSegment(200, 200, 30),)
    assert segments("{concurrency: [1, 2], step: 2s}") == (ClosedSegment(1, 2), ClosedSegment(2, 2))
    assert segments("{stages: [50@1s, 100@2s]}") == (OpenSegment(50, 50, 1), OpenSegment(100, 100, 2))
    assert segments("{ramp: 10..500@60s}") == (OpenSegment(10, 500, 60),)
    assert segments("{find_capacity: true}") == ()
    assert segments("{users: 200, think: 2s, duration: 1m}") == (ClosedSegment(200, 60, Think(2)),)


def test_a_replay_lies_beside_the_file_and_a_sweep_has_its_sizes(write: Write, tmp_path: Path) -> None:
    head = "assessment: a\ntarget: http://127.0.0.1:1/\nbody: {rows: [1]}\n"
    (tmp_path / "monday.csv").write_text("due_s\n0\n0.5\n2\n")
    (replayed,) = read_run_file(write(f"{head}load: {{replay: monday.csv}}\n")).spec.segments
    assert isinstance(replayed, ReplaySegment)
    assert replayed.due_ns.tolist() == [0, 500_000_000, 2_000_000_000]
    spec = read_run_file(write(f"{head}load: {{sweep: 'rows=1,2,4,8,16,32', step: 2s}}\n")).spec
    assert spec.sweep == Sweep("rows", (1, 2, 4, 8, 16, 32))
    assert spec.segments == (ClosedSegment(1, 2),)
    with pytest.raises(UsageError, match=r"gone\.csv"):
        read_run_file(write(f"{head}load: {{replay: gone.csv}}\n"))


def test_answers_may_stand_in_the_file_and_bodies_too(write: Write) -> None:
    file = read_run_file(
        write(
            "assessment: a\ntarget: http://127.0.0.1:1/\nbodies: [{x: 1}, 'text']\n"
            "answers:\n  profile: {slo: p95<=50ms}\n  answers:\n    INF-08: unsure\n"
        )
    )
    assert file.request["bodies"] == [b'{"x": 1}', b"text"]
    assert file.answers is not None
    assert file.answers.claims["INF-08"].state == "unsure"
    assert file.spec.slo.text == "p95<=50ms", "the objective of the profile is the one of the load"
    assert file.spec.slo_asked
    kind = read_run_file(
        write(LOAD + "answers:\n  profile: {growth_profile: retail-campaign}\n  answers: {INF-08: unsure}\n")
    )
    assert kind.spec.slo.text == find_profile("retail-campaign").slo, "and so is that of the kind of system"


def test_a_file_with_answers_alone_puts_nothing_under_load(write: Write) -> None:
    file = read_run_file(write("assessment: a\nanswers: answers.yaml\nscan: deploy\n"))
    assert file.target is None


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("assessment: a\ntraget: http://127.0.0.1:1/\n", 2, "did you mean target?"),
        (LOAD + "load:\n  rate: 5\n  duraton: 3s\n", 5, "did you mean duration?"),
        (LOAD + "load: {rate: 5}\n", 3, "add duration"),
        (LOAD + "load: {rate: 5,\n  ramp: 1..2@3s, duration: 1s}\n", 3, "two kinds of load"),
        (LOAD + "load:\n  seed: x\n", 4, "'x' is no value for seed"),
        (LOAD + "\nslo: p99<=fast\n", 4, "'fast' is not a bound"),
        (LOAD + "require: [capacity>=150,\n  capcity>=1]\n", 3, "capcity"),
        ("assessment: a\ntarget: ftp://127.0.0.1:1/\n", 2, "is of no kind of target known here"),
        ("assessment: a\ntarget: http://192.0.2.1/\n", 2, "write allow_remote: true"),
        ("assessment: a\ntarget: http://127.0.0.1:{port}/\n", 2, "add start"),
        (LOAD + "start: {command: [x], redy: /}\n", 3, "did you mean ready?"),
        (LOAD + "start: {command: [x]}\n", 3, "start needs 'ready'"),
        (
            "assessment: a\ntarget: http://127.0.0.1:{port}/\nstart: {command: [x], ready: /r}\n",
            3,
            "a port that is known",
        ),
        (LOAD + "start: {command: 'x \"y', ready: /}\n", 3, "split into words"),
        ("assessment: a\n", 1, "nothing to do"),
        ("target: http://127.0.0.1:1/\n", 1, "needs 'assessment'"),
        ("assessment: ''\nanswers: answers.yaml\n", 1, "assessment is a text"),
        ("assessment: a\nanswers: nowhere.yaml\n", None, "nowhere.yaml"),
        (JUDGED + "require: [capacity>=1]\n", 3, "nothing without a target"),
        (JUDGED + "lens: loadstone-readines\n", 3, "did you mean loadstone-readiness?"),
        ("assessment: a\nanswers:\n  answers:\n    INF-08: INF_08_z\n", 4, "INF-08 has no choice 'INF_08_z'"),
        (
            "assessment: a\nanswers:\n  answers:\n    INF-99: INF_08_c\n",
            4,
            "the lens has no question 'INF-99'",
        ),
        (JUDGED + "scan: [deply]\n", 3, "'deply' is not there"),
        (JUDGED + "scan: ['promethus=http://127.0.0.1:1']\n", 3, "did you mean prometheus?"),
        (JUDGED + "report: [out.docx]\n", 3, "ends in '.docx', which is no format"),
        (JUDGED + "report: [none/out.pdf]\n", 3, "make it first"),
        (LOAD + "report: out.pdf\n", 3, "a report needs answers"),
        (LOAD + "with: {metric: 'http://127.0.0.1:1'}\n", 3, "did you mean metrics?"),
        (LOAD + "with: {metrics: ':1'}\n", 3, "is no address"),
        (LOAD + "body: x\nbodies: bodies.jsonl\n", 4, "either body or bodies"),
        (LOAD + "body: '@none.json'\n", 3, "none.json"),
        ("assessment: a\nassessment: b\n", 2, "twice"),
        ("schema: loadstone.run/2\nassessment: a\nanswers: answers.yaml\n", 1, "loadstone.run/1"),
        ("- a\n", None, "a run file is a mapping"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(write: Write, text: str, line: int | None, says: str) -> None:
    message = refused(write(text))
    assert says in message
    if line is not None:
        assert f"loadstone.yaml, line {line}: " in message


def test_answers_to_another_lens_are_refused(write: Write, tmp_path: Path) -> None:
    other = (
        "schema: loadstone.lens/1\nname: other-lens\ntitle: Other\nversion: 1.0.0\n"
        "pillars: [{id: one, name: One}]\naxes: [{id: workload, name: Workload}]\n"
        "questions:\n- id: INF-08\n  pillar: one\n  axes: []\n  weight: 1\n"
        "  question: Is it?\n  why: It may be.\n"
        "  choices:\n  - {id: INF_08_no, value: 0, text: No}\n"
        "  - {id: INF_08_c, value: 1, text: Yes, unprovable: nobody looks}\n"
    )
    (tmp_path / "other.yaml").write_text(other)
    (tmp_path / "answers.yaml").write_text(ANSWERS + "lens: loadstone-readiness\n")
    message = refused(write("assessment: a\nanswers: answers.yaml\nlens: other.yaml\n"))
    assert "answers the lens 'loadstone-readiness', not 'other-lens'" in message
    (tmp_path / "answers.yaml").write_text(ANSWERS + "lens: other.yaml\n")
    file = read_run_file(write("assessment: a\nanswers: answers.yaml\n"))
    assert file.lens is not None
    assert file.lens.name == "other-lens", "a path of a lens starts at the folder of the answers"


def test_a_folder_is_the_file_in_it_and_what_is_not_there_is_named(write: Write, tmp_path: Path) -> None:
    write("assessment: a\nanswers: answers.yaml\n")
    found: RunFile = read_run_file(tmp_path)
    assert found.path == tmp_path / "loadstone.yaml"
    assert "is not there" in refused(tmp_path / "none.yaml")


CODE = """assessment: a
target: python:shop.py:score
sample: {user: 7}
spread: true
workers: 2
threads: 3
load: {concurrency: 2, step: 1s}
"""


def test_code_of_ones_own_is_found_from_the_folder_of_the_file(write: Write, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text("def score(user): return user\n")
    file = read_run_file(write(CODE))
    assert file.is_code
    code = file.code_probe(file.spec, None).code
    assert (code.kind, code.workers, code.threads, code.spread) == ("python", 2, 3, True)
    assert code.cwd == tmp_path
    assert [json.loads(item) for item in code.sample.items] == [{"user": 7}]


def test_a_sample_from_a_file_and_the_interpreter_are_beside_the_run_file(
    write: Write, tmp_path: Path
) -> None:
    (tmp_path / "shop.py").write_text("def score(x): return x\n")
    (tmp_path / "x.jsonl").write_text("1\n2\n")
    (tmp_path / "env").mkdir()
    file = read_run_file(
        write("assessment: a\ntarget: python:shop.py:score\nsample: '@x.jsonl'\npython: env\n")
    )
    code = file.code_probe(file.spec, None).code
    assert code.sample.items == (b"1", b"2")
    assert code.python == str(tmp_path / "env")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CODE + "body: x\n", "loadstone.yaml, line 8: body is not for code of your own: give sample"),
        (CODE + "start: ./serve\n", "start is not for code of your own: leave it out"),
        (
            CODE.replace("workers: 2", "workers: 0"),
            "loadstone.yaml, line 5: workers is a number from 1 to 64",
        ),
        (LOAD + "sample: 1\n", "loadstone.yaml, line 3: sample is for code of your own"),
    ],
)
def test_what_code_of_ones_own_has_no_use_for_is_refused(
    write: Write, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "shop.py").write_text("def score(user): return user\n")
    assert said in refused(write(text))
