"""What a service says of itself in its own protocol: gRPC by reflection, models by their metadata.

What the command line asks before it sends load is asked here too, once and for a few seconds.
"""

from __future__ import annotations

import json
from typing import Any

from app.gui.detection import MOST_REQUEST, TIMEOUT_S, Found, beginning_of, listener_of
from app.gui.probe_order import ProbeOrder
from app.gui.target_fields import fields_of
from probes.errors import UserError
from probes.targets.target import Answer

MOST_TOLD = 300


def detect_protocol(order: ProbeOrder, *, sample: bool) -> Found:
    """Asks what the target takes; with `sample` it also sends the very request that load would send.

    Never raises for what the address or the service does; the problem is in the answer.
    """
    from probes.targets.kinds import parse_target, scheme_of

    address = order.target.strip()
    found = Found(address, told="protocol", kind=scheme_of(address))
    try:
        target = parse_target(address, _options(order, sample=sample))
        found = found.with_(is_remote=target.remote)
        if target.remote and not order.allow_remote:
            return found
        if not target.remote:
            pid, process = listener_of(target.ip, target.port)
            found = found.with_(pid=pid, process=process)
        if target.kind == "openai":
            found, named = _chat(target, found)
            answer = _chatted(named) if sample else None
        else:
            ready: Any = target.prepared(TIMEOUT_S)
            found = found.with_(is_ready=True, takes=_taken_by(ready), **_request_of(ready, order))
            answer = ready.check(TIMEOUT_S) if sample else None
    except UserError as error:
        return found.with_(problem=str(error))
    if answer is None:
        return found
    return found.with_(
        status=answer.status,
        reason=answer.reason,
        milliseconds=answer.seconds * 1e3,
        size=len(answer.body),
        beginning=beginning_of(answer.body),
    )


def _chat(target: Any, found: Found) -> tuple[Found, Any]:
    """What a chat endpoint says of itself, and the target with its model named. Raises `TargetError`.

    What it writes costs its owner: only the names of its models are asked for.
    """
    models = target.models(TIMEOUT_S)
    named = target.named(TIMEOUT_S, models)
    takes = str(named.model) if named.model in models else ""
    request = named.plain_request.decode()
    found = found.with_(is_ready=bool(models), takes=takes[:MOST_TOLD])
    return found.with_(request=request if len(request) <= MOST_REQUEST else ""), named


def _chatted(named: Any) -> Answer:
    """What it answers to the request that load would send. Raises `TargetError`."""
    ready, answer = named.tried_once(TIMEOUT_S)
    checked: Answer = ready.checked(answer, TIMEOUT_S)
    return checked


def _options(order: ProbeOrder, *, sample: bool) -> dict[str, Any]:
    """The options that the form's fields are, as the command line reads them."""
    from app.cli.inputs import read_bodies, read_body

    fields = fields_of(order.target)
    options: dict[str, Any] = {"allow_remote": True}
    if "headers" in fields and order.headers:
        options["headers"] = order.headers
    if "proto" in fields and order.proto.strip():
        options["proto"] = order.proto.strip()
    if "client" in fields and order.client:
        options["client"] = order.client
    if "body_kind" in fields and order.body_kind == "text" and order.body:
        options["body"] = read_body(order.body)
    elif "body_kind" in fields and order.body_kind == "lines" and order.bodies.strip():
        options["bodies"] = read_bodies(f"@{order.bodies.strip()}")
    elif order.target.strip().lower().startswith("sagemaker") and not sample:
        # It does not say what it takes; whether it is ready can be asked all the same.
        options["body"] = b""
    return options


def _request_of(target: Any, order: ProbeOrder) -> dict[str, Any]:
    """The request that load would send; of a message that has no values yet its fields, to be filled in."""
    method: Any = getattr(target, "method", None)
    if order.body_kind == "none" and target.kind == "grpc" and method is not None:
        return {"request": json.dumps(method.template(), indent=1), "is_template": True}
    requests = getattr(target, "samples", None) or getattr(target, "bodies", ())
    try:
        text = requests[0].decode() if requests and requests[0] else ""
    except UnicodeDecodeError:
        return {}
    return {"request": text} if len(text) <= MOST_REQUEST else {}


def _taken_by(target: Any) -> str:
    """What it takes, in a line: the message with its fields, or the tensors."""
    method: Any = getattr(target, "method", None)
    if target.kind == "grpc" and method is not None:
        return str(method.described())[:MOST_TOLD]
    try:
        document = json.loads((getattr(target, "samples", None) or target.bodies)[0])
        inputs = document["inputs"]
        if isinstance(inputs, dict):
            return ", ".join(inputs)[:MOST_TOLD]
        return ", ".join(f"{one['name']} {one['datatype']} {one['shape']}" for one in inputs)[:MOST_TOLD]
    except (TypeError, ValueError, KeyError, IndexError, RecursionError):
        return ""
