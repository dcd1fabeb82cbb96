"""Which Python runs the user's code, and whether it can."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from probes.errors import UsageError

OLDEST = (3, 8)
ANSWER_S = 30.0
_ASK = "import sys; sys.stdout.write('\\nPython ' + '.'.join(map(str, sys.version_info[:3])))"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that answers. `chosen` says why this one: `given`, or where it was found."""

    path: str
    version: str
    chosen: str


def find_interpreter(
    given: str | None, environment: Mapping[str, str], folder: Path | None = None
) -> Interpreter:
    """The interpreter for the user's code.

    The given one (a path, a name on PATH, or the folder of a virtual environment); else that of the active
    virtual environment, of .venv or venv in `folder`, `python3` on PATH, and Loadstone's own. Raises
    `UsageError` when it is none, does not answer, or is older than 3.8.
    """
    if given is not None:
        return _asked(_given(given), "given", environment)
    for path, chosen in _candidates(environment, folder or Path.cwd()):
        if os.access(path, os.X_OK) and path.is_file():
            return _asked(str(path), chosen, environment)
    return _asked(sys.executable, "Loadstone's own", environment)


def stripped(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what would make the user's interpreter find modules of ours, or of Qt."""
    ours = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
    return {
        name: value for name, value in environment.items() if name not in ours and not name.startswith("QT_")
    }


def _given(text: str) -> str:
    path = Path(text).expanduser()
    if path.is_dir():
        inside = [path / "bin" / "python", path / "Scripts" / "python.exe"]
        found = next((one for one in inside if one.exists()), None)
        if found is None:
            raise UsageError(f"--python {text} is a folder without bin/python: name an interpreter")
        return str(found.absolute())
    if path.exists():
        if not os.access(path, os.X_OK):
            raise UsageError(
                f"--python {text} may not be run: name an interpreter, for example .venv/bin/python"
            )
        return str(path.absolute())
    on_path = shutil.which(text)
    if on_path is None:
        raise UsageError(f"--python {text} is not there: name an interpreter, for example .venv/bin/python")
    return on_path


def _candidates(environment: Mapping[str, str], folder: Path) -> Iterator[tuple[Path, str]]:
    if active := environment.get("VIRTUAL_ENV"):
        yield Path(active) / "bin" / "python", "the active virtual environment"
    for name in (".venv", "venv"):
        yield (folder / name / "bin" / "python").absolute(), f"{name} in this folder"
    if on_path := shutil.which("python3"):
        yield Path(on_path), "python3 on PATH"


def _asked(path: str, chosen: str, environment: Mapping[str, str]) -> Interpreter:
    """The interpreter at `path`, which is not resolved: a virtual environment is known by its link."""
    hint = "name a Python of 3.8 or later with --python"
    try:
        said = subprocess.run(
            [path, "-c", _ASK], env=stripped(environment), stdin=subprocess.DEVNULL, capture_output=True,
            timeout=ANSWER_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"{path} did not say its version within {ANSWER_S:g} s: {hint}") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be run ({error.strerror or error}): {hint}") from error
    line = said.stdout.decode(errors="replace").rpartition("\n")[2]
    name, _, version = line.partition(" ")
    parts = version.split(".")
    if said.returncode or name != "Python" or len(parts) != 3 or not all(part.isdigit() for part in parts):
        raise UsageError(f"{path} is no Python interpreter that works: {hint}")
    if (int(parts[0]), int(parts[1])) < OLDEST:
        raise UsageError(f"{path} is Python {version}: {hint}")
    return Interpreter(path, version, chosen)
