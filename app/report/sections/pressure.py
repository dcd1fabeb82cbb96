"""What the load story says of the target under pressure: answers, requests too many, what dies, and what
several instances carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.report.model import Block, Heading, Paragraph, text
from app.report.sections.run_words import number, part, share_words
from assessments.wording import NO_BREAK, amount, counted

Run = Mapping[str, Any]
WHOLE, FULL = 0.95, 0.9
"""From these shares on a sum is whole, and a machine has no processor left."""


def blocks(run: Run) -> list[Block]:
    """All that was found; nothing of what was not measured, or what our own client spoilt."""
    found = answers(run)
    if part(run, "run").get("grade") != "client_limited":
        found += [*overload(run), *instances(run), *loss(run)]
    return found


def answers(run: Run) -> list[Block]:
    """Whether answers under load were those at rest."""
    held = part(run, "answers")
    compared, equal = number(held.get("compared")), number(held.get("equal"))
    if held.get("verdict") not in ("same", "changed") or compared is None or equal is None:
        return []
    if held["verdict"] == "same":
        most = number(held.get("changed_at_most"))
        sure = f"; at most {share_words(most)} differ (95{NO_BREAK}%)" if most is not None else ""
        said = f"{compared:,.0f} answers under load were held against those at rest; all say the same{sure}."
    else:
        what = ", ".join(held.get("different", ()))
        said = (
            f"{compared - equal:,.0f} of {compared:,.0f} answers under load differ from those at rest"
            f"{f' in {what}' if what else ''}: under pressure the service predicts something else."
        )
    left = ", ".join(held.get("left_out", ()))
    apart = f" Left out, because it differs at rest too: {left}." if left else ""
    return [Heading("Answers under load", 2), Paragraph(text(said + apart))]


def overload(run: Run) -> list[Block]:
    """What became of the requests beyond capacity, and how long the target took to be back."""
    found = part(run, "overload")
    offered, good = number(found.get("offered_per_s")), number(found.get("goodput_per_s"))
    if offered is None or good is None or found.get("fault"):
        return []
    said = f"Offered {amount(offered)} requests/s, it answered {amount(good)} a second well and in time"
    ratio, shed = number(found.get("goodput_ratio")), number(found.get("shed_ratio"))
    said += f", {share_words(ratio)} of its highest throughput" if ratio is not None else ""
    said += f"; of the other requests {share_words(shed)} were refused at once" if shed is not None else ""
    return [Heading("Beyond capacity", 2), Paragraph(text(f"{said}.{_back(found, 'the spike')}"))]


def loss(run: Run) -> list[Block]:
    """What callers noticed of the death of one process, or of one of several instances."""
    found = part(run, "loss")
    failed, requests = number(found.get("failed")), number(found.get("requests"))
    of, rate = number(found.get("of")), number(found.get("offered_per_s"))
    if failed is None or requests is None or of is None or rate is None or found.get("fault"):
        return []
    instance = found.get("what") == "instance"
    what = "instances" if instance else "processes"
    said = f"One of {of:.0f} {what} was killed at {amount(rate)} requests/s: {failed:,.0f} of "
    said += f"{counted(int(requests), 'request')} failed.{_back(found, 'its death')}"
    if instance:
        said += _others(found)
    title = "The loss of an instance" if instance else "The loss of a process"
    return [Heading(title, 2), Paragraph(text(said))]


def _others(found: Run) -> str:
    """How the instances that were left carried the load, as sentences."""
    last, used = number(found.get("errors_s")), number(found.get("utilisation"))
    said = f" The last of them failed {amount(last)}{NO_BREAK}s after it." if last else ""
    at = f", at {share_words(used)} of the highest throughput that was left" if used is not None else ""
    because = found.get("because") or "the load ended too early"
    if found.get("carried") is True:
        said += f" What was left carried the load within the objective{at}."
    elif found.get("carried") is False:
        said += f" What was left did not carry the load within the objective{at}: {because}."
    else:
        said += f" Whether what was left carried the load within the objective is not known: {because}."
    early, late = number(part(found, "before").get("p95_ms")), number(part(found, "after").get("p95_ms"))
    if early is not None and late is not None:
        said += f" The 95th percentile was {amount(early)}{NO_BREAK}ms before and {amount(late)}{NO_BREAK}ms"
        said += " after."
    return said


def instances(run: Run) -> list[Block]:
    """What several instances carried together, and whether they agreed."""
    found = part(run, "instances")
    count, ratio = number(found.get("count")), number(found.get("sum_ratio"))
    together, busy = number(found.get("together_per_s")), number(found.get("machine_busy"))
    if count is None:
        return []
    said = f"{count:.0f} instances shared the load."
    if ratio is not None and together is not None and not found.get("fault"):
        said += (
            f" Together they carried {amount(together)} a second, {share_words(ratio)} of what each carried"
        )
        said += " alone in sum."
        if ratio < WHOLE and busy is not None and busy >= FULL:
            said += (
                f" {share_words(busy)} of the machine's processors were in use then, so that instances with"
            )
            said += " processors of their own may carry more."
    answers = part(found, "answers")
    if answers.get("verdict") == "same":
        said += " All answered the same request alike."
    elif answers.get("verdict") == "changed":
        what = ", ".join(answers.get("different", ()))
        said += f" They did not answer the same request alike{f', in {what}' if what else ''}."
    return [Heading("Several instances", 2), Paragraph(text(said))]


def _back(found: Mapping[str, Any], what: str) -> str:
    back, watched = number(found.get("recovery_s")), number(found.get("watched_s"))
    if back is not None:
        return f" The response time was back {amount(back)}{NO_BREAK}s after {what}."
    if watched is not None:
        return f" The response time was not back {amount(watched)}{NO_BREAK}s after {what}."
    return ""
