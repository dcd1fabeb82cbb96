"""The user's code in processes of its own: loaded, called, timed, crashed, hung and removed, for real."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import struct
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import probes.targets
from probes.errors import TargetError, UsageError
from probes.targets import host_frames
from probes.targets.hosting import Host, crash_sentence
from probes.targets.interpreter import find_interpreter
from probes.targets.user_code import Sample, parse_user_code, sized_code
from probes.watch.process import alive, descendants

HOST = Path(probes.targets.__file__).with_name("host") / "host.py"
MARK = "LOADSTONE_TEST_MARK"
GIVE_UP_S = 30.0
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and orphans to be adopted")

Hosting = Callable[..., Host]


def sample(*values: Any) -> Sample:
    return Sample(tuple(json.dumps(value).encode() for value in values))


@pytest.fixture
def hosting(tmp_path: Path) -> Iterator[Hosting]:
    """Writes a module and starts `python:code.py:f` of it (or another address); ends it after the test."""
    started: list[Host] = []

    def start(
        text: str, address: str = "python:code.py:f", *, expect: str | None = ".", **options: Any
    ) -> Host:
        (tmp_path / "code.py").write_text(textwrap.dedent(text))
        options = {"python": sys.executable} | options if address.startswith("python:") else options
        host = Host(parse_user_code(address, cwd=tmp_path, **options), timeout_s=5.0, expect_body=expect)
        started.append(host)
        return host.start()

    yield start
    for host in started:
        host.stop()


def call(host: Host, index: int = 0, timeout_s: float = 10.0) -> tuple[int, Any]:
    """Status and result of one call with the sample of that number."""
    target = host.target
    bodies = (target.bodies[index],)
    answer = type(target)(**{**vars(target), "bodies": bodies}).ask(timeout_s)
    text = answer.body.decode()
    return answer.status, json.loads(text) if answer.status == 200 else text


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GIVE_UP_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        threading.Event().wait(0.01)


@pytest.fixture(scope="module")
def host_module() -> Any:
    spec = importlib.util.spec_from_file_location("the_host", HOST)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_host_stands_alone_and_speaks_as_the_dispatcher(host_module: Any) -> None:
    """Nothing lies beside it that the user's code could import, and both ends have the same frames."""
    assert [path.name for path in HOST.parent.iterdir() if path.name != "__pycache__"] == ["host.py"]
    for name in ("ANSWER", "INDEX", "LENGTH"):
        ours, theirs = getattr(host_frames, name), getattr(host_module, name)
        assert isinstance(ours, struct.Struct)
        assert ours.format == theirs.format


# samples and how it is called


def test_a_sample_is_the_one_argument_and_new_at_every_call(hosting: Hosting) -> None:
    """What the callable does to its argument is gone at the next call."""
    host = hosting("def f(x): return [x.pop('a'), len(x)]", sample=sample({"a": 1, "b": 2}))
    assert [call(host) for _ in range(3)] == [(200, [1, 1])] * 3
    assert host.target.sample_from == "given"


def test_several_samples_each_have_their_number(hosting: Hosting) -> None:
    host = hosting("def f(x): return x", sample=sample(1, "two", [3]))
    assert [call(host, index)[1] for index in (2, 0, 1)] == [[3], 1, "two"]
    assert host.target.to_json()["samples"] == 3


def test_an_object_is_spread_over_keyword_arguments(hosting: Hosting) -> None:
    host = hosting("def f(*, a, b=5): return [a, b]", sample=sample({"a": 1}), spread=True)
    assert call(host) == (200, [1, 5])
    with pytest.raises(UsageError, match="--spread needs an object as the sample"):
        hosting("def f(a): return a", sample=sample([1]), spread=True)


def test_without_a_sample_the_defaults_are_taken_and_said(hosting: Hosting) -> None:
    host = hosting("def f(a=3, *more, b=4, **most): return [a, b, list(more), most]")
    assert call(host) == (200, [3, 4, [], {}])
    assert host.target.sample_from == "signature"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "def f(features): ...",
            r"'f' needs a value for features: give --sample @FILE.json or --sample '{\"x\": 1}'$",
        ),
        ("def f(a, b, c=1): ...", r"needs a value for a: .* --sample '{\"a\": 1, \"b\": 1}' --spread"),
        ("f = max", "needs a value for its argument"),
    ],
)
def test_without_sample_and_defaults_the_form_is_told(text: str, says: str, hosting: Hosting) -> None:
    with pytest.raises(UsageError, match=says):
        hosting(text)


