"""Runs the user's code under the user's interpreter, one call a request. Standard library only, 3.8 or later.

    python host.py CONTROL-FD SLOT-FD…

Alone in its folder, so that nothing of Loadstone can be imported beside the user's code. On the control
socket comes a plan (JSON behind four bytes of length, big endian), and one answer goes back: `{"ready": …}`
or `{"failed": {"kind": "usage" | "target", "text": …}}`. Then every slot is one caller in a thread of its own
(the first in the main thread): four bytes say which sample, and the answer is `ANSWER`, then a text.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import struct
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Plan = dict[str, Any]
    Call = Callable[..., Any]
    Arguments = Callable[[], tuple[tuple[Any, ...], dict[str, Any]]]

ANSWER = struct.Struct("<BIqq")
"""Outcome (0 good, 1 raised), bytes of text that follow, wall and CPU time of the call alone in ns."""
INDEX = struct.Struct("<I")
LENGTH = struct.Struct(">I")
LONGEST_TEXT = 65536
TRACEBACKS_PRINTED = 5
PIPE_HOLDS = 32768


class Refused(Exception):  # noqa: N818 - an answer, not a failure of ours
    """What was asked cannot be done; the text is one sentence, `kind` whose fault it is."""

    def __init__(self, text: str, kind: str = "usage") -> None:
        super().__init__(text)
        self.kind = kind


class Loaded:
    """What is called. `make_call()` gives a slot its callable, `build(sample)` a function that returns
    `(args, kwargs)`, made anew where the callable could change them. `own` is a sample of the target's own
    (None: it has none) and `origin` where that one comes from."""

    def __init__(
        self,
        make_call: Callable[[], Call],
        build: Callable[[Any], Arguments],
        *,
        own: Any = None,
        origin: str = "given",
        about: dict[str, Any] | None = None,
        ask: str = "",
    ) -> None:
        self.make_call = make_call
        self.build = build
        self.own = own
        self.origin = origin
        self.about = about or {}
        self.ask = ask


def main() -> None:
    """Loads what the plan says and serves its slots until their other end is closed."""
    control, *slots = [_own_socket(int(number)) for number in sys.argv[1:]]
    _die_with_parent()
    plan = _receive(control)
    if plan is None:
        return
    try:
        _limit(plan)
        began = time.perf_counter()
        loaded = load(plan)
        arguments, origin = _arguments(plan, loaded)
    except Refused as refused:
        _send(control, {"failed": {"kind": refused.kind, "text": str(refused)}})
        return
    about = {"sample_from": origin, "load_s": time.perf_counter() - began, "samples": len(arguments)}
    about.update(loaded.about)
    _send(control, {"ready": about})
    for slot in slots[1:]:
        thread = threading.Thread(target=serve, args=(slot, loaded, arguments, plan["answers"]), daemon=True)
        thread.start()
    serve(slots[0], loaded, arguments, plan["answers"])
    os._exit(0)


def serve(slot: socket.socket, loaded: Loaded, arguments: list[Arguments], answers: bool) -> None:
    """One caller: waits for the number of a sample, calls, answers with the times of the call alone."""
    call = loaded.make_call()
    cpu_clock = getattr(call, "cpu_clock", time.thread_time_ns)
    clock, receive, pack = time.perf_counter_ns, slot.recv, ANSWER.pack
    good, printed = b"ok", 0
    while True:
        number = receive(4)
        if len(number) < 4:
            return
        args, kwargs = arguments[INDEX.unpack(number)[0]]()
        text, outcome, error = good, 0, None
        cpu = cpu_clock()
        start = clock()
        try:
            result = call(*args, **kwargs)
            wall = clock() - start
        except BaseException as raised:
            wall = clock() - start
            error = raised
        cpu = cpu_clock() - cpu
        if error is not None:
            outcome, text, result = 1, _said(error).encode("utf-8", "replace"), None
            if printed < TRACEBACKS_PRINTED:
                printed += 1
                traceback.print_exception(type(error), error, error.__traceback__)
                sys.stderr.flush()
            error = None
        elif answers:
            text = _shown(result)
        slot.sendall(pack(outcome, len(text), wall, cpu) + text)
        result = args = kwargs = None


def load(plan: Plan) -> Loaded:
    """The `Loaded` that the plan names. Raises `Refused`."""
    kind = plan["kind"]
    if kind == "command":
        return _load_command(plan)
    ours = str(Path(__file__).resolve().parent)
    sys.path[:] = [entry for entry in sys.path if str(Path(entry or ".").resolve()) != ours]
    sys.path.insert(0, plan["folder"])
    if kind == "python":
        return _load_callable(plan)
    path = plan["path"]
    loader = _LOADERS[Path(path).suffix.lower()]
    try:
        return loader(path)
    except Refused:
        raise
    except MemoryError:
        raise Refused(
            f"{path} needs more memory than the limit of this run: raise --memory-limit", "target"
        ) from None
    except ModuleNotFoundError as error:
        raise Refused(_missing(Path(path).name, error.name or str(error))) from error
    except BaseException as error:
        _print_traceback()
        size = Path(path).stat().st_size
        raise Refused(
            f"{path} ({size:,} bytes) cannot be loaded as {_KINDS[loader]} ({_said(error)[:160]}); "
            "check that it is whole and of that kind"
        ) from error


# a callable


def _load_callable(plan: Plan) -> Loaded:
    import inspect

    name, attribute, shown = plan["module"], plan["attribute"], plan["shown"]
    found = _imported(plan)
    for part in attribute.split("."):
        if not hasattr(found, part):
            import difflib

            near = difflib.get_close_matches(part, [one for one in dir(found) if not one.startswith("__")], 1)
            hint = (
                f"did you mean '{near[0]}'?"
                if near
                else f"write python:{plan.get('file') or name}:NAME with a name it has"
            )
            raise Refused(f"{shown} has no '{part}': {hint}")
        found = getattr(found, part)
    if not callable(found):
        raise Refused(
            f"'{attribute}' in {shown} is of the type {type(found).__name__}, which cannot be called: "
            "name a function"
        )
    missing, has_defaults = _without_default(found)
    spread = plan["spread"]

    def build(sample: Any) -> Arguments:
        if sample is _NOTHING:
            return lambda: ((), {})
        if spread:
            if not isinstance(sample, dict):
                raise Refused(
                    "--spread needs an object as the sample: write for example --sample '{\"x\": 1}'"
                )
            fresh = _fresh(sample)
            return lambda: ((), fresh())
        fresh = _fresh(sample)
        return lambda: ((fresh(),), {})

    how = "called"
    function = found if inspect.isroutine(found) else type(found).__call__
    if inspect.iscoroutinefunction(function):
        how = "awaited in an event loop of its thread"
    elif inspect.isgeneratorfunction(function):
        how = "drained, being a generator"
    elif inspect.isasyncgenfunction(function):
        raise Refused(f"'{attribute}' in {shown} is an asynchronous generator: name a function that returns")

    def make_call() -> Call:
        if how.startswith("awaited"):
            import asyncio

            loop = asyncio.new_event_loop()
            run = loop.run_until_complete
            return lambda *args, **kwargs: run(found(*args, **kwargs))
        if how.startswith("drained"):
            from collections import deque

            return lambda *args, **kwargs: deque(found(*args, **kwargs), maxlen=0)
        call: Call = found
        return call

    ask = f"'{attribute}' needs a value for {missing[0]}" if missing else ""
    if missing:
        example = json.dumps(dict.fromkeys(missing, 1)) if len(missing) > 1 else '{"x": 1}'
        ask += f": give --sample @FILE.json or --sample '{example}'" + (
            " --spread" if len(missing) > 1 else ""
        )
    own = _NOTHING if has_defaults and not missing else None
    return Loaded(make_call, build, own=own, origin="signature", about={"called": how}, ask=ask)


def _imported(plan: Plan) -> Any:
    """The module. Raises `Refused` with what stood in the way and where."""
    import importlib
    import importlib.util

    name, shown = plan["module"], plan["shown"]
    try:
        if not plan.get("file"):
            return importlib.import_module(name)
        spec = importlib.util.spec_from_file_location(name, plan["file"])
        if spec is None or spec.loader is None:
            raise Refused(f"{shown} is no Python file: name one that ends in .py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module
    except Refused:
        raise
    except ModuleNotFoundError as error:
        gone = error.name or ""
        if not plan.get("file") and (gone == name or name.startswith(gone + ".")):
            raise Refused(
                f"no module '{name}' is found from {plan['folder']}: run from the folder that holds "
                f"'{name.split('.')[0]}', or write python:path/to/file.py:callable"
            ) from error
        raise Refused(_missing(shown, gone or str(error))) from error
    except SyntaxError as error:
        raise Refused(
            f"{error.filename} line {error.lineno} is no Python {_version()}: {error.msg}; correct it "
            "or name another interpreter with --python"
        ) from error
    except BaseException as error:
        _print_traceback()
        raise Refused(
            f"importing {shown} failed with {_said(error)}{_line_of(error)}: correct it", "target"
        ) from error


def _without_default(function: Any) -> tuple[list[str], bool]:
    """(parameters that need a value, whether it is known that all others have one)."""
    import inspect

    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return (["its argument"], False)
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [one.name for one in parameters if one.default is one.empty and one.kind not in kinds]
    return (needed, True)


def _fresh(sample: Any) -> Callable[[], Any]:
    """A function that gives the sample, a copy each time where it could be changed by what is called."""
    if sample is None or isinstance(sample, (bool, int, float, str, bytes)):
        return lambda: sample
    if isinstance(sample, (dict, list)):
        import marshal

        data, loads = marshal.dumps(sample), marshal.loads
        return lambda: loads(data)
    copied: Callable[[], Any] = sample.copy  # an array
    return copied


# samples


class _Nothing:
    """Stands for a call without arguments."""


_NOTHING = _Nothing()


def _arguments(plan: Plan, loaded: Loaded) -> tuple[list[Arguments], str]:
    """(one function a sample that gives its arguments, where the samples come from). Raises `Refused`."""
    samples = [_decoded(base64.b64decode(text), plan["form"]) for text in plan["samples"]]
    origin, grown = "given", plan.get("grown")
    if not samples:
        if loaded.own is None:
            raise Refused(loaded.ask or "an input is needed: give --sample @FILE.json")
        samples, origin = [loaded.own], loaded.origin
    try:
        if grown is not None and plan["kind"] != "model":
            samples = [_grown(sample, grown[0], size) for size in grown[1] for sample in samples]
        built = [loaded.build(sample) for sample in samples]
        if grown is None or plan["kind"] != "model":
            return built, origin
        whole = [make() for make in built]
        longer = [_grown(one, grown[0], size) for size in grown[1] for one in whole]
        return [_same(*args, **kwargs) for args, kwargs in longer], origin
    except Refused:
        raise
    except Exception as error:
        raise Refused(f"the sample does not fit ({_said(error)}): correct --sample") from error


def _decoded(data: bytes, form: str) -> Any:
    if form == "json":
        return json.loads(data)
    if form == "text":
        return data.decode("utf-8")
    if form == "npy":
        import io

        return _need("numpy", "numpy", "a sample in .npy").load(io.BytesIO(data), allow_pickle=False)
    return data


def _grown(value: Any, axis: str, size: int) -> Any:
    """The same with every array in it made larger (or smaller), its entries in turn.

    `batch` and `rows` are the first dimension, `sequence` is the second, `payload_kb` as many rows as come
    nearest to that many times 1,000 bytes. A list of texts is a batch of them.
    """
    if isinstance(value, dict):
        return {name: _grown(part, axis, size) for name, part in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], str):
        return [value[at % len(value)] for at in range(size)] if axis in ("batch", "rows") else value
    if isinstance(value, (tuple, list)):
        return type(value)([_grown(part, axis, size) for part in value])
    shape = tuple(getattr(value, "shape", ()))
    if not shape or not all(shape):
        return value
    if axis == "sequence":
        if len(shape) < 2:
            raise Refused("an input of one dimension has no sequence that could grow: sweep batch instead")
        return value[:, [at % shape[1] for at in range(size)]]
    if axis == "payload_kb":
        held = getattr(value, "nbytes", None)
        held = int(value.memory_usage(index=False).sum()) if held is None else int(held)
        size = max(1, round(1000 * size * shape[0] / max(1, held)))
    rows = [at % shape[0] for at in range(size)]
    return value.iloc[rows] if hasattr(value, "iloc") else value[rows]


def _rows(sample: Any, names: list[str], numpy: Any, dtype: str | None = None) -> Any:
    """A table as a two-dimensional array, from rows, one row, or objects with the columns' names."""
    if isinstance(sample, dict):
        sample = [sample]
    if isinstance(sample, list) and sample and isinstance(sample[0], dict):
        lacking = [name for name in names if name not in sample[0]]
        if lacking or not names:
            what = (
                f"lacks the column '{lacking[0]}'"
                if lacking
                else "names columns, of which the model knows none (write rows)"
            )
            raise Refused(f"the sample {what}: correct --sample")
        sample = [[row[name] for name in names] for row in sample]
    array = numpy.asarray(sample, dtype=dtype)
    return array.reshape(1, -1) if array.ndim < 2 else array


