"""What a probe says of the target under pressure beside its times: whether it still answers
the same, and what becomes of the requests beyond its capacity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.cli.figures import known, number, share
from app.cli.layout import NO_BREAK, Line, plain, wrapped


def answer_lines(result: Mapping[str, Any], columns: int) -> list[Line]:
    """Whether answers under load were those at rest; nothing where they could not be compared."""
    answers = result.get("answers")
    if not isinstance(answers, Mapping):
        return []
    compared, equal = known(answers.get("compared")), known(answers.get("equal"))
    if compared is None or equal is None:
        return []
    apart = _listed(answers.get("left_out"))
    apart = f" (apart from {apart}, which differs at rest too)" if apart else ""
    if answers.get("verdict") == "changed":
        steps = answers.get("in_steps")
        first = known(steps[0]) if isinstance(steps, Sequence) and steps else None
        where = f", first in step {first + 1:.0f}" if first is not None else ""
        what = _listed(answers.get("different"))
        text = (
            f"{number(compared - equal)} of {number(compared)} answers under load differ from those at rest"
        )
        return wrapped(f"{text}{f' in {what}' if what else ''}{where}{apart}.", columns, "bad")
    if answers.get("verdict") != "same":
        return []
    most = known(answers.get("changed_at_most"))
    sure = f", so that at most {share(most)} differ (95 %)" if most is not None else ""
    return wrapped(f"{number(compared)} answers under load are those at rest{apart}{sure}.", columns)


def overload_lines(result: Mapping[str, Any], columns: int) -> list[Line]:
    """What became of the requests beyond capacity, and how long the target took to be back."""
    found = result.get("overload")
    if not isinstance(found, Mapping):
        return []
    offered, good = known(found.get("offered_per_s")), known(found.get("goodput_per_s"))
    if offered is None or good is None:
        return []
    text = f"Offered {number(offered)}{NO_BREAK}requests/s it answers {number(good)} a second in time"
    ratio = known(found.get("goodput_ratio"))
    text += f" ({share(ratio)} of its highest throughput)" if ratio is not None else ""
    shed = known(found.get("shed_ratio"))
    text += f"; of the others {share(shed)} are refused at once" if shed is not None else ""
    back = known(found.get("recovery_s"))
    watched = number(found.get("watched_s"))
    after = (
        f"{number(back)}{NO_BREAK}s after the spike it is back"
        if back is not None
        else f"{watched}{NO_BREAK}s after the spike it is not back"
    )
    lines = wrapped(f"{text}. {after}.", columns)
    if found.get("fault"):
        lines += wrapped(f"But {plain(found['fault'])}.", columns, "warn")
    return lines


def loss_lines(result: Mapping[str, Any], columns: int) -> list[Line]:
    """What callers noticed when one of the target's processes was ended."""
    found = result.get("loss")
    if not isinstance(found, Mapping):
        return []
    failed, back = known(found.get("failed")), known(found.get("recovery_s"))
    if failed is None:
        return []
    text = f"With one of {number(found.get('of'))} processes ended at {number(found.get('offered_per_s'))}"
    text += f"{NO_BREAK}requests/s, {number(failed)} of {number(found.get('requests'))} requests failed"
    before = known(found.get("failed_before"))
    text += f" ({number(before)} more before that)" if before else ""
    watched = number(found.get("watched_s"))
    text += f"; it was back after {number(back)}{NO_BREAK}s" if back is not None else ""
    text += "" if back is not None else f"; it was not back after {watched}{NO_BREAK}s"
    lines = wrapped(f"{text}.", columns)
    if found.get("fault"):
        lines += wrapped(f"But {plain(found['fault'])}.", columns, "warn")
    return lines


def _listed(names: Any) -> str:
    return ", ".join(plain(name) for name in names) if isinstance(names, list | tuple) else ""
