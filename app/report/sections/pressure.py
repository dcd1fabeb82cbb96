"""What the load story says of the target under pressure: answers, requests too many, a process that dies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.report.model import Block, Heading, Paragraph, text
from app.report.sections.run_words import number, part, share_words
from assessments.wording import NO_BREAK, amount, counted

Run = Mapping[str, Any]


def blocks(run: Run) -> list[Block]:
    """All that was found; nothing of what was not measured, or what our own client spoilt."""
    found = answers(run)
    if part(run, "run").get("grade") != "client_limited":
        found += [*overload(run), *loss(run)]
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
    """What callers noticed of the death of one process."""
    found = part(run, "loss")
    failed, requests = number(found.get("failed")), number(found.get("requests"))
    of, rate = number(found.get("of")), number(found.get("offered_per_s"))
    if failed is None or requests is None or of is None or rate is None or found.get("fault"):
        return []
    said = f"One of {of:.0f} processes was killed at {amount(rate)} requests/s: {failed:,.0f} of "
    said += f"{counted(int(requests), 'request')} failed.{_back(found, 'its death')}"
    return [Heading("The loss of a process", 2), Paragraph(text(said))]


def _back(found: Mapping[str, Any], what: str) -> str:
    back, watched = number(found.get("recovery_s")), number(found.get("watched_s"))
    if back is not None:
        return f" The response time was back {amount(back)}{NO_BREAK}s after {what}."
    if watched is not None:
        return f" The response time was not back {amount(watched)}{NO_BREAK}s after {what}."
    return ""