def _same(*args: Any, **kwargs: Any) -> Arguments:
    """Arguments that nothing changes, the same at every call."""
    return lambda: (args, kwargs)


# model files, each by the runtime of the user's environment


def _load_onnx(path: str) -> Loaded:
    runtime = _need("onnxruntime", "onnxruntime", path)
    numpy = _need("numpy", "numpy", path)
    session = runtime.InferenceSession(path, providers=runtime.get_available_providers())
    inputs = {one.name: one for one in session.get_inputs()}

    def build(sample: Any) -> Arguments:
        if not (isinstance(sample, dict) and set(sample) <= set(inputs)):
            if len(inputs) != 1:
                raise Refused(f"the sample has to name the inputs: write an object with {', '.join(inputs)}")
            sample = {next(iter(inputs)): sample}
        feeds = {name: _tensor(numpy, value, inputs[name].type) for name, value in sample.items()}
        return _same(None, feeds)

    shapes = {
        name: [size if isinstance(size, int) else str(size) for size in one.shape]
        for name, one in inputs.items()
    }
    about = {"runtime": f"onnxruntime {runtime.__version__}", "inputs": shapes}
    own = _onnx_sample(numpy, session, list(inputs.values()))
    if own is not None:
        about["sample_shapes"] = {name: list(array.shape) for name, array in own.items()}
    names = ", ".join(inputs)
    ask = f"the inputs of {path} are no plain tensors: give --sample @FILE.json, an object with {names}"
    return Loaded(lambda: session.run, build, own=own, origin="model", about=about, ask=ask)