def test_texts_arrive_as_text(hosting: Hosting) -> None:
    host = hosting("def f(x): return [type(x).__name__, x]", sample=Sample(("grüße".encode(),), "text"))
    assert call(host) == (200, ["str", "grüße"])


def test_coroutines_are_awaited_and_generators_drained(hosting: Hosting) -> None:
    host = hosting("import asyncio\nasync def f(x=2):\n    await asyncio.sleep(0)\n    return x")
    assert call(host) == (200, 2)
    assert host.target.to_json()["called"].startswith("awaited")
    host = hosting("import os\ndef f(x=2):\n    yield x\n    raise ValueError('at its end')")
    assert call(host) == (500, "ValueError: at its end")
    with pytest.raises(UsageError, match="asynchronous generator"):
        hosting("async def f(x=1):\n    yield x")


def test_methods_of_objects_are_callables_too(hosting: Hosting) -> None:
    text = "class M:\n    def __call__(self, x=1): return x\n    def predict(self, x=2): return x\nm = M()"
    assert call(hosting(text, "python:code.py:m.predict")) == (200, 2)
    assert call(hosting(text, "python:code.py:m")) == (200, 1)


def test_a_module_of_a_package_is_found_with_its_neighbours(hosting: Hosting, tmp_path: Path) -> None:
    """Also where the package has the name of one of ours."""
    package = tmp_path / "probes"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "errors.py").write_text("ANSWER = 42\n")
    (package / "serve.py").write_text("from probes.errors import ANSWER\ndef f(): return ANSWER\n")
    assert call(hosting("", "python:probes.serve:f")) == (200, 42)


# what stands in the way


@pytest.mark.parametrize(
    ("text", "address", "says"),
    [
        ("", "python:nowhere.model:f", "no module 'nowhere.model' is found from .*: run from the folder"),
        ("", "python:code.nothing:f", "no module 'code.nothing' is found from"),
        ("import absent_dependency", "python:code.py:f",
         r"code.py needs 'absent_dependency', which .* has not: run .* -m pip install absent_dependency, or"),
        ("import yaml.absent", "python:code.py:f", "needs 'yaml.absent', which the 'yaml' of .* has not"),
        ("def predict(x): ...", "python:code.py:predit", "code.py has no 'predit': did you mean 'predict'?"),
        ("x = 1", "python:code.py:nothing", "has no 'nothing': write python:"),
        ("f = 3", "python:code.py:f", "'f' in .*code.py is of the type int, which cannot be called"),
        ("def f(:", "python:code.py:f", r"code.py line 1 is no Python \d.*invalid syntax"),
    ],
)  # fmt: skip
def test_what_cannot_be_loaded_is_bad_usage(text: str, address: str, says: str, hosting: Hosting) -> None:
    with pytest.raises(UsageError, match=says):
        hosting(text, address)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("\nraise ValueError('no weights')",
         r"importing .*code.py failed with ValueError: no weights \(.*code.py line 2\): correct it"),
        ("raise SystemExit(4)", "failed with SystemExit: 4"),
        ("import os; print('bye', flush=True); os._exit(3)",
         "the interpreter ended with exit code 3 while it loaded .*code.py; the last it printed: bye"),
        ("import os; os.kill(os.getpid(), 11)", "was ended by SIGSEGV while it loaded .*; it printed"),
    ],
)  # fmt: skip
def test_what_fails_while_it_loads_is_the_targets_fault(text: str, says: str, hosting: Hosting) -> None:
    with pytest.raises(TargetError, match=says):
        hosting(text)


def test_the_first_call_tells_what_was_raised(hosting: Hosting) -> None:
    host = hosting("def f(x): return x['y']", sample=sample({"x": 1}))
    with pytest.raises(TargetError, match="called with --sample, raised KeyError: 'y'; correct the code"):
        host.target.check(5.0)


def test_a_call_that_does_not_return_is_told(hosting: Hosting) -> None:
    host = hosting("import time\ndef f(): time.sleep(1000)")
    with pytest.raises(TargetError, match=r"code.py:f did not return within 0.2 s; .* --timeout"):
        host.target.check(0.2)


