"""Runs a probe for the command line: events to store and face, signals to a stop, the result to its place.

The probe runs in a thread; the main thread shows its events and takes the signals. So neither a slow terminal
nor a reader that has stopped reading holds up the measurement.
"""

from __future__ import annotations

import contextlib
import os
import queue
import secrets
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from app.cli import outcome
from app.cli.layout import line, wrapped
from app.cli.output import Output, OutputError, to_json
from app.cli.summary import summary
from app.cli.terminal import Face, LiveTable, face_for
from app.cli.written import write_private
from probes.errors import InternalError, UsageError
from probes.events import Event, Finished
from probes.load.spec import LoadSpec
from probes.probe import Probe, ProbeContext

if TYPE_CHECKING:
    from assessments.store import RunRecorder, Store

LOOK_EVERY_S = 0.2
"""How often the main thread looks whether a signal has come while the probe says nothing."""
UNWIND_S = 10.0
RUN_ID_BYTES = 5
"""Ten characters, short enough to type; of 10,000 runs two are the same with a chance of 1 in 20,000."""

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_STOPPING = "stopping; what was measured is kept (once more to abort at once)"


@dataclass(frozen=True)
class Wishes:
    """Where the events and the result go; as the options say."""

    store_url: str | None = None
    keep: bool = True
    assessment: str | None = None
    json: str | None = None
    events: bool = False


@dataclass
class StopRequest:
    """Whether somebody wants the run to end: `event` is the probe's, the rest says why."""

    event: threading.Event = field(default_factory=threading.Event)
    by_signal: bool = False
    lost_reader: BrokenPipeError | OutputError | None = None


def check_wishes(wishes: Wishes) -> None:
    """Refuses what cannot be done at the end before anything is started. Raises `UsageError`."""
    if wishes.json == "-" and wishes.events:
        raise UsageError("--json - and --events - both want standard output: leave one out")
    if wishes.json not in (None, "-"):
        path = Path(str(wishes.json))
        if path.is_dir():
            raise UsageError(f"--json {path} is a folder: name a file in it")
        if not path.absolute().parent.is_dir():
            raise UsageError(
                f"--json {path}: the folder {path.absolute().parent} is not there: make it first"
            )
        if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
            raise UsageError(f"--json {path} may not be written: name another file")


def run_folder(wishes: Wishes) -> Path | None:
    """The folder of the store, where files that belong to a run lie; None where the run is not stored."""
    if not wishes.keep:
        return None
    from assessments.store import stored_beside

    return stored_beside(wishes.store_url)


@dataclass(frozen=True)
class Measured:
    """What came out: the document, and where it lies as a sentence."""

    result: dict[str, Any]
    stored: str | None


def measure_and_tell(probe: Probe, spec: LoadSpec, wishes: Wishes, output: Output) -> int:
    """Runs the probe, stores and prints what it found, and returns the exit code.

    Raises `UserError` when nothing could be started.
    """
    return tell(measure(probe, spec, wishes, output), spec, wishes, output)


def tell(
    measured: Measured, spec: LoadSpec, wishes: Wishes, output: Output, remark: str | None = None
) -> int:
    """Prints and writes what was measured; returns the exit code."""
    result = measured.result
    asked = spec.slo if spec.slo_asked else None
    verdict = outcome.judge_slo(result, asked) if asked and outcome.judged_in_every_step(result) else None
    code = outcome.exit_code(result, asked)
    ending = " ".join(text for text in (remark, measured.stored) if text)
    output.lines(summary(result, output.columns, slo=verdict, stored=None, folder=run_folder(wishes)))
    if result.get("cross_checks"):
        from app.cli.checks import check_lines

        output.lines([line(""), *check_lines(result, output.columns)])
    if ending:
        output.lines([line(""), *wrapped(ending, output.columns, "muted")])
    if wishes.json is not None:
        from assessments.evidence import sealed

        document = sealed(result)
        if wishes.json == "-":
            output.document(document)
        elif not _write_json(Path(wishes.json), document, output):
            code = code or outcome.BAD_USAGE
    return code


Complete = Callable[[dict[str, Any]], dict[str, Any]]


def measure(
    probe: Probe, spec: LoadSpec, wishes: Wishes, output: Output, complete: Complete = dict
) -> Measured:
    """Runs the probe while storing and showing what it says; `complete` adds to its result before that.

    Raises `UserError` when it cannot begin, and `BrokenPipeError` or `OutputError` after the run was stopped
    and stored because nobody takes its events any more.
    """
    run_id = secrets.token_hex(RUN_ID_BYTES)
    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(stopping_on_signals())
        recorder: RunRecorder | None = None
        store: Store | None = None
        if wishes.keep:
            from assessments.store import open_store

            store = stack.enter_context(open_store(wishes.store_url))
            recorder = store.record(run_id, wishes.assessment)
        with recorder or contextlib.nullcontext():
            result = _run(
                probe,
                spec,
                run_id=run_id,
                recorder=recorder,
                face=face_for(output, events=wishes.events),
                stop=stop,
                output=output,
                complete=complete,
            )
        stored = None
        if store is not None and recorder is not None:
            if recorder.failure is None:
                stored = _stored_sentence(run_id, store, wishes)
            else:
                output.error(_rescued(recorder.failure, run_id, result))
    if stop.lost_reader is not None:
        raise stop.lost_reader
    return Measured(result, stored)


