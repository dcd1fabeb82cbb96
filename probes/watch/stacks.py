"""Where Python processes spend their time: py-spy, run beside them for a few seconds.

    py-spy record --nonblocking --format raw …         what all threads that do something are in
    py-spy record --gil --nonblocking --format raw …   what the thread is in that holds the GIL, if one does

Both look at random moments, so that nothing that happens at regular times is missed or always hit. A raw
line is a stack, outermost function first, and how often it was seen:

    Thread.run (threading.py:982);rank (model.py:88) 346
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import dropwhile
from pathlib import Path
from typing import Any, NamedTuple

from probes.watch.gil import find_py_spy, is_cpython, is_ours, why_refused

RATE = 100
"""Looks a second."""
MOST_PROCESSES = 4
"""Of several interpreters those that use most CPU."""
PATIENCE_S = 6.0
"""More than the time asked for until py-spy is given up: it reads the symbols of large libraries first."""
HOTSPOTS = 20
DEEPEST = 8
LEAST_SHARE = 0.02
ALMOST_ALL = 0.97
_WAITS = {("_worker", "concurrent/futures/thread.py"), ("Condition.wait", "threading.py"),
          ("wait", "threading.py")}  # fmt: skip
"""Where threads of the standard library wait for work: one that is ready there has just been woken, or waits
for a processor, and computes nothing."""

_FRAME = re.compile(r"(.*?) \((.*?)(?::(\d+))?\)")
_ERRORS = re.compile(r"Samples: (\d+) Errors: (\d+)")


class Place(NamedTuple):
    """A line of a function."""

    function: str
    file: str
    line: int | None


Stack = tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Hotspot:
    """A function in which stacks ended: shares (0 to 1) of all samples, and of those holding the GIL too."""

    function: str
    file: str
    line: int | None
    share: float
    gil_share: float | None

    def to_json(self) -> dict[str, Any]:
        """An entry of CONTRACT's `hotspots`."""
        document: dict[str, Any] = {"function": self.function, "file": self.file}
        if self.line is not None:
            document["line"] = self.line
        document["share"] = round(self.share, 4)
        if self.gil_share is not None:
            document["gil_share"] = round(self.gil_share, 4)
        return document


@dataclass(frozen=True, slots=True)
class StackSamples:
    """What was seen. `stacks` counts those of threads that did something, `gil` those that held the GIL.

    `gil_shares` is, by process, the share of moments in which its GIL was held; `seconds` how long was
    looked, `moments` how often at one process. `refused` says why processes could not be looked into.
    """

    stacks: Mapping[Stack, int]
    gil: Mapping[Stack, int]
    gil_shares: Mapping[int, float]
    moments: int
    seconds: float
    refused: tuple[str, ...] = ()
    waiting: bool = False
    """Threads that did nothing are counted as well."""

    def below(self, file: str) -> StackSamples:
        """Without the frames of that file at the bottom of each stack, and without stacks that have no other:
        where a script of ours calls the target, what it does itself is none of the target's doing."""

        def inner(stack: Stack) -> Stack:
            return tuple(dropwhile(lambda place: Path(place.file).name == file, stack))

        def cut(stacks: Mapping[Stack, int]) -> Counter[Stack]:
            found: Counter[Stack] = Counter()
            for stack, count in stacks.items():
                if inner(stack):
                    found[inner(stack)] += count
            return found

        return replace(self, stacks=cut(self.stacks), gil=cut(self.gil))

    def holding_the_lock(self) -> StackSamples:
        """What held the GIL alone: where it is the limit, threads that wait for it do not count."""
        return replace(self, stacks=self.gil, waiting=False)

    def hotspots(self) -> list[Hotspot]:
        """The functions in which most stacks ended, at most `HOTSPOTS`, each with its most frequent line."""
        total = sum(self.stacks.values())
        if not total:
            return []
        lines: dict[tuple[str, str], Counter[int | None]] = defaultdict(Counter)
        holding: Counter[tuple[str, str]] = Counter()
        for stack, count in self.stacks.items():
            lines[stack[-1][:2]][stack[-1].line] += count
        for stack, count in self.gil.items():
            holding[stack[-1][:2]] += count
        found = [
            Hotspot(
                *name,
                seen.most_common(1)[0][0],
                seen.total() / total,
                # another pass counted these: chance alone may make them more than all
                min(holding[name], seen.total()) / total if self.gil_shares else None,
            )
            for name, seen in lines.items()
        ]
        return sorted(found, key=lambda spot: (-spot.share, spot.file, spot.function))[:HOTSPOTS]

    def flame(self) -> list[dict[str, Any]]:
        """Frames of a flame chart: `name`, `file`, `line`, `depth` from 0, `start` and `share` from 0 to 1.

        Compact: callers that are in almost every sample are left out but the last, and below them all that
        only call one other; functions under 2 % and deeper than 8 too. Callees lie within their caller, the
        largest at the left.
        """
        total = sum(self.stacks.values())
        if not total:
            return []
        root = _Node()
        for stack, count in self.stacks.items():
            root.add(stack, count)
        top = root
        while _largest(_largest(top)).count >= ALMOST_ALL * total:
            top = _largest(top)
        frames: list[dict[str, Any]] = []
        _draw(top, frames, total, 0, 0.0)
        return frames

    def speedscope(self, name: str) -> dict[str, Any]:
        """The stacks as a speedscope file (https://www.speedscope.app/file-format-schema.json)."""
        places: dict[Place, int] = {}
        samples = [[places.setdefault(place, len(places)) for place in stack] for stack in self.stacks]
        weights = [count / RATE for count in self.stacks.values()]
        frames = [
            {"name": place.function, "file": place.file}
            | ({} if place.line is None else {"line": place.line})
            for place in places
        ]
        profile = {
            "type": "sampled", "name": name, "unit": "seconds", "startValue": 0,
            "endValue": round(sum(weights), 6), "samples": samples, "weights": weights,
        }  # fmt: skip
        return {
            "$schema": "https://www.speedscope.app/file-format-schema.json",
            "shared": {"frames": frames},
            "profiles": [profile],
            "name": name,
            "activeProfileIndex": 0,
            "exporter": "loadstone",
        }