def test_a_stop_while_it_loads_ends_it(hosting: Hosting, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(1000)\n")
    stop = threading.Event()
    stop.set()
    with pytest.raises(KeyboardInterrupt):
        Host(parse_user_code("python:slow.py:f", python=sys.executable, cwd=tmp_path)).start(stop)


# what it does under load


def test_errors_are_counted_by_what_was_raised(hosting: Hosting) -> None:
    host = hosting("def f(x): return 1 / x", sample=sample(1, 0))
    assert [call(host, index)[0] for index in (0, 1, 1)] == [200, 500, 500]
    state = host.state()
    assert (state["begun"], state["good"], state["raised"]) == (3, 1, 2)
    assert state["errors"] == {"ZeroDivisionError: division by zero": 2}
    assert "line 1, in f" in host.log_text()


@pytest.mark.parametrize("deed", ["os.kill(os.getpid(), signal.SIGSEGV)", "os._exit(7)"])
def test_a_crash_on_call_500_is_that_and_costs_no_result(deed: str, hosting: Hosting) -> None:
    host = hosting(
        f"""
        import os, signal
        calls = 0
        def f():
            global calls
            calls += 1
            if calls == 500:
                {deed}
        """
    )
    for _ in range(499):
        assert call(host) == (200, None)
    with pytest.raises(TargetError):
        host.target.ask(5.0)
    crash = host.state()["crash"]
    assert crash["calls"] == [500]
    how = "was ended by SIGSEGV" if "SIGSEGV" in deed else "ended with exit code 7"
    assert crash_sentence(crash) == f"in call 500 the target's process {how}"
    assert host.why_it_ended() == crash_sentence(crash)
    assert len(host.calls()["wall"]) == host.state()["good"] == 499


def test_a_crash_of_one_worker_leaves_the_others(hosting: Hosting) -> None:
    text = "import os, signal\ndef f(x): return os.getpid() if x else os.kill(os.getpid(), signal.SIGKILL)"
    host = hosting(text, sample=sample(1, 0), workers=2)
    with pytest.raises(TargetError):
        call(host, 1)
    crash = host.state()["crash"]
    assert crash["exit_status"] == -signal.SIGKILL
    assert {call(host)[1] for _ in range(4)} == set(host.pids) - {crash["pid"]}


def test_calls_go_to_the_worker_that_has_fewest(hosting: Hosting, tmp_path: Path) -> None:
    """Two calls at once on two workers of two threads each run in two processes."""
    text = """
        import os, pathlib, time
        here = pathlib.Path(__file__).parent
        def f():
            (here / f"{os.getpid()}.began").touch()
            while len(list(here.glob("*.began"))) < 2: time.sleep(0.001)
            return os.getpid()
        """
    host = hosting(text, workers=2, threads=2)
    assert len(host.pids) == 2
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: call(host)[1], range(2)))
    assert set(found) == set(host.pids)


def test_threads_call_at_the_same_time_and_no_more(hosting: Hosting) -> None:
    """Three of four callers are let in at once; the first calls in the main thread."""
    text = """
        import threading, time
        lock = threading.Lock()
        inside = most = 0
        barrier = threading.Barrier(3)
        def f():
            global inside, most
            with lock:
                inside += 1
                most = max(most, inside)
            barrier.wait(20)
            with lock: inside -= 1
            return [most, threading.current_thread() is threading.main_thread()]
        """
    host = hosting(text, threads=3)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: call(host)[1], range(6)))
    assert max(most for most, _ in found) == 3
    assert any(main for _, main in found)


def test_the_call_is_timed_where_it_runs(hosting: Hosting) -> None:
    """5 ms asleep cost 5 ms and hardly any CPU, 5 ms of CPU cost 5 ms of both, whatever the machine does."""
    text = """
        import time
        def f(kind):
            if kind == "sleep":
                time.sleep(0.005)
            else:
                end = time.thread_time() + 0.005
                while time.thread_time() < end: pass
        """
    host = hosting(text, sample=sample("sleep", "work"))
    for index in [0] * 5 + [1] * 5:
        call(host, index)
    times = host.calls()
    assert set(times) == {"wall", "cpu", "queued", "harness"}
    assert (times["wall"] >= 5e6).all()
    assert (times["cpu"][:5] < 2.5e6).all()
    assert (times["cpu"][5:] >= 5e6).all()
    assert (times["cpu"][5:] < 7.5e6).all()
    assert (times["queued"] >= 0).all()


def test_noise_on_both_outputs_goes_to_a_capped_log(hosting: Hosting) -> None:
    """Also what looks like a message of ours, and what goes past Python to the descriptors."""
    text = """
        import os, sys
        def f():
            print('{"port": 1}' + "x" * 5000)
            sys.stderr.write("y" * 5000)
            os.write(1, b"z" * 5000)
            return 1
        """
    host = hosting(text)
    assert [call(host) for _ in range(50)] == [(200, 1)] * 50
    wait_until(lambda: "z" * 5000 in host.log_text())
    assert len(host.log_text()) <= 64 * 1024


