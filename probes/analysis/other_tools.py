"""Result files of other load generators, told by their own headers, one request a row.

    k6 run --out csv=FILE         metric_name,timestamp,metric_value,…    one row a metric: http_req_duration
    jmeter -l FILE.jtl            timeStamp,elapsed,label,responseCode,…  ms, stamped when the request began
    vegeta encode --to csv        no header: nanoseconds, status, latency, …
    hey -o csv                    response-time,…,status-code,offset      seconds; offset is when it began
    locust --csv                  summaries only, which hold no requests: refused with what to do instead

None of them records when a request ought to have been sent, so that all of them give service times. Times
count from the first request of the file: as seconds since 1970 they would lose what lies below a microsecond.
k6 stamps the end of a request, by default in whole seconds; its durations are exact all the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn

from probes.errors import UsageError

_UNITS = {10: 1, 13: 10**3, 16: 10**6, 19: 10**9}
"""Digits of a time since 1970 in this century, and how many of its units a second has."""
_NS_PER_S = 10**9

Refuse = Callable[[str], UsageError]


@dataclass(frozen=True, slots=True)
class Answer:
    """One request: when it began (ns since 1970), how long it took (ns, None: never answered), its status."""

    begin_ns: int
    took_ns: int | None
    status: str


@dataclass
class Tool:
    """A way to read one row; None for a row that is about something else.

    `finish` gives the notes on all rows that were read. `first_is_row` tells of files without a header.
    """

    name: str
    read: Callable[[Sequence[str], Refuse], Answer | None]
    first_is_row: bool = False
    finish: Callable[[], Iterable[str]] = field(default=lambda: ())


def tool_of(header: Sequence[str], refuse: Refuse) -> Tool | None:
    """The tool that writes such a first line; None where it is none of these.

    Raises what `refuse` makes for summaries, which hold no requests.
    """
    names = [name.strip() for name in header]
    if names[:3] == ["metric_name", "timestamp", "metric_value"]:
        return _k6(names)
    if {"timeStamp", "elapsed"} <= set(names):
        return _jmeter(names)
    if {"response-time", "status-code", "offset"} <= set(names):
        return _hey(names)
    if len(names) == 1 and names[0].split()[:2] == ["Value", "Percentile"]:
        raise refuse(
            "this is a table of percentiles (HdrHistogram, as of wrk2) and holds no requests: give one row a "
            "request, as sent_s,done_s,status"
        )
    if {"Type", "Name", "Request Count"} <= set(names) or {"User Count", "Requests/s"} <= set(names):
        raise refuse(
            "this is a summary of Locust and holds no requests: write one row a request from its "
            "events.request, as sent_s,done_s,status"
        )
    if (
        len(names) >= 6
        and all(name.isascii() and name.isdigit() for name in names[:5])
        and len(names[0]) == 19
    ):
        return Tool("vegeta", _vegeta, first_is_row=True)
    return None


def _k6(names: Sequence[str]) -> Tool:
    at = {name: place for place, name in enumerate(names)}
    dropped = [0.0]

    def read(row: Sequence[str], refuse: Refuse) -> Answer | None:
        metric = row[at["metric_name"]]
        if metric == "dropped_iterations":
            dropped[0] += _number(row[at["metric_value"]], "metric_value", refuse)
        if metric != "http_req_duration":
            return None
        took = _number(row[at["metric_value"]], "metric_value", refuse) * 1e6
        end = _moment_ns(row[at["timestamp"]], refuse)
        cells = {name: row[place].strip() for name, place in at.items()}
        status = cells.get("status", "")
        if status in ("", "0"):
            return Answer(end - round(took), None if _k6_timeout(cells) else round(took), _k6_error(cells))
        if cells.get("expected_response") == "true":
            status = "ok"
        return Answer(end - round(took), round(took), status)

    def finish() -> Iterable[str]:
        if dropped[0]:
            yield (
                f"k6 dropped {dropped[0]:,.0f} iterations that it could not start in time: what was never "
                "sent is in none of these figures."
            )

    return Tool("k6", read, finish=finish)


def _k6_timeout(cells: Mapping[str, str]) -> bool:
    return cells.get("error_code") == "1050"


def _k6_error(cells: Mapping[str, str]) -> str:
    """By k6's documented error codes: 1050 time-out, 1220 reset, 13xx TLS, 15xx and 16xx HTTP/2."""
    code = cells.get("error_code", "")
    if code == "1050":
        return "timeout"
    if code.startswith("122"):
        return "reset"
    if code.startswith("13"):
        return "tls"
    return "protocol" if code[:2] in ("15", "16") else "connect"