@dataclass(slots=True)
class _Node:
    count: int = 0
    lines: Counter[int | None] = field(default_factory=Counter)
    below: dict[tuple[str, str], _Node] = field(default_factory=dict)

    def add(self, stack: Stack, count: int) -> None:
        node = self
        node.count += count
        for place in stack:
            node = node.below.setdefault(place[:2], _Node())
            node.count += count
            node.lines[place.line] += count


def _largest(node: _Node) -> _Node:
    return max(node.below.values(), key=lambda inner: inner.count, default=_Node())


def _past_wrappers(name: tuple[str, str], node: _Node) -> tuple[tuple[str, str], _Node]:
    """The function that a row shows: one that only calls another takes a row and tells nothing."""
    while node.below:
        called, below = max(node.below.items(), key=lambda entry: entry[1].count)
        if below.count < ALMOST_ALL * node.count:
            break
        name, node = called, below
    return name, node


def _draw(node: _Node, frames: list[dict[str, Any]], total: int, depth: int, start: float) -> None:
    ordered = sorted(node.below.items(), key=lambda entry: (-entry[1].count, entry[0]))
    for entry in ordered:
        (name, file), inner = entry if depth == 0 else _past_wrappers(*entry)
        share = inner.count / total
        if share < LEAST_SHARE or depth >= DEEPEST:
            return
        frame: dict[str, Any] = {"name": name, "file": file}
        line = inner.lines.most_common(1)[0][0]
        if line is not None:
            frame["line"] = line
        frames.append(frame | {"depth": depth, "start": round(start, 4), "share": round(share, 4)})
        _draw(inner, frames, total, depth + 1, start)
        start += share


