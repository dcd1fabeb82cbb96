"""The spellings of targets that are the user's code, and what is refused before anything starts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from probes.errors import UsageError
from probes.targets.user_code import is_user_code, parse_size, parse_user_code, read_sample


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "model.py").write_text("def predict(x): return x\n")
    (tmp_path / "model.onnx").write_bytes(b"not empty")
    (tmp_path / "empty.onnx").touch()
    (tmp_path / "weights.safetensors").write_bytes(b"\0")
    (tmp_path / "tool.sh").write_text("#!/bin/sh\n")
    return tmp_path


def test_a_callable_of_a_module_is_found_from_the_current_folder(folder: Path) -> None:
    code = parse_user_code("python:app.model:Model.predict", workers=2, threads=4, cwd=folder)
    assert (code.kind, code.module, code.attribute, code.file) == (
        "python",
        "app.model",
        "Model.predict",
        None,
    )
    assert (code.folder, code.workers, code.threads) == (folder, 2, 4)


def test_a_callable_of_a_file_is_found_from_the_folder_of_the_file(folder: Path) -> None:
    code = parse_user_code("python:app/model.py:predict", cwd=folder)
    assert (code.module, code.file) == ("model", str(folder / "app" / "model.py"))
    assert (code.folder, code.cwd) == (folder / "app", folder)


def test_models_and_commands(folder: Path) -> None:
    assert parse_user_code("model:model.onnx", cwd=folder).path == str(folder / "model.onnx")
    assert parse_user_code("command:cat -n '- x'").argv == ("cat", "-n", "- x")
    assert [is_user_code(text) for text in ("python:a:b", "model:x", "command:x", "http://x")] == [
        True, True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("address", "options", "says"),
    [
        ("python:app.model", {}, "names no callable: write python:module:callable"),
        ("python::predict", {}, "names no callable"),
        ("python:app.model:", {}, "names no callable"),
        ("python:app.model:predict()", {}, "is no name of a callable"),
        ("python:app-model:predict", {}, "is no name of a module"),
        ("python:app/gone.py:predict", {}, "'app/gone.py' is not there"),
        ("python:./app:predict", {}, "is no Python file"),
        ("python:app.model:predict", {"workers": 0}, "--workers goes to 64"),
        ("python:app.model:predict", {"threads": 257}, "--threads to 256"),
        ("model:", {}, "names no file"),
        ("model:gone.onnx", {}, "'gone.onnx' is not there"),
        ("model:empty.onnx", {}, "is empty"),
        ("model:weights.safetensors", {}, "holds weights and no program"),
        ("model:tool.sh", {}, r"is of no kind known here \(.onnx, .tflite, .joblib"),
        ("model:model.onnx", {"spread": True}, "--spread is for python: targets"),
        ("command:", {}, "names no command"),
        ("command:cat 'x", {}, "is no command line"),
        ("command:no-such-command-here", {}, "is not there"),
        ("command:cat", {"python": "python3"}, "--python is not for command: targets"),
    ],
)
def test_bad_spellings_are_named_with_the_form(
    address: str, options: dict[str, Any], says: str, folder: Path
) -> None:
    with pytest.raises(UsageError, match=says):
        parse_user_code(address, cwd=folder, **options)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read and run everything"
)
def test_a_file_without_permission_is_named(folder: Path) -> None:
    (folder / "model.onnx").chmod(0)
    with pytest.raises(UsageError, match="may not be read"):
        parse_user_code("model:model.onnx", cwd=folder)


def test_a_command_that_may_not_be_run_is_named(folder: Path) -> None:
    with pytest.raises(UsageError, match="may not be run"):
        parse_user_code(f"command:{folder / 'tool.sh'}")


def test_samples_are_read_by_their_ending() -> None:
    assert read_sample(b'{"x": 1}', "x.json", "python").form == "json"
    assert read_sample(b"hello", "x.txt", "python").form == "text"
    assert read_sample(b"\x93NUMPY", "x.npy", "model").form == "npy"
    many = read_sample(b'{"x": 1}\n\n{"x": 2}\n', "x.jsonl", "python")
    assert (many.items, many.form) == ((b'{"x": 1}', b'{"x": 2}'), "json")
    assert read_sample(b"\xff\xfe", "x.json", "command").items == (b"\xff\xfe",)


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [
        (b"{x}", "x.json", "the sample x.json is no JSON"),
        (b"hello", "", "^the sample is no JSON"),
        (b"\xff", "x.txt", "is no text in UTF-8"),
        (b"\n", "x.jsonl", "holds no sample"),
        (b"1\n{", "x.jsonl", "x.jsonl line 2 is no JSON"),
    ],
)
def test_samples_that_cannot_be_read_are_refused(data: bytes, name: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_sample(data, name, "python")


@pytest.mark.parametrize(
    ("text", "size"),
    [("2GiB", 2**31), ("2g", 2**31), ("2GB", 2 * 10**9), ("512M", 2**29), ("99999999B", 99_999_999)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1GiB", "1MiB", "2XB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--memory-limit"):
        parse_size(text)
