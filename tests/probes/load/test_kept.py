"""Files that a target leaves open, told from connections and caches."""

from __future__ import annotations

import pytest

from probes.load.kept import FileGrowth, file_growth


@pytest.mark.parametrize(
    ("before", "after", "requests", "connections", "leaks"),
    [
        (10, 510, 500, 0, 1.0),
        (10, 518, 500, 8, 1.0),
        (10, 74, 5_000, 64, 0.0),  # our own connections
        (10, 29, 100, 0, 0.0),  # a pool that has filled
        (10, 60, 10_000, 0, 0.0),  # one in two hundred: a cache
        (10, 260, 10_000, 0, 0.025),
        (90, 10, 500, 0, 0.0),
    ],
)
def test_files_of_each_request(
    before: int, after: int, requests: int, connections: int, leaks: float
) -> None:
    first = {"descriptors": before, "processes": 2, "requests": 7}
    last = {"descriptors": after, "processes": 2, "requests": 7 + requests}
    growth = file_growth([first, last], connections)
    assert growth is not None
    assert growth.per_request == leaks


def test_what_cannot_be_told_is_not() -> None:
    one = {"descriptors": 5, "processes": 1, "requests": 0}
    other = {"descriptors": 500, "processes": 1, "requests": 100}
    assert file_growth([one, other | {"processes": 2}], 0) is None  # a process came, with files of its own
    assert file_growth([one], 0) is None
    assert file_growth([{"processes": 1, "requests": 0}, other], 0) is None
    assert file_growth([one, one], 0) is None
    assert file_growth([one, other | {"descriptors": 5}], 0) == FileGrowth(0, 100)