_ONNX_TYPES = {
    "tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16",
    "tensor(bool)": "bool", "tensor(int64)": "int64", "tensor(int32)": "int32", "tensor(int16)": "int16",
    "tensor(int8)": "int8", "tensor(uint8)": "uint8", "tensor(uint16)": "uint16", "tensor(uint32)": "uint32",
    "tensor(uint64)": "uint64", "tensor(string)": "object",
}  # fmt: skip


def _tensor(numpy: Any, value: Any, kind: str) -> Any:
    return numpy.asarray(value, dtype=_ONNX_TYPES.get(kind))


OPEN_SIZES = (16, 64, 224, 512)
"""What an open size of an input may be, tried in this order: sequences, then pictures, then sound."""


def _onnx_sample(numpy: Any, session: Any, inputs: list[Any]) -> dict[str, Any] | None:
    """Inputs by the declared shapes: a batch of 1, and for the other open sizes the first that the model
    takes. None where an input is no plain tensor; with 16 where none is taken, so that the error is seen."""
    if any(one.type not in _ONNX_TYPES for one in inputs):
        return None
    is_open = any(not isinstance(size, int) for one in inputs for size in one.shape[1:])
    for size in OPEN_SIZES if is_open else ():
        feeds = _onnx_feeds(numpy, inputs, size)
        try:
            session.run(None, feeds)
        except Exception:
            continue
        return feeds
    return _onnx_feeds(numpy, inputs, OPEN_SIZES[0])


