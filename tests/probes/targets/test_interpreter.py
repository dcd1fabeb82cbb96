"""Which Python is taken for the user's code, and what is said of one that cannot be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from probes.errors import UsageError
from probes.targets.interpreter import find_interpreter, stripped

OWN = ".".join(map(str, sys.version_info[:3]))


def script(path: Path, text: str) -> Path:
    """An executable shell script at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


def test_the_given_one_is_taken() -> None:
    found = find_interpreter(sys.executable, {})
    assert (found.path, found.version, found.chosen) == (str(Path(sys.executable).absolute()), OWN, "given")


def test_a_folder_stands_for_the_environment_in_it(tmp_path: Path) -> None:
    python = script(tmp_path / "env" / "bin" / "python", f'exec {sys.executable} "$@"\n')
    assert find_interpreter(str(tmp_path / "env"), {}).path == str(python)


def test_the_active_environment_comes_before_one_in_the_folder(tmp_path: Path) -> None:
    active = script(tmp_path / "active" / "bin" / "python", f'exec {sys.executable} "$@"\n')
    near = script(tmp_path / "code" / ".venv" / "bin" / "python", f'exec {sys.executable} "$@"\n')
    folder = tmp_path / "code"
    assert find_interpreter(None, {"VIRTUAL_ENV": str(tmp_path / "active")}, folder).path == str(active)
    assert find_interpreter(None, {}, folder).path == str(near)
    assert find_interpreter(None, {}, folder).chosen == ".venv in this folder"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("exit 3\n", "is no Python interpreter that works"),
        ("echo Ruby 3.3.0\n", "is no Python interpreter that works"),
        ("printf '\\nPython 2.7.18'\n", "is Python 2.7.18: name a Python of 3.8 or later with --python"),
        ("printf '\\nPython 3.7.16'\n", "is Python 3.7.16"),
    ],
)
def test_what_is_no_usable_python_is_named(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=says):
        find_interpreter(str(script(tmp_path / "python", text)), {})


def test_what_is_not_there_or_may_not_be_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    (tmp_path / "folder").mkdir()
    for text, says in (
        (tmp_path / "gone", "is not there"),
        (tmp_path / "plain", "may not be run"),
        (tmp_path / "folder", "without bin/python"),
    ):
        with pytest.raises(UsageError, match=says):
            find_interpreter(str(text), {})


def test_nothing_of_ours_is_handed_on() -> None:
    ours = {"PYTHONPATH": "x", "VIRTUAL_ENV": "x", "QT_QPA_PLATFORM": "x", "PYTHONHOME": "x"}
    assert stripped(ours | {"PATH": "/bin", "CUDA_VISIBLE_DEVICES": ""}) == {
        "PATH": "/bin",
        "CUDA_VISIBLE_DEVICES": "",
    }
