"""Targets that are code of the user's: `python:`, `model:` and `command:`, as values, and their spellings.

python:app.model:predict         a callable of a module, found from the current folder
python:app/model.py:predict      a callable of a file
model:model.onnx                 a model file, by the runtime that its ending names
command:./score --once           a command line, run once a request with the sample on its standard input
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from probes.errors import UsageError

Kind = Literal["python", "model", "command"]
Form = Literal["json", "text", "npy", "bytes"]

SCHEMES = ("python:", "model:", "command:")
MODEL_SUFFIXES = (".onnx", ".tflite", ".joblib", ".pkl", ".skops", ".ubj", ".json", ".txt", ".pt2", ".pt")
MOST_WORKERS, MOST_THREADS = 64, 256
_NO_PROGRAM = {
    ".safetensors": "holds weights and no program: name a callable that loads it, python:module:callable",
    ".h5": "is read only by Keras: name a callable that loads it, python:module:callable",
    ".keras": "is read only by Keras: name a callable that loads it, python:module:callable",
    ".pth": "holds weights and no program: export it with torch.export, or name python:module:callable",
    ".pb": "is part of a saved model: serve it and name tfserving+http://, or name python:module:callable",
}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(|[KMGT]i?B?|B)", re.IGNORECASE)


@dataclass(frozen=True)
class Sample:
    """What the code is called with, each in turn; `form` says how the bytes are read. Empty: its own."""

    items: tuple[bytes, ...] = ()
    form: Form = "json"


@dataclass(frozen=True)
class UserCode:
    """A target that runs in processes that we start.

    `folder` is put first on the module path, `cwd` is where the processes run. `module`, `attribute` and
    `file` belong to `python`, `path` to `model`, `argv` to `command`.
    """

    kind: Kind
    address: str
    cwd: Path
    folder: Path
    module: str = ""
    attribute: str = ""
    file: str | None = None
    path: str = ""
    argv: tuple[str, ...] = ()
    sample: Sample = Sample()
    spread: bool = False
    python: str | None = None
    workers: int = 1
    threads: int = 1
    memory_bytes: int | None = None
    grown: tuple[str, tuple[int, ...]] | None = None
    """Axis and sizes that the host gives arrays, which only it can read."""

    @property
    def shown(self) -> str:
        """What is called, for a sentence."""
        return self.file or self.module or self.path or self.argv[0]


def is_user_code(address: str) -> bool:
    """Whether an address is one of these kinds."""
    return address.startswith(SCHEMES)


def parse_user_code(
    address: str,
    *,
    sample: Sample | None = None,
    spread: bool = False,
    python: str | None = None,
    workers: int = 1,
    threads: int = 1,
    memory_bytes: int | None = None,
    cwd: Path | None = None,
) -> UserCode:
    """The target that the address and its options describe. Raises `UsageError`; nothing is started."""
    scheme, _, rest = address.partition(":")
    where = (cwd or Path.cwd()).absolute()
    if not 1 <= workers <= MOST_WORKERS or not 1 <= threads <= MOST_THREADS:
        raise UsageError(f"--workers goes to {MOST_WORKERS} and --threads to {MOST_THREADS}: ask for fewer")
    code = UserCode(
        kind=scheme,  # type: ignore[arg-type]
        address=address,
        cwd=where,
        folder=where,
        sample=sample or Sample(),
        spread=spread,
        python=python,
        workers=workers,
        threads=threads,
        memory_bytes=memory_bytes,
    )
    return {"command": _command, "model": _model, "python": _callable}[scheme](code, rest)


def sized_code(code: UserCode, axis: str, sizes: Sequence[int]) -> UserCode:
    """The target with its samples in every size, all of the first size first.

    A callable without a sample gets the size as the keyword `axis`. Arrays, and whatever a model takes, grow
    in the host: `batch` and `rows` along the first dimension, `sequence` along the second. Raises
    `UsageError` where nothing grows on this axis.
    """
    from probes.load.sizes import AXES
    from probes.targets.sizing import sized_bodies

    arrays = code.kind == "model" or code.sample.form == "npy"
    if arrays:
        if axis not in AXES:
            raise UsageError(
                f"--sweep {axis} is none of {', '.join(AXES)}, on which arrays can grow: name one"
            )
        return replace(code, grown=(axis, tuple(sizes)))
    if code.kind == "python" and (not code.sample.items or (axis not in AXES and code.sample.form == "json")):
        return _with_keyword(code, axis, sizes)
    items = sized_bodies(code.sample.items, axis, sizes)
    return replace(code, sample=replace(code.sample, items=items))


def _with_keyword(code: UserCode, axis: str, sizes: Sequence[int]) -> UserCode:
    given = [json.loads(item) for item in code.sample.items] or [{}]
    if not all(isinstance(one, dict) for one in given):
        raise UsageError(
            f"--sweep {axis} sets a keyword of the callable, and the sample is no object of keywords: "
            "write for example --sample '{\"x\": 1}'"
        )
    items = tuple(json.dumps(one | {axis: size}).encode() for size in sizes for one in given)
    return replace(code, sample=Sample(items, "json"), spread=True)


def read_sample(data: bytes, name: str, kind: Kind) -> Sample:
    """A sample from a file's or an option's bytes; the ending of `name` says how it is read.

    `.jsonl` holds one a line, sent in turn; `.npy` an array; `.txt` a text; everything else is JSON. A
    command gets the bytes as they are. Raises `UsageError`.
    """
    suffix = Path(name).suffix.lower()
    if suffix == ".jsonl":
        lines = [line for line in data.splitlines() if line.strip()]
        if not lines:
            raise UsageError(f"{name} holds no sample: write one a line")
        if kind != "command":
            for number, line in enumerate(lines, 1):
                _check_json(line, f"{name} line {number}")
        return Sample(tuple(lines), "bytes" if kind == "command" else "json")
    if kind == "command":
        return Sample((data,), "bytes")
    if suffix == ".npy":
        return Sample((data,), "npy")
    if suffix == ".txt":
        try:
            data.decode()
        except UnicodeDecodeError as error:
            raise UsageError(f"{name} is no text in UTF-8: save it as that, or as .json or .npy") from error
        return Sample((data,), "text")
    _check_json(data, name)
    return Sample((data,), "json")


def parse_size(text: str, option: str = "--memory-limit") -> int:
    """`2GiB`, `512M` (of 1024 each, except with B alone after the letter: `2GB`). Raises `UsageError`."""
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise UsageError(f"{option} '{text:.40}' is no size: write for example 2GiB or 512MiB")
    unit = found[2].lower()
    base = 1000 if unit.endswith("b") and not unit.endswith("ib") and len(unit) == 2 else 1024
    size = int(float(found[1]) * base ** ("kmgt".index(unit[0]) + 1 if unit[:1] in tuple("kmgt") else 0))
    if size < 64 * 1024 * 1024:
        raise UsageError(f"{option} {text} is less than an interpreter needs: write at least 64MiB")
    return size


def _command(code: UserCode, text: str) -> UserCode:
    for option, given in (("--spread", code.spread), ("--python", code.python)):
        if given:
            raise UsageError(f"{option} is not for command: targets: leave it out")
    try:
        argv = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"'{code.address:.120}' is no command line ({error}): correct the quotes") from error
    if not argv:
        raise UsageError("command: names no command: write command:./score --once")
    if shutil.which(argv[0]) is None:
        why = "may not be run" if Path(argv[0]).exists() else "is not there"
        raise UsageError(f"the command '{argv[0]:.80}' {why}: name one that can be run")
    return replace(code, argv=tuple(argv))


def _model(code: UserCode, text: str) -> UserCode:
    if code.spread:
        raise UsageError("--spread is for python: targets: leave it out")
    return replace(code, path=str(_model_path(text, code.cwd)))


def _callable(code: UserCode, text: str) -> UserCode:
    module, _, attribute = text.rpartition(":")
    if not module or not attribute:
        raise UsageError(
            f"'{code.address:.120}' names no callable: write python:module:callable "
            "or python:path/file.py:callable"
        )
    if not all(part.isidentifier() for part in attribute.split(".")):
        raise UsageError(f"'{attribute:.80}' is no name of a callable: write python:module:callable")
    if module.endswith(".py") or os.sep in module:
        file = _python_file(module, code.cwd)
        return replace(code, folder=file.parent, module=file.stem, attribute=attribute, file=str(file))
    if not all(part.isidentifier() for part in module.split(".")):
        raise UsageError(f"'{module:.80}' is no name of a module: write python:package.module:callable")
    return replace(code, module=module, attribute=attribute)


def _python_file(text: str, cwd: Path) -> Path:
    path = (cwd / Path(text).expanduser()).resolve()
    if not path.exists():
        raise UsageError(f"'{text}' is not there: write python:path/file.py:callable with a file that is")
    if path.is_dir() or path.suffix != ".py":
        raise UsageError(f"'{text}' is no Python file: name one that ends in .py")
    _check_readable(path, text)
    return path


def _model_path(text: str, cwd: Path) -> Path:
    if not text:
        raise UsageError("model: names no file: write model:path/to/model.onnx")
    path = (cwd / Path(text).expanduser()).resolve()
    if not path.exists():
        raise UsageError(f"'{text}' is not there: name a model file that is")
    suffix = path.suffix.lower()
    if suffix in _NO_PROGRAM:
        raise UsageError(f"'{text}' {_NO_PROGRAM[suffix]}")
    if suffix not in (*MODEL_SUFFIXES, ".pickle"):
        known = ", ".join(MODEL_SUFFIXES)
        raise UsageError(f"'{text}' is of no kind known here ({known}): name python:module:callable instead")
    if path.is_dir():
        raise UsageError(f"'{text}' is a folder: name the model file in it")
    _check_readable(path, text)
    if not path.stat().st_size:
        raise UsageError(f"'{text}' is empty: name a model file that is whole")
    return path


def _check_readable(path: Path, text: str) -> None:
    if not os.access(path, os.R_OK):
        raise UsageError(f"'{text}' may not be read by you: change its permissions, or name another file")


def _check_json(data: bytes, name: str) -> None:
    try:
        json.loads(data)
    except ValueError as error:
        what = f"the sample {name}" if name else "the sample"
        raise UsageError(
            f"{what} is no JSON ({error}): correct it, or give a .txt, .jsonl or .npy file"
        ) from error
