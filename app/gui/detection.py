"""What answers at an address: one bounded request, and who listens there. For the executor, never the window.

Nothing is sent to another machine here unless the order allows it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from app.gui.probe_order import ProbeOrder
from app.gui.target_fields import fields_of, is_code
from probes.errors import UserError

if TYPE_CHECKING:
    from probes.targets.http import HttpTarget

TIMEOUT_S = 3.0
FIRST_BYTES = 400
MOST_REQUEST = 20_000
"""Characters of a request that is shown and can be filled in."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the request brought. `problem` is a sentence where it brought no answer.

    `process` names who listens there, where that is a process of this machine that can be seen.
    """

    address: str
    is_remote: bool = False
    problem: str = ""
    status: int = 0
    reason: str = ""
    milliseconds: float = 0.0
    server: str = ""
    content_type: str = ""
    size: int = 0
    beginning: str = ""
    pid: int | None = None
    process: str = ""
    told: str = ""
    """`code` of the user's, or another `protocol` than HTTP; empty for HTTP."""
    kind: str = "http"
    """The scheme of the address."""
    is_ready: bool = False
    """Whether it has said in its own protocol what it takes."""
    takes: str = ""
    request: str = ""
    """The request that load would send, where the target says what it takes and it is no large one."""
    is_template: bool = False
    """Whether that is a message without values, to be filled in: load would send the empty one."""

    @property
    def answers(self) -> bool:
        """Whether something answered."""
        return self.status > 0

    def with_(self, **known: Any) -> Found:
        """The same with more known of it."""
        return replace(self, **known)


def detect(order: ProbeOrder, *, sample: bool = False, stop: threading.Event | None = None) -> Found:
    """Asks the address once: by a plain GET, or with `sample` by the very request that load would send.

    Other protocols are asked what the target takes; code is looked at, and called with `sample` alone:
    setting `stop` ends that. Never raises for what the address or the service does; the problem is in the
    answer.
    """
    from app.cli.inputs import read_bodies, read_body
    from probes.targets.http import parse_target

    address = order.target.strip()
    if is_code(address):
        from app.gui.detection_code import detect_code

        return detect_code(order, call=sample, stop=stop or threading.Event())
    if not fields_of(address) >= {"method", "body_kind"}:
        from app.gui.detection_protocols import detect_protocol

        return detect_protocol(order, sample=sample)
    try:
        known = parse_target(address, allow_remote=True)
        if known.remote and not order.allow_remote:
            return Found(address, is_remote=True)
        if sample:
            target = parse_target(
                address,
                method=order.method or None,
                headers=order.headers,
                body=read_body(order.body) if order.body_kind == "text" else None,
                bodies=read_bodies(f"@{order.bodies.strip()}") if order.body_kind == "lines" else None,
                allow_remote=order.allow_remote,
            )
        else:
            target = parse_target(address, headers=order.headers, allow_remote=order.allow_remote)
        pid, process = listener_of(target.ip, target.port) if not target.remote else (None, "")
        try:
            answer = (target.prepared(TIMEOUT_S) if sample else target).ask(TIMEOUT_S)
        except UserError as error:
            return Found(address, target.remote, str(error), pid=pid, process=process)
    except UserError as error:
        return Found(address, problem=str(error))
    request = "" if 200 <= answer.status < 300 or order.body_kind != "none" else _described(target)
    headers = {name.lower(): value for name, value in answer.headers}
    return Found(
        address,
        target.remote,
        status=answer.status,
        reason=answer.reason,
        milliseconds=answer.seconds * 1e3,
        server=headers.get("server", ""),
        content_type=headers.get("content-type", ""),
        size=len(answer.body),
        beginning=beginning_of(answer.body),
        request=request,
        pid=pid,
        process=process,
    )


def _described(target: HttpTarget) -> str:
    """The body that the server's own OpenAPI document describes for a POST there; empty where it has none."""
    found = target.described(TIMEOUT_S)
    text = "" if found is None else found.body.decode("utf-8", "replace")
    return text if len(text) <= MOST_REQUEST else ""


def beginning_of(body: bytes) -> str:
    """The first characters of what was answered or would be sent, as they can be shown."""
    text = body[:FIRST_BYTES].decode("utf-8", "replace")
    return "".join(
        char if char.isprintable() or char in "\n\t" else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def listener_of(ip: str, port: int) -> tuple[int | None, str]:
    """The process that listens there and its name, where they can be seen."""
    import psutil

    from probes.watch.process import listening_owners

    pids = listening_owners(ip, port)
    if not pids:
        return None, ""
    try:
        return pids[0], psutil.Process(pids[0]).name()
    except psutil.Error:
        return pids[0], ""
