"""A chat endpoint that speaks OpenAI's protocol, streamed: `openai+http://host:port/v1?model=NAME`.

Every request asks for a stream and for the token counts at its end. What comes back is measured by
`probes.load.sse`; `probes.load.streams` says what that means.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from probes.errors import TargetError, UsageError
from probes.load.plan import Wire
from probes.load.sse import COLUMNS, Events
from probes.targets import http
from probes.targets.http import HttpTarget
from probes.targets.target import Answer

PROMPT = "Count from one to twenty in words."
MOST_TOKENS = 64
"""What is asked where no request was given."""
LOG_ENTRIES = 4_000_000
"""Gaps between tokens that are kept of one stretch of load, 16 bytes each, taken only as they come."""


@dataclass(frozen=True)
class ChatTarget(HttpTarget):
    """A chat endpoint. `model` is None until `prepared` asked which there is.

    `asks_usage` says that the token counts were asked for by us and not by the request that was given.
    """

    kind: str = "openai"
    model: str | None = None
    models_path: str = "/v1/models"
    asks_usage: bool = True

    def prepared(self, timeout_s: float) -> ChatTarget:
        """The target with its model named, and without what the server does not take.

        Asks for the names of models and, where the counts of tokens are asked for by us, for one completion
        or two. Raises `TargetError`.
        """
        named = self.named(timeout_s)
        return named.tried_once(timeout_s)[0] if named.asks_usage else named

    def named(self, timeout_s: float, known: Sequence[str] | None = None) -> ChatTarget:
        """The target with its model named. Asks for the names of models alone, and only where neither it nor
        they are `known`.

        Raises `TargetError` when there is none or more than one.
        """
        if self.model is not None:
            return self
        model = self._only_model(self.models(timeout_s) if known is None else known)
        return replace(self, model=model, bodies=tuple(_with(body, model=model) for body in self.bodies))

    def tried_once(self, timeout_s: float) -> tuple[ChatTarget, Answer]:
        """The target without what the server does not take, and what it answered to the first request.

        Asks for one completion; for a second one where the first was refused and the counts of tokens, which
        we asked for, may be why. Raises `TargetError` when nothing answers.
        """
        target, answer = replace(self, tried=1), self.ask(timeout_s)
        if self.asks_usage and answer.status in (400, 422):
            bodies = tuple(_without_usage(body) for body in self.bodies)
            bare = replace(self, bodies=bodies, asks_usage=False, tried=2)
            again = bare.ask(timeout_s)
            if bare.is_good(again.status):
                return bare, again
            target = replace(self, tried=2)
        return target, answer

    @property
    def plain_request(self) -> bytes:
        """The first request without the counts of tokens, where it is us who ask for them."""
        request = self.bodies[0] or b"{}"
        return _without_usage(request) if self.asks_usage else request

    def models(self, timeout_s: float) -> tuple[str, ...]:
        """The names of the models that the server lists; none where it lists none. Raises `TargetError`."""
        asked = replace(self, method="GET", path=self.models_path, bodies=(None,))
        answer = asked.ask(timeout_s)
        if answer.status != 200:
            return ()
        try:
            return tuple(str(entry["id"]) for entry in json.loads(answer.body)["data"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return ()

    def checked(self, answer: Answer, timeout_s: float) -> Answer:
        """The answer with the text that was streamed as its body, as JSON.

        Raises `TargetError` when the answer is not the wanted one, is no stream, or holds nothing.
        """
        answer = super().checked(answer, timeout_s)
        kinds = [value.lower() for name, value in answer.headers if name.lower() == "content-type"]
        if not any(kind.startswith("text/event-stream") for kind in kinds):
            kind = kinds[0] if kinds else "no content type"
            raise TargetError(
                f"{self.address} answers whole ({kind}) and not as a stream: "
                "measure it as http:// with --body, or correct the address"
            )
        text, failed = streamed(answer.body)
        if failed is not None:
            raise TargetError(
                f"{self.address} streams an error: {failed}; correct the request or the service"
            )
        if not text:
            raise TargetError(
                f"{self.address} streams an answer without any text: correct the request (--body @FILE.json)"
            )
        return replace(answer, body=json.dumps({"text": text}).encode())

    def wire(self, timeout_s: float, run_id: str | None = None) -> Wire:
        """How the load loop talks to this target."""
        plain = super().wire(timeout_s, run_id)
        return replace(
            plain,
            protocol="probes.load.sse",
            extra_columns=COLUMNS,
            log_entries=LOG_ENTRIES,
            expect_body=None,
        )

    def sized(self, axis: str, sizes: Sequence[int]) -> ChatTarget:
        """Raises `UsageError`: a prompt of another size is another question."""
        del axis, sizes
        raise UsageError(
            "--sweep is not for a chat endpoint: give requests of your own (--bodies @FILE.jsonl)"
        )

    def to_json(self) -> dict[str, Any]:
        """CONTRACT's target object, with the model."""
        return super().to_json() | {"model": self.model}

    def _only_model(self, names: Sequence[str]) -> str:
        if not names:
            raise TargetError(
                f"{self.host}:{self.port}{self.models_path} names no model: add ?model=NAME to the address"
            )
        if len(names) > 1:
            some = ", ".join(names[:5])
            raise TargetError(
                f"{self.host}:{self.port} has several models ({some}): add ?model=NAME to the address"
            )
        return names[0]


