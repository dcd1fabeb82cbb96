"""`transformers serve`, a chat server in OpenAI's protocol, with a tiny model of random weights."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

INSTALL = "python3 -m venv VENV && VENV/bin/pip install torch 'transformers[serving]==5.24.*'"
MAKE = Path(__file__).with_name("tiny_chat_model.py")
TOKENS = 12
REQUEST = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": TOKENS, "temperature": 0.0}

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("load_alone")]


@pytest.fixture(scope="module")
def chat(
    environment_of: Callable[..., Any],
    serve: Callable[..., psutil.Process],
    ports: Callable[[int], list[int]],
    tmp_path_factory: pytest.TempPathFactory,
) -> int:
    """Its port."""
    environment = environment_of("transformers", INSTALL)
    folder = tmp_path_factory.mktemp("chat")
    environment.run(str(MAKE), folder=folder)
    (port,) = ports(1)
    serve(
        [environment.program("transformers"), "serve", "tiny", "--device", "cpu", "--host", "127.0.0.1",
         "--port", str(port)],
        port=port, ready="/health", folder=folder,
        environment={"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    return port


def asked_whole(port: int) -> dict[str, Any]:
    """The answer to `REQUEST` without a stream."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        body = json.dumps(REQUEST | {"model": "tiny"})
        connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.status == 200
        return dict(json.loads(answer.read()))
    finally:
        connection.close()


def test_streams_at_a_rate_it_carries(chat: int, loadstone: Callable[..., Any]) -> None:
    """As many tokens as the server itself says of such an answer; it ends no stream with [DONE]."""
    whole = asked_whole(chat)["usage"]["completion_tokens"]
    assert 1 < whole <= TOKENS
    outcome = loadstone(
        f"openai+http://127.0.0.1:{chat}/v1", "--body", json.dumps(REQUEST), "--rate", "5", "--duration",
        "6s", "--arrivals", "constant", "--timeout", "60s", "--slo", "ttft_p50<=30s",
    )  # fmt: skip
    result = outcome.result
    assert (result["target"]["kind"], result["target"]["model"]) == ("openai", "tiny")
    (step,) = outcome.steps
    assert step["ok"] == step["sent"] == 30
    streaming = step["streaming"]
    assert (streaming["streams"], streaming["without_done"], streaming["without_usage"]) == (30, 30, 0)
    assert streaming["tokens_from"] == "usage"
    assert streaming["tokens_per_s"] * step["seconds"] == pytest.approx(30 * whole, rel=0.02)
    assert 0 < streaming["ttft_ms"]["p50"] < step["response_ms"]["p50"]
    assert result["streaming"]["goodput_per_s"] == pytest.approx(step["achieved_per_s"], rel=0.02)
    assert outcome.code == (4 if result["run"]["grade"] == "client_limited" else 0)


def test_a_model_that_it_does_not_have(chat: int, loadstone: Callable[..., Any]) -> None:
    outcome = loadstone(f"openai+http://127.0.0.1:{chat}/v1?model=other")
    assert outcome.code == 3
    assert "it says: Server is pinned to 'tiny'; requested 'other'." in outcome.errors
