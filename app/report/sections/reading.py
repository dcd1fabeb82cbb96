"""What to read further: the references of the questions, by pillar, once each."""

from __future__ import annotations

from app.report.model import Block, Bullets, Columns, Heading, Section, Span, Together, text
from app.report.sections.claim_words import cut
from app.report.view import View

TWO_COLUMNS_FROM = 4


def section(view: View, number: str) -> Section | None:
    """The references; None where the lens names none."""
    blocks: list[Block] = []
    seen: set[str] = set()
    for pillar in view.lens.pillars:
        found: dict[str, str] = {}
        for question in view.questions(pillar.id):
            for reference in question.references:
                if reference.title not in seen:
                    seen.add(reference.title)
                    found[reference.title] = reference.url
        if found:
            items = [text(Span(cut(title, 160), link=url or None)) for title, url in found.items()]
            blocks.append(Together((Heading(pillar.name, 3), _list(items))))
    if not blocks:
        return None
    return Section(
        "reading",
        "To read",
        "What the questions refer to",
        tuple(blocks),
        f"{number}  To read",
        new_page=False,
    )


def _list(items: list[tuple[Span, ...]]) -> Block:
    if len(items) < TWO_COLUMNS_FROM:
        return Bullets(tuple(items))
    half = (len(items) + 1) // 2
    return Columns(((Bullets(tuple(items[:half])),), (Bullets(tuple(items[half:])),)))