def _onnx_feeds(numpy: Any, inputs: list[Any], size: int) -> dict[str, Any]:
    feeds = {}
    for one in inputs:
        sizes = _sizes(one.shape, 1 if _is_state(one.name) else size)
        feeds[one.name] = _filled(numpy, one.name, sizes, _ONNX_TYPES[one.type])
    return feeds


def _sizes(shape: Sequence[Any], size: int) -> list[int]:
    return [one if isinstance(one, int) and one > 0 else (size if at else 1) for at, one in enumerate(shape)]


def _is_state(name: str) -> bool:
    """Whether an input by its name is what an earlier call left: zeros, and no larger than it has to be."""
    return any(word in name.lower() for word in ("state", "hidden", "cache", "past"))


def _filled(numpy: Any, name: str, sizes: list[int], dtype: str) -> Any:
    """An array that a model takes without complaint: state and numbers of things are zero, masks are one."""
    name = name.lower()
    if dtype == "object":
        return numpy.full(sizes, "text", dtype=object)
    if dtype == "bool" or "mask" in name:
        return numpy.ones(sizes, dtype=dtype)
    if dtype == "uint8":
        return numpy.random.default_rng(0).integers(0, 256, sizes, dtype="uint8")
    if name in ("sr", "sample_rate", "sampling_rate"):
        return numpy.full(sizes, 16_000, dtype=dtype)
    if not dtype.startswith("float") or _is_state(name):
        return numpy.zeros(sizes, dtype=dtype)
    return numpy.random.default_rng(0).standard_normal(sizes).astype(dtype)


