"""The command line as its users meet it: help, near names, exit codes, and what may not shadow us."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.cli.main import COMMANDS, SPELLINGS, help_text, main

ROOT = Path(__file__).resolve().parents[3]
HEAVY = ("numpy", "scipy", "rich", "sqlalchemy", "alembic", "PySide6", "psutil", "httptools", "platformdirs")
NAMES = [*(command.name for command in COMMANDS), *SPELLINGS]

Run = Callable[..., subprocess.CompletedProcess[str]]
Captured = pytest.CaptureFixture[str]

_REPORT = """
import json, sys
sys.path.insert(0, {root!r})
sys.argv = ["loadstone", *{argv!r}]
import loadstone
code = loadstone.main()
print("\\n" + json.dumps([code, sorted(sys.modules)]))
"""


@pytest.mark.parametrize(
    "argv", [["--help"], ["help", "--all"], ["--version"], *([name, "--help"] for name in NAMES)]
)
def test_help_loads_nothing_heavy(loadstone: Run, argv: list[str]) -> None:
    done = loadstone(python=("-c", _REPORT.format(root=str(ROOT), argv=argv)))
    assert done.stderr == ""
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    assert not [name for name in modules if name.split(".")[0] in HEAVY or name.startswith("probes.load.")]


def test_help_takes_little_more_than_python_itself(loadstone: Run) -> None:
    """A ratio in one run: the CPU of `--help` against that of starting Python and reading a command line."""
    measure = (
        "import resource, subprocess, sys\n"
        "def cpu(*command):\n"
        "    before = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "    for _ in range(5):\n"
        "        subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)\n"
        "    after = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime\n"
        "floor = cpu('-c', 'import argparse, difflib, pathlib, shutil, json')\n"
        "print(cpu('-m', 'loadstone', '--help') / floor)\n"
    )
    assert float(loadstone(python=("-c", measure)).stdout) < 3


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help_that_ends_with_examples(name: str, capsys: Captured) -> None:
    assert main([name, "--help"]) == 0
    out = capsys.readouterr().out
    _, _, examples = out.partition("\nExamples:\n")
    rows = examples.splitlines()
    assert rows
    assert all(row.startswith(f"  loadstone {SPELLINGS.get(name, name)}") for row in rows)
    assert main(["help", name]) == 0
    assert capsys.readouterr().out == out


def test_the_short_help_lists_the_main_commands_and_all_of_them_on_demand(capsys: Captured) -> None:
    assert main(["--help"]) == 0
    short = capsys.readouterr().out
    assert main(["--help", "--all"]) == main(["help", "--all"]) == 0
    whole = capsys.readouterr().out
    listed = [command.name for command in COMMANDS if f"\n  {command.name} " in short]
    assert listed == [command.name for command in COMMANDS if command.main]
    assert len(listed) <= 7
    assert all(f"\n  {command.name} " in whole for command in COMMANDS)
    assert "\nExamples:\n" in short


def test_help_fits_80_columns() -> None:
    assert max(map(len, help_text(everything=True).splitlines())) <= 80


@pytest.fixture
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")


def test_without_a_command_and_a_display_the_help_is_printed_and_headless_commands_are_named(
    capsys: Captured, no_display: None
) -> None:
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert out.startswith("usage: loadstone [COMMAND")
    assert err.startswith("loadstone: error: there is no display for the window")
    assert "loadstone run loadstone.yaml" in err
    assert "loadstone probe TARGET" in err
    assert err.count("\n") == 1


def test_the_window_asked_for_without_a_display_is_one_sentence(capsys: Captured, no_display: None) -> None:
    assert main(["gui"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("loadstone: error: there is no display for the window")


def test_a_file_that_is_not_there_is_said_before_a_window_opens(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert main(["gui", str(tmp_path / "missing.pdf")]) == 2
    assert "is not there: name a file that is" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["prob", "x"], "has no command 'prob': did you mean probe?"),
        (["doktor"], "did you mean doctor?"),
        (["analize"], "did you mean analyze?"),
        (["xyzzy"], "write one of run, probe,"),
        (["giu"], "did you mean gui?"),
        (["--versoin"], "did you mean --version?"),
        (["--store"], "options come after a command"),
        (["probe", "http://127.0.0.1/", "--rat", "5"], "has no option '--rat': did you mean --rate?"),
        (["probe", "--rat=5"], "has no option '--rat': did you mean --rate?"),
        (["probe", "-x"], "has no option '-x'"),
        (["probe"], "TARGET is missing"),
        (["probe", "a", "b"], "'b' is one argument too many"),
        (["probe", "http://127.0.0.1/", "--seed"], "--seed needs a value"),
        (["probe", "http://127.0.0.1/", "--quiet=yes"], "--quiet takes no value"),
        (["probe", "http://127.0.0.1/", "--arrivals", "poison"], "did you mean poisson?"),
        (["probe", "http://127.0.0.1/", "--events", "file"], "--events writes to standard output only"),
        (["list", "--limit", "0"], "'0' is no value for --limit"),
        (["show"], "RUN is missing"),
        (["compare", "a"], "B is missing"),
        (["analyse", "reqests", "x"], "did you mean requests?"),
        (["help", "prob"], "did you mean probe?"),
    ],
)
def test_a_wrong_command_line_is_one_sentence_with_the_nearest_name(
    argv: list[str], said: str, capsys: Captured
) -> None:
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("loadstone: error: ")
    assert said in err
    assert err.count("\n") == 1


def test_a_foreign_error_text_stays_on_one_line(capsys: Captured) -> None:
    assert main(["pro\nbe\x1b[2J"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "\x1b" not in err


def test_a_reader_that_goes_away_is_no_error(loadstone: Run, tmp_path: Path) -> None:
    """As with `| head`: nothing on standard error, and the code that a shell shows for SIGPIPE."""
    script = (
        "import os, subprocess, sys\n"
        "read, write = os.pipe()\n"
        "os.close(read)\n"
        "done = subprocess.run([sys.executable, '-m', 'loadstone', 'help', '--all'], stdout=write, "
        "stderr=subprocess.PIPE)\n"
        "print(done.returncode, done.stderr)\n"
    )
    assert loadstone(python=("-c", script)).stdout == "141 b''\n"


def test_a_full_disk_behind_standard_output_is_one_sentence(loadstone: Run) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    script = (
        "import subprocess, sys\n"
        "with open('/dev/full', 'w') as full:\n"
        "    done = subprocess.run([sys.executable, '-m', 'loadstone', 'help'], stdout=full, "
        "stderr=subprocess.PIPE, text=True)\n"
        "print(done.returncode, done.stderr, end='')\n"
    )
    said = loadstone(python=("-c", script)).stdout
    assert said.startswith("2 loadstone: error: standard output cannot be written (No space left")
    assert said.count("\n") == 1


def test_a_terminal_that_knows_only_ascii_gets_stand_ins(loadstone: Run) -> None:
    done = loadstone("probe", "--help", environment={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert "\\u2026" in done.stdout


@pytest.fixture
def foreign_folder(tmp_path: Path) -> Path:
    """A project of the user's own that carries all our names; importing any of them fails loudly."""
    folder = tmp_path / "foreign"
    for name in ("app", "assessments"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("raise RuntimeError('a foreign package was imported')\n")
    for name in ("probes", "resources"):
        (folder / f"{name}.py").write_text("raise RuntimeError('a foreign module was imported')\n")
    return folder


@pytest.mark.parametrize(
    ("path", "python"),
    [
        ("{root}", ("-m", "loadstone")),
        (".:{root}", ("-m", "loadstone")),
        ("{foreign}:{root}", ("-m", "loadstone")),
        ("{foreign}:{root}", ("-c", "import sys, loadstone; sys.exit(loadstone.main())")),
        (".", ("{root}/loadstone.py",)),
    ],
)
def test_foreign_packages_of_our_names_do_not_shadow_ours(
    loadstone: Run, foreign_folder: Path, path: str, python: tuple[str, ...]
) -> None:
    named = {"root": str(ROOT), "foreign": str(foreign_folder)}
    done = loadstone(
        "list",
        cwd=foreign_folder,
        environment={"PYTHONPATH": path.format(**named)},
        python=[part.format(**named) for part in python],
    )
    assert done.stderr == ""
    assert done.stdout.startswith("No runs are stored")


_SPAWN = """
import multiprocessing, sys
import loadstone

def origin(queue):
    import app, probes, resources
    queue.put([module.__file__ for module in (app, probes, resources)])

def spawn():
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    child = context.Process(target=origin, args=(queue,))
    child.start()
    print(queue.get(timeout=30))
    child.join()
    return child.exitcode

if __name__ == "__main__":
    sys.argv = ["loadstone", "--version"]
    loadstone.main()
    sys.exit(spawn())
"""


def test_spawned_processes_find_our_packages_too(
    loadstone: Run, foreign_folder: Path, tmp_path: Path
) -> None:
    script = tmp_path / "bin" / "loadstone-like"
    script.parent.mkdir()
    script.write_text(_SPAWN)
    done = loadstone(
        cwd=foreign_folder,
        environment={"PYTHONPATH": f"{foreign_folder}:{ROOT}"},
        python=(str(script),),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(str(ROOT)) == 3
    assert str(foreign_folder) not in done.stdout


class Hello(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("path", [".:{root}", "{foreign}:{root}"])
def test_load_is_sent_from_a_folder_that_carries_our_names(
    loadstone: Run, foreign_folder: Path, path: str
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hello) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        options = "--rate 50 --duration 1s --warmup 0 --no-store --quiet --json -"
        done = loadstone(
            *("probe", address, *options.split()),
            cwd=foreign_folder,
            environment={"PYTHONPATH": path.format(root=ROOT, foreign=foreign_folder)},
        )
        server.shutdown()
    assert done.stderr == ""
    assert json.loads(done.stdout)["steps"][0]["ok"] > 0


def test_a_spawned_process_can_import_the_entry_again(loadstone: Run, foreign_folder: Path) -> None:
    """`python -m loadstone` is imported by spawned processes as `__mp_main__`: that must start nothing."""
    script = (
        "import runpy, sys\n"
        "module = runpy.run_module('loadstone', run_name='__mp_main__', alter_sys=True)\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in ('app', 'probes')))\n"
    )
    done = loadstone(cwd=foreign_folder, python=("-P", "-c", script))
    assert (done.stdout, done.stderr) == ("[]\n", "")