@linux
def test_too_large_an_allocation_is_an_error_of_that_call(hosting: Hosting) -> None:
    """2 GiB where 512 MiB are allowed; the process goes on."""
    host = hosting("def f(n): return len(bytearray(n))", sample=sample(2**31, 2**20), memory_bytes=2**29)
    assert call(host, 0)[0] == 500
    assert call(host, 1) == (200, 2**20)
    assert list(host.state()["errors"]) == ["MemoryError"]


def test_the_code_sees_nothing_of_ours(hosting: Hosting, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "QT_QPA_PLATFORM", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, "canary")
    text = """
        import os, sys
        def f(): return [dict(os.environ), sys.path, sorted(sys.modules)]
        """
    host = hosting(text)
    _, (environment, paths, modules) = call(host)
    assert "canary" not in environment.values()
    assert not any(name.startswith("LOADSTONE_DISPATCHER") for name in environment)
    assert paths[0] == str(host.code.folder)
    assert not any(path.endswith("host") or "canary" in path for path in paths)
    assert not {"probes", "app", "numpy"} & set(modules)


def test_nobody_calls_without_the_key(hosting: Hosting) -> None:
    target = hosting("def f(): return 1").target
    for path in ("/call", "/" + "0" * 32 + "/call", "/state", target.path + "ed"):
        assert type(target)(**{**vars(target), "path": path}).ask(5.0).status == 404
    assert target.path not in json.dumps(target.to_json())


# nothing survives