def _load_joblib(path: str) -> Loaded:
    joblib = _need("joblib", "scikit-learn", path)
    return _estimator(path, joblib.load(path))


def _load_pickle(path: str) -> Loaded:
    import pickle

    with Path(path).open("rb") as file:
        return _estimator(path, pickle.load(file))


def _load_skops(path: str) -> Loaded:
    skops = _need("skops.io", "skops", path)
    unknown = skops.get_untrusted_types(file=path)
    return _estimator(path, skops.load(path, trusted=unknown))


def _estimator(path: str, model: Any) -> Loaded:
    """Anything with `predict` on a table: scikit-learn's estimators and what keeps their protocol."""
    import importlib

    if not callable(getattr(model, "predict", None)):
        raise Refused(f"{path} holds a {type(model).__name__}, which has no predict: save the model itself")
    numpy = _need("numpy", "numpy", path)
    width = getattr(model, "n_features_in_", None)
    names = [str(name) for name in getattr(model, "feature_names_in_", ())]
    frame: Any = None
    if names:
        with contextlib.suppress(ImportError):  # it takes plain rows as well, and warns
            frame = importlib.import_module("pandas").DataFrame

    def build(sample: Any) -> Arguments:
        texts = isinstance(sample, str) or (
            isinstance(sample, list) and sample and isinstance(sample[0], str)
        )
        if texts and width is None:  # a pipeline that begins with a vectoriser
            return _same([sample] if isinstance(sample, str) else sample)
        table = _rows(sample, names, numpy)
        return _same(frame(table, columns=names) if frame is not None else table)

    module = type(model).__module__.split(".")[0]
    about: dict[str, Any] = {"runtime": _with_version(module), "model": type(model).__name__}
    if parameters := _parameters(model):
        about["parameters"] = parameters
    own = None
    if width is not None:
        about["inputs"] = {"X": ["rows", int(width)]}
        own = numpy.random.default_rng(0).standard_normal((1, int(width)))
    ask = f"{path} does not say what it takes: give --sample @FILE.json with rows, for example [[1.0, 2.0]]"
    return Loaded(lambda: model.predict, build, own=own, origin="model", about=about, ask=ask)


def _parameters(model: Any) -> int:
    """How many numbers an estimator has learnt: coefficients, or nodes of trees; 0 where it does not say."""
    if hasattr(model, "tree_"):
        return int(model.tree_.node_count)
    count = sum(
        int(getattr(part, "size", 0))
        for name in ("coef_", "intercept_", "coefs_", "intercepts_")
        for part in _parts(getattr(model, name, ()))
    )
    trees = _parts(getattr(model, "estimators_", ()))
    nested = [one for tree in trees for one in _parts(tree)] if not hasattr(model, "coef_") else []
    return count + sum(_parameters(one) for one in nested if one is not model)


