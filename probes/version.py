"""The version of this installation."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path


def version() -> str:
    """The installed version; that of `pyproject.toml` when run from a checkout that was never installed."""
    try:
        return installed_version("loadstone")
    except PackageNotFoundError:
        return _checkout_version(Path(__file__).resolve().parents[1] / "pyproject.toml")


def _checkout_version(project: Path) -> str:
    import tomllib

    try:
        with project.open("rb") as file:
            return f"{tomllib.load(file)['project']['version']} (checkout)"
    except (OSError, ValueError, KeyError):
        return "unknown"