def _jmeter(names: Sequence[str]) -> Tool:
    at = {name: place for place, name in enumerate(names)}

    def read(row: Sequence[str], refuse: Refuse) -> Answer:
        took = _number(row[at["elapsed"]], "elapsed", refuse) * 1e6
        begin = _moment_ns(row[at["timeStamp"]], refuse)
        code = row[at["responseCode"]].strip() if "responseCode" in at else ""
        good = row[at["success"]].strip().lower() == "true" if "success" in at else None
        if len(code) == 3 and code.isdigit():
            status = "assertion" if good is False and code[0] == "2" else "ok" if good else code
        elif good:
            status = "ok"
        else:  # "Non HTTP response code: java.net.SocketTimeoutException"
            status = "ok" if good is None and not code else _java_error(code)
        return Answer(begin, None if status == "timeout" else round(took), status)

    return Tool("JMeter", read)


def _java_error(code: str) -> str:
    for word, status in (
        ("Timeout", "timeout"), ("SSL", "tls"), ("Connect", "connect"), ("UnknownHost", "connect"),
        ("Reset", "reset"), ("Socket", "reset"), ("NoHttpResponse", "empty"),
    ):  # fmt: skip
        if word.lower() in code.lower():
            return status
    return "assertion"


def _vegeta(row: Sequence[str], refuse: Refuse) -> Answer:
    begin = _moment_ns(row[0], refuse)
    took = round(_number(row[2], "the latency", refuse))
    if row[1].strip() != "0":
        return Answer(begin, took, row[1].strip())
    error = row[5].lower()
    if "timeout" in error or "deadline exceeded" in error:
        return Answer(begin, None, "timeout")
    status = "reset" if "reset" in error or "eof" in error else "tls" if "tls" in error else "connect"
    return Answer(begin, took, status)


def _hey(names: Sequence[str]) -> Tool:
    at = {name: place for place, name in enumerate(names)}

    def read(row: Sequence[str], refuse: Refuse) -> Answer:
        took = round(_number(row[at["response-time"]], "response-time", refuse) * _NS_PER_S)
        begin = round(_number(row[at["offset"]], "offset", refuse) * _NS_PER_S)
        return Answer(begin, took, row[at["status-code"]].strip())

    def finish() -> Iterable[str]:
        yield (
            "hey leaves requests without an answer, and all beyond a million, out of its CSV: its own error "
            "distribution counts the former."
        )

    return Tool("hey", read, finish=finish)


def _number(text: str, name: str, refuse: Refuse) -> float:
    try:
        value = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        value = math.nan
    if not 0 <= value < 1e18:
        raise refuse(f"{text.strip()[:60]!r} in {name} is no number from 0 up: export the file again")
    return value


def _moment_ns(text: str, refuse: Refuse) -> int:
    """A time since 1970 in s, ms, µs or ns, or as RFC 3339, in ns."""
    whole = text.strip()
    if whole.isascii() and whole.isdigit() and len(whole) in _UNITS:
        return int(whole) * (_NS_PER_S // _UNITS[len(whole)])
    try:
        return round(datetime.fromisoformat(whole).timestamp() * 1e6) * 1_000
    except ValueError:
        _refuse_moment(whole, refuse)


def _refuse_moment(text: str, refuse: Refuse) -> NoReturn:
    raise refuse(f"{text[:60]!r} is no time since 1970: export the file with plain time stamps")