def _run(
    probe: Probe,
    spec: LoadSpec,
    *,
    run_id: str,
    recorder: Callable[[Event], None] | None,
    face: AbstractContextManager[Face],
    stop: StopRequest,
    output: Output,
    complete: Complete,
) -> dict[str, Any]:
    events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
    finished: list[dict[str, Any]] = []

    def emit(event: Event) -> None:
        if isinstance(event, Finished):
            judged = outcome.with_requirements(event.result, spec.requirements)
            event = replace(event, result=complete(judged))
            finished.append(dict(event.result))
        if recorder is not None:
            recorder(event)
        events.put(event)

    job = _Job(probe, ProbeContext(run_id, emit, stop.event), done=lambda: events.put(None))
    with face as show:
        job.start()
        try:
            _show_until_done(events, show, stop, output)
        finally:
            job.end(stop)
    result = job.result()
    return finished[-1] if finished else complete(outcome.with_requirements(result, spec.requirements))


class _Job:
    """The thread in which the probe runs, and what came of it."""

    def __init__(self, probe: Probe, context: ProbeContext, done: Callable[[], None]) -> None:
        self._result: Mapping[str, Any] | None = None
        self._error: BaseException | None = None

        def work() -> None:
            try:
                self._result = probe.run(context)
            except BaseException as error:
                self._error = error
            finally:
                done()

        self._thread = threading.Thread(target=work, name="probe", daemon=True)
        self.start = self._thread.start

    def end(self, stop: StopRequest) -> None:
        """Sees to it that no load goes on, also where showing it has failed."""
        if sys.exc_info()[0] is not None:
            stop.event.set()
        self._thread.join(UNWIND_S)

    def result(self) -> Mapping[str, Any]:
        """What the probe returned; raises what it raised."""
        if self._error is not None:
            raise self._error
        if self._result is None:
            raise InternalError("the probe ended without a result")
        return self._result


def _show_until_done(
    events: queue.SimpleQueue[Event | None], show: Face, stop: StopRequest, output: Output
) -> None:
    told = False
    while True:
        if stop.by_signal and not told:
            told = True
            _tell(show, output, _STOPPING)
        if stop.lost_reader is None and (lost := show.lost_reader()) is not None:
            stop.lost_reader = lost
            stop.event.set()
        try:
            event = events.get(timeout=LOOK_EVERY_S)
        except queue.Empty:
            continue
        if event is None:
            return
        if stop.lost_reader is not None:
            continue
        try:
            show(event)
        except (BrokenPipeError, OutputError) as error:
            stop.lost_reader = error
            stop.event.set()


def _tell(show: Face, output: Output, sentence: str) -> None:
    with contextlib.suppress(OSError):
        if isinstance(show, LiveTable):
            show.tell(sentence)
        else:
            output.say(sentence)


@contextmanager
def stopping_on_signals() -> Iterator[StopRequest]:
    """The first SIGINT, SIGTERM or SIGHUP asks the run to stop; a second one ends this process at once."""
    stop = StopRequest()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if stop.by_signal:
            _abort()
        stop.by_signal = True
        stop.event.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN or number == signal.SIGINT:
            signal.signal(number, on_signal)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _abort() -> None:
    """Ends this process and those it has spawned, without another word."""
    spawning = sys.modules.get("multiprocessing")
    if spawning is not None:
        for child in spawning.active_children():
            child.kill()
    with contextlib.suppress(OSError):
        os.write(2, b"\x1b[?25h\n" if os.isatty(2) else b"")
    os._exit(outcome.INTERRUPTED)


def _stored_sentence(run_id: str, store: Store, wishes: Wishes) -> str:
    under = f" under the assessment '{wishes.assessment}'" if wishes.assessment else ""
    option = f" --store {store.url.removeprefix('sqlite:///')}" if wishes.store_url else ""
    return f"Stored{under}: loadstone show {run_id}{option}"


def _rescued(failure: str, run_id: str, result: Mapping[str, Any]) -> str:
    path = Path(tempfile.gettempdir()) / f"loadstone-{run_id}.json"
    try:
        write_private(path, to_json(result))
    except OSError as error:
        return f"{failure}; the result could not be saved to {path} either ({error.strerror})"
    return f"{failure}; the result lies in {path}"


def _write_json(path: Path, result: Mapping[str, Any], output: Output) -> bool:
    try:
        path.write_text(to_json(result), encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        why = f"--json {path} could not be written ({error.strerror})"
        output.error(_rescued(why, str((result.get("run") or {}).get("id", "result")), result))
        return False
    return True
