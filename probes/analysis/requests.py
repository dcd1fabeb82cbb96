"""The statistics of a step from one row a request, as other tools record them: `loadstone analyse requests`.

    due_s,sent_s,done_s,status        seconds on any one clock; status as HTTP has it
    0.000,0.000,0.012,200
    0.010,0.010,0.031,                no status: a good answer
    0.020,0.021,,                     never answered
    0.030,,,                          never sent

A file without due times says nothing of requests that were held back while the server stalled (coordinated
omission), so that only service times come out of it, with a note. Nothing is invented: what a file does not
tell is absent from the step. Files of k6, JMeter, vegeta and hey are known by their own headers
(`probes.analysis.other_tools`), also in JSON or XML (`probes.analysis.result_files`).
"""

from __future__ import annotations

import csv
import math
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from probes.analysis.other_tools import Tool, tool_of
from probes.analysis.percentiles import binomial_interval, latency_summary
from probes.analysis.proof import prove
from probes.analysis.result_files import Rows, check_text, rows_of
from probes.analysis.steady import LEAST_STEADY, steady_from
from probes.errors import UsageError
from probes.slo import Slo

LARGEST_FILE = 200_000_000
"""Bytes. A row takes some 20 to 40, so that the largest file holds some 5 to 10 million requests."""

COLUMNS = ("due_s", "sent_s", "done_s", "status")
ERROR_CLASSES = (
    "connect",
    "reset",
    "protocol",
    "status_4xx",
    "status_5xx",
    "throttled",
    "redirect",
    "tls",
    "assertion",
    "empty",
)
"""The classes of a step's `errors`, as CONTRACT has them; a status may also be one of these words."""

OUTCOMES = ("ok", "timeout", "cancelled", *ERROR_CLASSES)
"""What can become of a request that was sent."""

_HTTP_CLASSES = ("status_4xx", "status_5xx", "throttled", "redirect")
_LONGEST_S = 1e6
_LATEST_S = 1e11
_ROUNDING_S = 1e-6
_NS_PER_S = 1e9


@dataclass(frozen=True, slots=True)
class Requests:
    """What a file holds, one entry a request, in the file's order.

    `due_s`, `sent_s` and `done_s` are seconds on one clock; NaN in `sent_s` is never sent, in `done_s` never
    answered. `due_s` is None where the file has no such column. `outcome` indexes `OUTCOMES`; it says nothing
    of a request that was never sent. `has_status` says whether the file tells good answers from bad ones.
    """

    due_s: NDArray[np.float64] | None
    sent_s: NDArray[np.float64]
    done_s: NDArray[np.float64]
    outcome: NDArray[np.int8]
    has_status: bool
    notes: tuple[str, ...] = ()


