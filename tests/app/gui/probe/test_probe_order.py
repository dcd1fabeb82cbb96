"""What the form asks for is what the command line reads, and back again."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from app.cli import probe as command
from app.gui.probe_order import MOST_BODY, ProbeOrder, order_of, order_of_run, problems

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
