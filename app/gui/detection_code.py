"""What code of the user's is: looked at without running it, and called once where that is asked for.

A callable is read by its source, a model file by its ending and its size. Only `call` starts processes, those
that a probe would start, and ends them again.
"""

from __future__ import annotations

import ast
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from app.gui.detection import Found, beginning_of
from app.gui.probe_order import ProbeOrder
from probes.errors import UserError

if TYPE_CHECKING:
    from probes.targets.user_code import UserCode

CALL_S = 10.0
MOST_SOURCE = 2_000_000
RUNTIMES = {
    ".onnx": "ONNX Runtime", ".tflite": "TensorFlow Lite", ".joblib": "joblib, scikit-learn",
    ".pkl": "pickle", ".skops": "skops", ".ubj": "XGBoost", ".json": "XGBoost", ".txt": "LightGBM",
    ".pt2": "PyTorch", ".pt": "PyTorch",
}  # fmt: skip


def detect_code(order: ProbeOrder, *, call: bool, stop: threading.Event) -> Found:
    """What it is; with `call` also what one call gives, in processes of its own that end again.

    Never raises for what the code does; the problem is in the answer. Setting `stop` ends the start.
    """
    from probes.targets.hosting import Host
    from probes.targets.kinds import scheme_of

    address = order.target.strip()
    found = Found(address, told="code", kind=scheme_of(address))
    try:
        code = _code_of(order)
        found = found.with_(takes=_taken_by(code), size=_size_of(code))
        if not call or stop.is_set():
            return found
        host = Host(code, timeout_s=CALL_S, returns=True)
        try:
            host.start(stop)
            found = found.with_(takes=_told_by(host) or found.takes)
            answer = host.target.check(CALL_S)
        finally:
            host.stop()
    except UserError as error:
        return found.with_(problem=str(error))
    except KeyboardInterrupt:
        return found
    return found.with_(
        status=answer.status,
        milliseconds=answer.seconds * 1e3,
        size=found.size or len(answer.body),
        beginning=beginning_of(answer.body),
    )


def _code_of(order: ProbeOrder) -> UserCode:
    """The target as the command line reads it, with one process and one caller. Raises `UserError`."""
    from app.cli.inputs import read_body
    from probes.targets.kinds import scheme_of
    from probes.targets.user_code import parse_user_code, read_sample

    address, written = order.target.strip(), order.sample.strip()
    sample = None
    if written:
        name = written[1:] if written.startswith("@") else ""
        sample = read_sample(read_body(written, "--sample"), name, scheme_of(address))  # type: ignore[arg-type]
    kind = scheme_of(address)
    return parse_user_code(
        address,
        sample=sample,
        spread=bool(order.spread) and kind == "python",
        python=order.python.strip() or None if kind != "command" else None,
    )


def _taken_by(code: UserCode) -> str:
    """The callable with its parameters, a model's runtime or a command's program, where that is seen."""
    if code.kind == "model":
        return RUNTIMES.get(Path(code.path).suffix.lower(), "")
    if code.kind == "command":
        return code.argv[0]
    return "" if not code.file else signature_in(Path(code.file), code.attribute)


def signature_in(file: Path, attribute: str) -> str:
    """`predict(x, limit=…)` as the source has it; empty where it is not written there as such."""
    try:
        tree = ast.parse(file.read_bytes()[:MOST_SOURCE])
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    body: list[ast.stmt] = tree.body
    node: ast.stmt | None = None
    for name in attribute.split("."):
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        node = next((one for one in body if isinstance(one, kinds) and one.name == name), None)
        body = node.body if isinstance(node, ast.ClassDef) else []
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return ""
    return f"{node.name}({ast.unparse(node.args)})"[:300]


def _size_of(code: UserCode) -> int:
    try:
        return Path(code.path).stat().st_size if code.kind == "model" else 0
    except OSError:
        return 0


def _told_by(host: object) -> str:
    """What the runtime says that a model takes; empty where it says nothing."""
    about = getattr(host, "about", {})
    inputs = about.get("inputs")
    if isinstance(inputs, list) and inputs:
        return ", ".join(str(one) for one in inputs)[:300]
    return ""