def _parts(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return list(value)
    if getattr(value, "dtype", None) is not None and value.dtype == object:
        return list(value.ravel())
    return [value]


def _load_xgboost(path: str) -> Loaded:
    xgboost = _need("xgboost", "xgboost", path)
    numpy = _need("numpy", "numpy", path)
    if path.lower().endswith(".json"):
        _expect_start(path, b"{", '"learner"', "an XGBoost model in JSON")
    booster = xgboost.Booster()
    booster.load_model(path)
    width, names = int(booster.num_features()), list(booster.feature_names or ())

    def predict(table: Any) -> Any:
        return booster.inplace_predict(table, validate_features=False)

    about = {"runtime": f"xgboost {xgboost.__version__}", "inputs": {"data": ["rows", width]}}
    own = numpy.random.default_rng(0).standard_normal((1, width)).astype("float32")
    return Loaded(
        lambda: predict,
        lambda sample: _same(_rows(sample, names, numpy, "float32")),
        own=own,
        origin="model",
        about=about,
    )


def _load_lightgbm(path: str) -> Loaded:
    lightgbm = _need("lightgbm", "lightgbm", path)
    numpy = _need("numpy", "numpy", path)
    _expect_start(path, b"tree", "feature_infos=", "a LightGBM model in text")
    if b"end of trees" not in Path(path).read_bytes():  # the runtime would not survive it
        raise Refused(f"{path} is cut off, the end of its trees is missing: check that it is whole")
    booster = lightgbm.Booster(model_file=path)
    names = booster.feature_name()
    with Path(path).open(encoding="utf-8", errors="replace") as file:
        infos = next((line for line in file if line.startswith("feature_infos=")), "=")
    own = numpy.asarray([[_middle(info) for info in infos.split("=", 1)[1].split()]])
    if own.shape[1] != len(names):
        own = numpy.zeros((1, len(names)))
    about = {"runtime": f"lightgbm {lightgbm.__version__}", "inputs": {"data": ["rows", len(names)]}}
    return Loaded(
        lambda: booster.predict,
        lambda sample: _same(_rows(sample, names, numpy)),
        own=own,
        origin="model",
        about=about,
    )


def _middle(info: str) -> float:
    """The middle of the range that the model saw: `[low:high]`, or the first of its categories."""
    try:
        if info.startswith("["):
            low, high = info.strip("[]").split(":")
            return (float(low) + float(high)) / 2
        return float(info.partition(":")[0])
    except ValueError:
        return 0.0


def _load_exported(path: str) -> Loaded:
    torch = _need("torch", "torch", path)
    program = torch.export.load(path)
    module = program.module()
    own = program.example_inputs
    return _torch(torch, path, module, own, "signature")


def _load_torchscript(path: str) -> Loaded:
    torch = _need("torch", "torch", path)
    return _torch(torch, path, torch.jit.load(path, map_location="cpu").eval(), None, "given")


def _torch(torch: Any, path: str, module: Any, own: Any, origin: str) -> Loaded:
    def make_call() -> Call:
        def call(*args: Any, **kwargs: Any) -> Any:
            with torch.inference_mode():
                return module(*args, **kwargs)

        return call

    def build(sample: Any) -> Arguments:
        if isinstance(sample, tuple):
            return _same(*sample[0], **sample[1])
        if isinstance(sample, dict):
            return _same(**{name: torch.as_tensor(value) for name, value in sample.items()})
        return _same(torch.as_tensor(sample))

    ask = f"{path} does not say what it takes: give --sample @FILE.json or @FILE.npy with the tensor"
    about: dict[str, Any] = {"runtime": f"torch {torch.__version__}"}
    about["parameters"] = sum(int(one.numel()) for one in module.parameters())
    return Loaded(make_call, build, own=own, origin=origin, about=about, ask=ask)


def _load_tflite(path: str) -> Loaded:
    runtime, version = _tflite_runtime(path)
    numpy = _need("numpy", "numpy", path)
    first = runtime(model_path=path)
    first.allocate_tensors()
    inputs = {one["name"]: one for one in first.get_input_details()}

    def make_call() -> Call:
        mine = runtime(model_path=path)  # one interpreter serves one thread
        mine.allocate_tensors()
        outputs = [one["index"] for one in mine.get_output_details()]
        shapes = {one["index"]: tuple(int(size) for size in one["shape"]) for one in mine.get_input_details()}

        def call(feeds: Any) -> Any:
            for index, array in feeds:
                if shapes.get(index) != array.shape:  # a sweep: the tensors are made anew
                    mine.resize_tensor_input(index, array.shape)
                    shapes[index] = array.shape
                    mine.allocate_tensors()
                mine.set_tensor(index, array)
            mine.invoke()
            return [mine.get_tensor(index) for index in outputs]

        return call

    def build(sample: Any) -> Arguments:
        if not (isinstance(sample, dict) and set(sample) <= set(inputs)):
            if len(inputs) != 1:
                raise Refused(f"the sample has to name the inputs: write an object with {', '.join(inputs)}")
            sample = {next(iter(inputs)): sample}
        feeds = [
            (inputs[name]["index"], numpy.asarray(value, dtype=inputs[name]["dtype"]))
            for name, value in sample.items()
        ]
        return _same(feeds)

    own = {
        name: _filled(numpy, name, list(one["shape"]), numpy.dtype(one["dtype"]).name)
        for name, one in inputs.items()
    }
    about = {
        "runtime": version,
        "inputs": {name: [int(size) for size in one["shape"]] for name, one in inputs.items()},
    }
    return Loaded(make_call, build, own=own, origin="model", about=about)


def _tflite_runtime(path: str) -> tuple[Any, str]:
    import importlib

    for name in ("ai_edge_litert", "tflite_runtime"):
        try:
            return importlib.import_module(name + ".interpreter").Interpreter, _with_version(name)
        except ImportError:
            pass
    try:
        tensorflow = importlib.import_module("tensorflow")
    except ImportError:
        raise Refused(_missing(Path(path).name, "ai_edge_litert", "ai-edge-litert")) from None
    return tensorflow.lite.Interpreter, f"tensorflow {tensorflow.__version__}"


_LOADERS = {
    ".onnx": _load_onnx, ".joblib": _load_joblib, ".pkl": _load_pickle, ".pickle": _load_pickle,
    ".skops": _load_skops, ".ubj": _load_xgboost, ".json": _load_xgboost, ".txt": _load_lightgbm,
    ".pt2": _load_exported, ".pt": _load_torchscript, ".tflite": _load_tflite,
}  # fmt: skip
_KINDS = {
    _load_onnx: "ONNX", _load_joblib: "a joblib file", _load_pickle: "a pickle", _load_skops: "a skops file",
    _load_xgboost: "an XGBoost model", _load_lightgbm: "a LightGBM model",
    _load_exported: "a program of torch.export", _load_torchscript: "TorchScript", _load_tflite: "TFLite",
}  # fmt: skip


def _expect_start(path: str, start: bytes, word: str, kind: str) -> None:
    """Refuses a file that is obviously another thing, in clearer words than the runtime's."""
    with Path(path).open("rb") as file:
        head = file.read(1 << 20)
    if not head.lstrip().startswith(start) or word.encode() not in head:
        raise Refused(f"{path} is not {kind}: name a file that the model's own save function wrote")


# a command


def _load_command(plan: Plan) -> Loaded:
    def build(sample: Any) -> Arguments:
        if sample is _NOTHING:
            sample = b""
        return _same(sample)

    return Loaded(
        lambda: _Command(plan["argv"], plan["timeout_s"], plan["answers"]), build, own=_NOTHING, origin="none"
    )


class _Command:
    """Runs the command once a call; its CPU time is that of the processes it waited for."""

    def __init__(self, argv: list[str], timeout_s: float, answers: bool) -> None:
        self.argv = argv
        self.timeout_s = timeout_s
        self.answers = answers
        self.cpu_ns = 0

    def cpu_clock(self) -> int:
        return self.cpu_ns

    def feed(self, pipe: Any, sample: bytes) -> None:
        try:
            pipe.write(sample)
            pipe.close()
        except BrokenPipeError:
            pass  # it did not want all of it

    def __call__(self, sample: bytes) -> bytes:
        import subprocess

        out = subprocess.PIPE if self.answers else None
        process = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=out)
        killer = threading.Timer(self.timeout_s, process.kill)
        killer.daemon = True
        killer.start()
        said = b""
        try:
            if len(sample) <= PIPE_HOLDS:
                self.feed(process.stdin, sample)
            else:
                threading.Thread(target=self.feed, args=(process.stdin, sample), daemon=True).start()
            if process.stdout is not None:
                said = process.stdout.read()
                process.stdout.close()
            _, status, used = os.wait4(process.pid, 0)
        finally:
            late = not killer.is_alive()
            killer.cancel()
        self.cpu_ns += int(1e9 * (used.ru_utime + used.ru_stime))
        process.returncode = code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        if code == 0:
            return said
        if late:
            raise RuntimeError(f"ended after {self.timeout_s:g} s, the time-out of a request")
        raise RuntimeError(f"ended with exit code {code}" if code > 0 else f"ended by {_signal_name(-code)}")


