"""What answers at an address: found by one bounded request, and never on another machine unasked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.gui import detection
from app.gui.detection import detect
from app.gui.probe_order import ProbeOrder

StartServer = Callable[..., Any]
MISBEHAVING = "tests/systems/servers/misbehaving_server.py"


def test_a_service_is_found_with_its_process_and_the_beginning_of_its_answer(
    start_server: StartServer,
) -> None:
    server = start_server("tests/systems/servers/queue_server.py")
    found = detect(ProbeOrder(target=server.url))
    assert (found.status, found.pid, found.problem) == (200, server.pid, "")
    assert found.content_type == "application/json"
    assert found.beginning == '{"answer": 42}\n'[: len(found.beginning)]
    assert found.size >= len('{"answer": 42}')
    assert found.milliseconds > 0


def test_the_sample_is_the_request_that_load_would_send(start_server: StartServer) -> None:
    server = start_server("resources/demo/recommender.py", "--port", 0)
    order = ProbeOrder(target=f"{server.url}/recommend", body_kind="text", body='{"user": 1}')
    assert detect(order).status >= 400, "a GET is not what it takes"
    assert detect(order, sample=True).status == 200


@pytest.mark.parametrize(
    ("mode", "words"), [("garbage", "does not speak HTTP"), ("hang", "no complete answer within")]
)
def test_what_gives_no_answer_is_said_in_a_sentence(
    mode: str, words: str, start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection, "TIMEOUT_S", 0.3)
    server = start_server(MISBEHAVING, "--mode", mode)
    found = detect(ProbeOrder(target=server.url))
    assert not found.answers
    assert words in found.problem


def test_redirects_are_shown_and_not_followed(start_server: StartServer) -> None:
    server = start_server(MISBEHAVING, "--mode", "redirect")
    assert detect(ProbeOrder(target=server.url)).status == 302
    assert server.stop()["followed"] == 0


def test_another_machine_is_not_asked_without_leave() -> None:
    found = detect(ProbeOrder(target="http://192.0.2.1:9/"))
    assert found.is_remote
    assert not found.answers
    assert found.problem == ""
