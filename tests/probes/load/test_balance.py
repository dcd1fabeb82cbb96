"""Which of several instances gets the next request and the next connection."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from probes.load.balance import OUT_NS, Spread, Turns


def conn(instance: int) -> Any:
    return SimpleNamespace(instance=instance)


def test_requests_take_turns_and_pass_over_who_has_no_connection_free() -> None:
    turns = Turns(3)
    for instance in (0, 0, 0, 2, 2):
        turns.append(conn(instance))
    assert [turns.pop().instance for _ in range(5)] == [0, 2, 0, 2, 0]
    assert turns.taken == [3, 0, 2]
    assert not turns
    with pytest.raises(IndexError):
        turns.pop()


def test_a_connection_that_broke_is_no_longer_free() -> None:
    turns = Turns(2)
    broken, good = conn(1), conn(1)
    turns.append(broken)
    turns.append(good)
    turns.remove(broken)
    assert (len(turns), turns.pop()) == (1, good)


def opened(spread: Spread, t: int, times: int) -> list[int]:
    places = []
    for _ in range(times):
        places.append(spread.next(t))
        spread.open[places[-1]] += 1
    return places


def test_connections_are_opened_to_who_has_the_fewest() -> None:
    spread = Spread(3)
    assert opened(spread, 0, 6) == [0, 1, 2, 0, 1, 2]
    spread.open[1] -= 2
    assert opened(spread, 0, 3) == [1, 1, 2]


def test_who_refuses_is_out_for_a_while_and_then_tried_again() -> None:
    spread = Spread(2)
    assert spread.next(0) == 0
    assert spread.refused(0, 0)  # the other is left to try
    assert opened(spread, 1, 3) == [1, 1, 1]
    assert not spread.to_try_again(OUT_NS - 1)
    assert spread.to_try_again(OUT_NS)
    assert spread.next(OUT_NS) == 0


def test_where_all_refuse_nobody_is_left() -> None:
    spread = Spread(2)
    assert spread.refused(0, 0)
    assert not spread.refused(1, 5)
    assert spread.next(10) == 0  # it has been out for longest


def test_only_those_named_get_connections() -> None:
    spread = Spread(3)
    spread.use((2,))
    assert (opened(spread, 0, 2), spread.count) == ([2, 2], 1)
    assert not spread.refused(2, 0)
    spread.use(None)
    assert spread.count == 3