# words


def _missing(who: str, module: str, package: str | None = None) -> str:
    name = module.partition(".")[0]
    if name != module and name in sys.modules:
        return (
            f"{who} needs '{module}', which the '{name}' of {sys.executable} has not: install a version that "
            "has it, or name the interpreter that has it with --python"
        )
    package = package or _PACKAGES.get(name, name)
    return (
        f"{who} needs '{name}', which {sys.executable} has not: run {sys.executable} -m pip install "
        f"{package}, or name the interpreter that has it with --python"
    )


_PACKAGES = {
    "sklearn": "scikit-learn",
    "cv2": "opencv-python",
    "PIL": "Pillow",
    "yaml": "PyYAML",
    "bs4": "beautifulsoup4",
}


def _need(module: str, package: str, path: str) -> Any:
    import importlib

    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        gone = error.name or module
        same = gone.partition(".")[0] == module.partition(".")[0]
        raise Refused(_missing(Path(path).name, gone, package if same else None)) from error


def _with_version(module: str) -> str:
    found = sys.modules.get(module)
    version = getattr(found, "__version__", "")
    name = "scikit-learn" if module == "sklearn" else module
    return f"{name} {version}".strip()


def _said(error: BaseException) -> str:
    """An exception in one line, at most 300 characters."""
    try:
        text = " ".join(str(error).partition("Stack trace:")[0].split())
    except Exception:
        text = ""
    name = type(error).__name__
    return (f"{name}: {text}" if text else name)[:300]


