"""The crash report holds what is needed to find the fault, and no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli.crash import redacted, report_text, secrets_in, write_report

ARGV = [
    "probe",
    "http://user:addresspass@127.0.0.1/?api_key=querykey&x=1",
    "--header",
    "Authorization: Bearer headertoken",
    "--header=X-Key: otherkey",
    "--header",
    "X-From: env:A_SECRET",
    "--body",
    '{"password": "bodypass"}',
    "--store",
    "postgresql://me:storepass@host/db",
    "--rate",
    "5",
]
SECRETS = (
    "addresspass",
    "querykey",
    "headertoken",
    "otherkey",
    '{"password": "bodypass"}',
    "storepass",
    "environmentsecret",
)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("A_SECRET", "environmentsecret")
    monkeypatch.setenv("LOADSTONE_STORE", "postgresql://me:variablepass@host/db")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def failure(text: str) -> BaseException:
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


def test_the_command_line_is_kept_but_for_its_secrets() -> None:
    shown = redacted(ARGV)
    assert len(shown) == len(ARGV)
    assert shown[2:5] == ["--header", "Authorization: (hidden)", "--header=X-Key: (hidden)"]
    assert shown[6] == "X-From: env:A_SECRET"
    assert shown[-2:] == ["--rate", "5"]
    assert "x=1" in shown[1]
    assert not [secret for secret in SECRETS if secret in " ".join(shown)]


def test_secrets_are_taken_out_of_the_traceback_too() -> None:
    said = "\n".join([*SECRETS, "variablepass", "Cookie: session=abc", "authorization': 'Basic dXNlcjpwYXNz"])
    text = report_text(failure(said), ARGV)
    assert "ValueError" in text
    assert "test_crash.py" in text
    for secret in (*SECRETS, "variablepass", "session=abc", "dXNlcjpwYXNz"):
        assert secret not in text


def test_short_values_do_not_tear_the_report_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOADSTONE_STORE")
    assert secrets_in(["probe", "http://h/", "--header", "X: 1"]) == []


def test_a_body_from_a_file_is_named() -> None:
    assert redacted(["--body", "@sample.json"]) == ["--body", "@sample.json"]


def test_the_report_lies_in_the_state_folder_for_its_owner_alone(tmp_path: Path) -> None:
    path = write_report(failure("x"), ["probe"])
    assert isinstance(path, Path)
    assert path.parent == tmp_path / "state" / "loadstone" / "crashes"
    assert path.stat().st_mode & 0o077 == 0


def test_without_a_place_for_files_the_report_is_given_as_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    assert "ValueError: x" in str(write_report(failure("x"), ["probe"]))
