"""What the form asks for is what the command line reads, and back again."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from app.cli import probe as command
from app.cli import user_code
from app.gui.probe_order import MOST_BODY, ProbeOrder, order_of, order_of_run, problems
from app.gui.target_fields import examples, fields_of
from probes.load.spec import LoadSpec
from probes.targets import kinds

ADDRESS = "http://127.0.0.1:8000/predict"


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        (ProbeOrder(precision="8", budget="45", max_rate="300"), {"precision": "8%", "max_rate": "300"}),
        (ProbeOrder(kind="steps", concurrency="1, 2,4", step="3"), {"concurrency": "1,2,4", "step": "3s"}),
        (ProbeOrder(kind="rate", rate="20", duration="9"), {"rate": "20", "duration": "9s"}),
        (ProbeOrder(body_kind="text", body='{"a b": 1}'), {"body": '{"a b": 1}'}),
        (ProbeOrder(body_kind="lines", bodies="b.jsonl"), {"bodies": "@b.jsonl"}),
        (ProbeOrder(method="PUT", headers=("A: b c", "D: env:E")), {"header": ["A: b c", "D: env:E"]}),
        (ProbeOrder(checks=("manifests=deploy/",)), {"checks": ["manifests=deploy/"]}),
        (ProbeOrder(allow_remote=True), {"allow_remote": True}),
        (ProbeOrder(kind="users", users="40", think="constant:3"), {"users": 40, "think": "constant:3s"}),
    ],
)
def test_the_shown_line_is_read_as_what_was_meant(order: ProbeOrder, wanted: dict[str, object]) -> None:
    line = replace(order, target=ADDRESS).command_line("shop", "team.sqlite")
    program, name, *arguments = shlex.split(line)
    options = vars(command.parser().read(arguments))
    assert (program, name) == ("loadstone", "probe")
    known = {"target": ADDRESS, "slo": "p99<=500ms,errors<=1%", "assessment": "shop", "store": "team.sqlite"}
    assert {key: options[key] for key in known | wanted} == known | wanted


def test_an_order_that_can_start_has_no_problems() -> None:
    assert problems(ProbeOrder(target=ADDRESS)) == {}


def test_a_secret_header_is_refused_unless_it_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "s3cret")
    written = ProbeOrder(target=ADDRESS, headers=("Authorization: Bearer s3cret",))
    named = ProbeOrder(target=ADDRESS, headers=("Authorization: env:SHOP_TOKEN",))
    assert "env:NAME" in problems(written)["headers"]
    assert "s3cret" not in problems(written)["headers"]
    assert problems(named) == {}
    assert "s3cret" not in named.command_line()


def test_a_body_that_no_command_line_holds_is_sent_to_a_file() -> None:
    order = ProbeOrder(target=ADDRESS, body_kind="text", body="x" * (MOST_BODY + 1))
    assert "file" in problems(order)["body"]


@pytest.mark.parametrize(
    "slo", ["p99<=200ms,errors<=1%", "p95<=50ms", "errors<=2%", "p99<=200ms,p50<=20ms,errors<=1%"]
)
def test_any_objective_comes_back_as_the_same(slo: str) -> None:
    from probes.slo import parse_slo

    assert parse_slo(ProbeOrder().with_slo(slo).slo).to_json() == parse_slo(slo).to_json()


def test_what_is_remembered_is_filled_in_again_but_never_leave_to_go_elsewhere() -> None:
    order = ProbeOrder(target=ADDRESS, headers=("A: b",), kind="rate", allow_remote=True)
    assert order_of(order.to_json()) == replace(order, allow_remote=False)
    assert order_of({"target": 7, "kind": "rate", "unknown": 1, "allow_remote": True}) == ProbeOrder(
        kind="rate"
    )


def test_a_stored_run_is_asked_again_as_far_as_it_tells() -> None:
    target = {"address": ADDRESS, "method": "POST", "headers": ["X-Shop: 1", "Authorization: (hidden)"]}
    load = {"slo": "p99<=100ms,errors<=1%", "precision": 0.15, "budget_s": 12.0, "max_rate": 50.0}
    order = order_of_run({"target": target, "load": load})
    assert (order.target, order.method, order.headers) == (ADDRESS, "POST", ("X-Shop: 1",))
    assert (order.slo, order.precision, order.budget, order.max_rate) == (load["slo"], "15", "12", "50")
    steps = [{"concurrency": 1, "seconds": 5.0}, {"concurrency": 4, "seconds": 5.0}]
    order = order_of_run({"target": target, "load": {"slo": "errors<=1%", "segments": steps}})
    assert (order.kind, order.concurrency, order.step) == ("steps", "1,4", "5")


CODE = ProbeOrder(
    method="PUT", headers=("A: b",), body_kind="text", body="{}", sample='{"x": 1}', spread="yes",
    python="../env", workers="2", threads="3", proto="shop.proto", streams="4",
)  # fmt: skip


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        ("python:shop.model:predict", {"spread", "python", "workers", "threads", "sample"}),
        ("model:shop.onnx", {"python", "workers", "threads", "sample"}),
        ("command:./score --once", {"workers", "threads", "sample"}),
        (ADDRESS, {"method", "header", "body"}),
        ("grpc://127.0.0.1:8000/shop.Shop/Rank", {"header", "body", "proto", "streams"}),
        ("kserve+grpc://127.0.0.1:8000/rank", {"header", "body", "streams"}),
    ],
)
def test_a_kind_of_target_gets_the_options_that_it_takes_and_no_other(target: str, wanted: set[str]) -> None:
    options = command.parser().read(replace(CODE, target=target).arguments()[1:])
    user_code.refuse_strange_options(options)
    may = ("spread", "python", "workers", "threads", "sample", "method", "header", "body", "proto", "streams")
    assert {name for name in may if getattr(options, name)} == wanted


@pytest.mark.parametrize(
    "target", ["grpc://127.0.0.1:8000/shop.Shop/Rank", "kserve+grpc://127.0.0.1:8000/rank"]
)
def test_streams_are_of_our_own_client_and_a_wrong_number_stands_at_its_field(target: str) -> None:
    own = ProbeOrder(target=target, streams="4")
    other = replace(own, client="grpcio")
    assert (problems(own), problems(other)) == ({}, {})
    assert command.parser().read(own.arguments()[1:]).streams == 4
    read = command.parser().read(other.arguments()[1:])
    assert (read.streams, read.client) == (None, "grpcio"), "that client takes no number of calls"
    assert set(problems(replace(own, streams="0"))) == {"streams"}
    assert problems(replace(own, target=ADDRESS, streams="0")) == {}, "HTTP has no such field"


@pytest.mark.parametrize(
    ("target", "wanted"),
    [({"streams": 4}, ("4", "")), ({"streams": 16}, ("", "")), ({"client": "grpcio"}, ("", "grpcio"))],
)
def test_how_calls_were_made_is_read_back_from_a_run(
    target: dict[str, object], wanted: tuple[str, str]
) -> None:
    order = order_of_run(
        {"target": {"address": "grpc://127.0.0.1:8000/shop.Shop/Rank", **target}, "load": {}}
    )
    assert (order.streams, order.client) == wanted


def test_checks_of_answers_can_be_left_out_and_overload_be_asked_for() -> None:
    order = ProbeOrder(target=ADDRESS, check_answers=False, overload=True)
    options = command.parser().read(order.arguments()[1:])
    assert (options.no_check_answers, options.overload) == (True, True)
    assert problems(order) == {}
    usual = ProbeOrder(target=ADDRESS).arguments()
    assert not {"--no-check-answers", "--check-answers", "--overload"} & set(usual), "the command line's own"
    assert "--overload" not in replace(order, kind="rate").arguments(), "only a search knows what it carries"
    assert "--no-check-answers" not in replace(order, target="python:shop.py:rank").arguments()


@pytest.mark.parametrize("checked", [True, False])
@pytest.mark.parametrize("overload", [True, False])
def test_what_more_was_done_is_read_back_from_a_run(checked: bool, overload: bool) -> None:
    spec = LoadSpec(check_answers="auto" if checked else "no", overload=overload)
    order = order_of_run({"target": {"address": ADDRESS}, "load": spec.to_json()})
    assert (order.check_answers, order.overload) == (checked, overload)


def test_what_is_wrong_with_code_stands_at_its_field(tmp_path: Path) -> None:
    script = tmp_path / "score.py"
    script.write_text("def predict(x=1):\n    return x\n")
    good = ProbeOrder(target=f"python:{script}:predict", headers=("Authorization: Bearer x",))
    assert problems(good) == {}, "headers are none of its fields"
    assert set(problems(replace(good, sample="{", workers="0", threads="many"))) == {
        "sample", "workers", "threads",
    }  # fmt: skip
    assert "is not there" in problems(replace(good, target="python:nowhere.py:predict"))["target"]


def test_every_kind_that_the_command_line_knows_has_fields_and_an_example() -> None:
    shown = [kinds.scheme_of(example) for example in examples()]
    assert {*kinds.MODULES, *kinds.CODE} == {*shown, *(f"{scheme}s" for scheme in shown)} & {
        *kinds.MODULES, *kinds.CODE,
    }  # fmt: skip
    assert all(fields_of(example) for example in examples())


def test_a_kind_that_is_added_stands_in_the_form_with_the_fields_of_its_options(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = ModuleType("chat_target")
    module.parse_target = lambda address, *, headers=(), workers=1: address  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "chat_target", module)
    monkeypatch.setitem(kinds.MODULES, "chat+http", "chat_target")
    order = ProbeOrder(target="chat+http://127.0.0.1:8000/v1", headers=("A: b",), method="PUT", workers="2")
    assert fields_of(order.target) == {"headers", "workers"}
    assert problems(order) == {}
    assert order.arguments()[1:6] == (order.target, "--header", "A: b", "--workers", "2")


def test_users_who_think_are_read_back_from_a_run() -> None:
    segments = [{"concurrency": 40, "seconds": 20.0, "think_s": 2.0, "think": "exponential"}]
    order = order_of_run({"target": {"address": ADDRESS}, "load": {"segments": segments}})
    assert (order.kind, order.users, order.think, order.duration) == ("users", "40", "2", "20")


def test_how_code_ran_is_read_back_from_a_run() -> None:
    target = {
        "kind": "python", "address": "python:shop:predict", "workers": 2, "threads": 3, "spread": True,
        "python": {"path": "/env/bin/python", "version": "3.11", "chosen": "--python"},
    }  # fmt: skip
    order = order_of_run({"target": target, "load": {}})
    words = ("--spread", "--python", "/env/bin/python", "--workers", "2", "--threads", "3")
    assert order.arguments()[2:9] == words