class StackPass:
    """Looks into processes for whole `seconds`, at those among `pids` (the busiest first) that are CPython's.

    `start` begins, `done` is true once every py-spy has ended, `result` is what it saw. `close` ends what
    still runs. Nothing is started for processes of other users. With `waiting`, threads that do nothing count
    as well: where little is computed, what they wait in is what there is to see.
    """

    def __init__(self, pids: Sequence[int], seconds: int, *, waiting: bool = False) -> None:
        self.waiting = waiting
        self.seconds = max(1, seconds)
        self._pids = [int(pid) for pid in pids if is_cpython(pid)][:MOST_PROCESSES]
        self._refused: list[str] = []
        self._running: list[_Recording] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._began = 0.0

    @property
    def is_python(self) -> bool:
        """Whether there is an interpreter among the processes at all."""
        return bool(self._pids)

    def start(self) -> None:
        """Starts two recordings a process; remembers why where that is not possible."""
        program = find_py_spy()
        if program is None and self._pids:
            self._refused.append("py-spy is not installed: pip install py-spy")
        if program is None or not self._pids:
            return
        self._folder = tempfile.TemporaryDirectory(prefix="loadstone-stacks-")
        self._began = time.monotonic()
        for pid in self._pids:
            if not is_ours(pid):
                self._refused.append(f"process {pid} belongs to another user")
                continue
            for gil in (False, True):
                file = Path(self._folder.name, f"{pid}-{'gil' if gil else 'all'}")
                which = "--gil" if gil else "--idle" if self.waiting else None
                self._running.append(_Recording(program, pid, which, self.seconds, file))

    def done(self) -> bool:
        """Whether nothing is left to wait for; what takes too long is ended."""
        if any(recording.process.poll() is None for recording in self._running):
            if time.monotonic() - self._began < self.seconds + PATIENCE_S:
                return False
            self._end()
        return True

    def result(self) -> StackSamples:
        """What was seen; ends what still runs."""
        self._end()
        stacks: Counter[Stack] = Counter()
        gil: Counter[Stack] = Counter()
        shares: dict[int, float] = {}
        for recording in self._running:
            seen, why = recording.read()
            if why is not None:
                sentence = why_refused(recording.pid, why)
                if sentence not in self._refused:
                    self._refused.append(sentence)
                continue
            if not (recording.gil or self.waiting):
                seen = without_waits(seen)
            (gil if recording.gil else stacks).update(seen)
            if recording.gil and recording.moments:
                shares[recording.pid] = min(1.0, seen.total() / recording.moments)
        self.close()
        moments = RATE * self.seconds
        return StackSamples(stacks, gil, shares, moments, self.seconds, tuple(self._refused), self.waiting)

    def close(self) -> None:
        """Ends every py-spy that still runs, and removes what they wrote."""
        self._end()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _end(self) -> None:
        for recording in self._running:
            recording.end()


class _Recording:
    """One py-spy."""

    def __init__(self, program: str, pid: int, which: str | None, seconds: int, file: Path) -> None:
        self.pid = pid
        self.gil = which == "--gil"
        self.moments = RATE * seconds
        self._file = file
        self._said = file.with_suffix(".log")
        command = [program, "record", "--nonblocking", "--format", "raw"]
        command += ["--rate", str(RATE), "--duration", str(seconds), "--output", str(file), "--pid", str(pid)]
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                command if which is None else [*command, which],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )

    def end(self) -> None:
        """Kills it if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def read(self) -> tuple[Counter[Stack], str | None]:
        """The stacks with their counts, and what py-spy said when it failed; may correct `moments`."""
        said = self._said.read_text(errors="replace")
        if self.process.returncode != 0:
            return Counter(), said or "it was ended because it took too long"
        counts = _ERRORS.search(said)
        if counts:
            self.moments = max(0, self.moments - int(counts[2]))
        text = ""
        with contextlib.suppress(OSError):  # nothing was seen, so nothing was written
            text = self._file.read_text(errors="replace")
        return read_raw(text), None


def read_raw(text: str) -> Counter[Stack]:
    """py-spy's raw format, `outer (file:line);inner (file:line) COUNT` a line; bad lines are left out."""
    found: Counter[Stack] = Counter()
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        if stack and count.isdigit():
            found[tuple(_place(frame) for frame in stack.split(";"))] += int(count)
    return found


def without_waits(stacks: Counter[Stack]) -> Counter[Stack]:
    """The stacks without those that end where a thread waits for work."""
    return Counter({stack: count for stack, count in stacks.items() if stack[-1][:2] not in _WAITS})


def _place(frame: str) -> Place:
    match = _FRAME.fullmatch(frame)
    if match is None:
        return Place(frame, "", None)
    return Place(match[1], match[2], int(match[3]) if match[3] else None)


def write_speedscope(samples: StackSamples, name: str, file: Path) -> None:
    """Writes the flame graph for https://www.speedscope.app. Raises `OSError`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(samples.speedscope(name), separators=(",", ":")), encoding="utf-8")
