"""What the doctor finds."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from app.cli import doctor
from app.cli.main import main

Captured = pytest.CaptureFixture[str]
Run = Callable[..., subprocess.CompletedProcess[str]]


def test_a_healthy_installation_is_usable(loadstone: Run, tmp_path: Path) -> None:
    done = loadstone("doctor", "--json", "-")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found["usable"] is True
    names = {entry["name"]: entry for entries in found["sections"].values() for entry in entries}
    assert names["numpy"]["value"] == metadata.version("numpy")
    assert names["journal"]["value"].startswith(("WAL: ", "TRUNCATE: "))
    assert "late by" in names["timers"]["value"]
    assert "can be used" in done.stderr
    assert not (tmp_path / "store.sqlite").exists()


def test_a_core_package_that_is_missing_makes_it_unusable(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, tmp_path: Path
) -> None:
    def version(name: str) -> str:
        if name in ("numpy", "psycopg"):
            raise metadata.PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(doctor.metadata, "version", version)
    monkeypatch.setenv("LOADSTONE_STORE", str(tmp_path / "store.sqlite"))
    monkeypatch.setattr(doctor, "_machine", lambda: [])
    assert main(["doctor"]) == 2
    out = " ".join(capsys.readouterr().out.split())
    assert "numpy problem: missing – pip install numpy" in out
    assert 'psycopg is missing – pip install "loadstone[postgresql]"' in out
    assert "cannot be used here" in out


def test_a_store_that_cannot_be_used_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, tmp_path: Path
) -> None:
    (tmp_path / "other.sqlite").write_bytes(b"something else" * 100)
    monkeypatch.setattr(doctor, "_machine", lambda: [])
    assert main(["doctor", "--store", str(tmp_path / "other.sqlite")]) == 2
    assert "is no SQLite database" in " ".join(capsys.readouterr().out.split())
    assert (tmp_path / "other.sqlite").read_bytes() == b"something else" * 100


def test_a_foreign_package_is_found_where_it_is_loaded_in_the_way_or_installed_over_ours(
    tmp_path: Path,
) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        (folder / "app").mkdir(parents=True)
        (folder / "app" / "__init__.py").write_text("")
    (theirs / "resources.py").write_text("")
    loaded = {"app": str(theirs / "app" / "__init__.py")}
    found = doctor.shadows(ours, [str(ours), str(theirs)], loaded, {"app": ["loadstone", "shop-app"]})
    assert [(entry.name, entry.level) for entry in found] == [
        ("app", "bad"),
        ("app", "warning"),
        ("resources", "warning"),
        ("app", "warning"),
    ]
    assert "shop-app" in found[3].value
    good = doctor.shadows(
        ours, [str(ours)], {"app": str(ours / "app" / "__init__.py")}, {"app": ["loadstone"]}
    )
    assert [entry.level for entry in good] == ["good"]


def test_the_doctor_does_not_import_qt(loadstone: Run) -> None:
    script = (
        "import sys, loadstone\n"
        "sys.argv = ['loadstone', 'doctor']\n"
        "loadstone.main()\n"
        "print([name for name in sys.modules if name.startswith(('PySide6', 'shiboken6', 'reportlab'))])\n"
    )
    assert loadstone(python=("-c", script)).stdout.splitlines()[-1] == "[]"


@pytest.mark.skipif(sys.platform != "linux", reason="permissions of folders as on Linux")
def test_a_place_that_may_not_be_written_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.os, "access", lambda *_: False)
    found = doctor.examine("/nowhere/below/store.sqlite").sections["Store"]
    assert [entry.level for entry in found if entry.name == "folder"] == ["bad"]
