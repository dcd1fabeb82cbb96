"""Arrivals from a file: the times are kept, and what would have to be guessed is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.errors import UsageError
from probes.load.replay import read_replay


def replay_of(tmp_path: Path, text: str) -> list[float]:
    (tmp_path / "times.csv").write_text(text)
    return [due / 1e9 for due in read_replay(tmp_path / "times.csv").due_ns.tolist()]


@pytest.mark.parametrize(
    "text",
    [
        "due_s\n100.5\n100.75\n100.75\n103.5\n",
        "100.5\n100.75\n100.75\n103.5",
        "\ufeffdue_s\r\n100.5\r\n\r\n100.75\r\n100.75\r\n103.5\r\n",
        "sent_s,due_s,status\n101,100.5,200\n101,100.75,\n101,100.75,503\n104,103.5,200\n",
    ],
)
def test_times_count_from_the_first(text: str, tmp_path: Path) -> None:
    assert replay_of(tmp_path, text) == [0.0, 0.25, 0.25, 3.0]


def test_the_load_ends_one_mean_gap_after_the_last(tmp_path: Path) -> None:
    """Four requests in three gaps over 3 s: 1/s, so that 4 s hold them; of one alone a moment."""
    (tmp_path / "a.csv").write_text("0\n1\n2\n3\n")
    found = read_replay(tmp_path / "a.csv")
    assert (found.seconds, found.file) == (pytest.approx(4.0), "a.csv")
    (tmp_path / "a.csv").write_text("7\n")
    assert read_replay(tmp_path / "a.csv").seconds == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no times"),
        ("due_s\n", "holds no times"),
        ("due_s\n0\nnan\n", "line 3: 'nan' is no time"),
        ("due_s\n0\ninf\n", "line 3: 'inf' is no time"),
        ("due_s\n-1\n", "line 2: '-1' is no time"),
        ("due_s\n1_0\n", "'1_0' is no time"),
        ("due_s\nnow\n", "'now' is no time"),
        ("due_s\n0\n2\n1\n", "line 4: 1 lies before 2 in line 3"),
        ("due_s,status\n0,200\n,200\n", "line 3: '' is no time"),
        ("due_s,status\n0,200\n,\n", "line 3: due_s is empty"),
        ("due_s,status\n0\n", "1 values where 2 are expected"),
        ("sent_s,done_s\n0,1\n", "no column due_s"),
        ("start\n0\n", "'start' is no time"),
        ("0\n1000000\n", "times are in seconds"),
        ("1e300\n", "is no time"),
    ],
)
def test_what_would_have_to_be_guessed_is_refused(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"times\.csv") as refused:
        replay_of(tmp_path, text)
    assert said in str(refused.value)


def test_what_is_no_text_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe0\x00")
    for path, said in ((tmp_path / "x.csv", "not text in UTF-8"), (tmp_path, "plain file")):
        with pytest.raises(UsageError, match=said):
            read_replay(path)


@given(gaps=st.lists(st.floats(0, 1e3), min_size=1, max_size=40), first=st.floats(0, 1e6))
def test_gaps_are_kept_to_the_nanosecond(
    gaps: list[float], first: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    times = [first]
    for gap in gaps:
        times.append(times[-1] + gap)
    path = tmp_path_factory.mktemp("replay") / "times.csv"
    path.write_text("due_s\n" + "\n".join(map(repr, times)))
    found = read_replay(path)
    for due, time in zip(found.due_ns.tolist(), times, strict=True):
        assert due == pytest.approx((time - first) * 1e9, abs=1)
    assert found.due_ns[-1] / 1e9 < found.seconds