def marked() -> list[int]:
    """Pids of all processes whose environment holds our mark."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if f"{MARK}={os.getpid()}".encode() in environment:
                found.append(int(entry.name))
    return found


@linux
@pytest.mark.parametrize(
    "text",
    [
        # a child in a session of its own, from a double fork, that ignores requests to end
        """
        import os, signal, time
        def f():
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    signal.signal(signal.SIGTERM, signal.SIG_IGN)
                    signal.pause()
                os._exit(0)
            return 1
        """,
        # a process that ignores requests to end, itself
        """
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        def f(): return 1
        """,
        # a thread that never ends
        """
        import threading
        threading.Thread(target=threading.Event().wait).start()
        def f(): return 1
        """,
    ],
    ids=["setsid", "ignores", "thread"],
)
def test_nothing_survives_the_end(text: str, hosting: Hosting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MARK, str(os.getpid()))
    host = hosting(text, workers=2)
    assert call(host) == (200, 1)
    assert set(host.pids) <= set(marked())
    host.stop()
    wait_until(lambda: marked() == [])


@linux
def test_a_c_call_that_holds_the_lock_can_be_ended(hosting: Hosting, monkeypatch: pytest.MonkeyPatch) -> None:
    """`sum` over a range runs in C without ever letting go: hours here. State is told meanwhile."""
    monkeypatch.setenv(MARK, str(os.getpid()))
    host = hosting("def f(): return sum(range(10**14))")

    def ask() -> None:
        with pytest.raises(TargetError):
            host.target.ask(60.0)

    thread = threading.Thread(target=ask)
    thread.start()
    wait_until(lambda: [one["call"] for one in host.state()["under_way"]] == [1])
    host.stop()
    thread.join(GIVE_UP_S)
    assert not thread.is_alive()
    assert marked() == []


@linux
def test_the_workers_die_with_the_dispatcher(hosting: Hosting) -> None:
    host = hosting("def f(): return 1", workers=2)
    below = [process for process in descendants(os.getpid()) if process.pid in host.pids]
    assert len(below) == 2
    assert host._service is not None
    os.kill(host._service.pid, signal.SIGKILL)
    wait_until(lambda: not any(map(alive, below)))


# a command


def test_a_command_gets_the_sample_and_its_cpu_is_counted(hosting: Hosting, tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(
        "import json, sys, time\nn = json.load(sys.stdin)['n']\n"
        "while time.process_time() < 0.1: pass\nprint(n)\n"
    )
    line = f"command:{sys.executable} -I work.py"
    host = hosting("", line, sample=Sample((b'{"n": 17}',), "bytes"))
    assert call(host) == (200, 17)
    assert 1e8 <= host.calls()["cpu"][0] < 3e8
    assert host.target.to_json()["kind"] == "command"


def test_a_large_sample_goes_through_a_command_and_back(hosting: Hosting) -> None:
    """More than pipes hold both ways; of the answer 64 KiB are kept."""
    host = hosting("", "command:cat", sample=Sample((b"1" * 300_000,), "bytes"), expect="^1+$")
    assert len(host.target.check(10.0).body) == 65_536


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("false", "RuntimeError: ended with exit code 1"),
        ("sh -c 'kill -9 $$'", "RuntimeError: ended by SIGKILL"),
    ],
)
def test_a_command_that_fails_is_an_error(command: str, says: str, hosting: Hosting) -> None:
    host = hosting("", f"command:{command}")
    assert call(host) == (500, says)


def test_a_command_is_ended_at_the_time_out(tmp_path: Path) -> None:
    with Host(parse_user_code("command:sleep 1000", cwd=tmp_path), timeout_s=0.2) as host:
        assert call(host) == (500, "RuntimeError: ended after 0.2 s, the time-out of a request")


# interpreters of other versions


def interpreter_of(version: str) -> str:
    """An interpreter of that version on PATH or under pyenv; skips the test where there is none."""
    root = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    for found in (f"python{version}", *sorted(map(str, root.glob(f"versions/{version}.*/bin/python")))):
        try:
            return find_interpreter(found, os.environ).path
        except UsageError:
            continue
    return pytest.skip(f"no Python {version} is installed")


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"])
def test_the_host_runs_on_every_version(version: str, hosting: Hosting) -> None:
    text = "import sys\ndef f(x): return [list(sys.version_info[:2]), x]"
    host = hosting(text, python=interpreter_of(version), sample=sample({"x": [1.5]}), threads=2)
    assert call(host) == (200, [[int(part) for part in version.split(".")], {"x": [1.5]}])
    assert host.target.to_json()["python"]["version"].startswith(version)


def test_a_syntax_that_is_too_new_names_the_version(hosting: Hosting) -> None:
    text = "def f(x=1):\n    match x:\n        case 1: return 1\n"
    with pytest.raises(
        UsageError, match=r"line 2 is no Python 3\.8\.\d+: invalid syntax; correct it or name another"
    ):
        hosting(text, python=interpreter_of("3.8"))


@linux
def test_a_crash_is_seen_though_forked_children_hold_its_sockets(hosting: Hosting) -> None:
    text = """
        import os, signal
        if os.fork() == 0: signal.pause()
        def f(x):
            if x: os.abort()
            return "well"
        """
    host = hosting(text, sample=sample(0, 1))
    assert call(host, 0) == (200, "well")
    with pytest.raises(TargetError):
        call(host, 1)
    assert host.why_it_ended() == "in call 2 the target's process was ended by SIGABRT"


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_code_with_processes_of_its_own_works(method: str, hosting: Hosting) -> None:
    text = f"""
        import multiprocessing, os
        def double(x): return 2 * x
        def f(x):
            global pool
            if "pool" not in globals(): pool = multiprocessing.get_context("{method}").Pool(1)
            return pool.map(double, x)
        """
    host = hosting(text, sample=sample([1, 2]))
    assert [call(host, timeout_s=30.0) for _ in range(2)] == [(200, [2, 4])] * 2


# samples of rising size


def test_arrays_grow_in_the_host(host_module: Any) -> None:
    """Rows in turn along the first dimension, a sequence along the second, bytes by rows; others stay."""
    numpy = pytest.importorskip("numpy")
    table = numpy.arange(6.0).reshape(2, 3)
    grown = host_module._grown
    assert grown(table, "batch", 3).tolist() == [[0, 1, 2], [3, 4, 5], [0, 1, 2]]
    assert grown(table, "sequence", 4).tolist() == [[0, 1, 2, 0], [3, 4, 5, 3]]
    assert grown(table, "payload_kb", 48).nbytes == 48_000
    args, kwargs = grown(((None, {"x": table, "sr": numpy.array(16_000)}), {}), "rows", 5)
    assert args[0] is None
    assert (args[1]["x"].shape, args[1]["sr"].shape, kwargs) == ((5, 3), (), {})
    assert grown(["a", "b"], "batch", 3) == ["a", "b", "a"]
    with pytest.raises(host_module.Refused, match="no sequence that could grow"):
        grown(numpy.zeros(3), "sequence", 2)


def test_the_samples_of_a_sweep_are_called_by_their_numbers(hosting: Hosting, tmp_path: Path) -> None:
    """A callable gets its array in every size: the first of each size is at size × samples."""
    import io

    numpy = pytest.importorskip("numpy")
    held = io.BytesIO()
    numpy.save(held, numpy.zeros((2, 3)))
    (tmp_path / "code.py").write_text("def f(x): return list(x.shape)\n")
    code = parse_user_code(
        "python:code.py:f", cwd=tmp_path, python=sys.executable, sample=Sample((held.getvalue(),), "npy")
    )
    with Host(sized_code(code, "batch", (1, 7, 40)), expect_body=".") as host:
        assert [call(host, index)[1] for index in range(3)] == [[1, 3], [7, 3], [40, 3]]
