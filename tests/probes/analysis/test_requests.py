"""One row a request: what a file tells of a step, what it does not, and every way it can be wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.analysis import requests
from probes.analysis.percentiles import binomial_interval
from probes.analysis.requests import OUTCOMES, analyse_requests, read_requests
from probes.errors import UsageError

HEADER = "due_s,sent_s,done_s,status"


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(text: str | bytes, name: str = "requests.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def stalled(n: int = 1_000, rate: float = 100.0, stall: float = 2.0, service: float = 0.005) -> str:
    """Rows of an open loop whose server stands still for its first `stall` seconds."""
    rows = [HEADER]
    for k in range(n):
        due = k / rate
        rows.append(f"{due:.6f},{due:.6f},{max(due, stall) + service:.6f},200")
    return "\n".join(rows) + "\n"


def test_a_steady_step_in_whole(write: Any) -> None:
    # 1,000 requests at 100/s, each sent 1 ms late and served in 4 ms
    rows = [f"{k / 100:.3f},{k / 100 + 0.001:.3f},{k / 100 + 0.005:.3f},200" for k in range(1_000)]
    step, notes = analyse_requests(write("\n".join([HEADER, *rows])))
    assert notes == ()
    assert step.pop("error_ratio") == {"value": 0.0, "low": 0.0, "high": pytest.approx(1 - 0.025**0.001)}
    times = {name: step.pop(name) for name in ("response_ms", "service_ms", "send_lag_ms")}
    for name, ms in (("response_ms", 5.0), ("service_ms", 4.0), ("send_lag_ms", 1.0)):
        assert set(times[name]) == {"p50", "p90", "p95", "p99", "p99_low", "p99_high", "max", "mean"}
        assert list(times[name].values()) == pytest.approx([ms] * 8)
    assert step == {
        "mode": "open",
        "offered_per_s": pytest.approx(100.0),
        "achieved_per_s": pytest.approx(100.0),
        "concurrency": pytest.approx(0.5),  # Little: 100/s for 5 ms each
        "seconds": pytest.approx(10.0),
        "scheduled": 1_000,
        "sent": 1_000,
        "unsent": 0,
        "ok": 1_000,
        "timeouts": 0,
        "errors": {"status_4xx": 0, "status_5xx": 0, "throttled": 0, "redirect": 0},
        "steady": {"from_request": 0, "of_requests": 1_000},
    }


def test_a_stall_shows_in_the_percentiles_of_response_time(write: Any) -> None:
    # LOAD-ENGINE: 100/s for 10 s, 5 ms of service, a stall of 2 s → p85 .5, p90 1, p95 1.5, p99 1.9, max 2 s
    step, _ = analyse_requests(write(stalled()))
    for name, seconds in (("p90", 1.0), ("p95", 1.5), ("p99", 1.9), ("max", 2.0)):
        assert step["response_ms"][name] == pytest.approx(seconds * 1e3, abs=16)
    assert step["response_ms"]["p50"] == pytest.approx(5.0)


def test_without_due_times_only_service_times_are_known_and_it_is_said(write: Any) -> None:
    step, notes = analyse_requests(write("sent_s,done_s\n0,1\n1,2\n2,4\n"))
    assert len(notes) == 2
    assert "coordinated omission" in notes[0]
    assert "no status column" in notes[1]
    low, high = binomial_interval(0, 3)
    assert step == {
        "achieved_per_s": pytest.approx(3 / 4),
        "concurrency": pytest.approx((1 + 1 + 2) / 4),
        "seconds": 4.0,
        "sent": 3,
        "ok": 3,
        "timeouts": 0,
        "errors": {},
        "error_ratio": {"value": 0.0, "low": low, "high": high},
        "service_ms": {"max": 2_000.0, "mean": pytest.approx(4_000 / 3)},
    }


def test_every_status_is_counted_in_its_class(write: Any) -> None:
    statuses = [
        "200", "204", "299", "ok", "", "301", "304", "400", "404", "429", "500", "503", "502", "timeout",
        "cancelled", "connect", "reset", "protocol", "tls", "assertion", "empty", "throttled", " 200 ",
    ]  # fmt: skip
    rows = [f"{k},{k},{k}.5,{status}" for k, status in enumerate(statuses)]
    step, _ = analyse_requests(write("\n".join([HEADER, *rows])))
    assert step["ok"] == 6
    assert step["timeouts"] == 1
    assert step["cancelled"] == 1
    assert step["errors"] == {
        "connect": 1, "reset": 1, "protocol": 1, "status_4xx": 2, "status_5xx": 2, "throttled": 3,
        "redirect": 2, "tls": 1, "assertion": 1, "empty": 1,
    }  # fmt: skip
    assert step["error_ratio"]["value"] == pytest.approx(16 / 22)
    assert (step["error_ratio"]["low"], step["error_ratio"]["high"]) == binomial_interval(16, 22)


@settings(deadline=None)
@given(st.lists(st.sampled_from([*OUTCOMES, "200", "404", "503", "", "unsent", "unanswered"]), min_size=1))
def test_the_counts_always_sum(tmp_path_factory: pytest.TempPathFactory, kinds: list[str]) -> None:
    rows = [HEADER]
    for k, kind in enumerate(kinds):
        done = "" if kind == "unanswered" else f"{k}.5"
        rows.append(
            f"{k},,," if kind == "unsent" else f"{k},{k},{done},{'' if kind == 'unanswered' else kind}"
        )
    path = tmp_path_factory.mktemp("requests") / "any.csv"
    path.write_text("\n".join(rows))
    step, _ = analyse_requests(path)
    assert step["scheduled"] == len(kinds) == step["sent"] + step["unsent"]
    errors = sum(step["errors"].values())
    assert step["sent"] == step["ok"] + step["timeouts"] + step.get("cancelled", 0) + errors
    assert json.loads(json.dumps(step, allow_nan=False)) == step


def test_what_was_never_answered_is_a_time_out_that_waited_to_the_end(write: Any) -> None:
    rows = [f"{k},{k},{k}.1,200" for k in range(9)]
    step, notes = analyse_requests(write("\n".join([HEADER, *rows, "2.5,2.5,,", "3.5,,,"])))
    assert (step["ok"], step["timeouts"], step["sent"], step["unsent"]) == (9, 1, 10, 1)
    assert step["censored"] == 2
    # the last stamp is 8.1 s: one waited 5.6 s, the other 4.6 s
    assert step["response_ms"]["max"] == pytest.approx(5_600)
    assert step["response_ms"]["mean"] == pytest.approx((9 * 100 + 5_600 + 4_600) / 11)
    assert step["service_ms"]["max"] == pytest.approx(100)
    assert step["error_ratio"]["value"] == pytest.approx(0.1)
    assert any("2 requests were never sent or never answered" in note for note in notes)


def test_unanswered_requests_are_never_passed_over_in_silence(write: Any) -> None:
    for text in (f"{HEADER}\n0,0,0.1,200\n2,2,,\n", "sent_s,done_s\n0,1\n0,\n"):
        step, notes = analyse_requests(write(text))
        assert step["timeouts"] == 1
        assert "1 of 2 requests were never answered" in notes[-1]


def test_what_was_only_due_after_the_end_did_not_wait(write: Any) -> None:
    rows = [f"{k},{k},{k}.5,200" for k in range(3)]
    step, _ = analyse_requests(write("\n".join([HEADER, *rows, "100,,,", "101,,,"])))
    assert step["unsent"] == 2
    assert "censored" not in step
    assert step["response_ms"] == {"max": 500.0, "mean": 500.0}


def test_a_failed_answer_is_no_fast_answer(write: Any) -> None:
    rows = [f"{k},{k},{k}.9,200" for k in range(5)] + [f"{k}.5,{k}.5,{k}.501,500" for k in range(20)]
    step, _ = analyse_requests(write("\n".join([HEADER, *rows])))
    assert step["response_ms"] == {"max": pytest.approx(900), "mean": pytest.approx(900)}


def test_nothing_but_unsent_requests(write: Any) -> None:
    step, _ = analyse_requests(write(f"{HEADER}\n0,,,\n1,,,\n"))
    assert (step["scheduled"], step["sent"], step["unsent"], step["ok"]) == (2, 0, 2, 0)
    assert not {"error_ratio", "response_ms", "service_ms", "send_lag_ms"} & set(step)


def test_a_single_request_has_no_rate(write: Any) -> None:
    step, _ = analyse_requests(write(f"{HEADER}\n5,5,5,\n"))
    assert not {"offered_per_s", "achieved_per_s", "concurrency", "seconds"} & set(step)
    assert step["response_ms"] == {"max": 0.0, "mean": 0.0}


def test_any_order_of_rows_and_columns_and_any_clock(write: Any) -> None:
    plain = "due_s,sent_s,done_s\n0,0.5,1\n1,1.5,3\n2,2.25,2.5\n"
    mixed = "\ufeffdone_s , due_s,sent_s\r\n\r\n1e9,999999999,999999999.5\r\n"
    mixed += "1000000001.5,1000000001,1000000001.25\r\n, ,\r\n1000000002,1000000000,1000000000.5\r\n"
    assert analyse_requests(write(mixed, "mixed.csv"))[0] == analyse_requests(write(plain))[0]


def test_quoted_cells_and_spaces_are_read(write: Any) -> None:
    found = read_requests(write(f'{HEADER}\n"0", 0.5 ,"1.5"," 200 "\n'))
    assert found.due_s is not None
    assert (found.due_s[0], found.sent_s[0], found.done_s[0], found.outcome[0]) == (0, 0.5, 1.5, 0)


def test_stamps_that_differ_by_rounding_alone_are_no_contradiction(write: Any) -> None:
    step, _ = analyse_requests(write(f"{HEADER}\n1.0000004,1.0,0.9999996,200\n"))
    assert step["response_ms"]["max"] == 0.0
    assert step["send_lag_ms"]["max"] == 0.0


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("0,0,nan,200", "line 3: 'nan' in done_s is not a number of seconds"),
        ("inf,0,1,200", "line 3: 'inf' in due_s is not a number"),
        ("0,1e400,,200", "'1e400' in sent_s is not a number"),
        ("0,abc,1,200", "'abc' in sent_s is not a number"),
        ("0,1_0,11,200", "'1_0' in sent_s is not a number"),
        ("0,٣,4,200", "in sent_s is not a number"),
        ("0,\x001,4,200", r"'\x001' in sent_s is not a number"),
        ("0,0:00:01,4,200", "in sent_s is not a number"),
        (",0,1,200", "due_s is empty"),
        ("0,,1,200", "done_s without sent_s"),
        ("2,1,3,200", "sent_s 1 lies before due_s 2"),
        ("0,3,2,200", "done_s 2 lies before sent_s 3"),
        ("0,0,2000000,200", "2,000,000 seconds for one request: the columns hold seconds, not milliseconds"),
        ("1700000000000,1700000000000,,", "1.7e+12 in sent_s is no time in seconds"),
        ("0,0,1", "3 values and 4 columns"),
        ("0,0,1,200,5", "5 values and 4 columns"),
        ("0,0,1,600", "'600' is not a status: write 200 to 599"),
        ("0,0,1,0", "'0' is not a status"),
        ("0,0,1,100", "'100' is not a status"),
        ("0,0,1,200.0", "'200.0' is not a status"),
        ("0,0,1,２００", "is not a status"),
        ("0,0,1,timed", "'timed' is not a status: did you mean timeout?"),
        ("0,0,1,conect", "did you mean connect?"),
        ("0,0,,200", "status 200 without done_s"),
        ("0,,,200", "status 200 without done_s"),
        ('0,0,1,"200', "'200' is not"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_true_is_named_with_its_line(write: Any, row: str, said: str) -> None:
    path = write(f"{HEADER}\n0,0,1,200\n{row}\n")
    if said == "'200' is not":  # an open quote runs to the end of the file, which is a status with a line end
        path.write_text(f'{HEADER}\n0,0,1,200\n0,0,1,"201\n0,0,1,"x')
        said = "is not a status"
    with pytest.raises(UsageError) as refused:
        analyse_requests(path)
    assert str(refused.value).startswith(f"{path}, line ")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("due,sent_s,done_s", "line 1: 'due' is not a column: did you mean due_s?"),
        ("due_s,sent_ms,done_s", "'sent_ms' is not a column: did you mean sent_s?"),
        ("due_s,sent_s,done_s,state", "did you mean status?"),
        ("sent_s,done_s,url", "'url' is not a column: the columns are due_s,sent_s,done_s,status"),
        ("due_s,sent_s", "the column done_s is missing"),
        ("due_s,done_s,status", "the column sent_s is missing"),
        ("sent_s,done_s,sent_s", "the column sent_s is there twice"),
        ("due_s;sent_s;done_s;status", "separate the columns by commas"),
        ("due_s\tsent_s\tdone_s", "separate the columns by commas"),
        ("0,0,1,200", "'0' is not a column"),
        ("sent_s,done_s,", "'' is not a column"),
    ],
)
def test_a_wrong_header_is_answered_with_the_nearest_name(write: Any, header: str, said: str) -> None:
    path = write(f"{header}\n0,0,1,200\n")
    with pytest.raises(UsageError) as refused:
        analyse_requests(path)
    assert str(refused.value).startswith(f"{path}, line 1: ")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty: it must begin with the header due_s,sent_s,done_s,status"),
        (b"\n\n , \n", "is empty"),
        (f"{HEADER}\n".encode(), "has a header and no rows"),
        (f"{HEADER}\n\n,,,\n".encode(), "has a header and no rows"),
        (b"\xff\xfe\x00\x01", "is not text in UTF-8"),
        (HEADER.encode("utf-16"), "is not text in UTF-8"),
        (f"{HEADER}\n0,0,1,caf".encode() + b"\xe9", "is not text in UTF-8"),
        (b"," * 150_000, "line 1: over 100,000 characters"),
        (b"x" * 150_000, "line 1: over 100,000 characters"),
        (f"{HEADER}\n0,0,1,200\n".encode() + b"0," * 60_000, "line 3: over 100,000 characters"),
        (f'{HEADER}\n0,0,1,"'.encode() + b"1\n" * 100_000, "field larger than field limit"),
    ],
)
def test_a_file_that_is_no_csv_of_requests_is_refused(write: Any, content: bytes, said: str) -> None:
    path = write(content)
    with pytest.raises(UsageError) as refused:
        analyse_requests(path)
    assert str(path) in str(refused.value)
    assert said in str(refused.value)


def test_a_file_that_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"missing\.csv cannot be read \(No such file or directory\)"):
        analyse_requests(tmp_path / "missing.csv")
    with pytest.raises(UsageError, match="is not a file"):
        analyse_requests(tmp_path)
    with pytest.raises(UsageError, match="cannot be read"):
        analyse_requests(Path("a\0b"))
    os.mkfifo(tmp_path / "pipe")  # opening it would wait for ever
    with pytest.raises(UsageError, match="is not a file"):
        analyse_requests(tmp_path / "pipe")


def test_a_file_over_the_cap_is_refused_by_its_size_alone(write: Any) -> None:
    path = write(HEADER)
    os.truncate(path, requests.LARGEST_FILE + 1)  # sparse: it takes no room
    with pytest.raises(UsageError, match=r"has 200 MB and at most 200 MB can be read: split it"):
        analyse_requests(path)


@settings(deadline=None)
@given(st.text(alphabet="0123456789.,-e\"\n\r ;'nai\x00", max_size=60))
def test_any_other_text_is_a_step_or_a_usage_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.mktemp("requests") / "any.csv"
    path.write_bytes(f"{HEADER}\n{text}".encode())
    try:
        step, _ = analyse_requests(path)
    except UsageError as error:
        assert str(path) in str(error)
    else:
        json.dumps(step, allow_nan=False)
