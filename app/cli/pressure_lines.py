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
    """What callers noticed when one of the target's processes, or one of several instances, was ended."""
    found = result.get("loss")
    if not isinstance(found, Mapping):
        return []
    failed, back = known(found.get("failed")), known(found.get("recovery_s"))
    if failed is None:
        return []
    instance = found.get("what") == "instance"
    what = "instances" if instance else "processes"
    text = f"With one of {number(found.get('of'))} {what} killed at {number(found.get('offered_per_s'))}"
    text += f"{NO_BREAK}requests/s, {number(failed)} of {number(found.get('requests'))} requests failed"
    before = known(found.get("failed_before"))
    text += f" ({number(before)} more before that)" if before else ""
    watched = number(found.get("watched_s"))
    text += f"; it was back after {number(back)}{NO_BREAK}s" if back is not None else ""
    text += "" if back is not None else f"; it was not back after {watched}{NO_BREAK}s"
    lines = wrapped(f"{text}.{_others(found) if instance else ''}", columns)
    if found.get("fault"):
        lines += wrapped(f"But {plain(found['fault'])}.", columns, "warn")
    return lines


def _others(found: Mapping[str, Any]) -> str:
    """How the instances that were left carried the load, as sentences."""
    of, used = known(found.get("of")), known(found.get("utilisation"))
    left = "The other" if of == 2 else f"The other {number(None if of is None else of - 1)}"
    verb = "carries" if of == 2 else "carry"
    at = f", {share(used)} of the highest throughput that is left" if used is not None else ""
    because = plain(found.get("because") or "the load ended too early")
    if found.get("carried") is True:
        text = f" {left} {verb} it within the SLO{at}"
    elif found.get("carried") is False:
        text = f" {left} {'does' if of == 2 else 'do'} not carry it within the SLO{at}: {because}"
    else:
        text = f" Whether {left[0].lower()}{left[1:]} {verb} it within the SLO is not known{at}: {because}"
    before, after = found.get("before"), found.get("after")
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        early, late = known(before.get("p95_ms")), known(after.get("p95_ms"))
        if early is not None and late is not None:
            text += f"; p95 {number(early)}{NO_BREAK}ms before, {number(late)}{NO_BREAK}ms after"
        rates = (number(part.get("throughput_per_s")) for part in (before, after))
        text += "; {} and {} good answers a second".format(*rates)
    return f"{text}."


def instance_lines(result: Mapping[str, Any], columns: int) -> list[Line]:
    """What several instances carry together beside what each carries alone, and whether they agree."""
    found = result.get("instances")
    if not isinstance(found, Mapping) or known(found.get("count")) is None:
        return []
    count = number(found.get("count"))
    text = f"{count} instances shared the load"
    alone, together = found.get("alone_per_s"), known(found.get("together_per_s"))
    ratio = known(found.get("sum_ratio"))
    if isinstance(alone, Sequence) and together is not None and ratio is not None:
        each = ", ".join(number(rate) for rate in alone)
        text += (
            f": together they carry {number(together)} a second, {share(ratio)} of what each carries alone"
        )
        text += f" ({each}{NO_BREAK}/s) in sum"
    lines = wrapped(f"{text}.", columns)
    busy = known(found.get("machine_busy"))
    if ratio is not None and ratio < 0.95 and busy is not None and busy >= 0.9:
        full = f"{share(busy)} of this machine's processors were in use then: with their own they may carry"
        lines += wrapped(f"{full} more.", columns, "warn")
    if found.get("fault"):
        lines += wrapped(f"But {plain(found['fault'])}.", columns, "warn")
    answers = found.get("answers")
    if isinstance(answers, Mapping) and answers.get("verdict") == "changed":
        said = f"They do not answer the same request alike: {_listed(answers.get('different'))} differs."
        lines += wrapped(said, columns, "bad")
    elif isinstance(answers, Mapping) and answers.get("verdict") == "same":
        lines += wrapped("They answer the same request alike.", columns)
    return lines


def _listed(names: Any) -> str:
    return ", ".join(plain(name) for name in names) if isinstance(names, list | tuple) else ""