def _line_of(error: BaseException) -> str:
    """` (file line n)`, where the user's code raised; empty where that is not known."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if not one.filename.startswith("<")]
    frames = [one for one in frames if Path(one.filename).resolve() != Path(__file__).resolve()]
    frames = [one for one in frames if os.sep + "importlib" + os.sep not in one.filename]
    return f" ({frames[-1].filename} line {frames[-1].lineno})" if frames else ""


def _shown(result: Any) -> bytes:
    """A result as text for the answer's body."""
    if isinstance(result, bytes):
        return result[:LONGEST_TEXT]
    try:
        text = json.dumps(result, default=_plain)
    except Exception:
        text = repr(result)
    return text.encode("utf-8", "replace")[:LONGEST_TEXT]


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else repr(value)


def _version() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _signal_name(number: int) -> str:
    import signal

    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _print_traceback() -> None:
    traceback.print_exc()
    sys.stderr.flush()


# this process


def _limit(plan: Plan) -> None:
    """No core files, and no more private memory than allowed: an allocation beyond it is a MemoryError."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limit = plan.get("memory_bytes")
    if limit:
        # Not the address space: runtimes reserve far more of that than they ever use.
        which = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
        hard = resource.getrlimit(which)[1]
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(which, (limit, limit))


def _die_with_parent() -> None:
    """The kernel kills this process with the one that started it (Linux)."""
    if sys.platform == "linux":
        try:
            import ctypes
            import signal

            ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)
        except Exception:
            pass  # an interpreter without ctypes: the keeper removes this process all the same


def _own_socket(number: int) -> socket.socket:
    os.set_inheritable(number, False)
    return socket.socket(fileno=number)


def _receive(control: socket.socket) -> Plan | None:
    data = bytearray()
    while len(data) < 4 or len(data) < 4 + LENGTH.unpack(data[:4])[0]:
        part = control.recv(1 << 20)
        if not part:
            return None
        data += part
    plan: Plan = json.loads(data[4:])
    return plan


def _send(control: socket.socket, message: dict[str, Any]) -> None:
    data = json.dumps(message).encode("ascii")
    control.sendall(LENGTH.pack(len(data)) + data)


if __name__ == "__main__":
    main()