def analyse_requests(path: Path, slo: Slo | None = None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """CONTRACT's `step` of a file of requests, and notes: what a person must know to read it right.

    With an `slo` its bounds on times are held against the requests (`proof`): against response times where
    the file has due times, else against service times.

    Raises `UsageError` as `read_requests` does.
    """
    requests = read_requests(path)
    step, notes = summarise(requests)
    times_ms = _times_ms(requests)
    if len(times_ms) >= LEAST_STEADY:
        step["steady"] = {"from_request": steady_from(times_ms), "of_requests": len(times_ms)}
    if slo is not None and len(times_ms):
        step["proof"] = [
            prove(times_ms, bound.name, bound.quantile, bound.limit_ms).to_json() for bound in slo.bounds
        ]
    return step, notes


def _times_ms(requests: Requests) -> NDArray[np.float64]:
    """Times of good answers (ms) in the order in which they were due, or sent where the file does not say."""
    started = requests.sent_s if requests.due_s is None else requests.due_s
    good = ~np.isnan(requests.done_s) & (requests.outcome == OUTCOMES.index("ok"))
    order = np.argsort(started[good], kind="stable")
    took: NDArray[np.float64] = (requests.done_s - started)[good][order] * 1e3
    return took


def summarise(requests: Requests) -> tuple[dict[str, Any], tuple[str, ...]]:
    """CONTRACT's `step` of requests, and notes.

    Response time counts from due, service time from sent. Response times are those of good answers and of
    what was given up (timed out, cancelled, never sent) with the time it had waited by the last stamp of the
    file, as in a step of our own: `censored` counts these. Service times and `achieved_per_s` are of good
    answers. A request sent and never answered is a time-out unless its status says otherwise.

    `seconds` runs from the first stamp to the last, and to the end of the last interval between due times.
    `concurrency` is the mean number of requests due (sent, without due times) and not yet answered.
    `error_ratio` is the share of requests sent and not cancelled that failed, with its exact 95 % interval.
    """
    due, sent, done = requests.due_s, requests.sent_s, requests.done_s
    was_sent = ~np.isnan(sent)
    started = sent if due is None else due
    begin = float(started.min())
    stamps = [column[~np.isnan(column)] for column in (sent, done)]
    last = max((float(column.max()) for column in stamps if len(column)), default=begin)
    counts = Counter(
        {OUTCOMES[at]: int(n) for at, n in enumerate(np.bincount(requests.outcome[was_sent])) if n}
    )
    good = was_sent & (requests.outcome == OUTCOMES.index("ok"))
    given_up = ~was_sent | np.isin(
        requests.outcome, [OUTCOMES.index(name) for name in ("timeout", "cancelled")]
    )
    given_up &= started < last  # what was only due later did not wait
    waited = np.fmax(np.where(np.isnan(done), last, done) - started, 0)

    step: dict[str, Any] = {}
    end = last
    if due is not None:
        step["mode"] = "open"
        span = float(due.max()) - begin
        if span > 0:
            step["offered_per_s"] = (len(due) - 1) / span
            end = max(end, float(due.max()) + span / (len(due) - 1))
    if end > begin:
        step["achieved_per_s"] = counts["ok"] / (end - begin)
        step["concurrency"] = float(waited.sum()) / (end - begin)
        step["seconds"] = end - begin
    step |= _counted(requests, counts, int(was_sent.sum()))
    columns = {"service_ms": (done - sent)[good]}
    if due is not None:
        if given_up.any():
            step["censored"] = int(given_up.sum())
        columns = {"response_ms": waited[good | given_up]} | columns | {"send_lag_ms": (sent - due)[was_sent]}
    for name, durations_s in columns.items():
        summary = latency_summary(np.rint(np.maximum(durations_s, 0) * _NS_PER_S).astype(np.int64))
        if summary:
            step[name] = summary
    return step, tuple(_notes(requests, step))


def _counted(requests: Requests, counts: Counter[str], sent: int) -> dict[str, Any]:
    """The counts of a step. sent = ok + timeouts + cancelled + errors; scheduled = sent + unsent."""
    scheduled = {} if requests.due_s is None else {"scheduled": len(requests.due_s)}
    unsent = {} if requests.due_s is None else {"unsent": len(requests.due_s) - sent}
    step: dict[str, Any] = scheduled | {"sent": sent} | unsent
    step |= {"ok": counts["ok"], "timeouts": counts["timeout"]}
    if counts["cancelled"]:
        step["cancelled"] = counts["cancelled"]
    seen = [name for name in ERROR_CLASSES if counts[name] or (requests.has_status and name in _HTTP_CLASSES)]
    step["errors"] = {name: counts[name] for name in seen}
    tried = sent - counts["cancelled"]
    if tried:
        low, high = binomial_interval(tried - counts["ok"], tried)
        step["error_ratio"] = {"value": (tried - counts["ok"]) / tried, "low": low, "high": high}
    return step


def _notes(requests: Requests, step: Mapping[str, Any]) -> Iterator[str]:
    """What a person must know to read the step right, a sentence each."""
    yield from requests.notes
    if requests.due_s is None:
        yield (
            "The file has no due times: how long requests were held back while the server stalled "
            "(coordinated omission) cannot be seen, and these are service times, not response times."
        )
    if not requests.has_status:
        yield "The file has no status column: every answer counts as a good one."
    if "censored" in step:
        yield (
            f"{step['censored']:,} requests were never sent or never answered; they count with the time they "
            "had waited by the end of the file, so that the true response times are longer."
        )
    elif step["timeouts"]:
        yield (
            f"{step['timeouts']:,} of {step['sent']:,} requests were never answered or timed out; "
            "the times are those of good answers alone."
        )


def runs_of(path: Path) -> list[float] | None:
    """The median service time (ms) of the good answers of each run: one file, or every file of a folder.

    None for a file that no other tool wrote, as its first line says. Raises `UsageError` as `read_requests`
    does, for a folder without files, and for a run without a good answer.
    """
    if not path.is_dir():
        return [_median_ms(path)] if _is_of_a_tool(path) else None
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    if not files:
        raise UsageError(f"{path} is an empty folder: put one file a run into it")
    return [_median_ms(file) for file in files]


def _is_of_a_tool(path: Path) -> bool:
    _check_file(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(rows_of(path, file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return False  # whoever reads it says what is wrong with it
    return tool_of(header, lambda what: UsageError(f"{path}, line 1: {what}")) is not None


def _median_ms(path: Path) -> float:
    step, _ = analyse_requests(path)
    median = step.get("service_ms", {}).get("p50")
    if median is None:
        raise UsageError(f"{path} holds no run with good answers enough for a median: leave it out")
    return float(median)


def read_requests(path: Path) -> Requests:
    """The requests of a CSV file with the header `due_s,sent_s,done_s,status`, columns in any order, or of
    another tool's results.

    `sent_s` and `done_s` must be there. Raises `UsageError`, in one sentence with file and line, for a file
    that cannot be read, is over 200 MB, has another header, no rows, or a row that cannot be true: not a
    number, sent before due, answered before sent, answered and never sent, or of an unknown status.
    """
    _check_file(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read_rows(path, rows_of(path, file))
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}): check the name and the permissions"
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is not text in UTF-8: save it as CSV (of vegeta: vegeta encode --to csv)"
        ) from error


def _check_file(path: Path) -> None:
    try:
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a file name"
        raise UsageError(f"{path} cannot be read ({reason}): check the name and the permissions") from error
    if not path.is_file():
        raise UsageError(f"{path} is not a file: give a CSV file with the header {','.join(COLUMNS)}")
    if size > LARGEST_FILE:
        raise UsageError(
            f"{path} has {size / 1e6:,.0f} MB and at most {LARGEST_FILE / 1e6:,.0f} MB can be read: "
            "split it, or keep only the columns " + ",".join(COLUMNS)
        )
    with suppress(OSError):  # whoever reads it says what is wrong with it
        check_text(path)


def _read_rows(path: Path, rows: Rows) -> Requests:
    lines = _lines(path, rows)
    header = next(lines, None)
    if header is None:
        raise UsageError(f"{path} is empty: it must begin with the header {','.join(COLUMNS)}")
    tool = tool_of(header, lambda what: UsageError(f"{path}, line 1: {what}"))
    if tool is not None:
        return _read_tool(path, rows, chain([header], lines) if tool.first_is_row else lines, tool)
    names = _checked_header(path, header)
    due_at, sent_at, done_at, status_at = (names.index(name) if name in names else None for name in COLUMNS)
    due, sent, done, outcome = array("d"), array("d"), array("d"), array("b")
    codes: dict[str, int] = {}
    timeout = OUTCOMES.index("timeout")

    def refuse(what: str) -> UsageError:
        return UsageError(f"{path}, line {rows.line_num}: {what}")

    for row in lines:
        if len(row) != len(names):
            raise refuse(
                f"{len(row)} values and {len(names)} columns: write one value a column, nothing more"
            )
        sent_s = _seconds(row[sent_at or 0], "sent_s", refuse)
        done_s = _seconds(row[done_at or 0], "done_s", refuse)
        due_s = math.nan if due_at is None else _seconds(row[due_at], "due_s", refuse)
        if due_at is not None and math.isnan(due_s):
            raise refuse("due_s is empty: every request of the schedule has a due time")
        if math.isnan(sent_s) and not math.isnan(done_s):
            raise refuse("done_s without sent_s: a request that was never sent cannot be done")
        if math.isnan(sent_s) and due_at is None:
            raise refuse("sent_s is empty: without due times every row is a request that was sent")
        if sent_s < due_s - _ROUNDING_S:
            raise refuse(f"sent_s {sent_s:.17g} lies before due_s {due_s:.17g}: both must be of one clock")
        if done_s < sent_s - _ROUNDING_S:
            raise refuse(f"done_s {done_s:.17g} lies before sent_s {sent_s:.17g}: both must be of one clock")
        first, last = (sent_s if math.isnan(due_s) else due_s), (sent_s if math.isnan(done_s) else done_s)
        if last - first > _LONGEST_S:
            raise refuse(
                f"{last - first:,.0f} seconds for one request: the columns hold seconds, not milliseconds"
            )
        text = "" if status_at is None else row[status_at]
        code = codes.get(text)
        if code is None:
            code = codes.setdefault(text, _outcome(text, refuse))
        if code == 0 and math.isnan(done_s):
            if text.strip():
                raise refuse(
                    f"status {text.strip()} without done_s: an answer has a time, or leave status empty"
                )
            code = timeout
        due.append(due_s)
        sent.append(sent_s)
        done.append(done_s)
        outcome.append(code)

    if not sent:
        raise UsageError(f"{path} has a header and no rows: it must hold at least one request")
    return Requests(
        due_s=None if due_at is None else np.frombuffer(due, np.float64),
        sent_s=np.frombuffer(sent, np.float64),
        done_s=np.frombuffer(done, np.float64),
        outcome=np.frombuffer(outcome, np.int8),
        has_status=status_at is not None,
    )


def _read_tool(path: Path, rows: Rows, lines: Iterable[Sequence[str]], tool: Tool) -> Requests:
    """The requests of a file that another tool wrote; times count from the first of them."""
    begin, took, outcome = array("q"), array("d"), array("b")
    codes: dict[str, int] = {}

    def refuse(what: str) -> UsageError:
        return UsageError(f"{path}, line {rows.line_num}: {what}")

    for row in lines:
        try:
            answer = tool.read(row, refuse)
        except IndexError:
            raise refuse(f"{len(row)} values are too few for {tool.name}: the row is cut off") from None
        if answer is None:
            continue
        code = codes.get(answer.status)
        if code is None:
            code = codes.setdefault(answer.status, _outcome(answer.status, refuse))
        begin.append(answer.begin_ns)
        took.append(math.nan if answer.took_ns is None else answer.took_ns)
        outcome.append(code)
    if not begin:
        raise UsageError(f"{path} is of {tool.name} and holds no HTTP request: export a run that sent some")
    began = np.frombuffer(begin, np.int64)
    sent_s = (began - began.min()) / _NS_PER_S
    return Requests(
        due_s=None,
        sent_s=sent_s,
        done_s=sent_s + np.frombuffer(took, np.float64) / _NS_PER_S,
        outcome=np.frombuffer(outcome, np.int8),
        has_status=True,
        notes=(f"The file was read as one of {tool.name}.", *tool.finish()),
    )


def _lines(path: Path, rows: Rows) -> Iterator[Sequence[str]]:
    """The rows that hold anything; a row that csv cannot split is a `UsageError`."""
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise UsageError(f"{path}, line {rows.line_num}: {error}: save the file as plain CSV") from error
        if row and any(cell.strip() for cell in row):
            yield row


def _checked_header(path: Path, header: Sequence[str]) -> list[str]:
    names = [name.strip() for name in header]
    expected = ",".join(COLUMNS)
    if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
        raise UsageError(f"{path}, line 1: separate the columns by commas, as in {expected}")
    for name in names:
        if name not in COLUMNS:
            near = get_close_matches(name[:60], COLUMNS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the columns are {expected}"
            raise UsageError(f"{path}, line 1: {name[:60]!r} is not a column: {hint}")
        if names.count(name) > 1:
            raise UsageError(f"{path}, line 1: the column {name} is there twice: leave one out")
    for name in ("sent_s", "done_s"):
        if name not in names:
            raise UsageError(f"{path}, line 1: the column {name} is missing: the header is {expected}")
    return names


def _seconds(text: str, name: str, refuse: Callable[[str], UsageError]) -> float:
    """The seconds in a cell; NaN in an empty one."""
    try:
        value = float(text)
    except ValueError:
        if not text.strip():
            return math.nan
        value = math.nan
    # float() also takes other digits than ASCII's and underscores, which no other tool writes
    if not math.isfinite(value) or "_" in text or not text.isascii():
        raise refuse(f"{text.strip()[:60]!r} in {name} is not a number of seconds: write for example 12.034")
    if abs(value) > _LATEST_S:
        raise refuse(f"{value:.6g} in {name} is no time in seconds: divide milliseconds by 1,000")
    return value


def _outcome(text: str, refuse: Callable[[str], UsageError]) -> int:
    """Which of the outcomes a status is."""
    status = text.strip()
    if not status or status in OUTCOMES:
        return OUTCOMES.index(status or "ok")
    if len(status) == 3 and status.isascii() and status.isdigit() and "2" <= status[0] <= "5":
        name = {"2": "ok", "3": "redirect", "4": "status_4xx", "5": "status_5xx"}[status[0]]
        return OUTCOMES.index("throttled" if status in ("429", "503") else name)
    near = get_close_matches(status[:60], OUTCOMES, n=1)
    hint = (
        f"did you mean {near[0]}?" if near else f"write 200 to 599, {', '.join(OUTCOMES)}, or leave it empty"
    )
    raise refuse(f"{status[:60]!r} is not a status: {hint}")