def streamed(body: bytes) -> tuple[str, str | None]:
    """The text of a stream, all choices' deltas in the order in which they came; and the error it tells."""
    parts: list[str] = []
    failed = None
    for data in Events().take(body.rstrip(b"\n") + b"\n\n"):
        try:
            event = json.loads(data)
            if event.get("error"):
                error = event["error"]
                failed = str(error.get("message") if isinstance(error, dict) else error)[:200]
            for choice in event["choices"]:
                delta = choice.get("delta") or choice
                texts = (delta.get(key) for key in ("reasoning_content", "reasoning", "content", "text"))
                parts += [text for text in texts if isinstance(text, str)]
                if delta.get("tool_calls"):
                    parts.append(json.dumps(delta["tool_calls"]))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return "".join(parts), failed


def _with(body: bytes | None, **fields: Any) -> bytes:
    """A request with fields that it does not have."""
    return json.dumps({**fields, **json.loads(body or b"{}")}, ensure_ascii=False).encode()


def _without_usage(body: bytes | None) -> bytes:
    document = json.loads(body or b"{}")
    document.pop("stream_options", None)
    return json.dumps(document, ensure_ascii=False).encode()


def _request_of(body: bytes | None, model: str | None) -> tuple[bytes, bool]:
    """A streamed request of what was given, a JSON object or the text of a prompt; and whether the counts of
    tokens were asked for by us. Raises `UsageError`."""
    document: Any
    if body is None:
        document = {"messages": [{"role": "user", "content": PROMPT}], "max_tokens": MOST_TOKENS}
    else:
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            try:
                document = body.decode()
            except UnicodeDecodeError as error:
                raise UsageError("--body is neither JSON nor text in UTF-8: give a chat request") from error
    if isinstance(document, str):
        document = {"messages": [{"role": "user", "content": document}], "max_tokens": MOST_TOKENS}
    if not isinstance(document, dict):
        raise UsageError(
            "--body is no chat request: give a JSON object with messages, or the text of a prompt"
        )
    if document.get("stream") is False:
        raise UsageError(
            '--body says "stream": false, and a chat endpoint is measured by its stream: leave that out'
        )
    ours = "stream_options" not in document
    named = {} if model is None else {"model": model}
    document = {**named, **document, "stream": True}
    document.setdefault("stream_options", {"include_usage": True})
    return json.dumps(document, ensure_ascii=False).encode(), ours


def parse_target(
    address: str,
    *,
    headers: Sequence[str] = (),
    body: bytes | None = None,
    bodies: Sequence[bytes] | None = None,
    allow_remote: bool = False,
    ca: str | None = None,
    insecure: bool = False,
) -> ChatTarget:
    """The target of `openai+http://host:port/v1?model=NAME`; `body` is a chat request or a prompt.

    Sends nothing. Raises `UsageError` when something is wrong with the address or the options, `TargetError`
    when the host name cannot be resolved.
    """
    plain = address.strip().partition("+")[2]
    try:
        parts = urlsplit(plain)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
    except ValueError as error:
        raise UsageError(f"'{plain[:80]}' is not an address: {error}") from error
    model = query.pop("model", None)
    if model == "":
        raise UsageError("?model= names no model: write ?model=NAME, or leave it out where there is only one")
    root = parts.path.rstrip("/").removesuffix("/chat/completions") or "/v1"
    path = urlunsplit((parts.scheme, parts.netloc, f"{root}/chat/completions", urlencode(query), ""))
    given = [body] if bodies is None else list(bodies)
    made = [_request_of(one, model) for one in given]
    target = http.parse_target(
        path, method="POST", headers=headers, bodies=[request for request, _ in made],
        allow_remote=allow_remote, ca=ca, insecure=insecure,
    )  # fmt: skip
    models = {json.loads(request).get("model") for request, _ in made}
    values = {**vars(target), "sample_from": "our own prompt" if given == [None] else "given"}
    shown = target.address.partition("?")[0].removesuffix("/chat/completions")
    asked = urlencode(query | ({"model": model} if model else {}))
    values["address"] = f"openai+{shown}" + (f"?{asked}" if asked else "")
    return ChatTarget(
        **values,
        model=model or (str(next(iter(models))) if None not in models else None),
        models_path=f"{root}/models",
        asks_usage=all(ours for _, ours in made),
    )
