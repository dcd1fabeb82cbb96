"""One window for one store, over the real socket and with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtNetwork import QLocalSocket
from pytestqt.qtbot import QtBot

from app.gui.single_instance import MAX_MESSAGE, SingleInstance, hand_over, socket_name
from app.gui.store_opening import key_of

ROOT = Path(__file__).resolve().parents[3]
WAIT_MS = 60_000
_LISTEN = (
    "import sys\n"
    "from PySide6.QtCore import QCoreApplication\n"
    "from app.gui.single_instance import SingleInstance\n"
    "app = QCoreApplication([])\n"
    "first = SingleInstance(sys.argv[1])\n"
    "first.called.connect(lambda file: print(file, flush=True))\n"
    "print(first.is_listening, flush=True)\n"
    "app.exec()\n"
)


@pytest.fixture
def short(tmp_path: Path) -> Iterator[Path]:
    """A folder with a short path: that of a socket has at most some hundred bytes."""
    with tempfile.TemporaryDirectory(prefix="ls") as folder:
        yield Path(folder)


@pytest.fixture
def name(tmp_path: Path, short: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("platformdirs.user_runtime_path", lambda *_, **__: short / "run")
    found = socket_name(str(tmp_path))
    assert found is not None
    return found


@pytest.fixture
def first(name: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that listens."""
    process = subprocess.Popen(
        [sys.executable, "-c", _LISTEN, name], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    yield process
    process.kill()
    process.communicate()


def test_nobody_is_there_at_first(name: str, qtbot: QtBot) -> None:
    assert not hand_over(name, None)


def test_a_later_start_hands_its_file_over(
    first: subprocess.Popen[str], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hand_over(name, None)
    assert hand_over(name, tmp_path / "an ü report.pdf")
    monkeypatch.chdir(tmp_path)
    assert hand_over(name, Path("report.pdf"))
    assert first.stdout is not None
    said = [first.stdout.readline() for _ in range(3)]
    assert said == ["None\n", f"{tmp_path / 'an ü report.pdf'}\n", f"{tmp_path / 'report.pdf'}\n"]


def test_a_socket_that_a_killed_window_left_is_taken_over(
    first: subprocess.Popen[str], name: str, qtbot: QtBot
) -> None:
    second = SingleInstance(name)
    assert not second.is_listening, "the first one is alive"
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert Path(name).exists()
    assert not hand_over(name, None)
    third = SingleInstance(name)
    assert third.is_listening
    third.close()


def test_nonsense_on_the_socket_is_not_answered(name: str, qtbot: QtBot) -> None:
    server = SingleInstance(name)
    for message in (b"hello\n", b"[1]\n", b'{"path": "x"}\n', b"x" * (MAX_MESSAGE + 10)):
        socket = QLocalSocket()
        socket.connectToServer(name)
        assert socket.waitForConnected(WAIT_MS)
        with qtbot.assertNotEmitted(server.called):
            socket.write(message)
            socket.flush()
            qtbot.waitUntil(
                lambda socket=socket: socket.state() == QLocalSocket.LocalSocketState.UnconnectedState,
                timeout=WAIT_MS,
            )
    server.close()


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe has no folder")
def test_only_this_user_may_enter_the_folder_of_the_socket(name: str) -> None:
    assert Path(name).parent.stat().st_mode & 0o777 == 0o700


def test_without_a_place_for_a_socket_the_window_opens_alone(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_runtime_path", lambda *_, **__: short / ("long" * 40))
    assert socket_name("store") is None
    (short / "file").touch()
    monkeypatch.setattr("platformdirs.user_runtime_path", lambda *_, **__: short / "file" / "run")
    assert socket_name("store") is None


def test_two_spellings_of_one_store_are_one_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOADSTONE_STORE", raising=False)
    whole = str(tmp_path.resolve() / "team.sqlite")
    assert key_of("team.sqlite") == key_of(whole) == key_of(f"sqlite:///{whole}") == whole
    assert key_of(None) == ""
    monkeypatch.setenv("LOADSTONE_STORE", "team.sqlite")
    assert key_of(None) == whole
    assert key_of("postgresql://host/a") != key_of("postgresql://host/b")


def test_a_second_start_of_the_program_ends_at_once_and_its_file_is_in_the_first(
    tmp_path: Path, short: Path
) -> None:
    """Whole processes, offscreen: the first is ended by SIGTERM, as a session's end does it."""
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "LOADSTONE_SETTINGS": str(tmp_path / "window.ini"),
        "XDG_RUNTIME_DIR": str(short),
    }
    command = [sys.executable, "-m", "loadstone", "gui", "--store", str(tmp_path / "store.sqlite")]
    first = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE)
    try:
        sockets = short / "loadstone"
        _until(lambda: sockets.is_dir() and any(sockets.iterdir()), first)
        file = tmp_path / "notes.txt"
        file.write_text("nothing that can be opened")
        second = subprocess.run([*command, str(file)], cwd=ROOT, env=environment, timeout=60, check=False)
        assert second.returncode == 0
        assert first.poll() is None
        first.terminate()
        assert first.wait(timeout=60) == 0
        assert first.stderr is not None
        said = first.stderr.read().decode().splitlines()
        assert [line for line in said if not line.startswith("This plugin does not support")] == []
    finally:
        first.kill()
        first.communicate()


def _until(is_so: object, process: subprocess.Popen[bytes]) -> None:
    """Waits for something that another process does, while that one lives, at most a minute."""
    assert callable(is_so)
    give_up = time.monotonic() + WAIT_MS / 1_000
    while not is_so():
        assert time.monotonic() < give_up
        try:
            process.wait(timeout=0.05)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError(f"it ended with {process.returncode}")
