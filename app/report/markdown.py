"""The report as Markdown (CommonMark with tables): text, tables, and the numbers of every chart as a table.

Every text is escaped: none of it is read as a mark, a link or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from app.report import words
from app.report.figure_words import caption_of, numbers_of
from app.report.model import (
    Block,
    Bullets,
    Callout,
    Cell,
    ClaimCard,
    Code,
    Columns,
    Definitions,
    Figure,
    Heading,
    Paragraph,
    Report,
    ScoreBar,
    Section,
    Span,
    Table,
    Text,
    Together,
)
from app.report.score_bar import parts_of, rounded_parts

_MARKS = re.compile(r"([\\`*_\[\]<>|~&#!])")
_LEADING = re.compile(r"\A([-+=]|\d{1,9}(?=[.)](?:\s|\Z)))")
_ALIGNED = {"left": "---", "right": "---:", "centre": ":---:"}


def render_markdown(report: Report) -> bytes:
    """The report as UTF-8."""
    parts = [f"# {line(report.title)}", line(report.subtitle)]
    for number, section in enumerate(report.sections):
        parts += _section(section, first=number == 0)
    if report.content_hash:
        parts.append(f"Content hash {line(report.content_hash)}, Loadstone {line(report.version)}.")
    return ("\n\n".join(part for part in parts if part) + "\n").encode()


def escaped(text: str) -> str:
    """The text with every sign escaped that Markdown would read, on one line."""
    shown = words.one_line(text, words.LONGEST_TEXT + 200).strip()
    shown = _MARKS.sub(r"\\\1", shown)
    # A mark of a list counts only at the beginning: "- " and "1. ".
    if found := _LEADING.match(shown):
        at = found.end()
        shown = f"\\{shown}" if not shown[0].isdigit() else f"{shown[:at]}\\{shown[at:]}"
    return shown


def line(text: str) -> str:
    """A title or a name."""
    return escaped(words.one_line(text))


def inline(of: Text) -> str:
    """The spans with their marks; a link keeps its address when it is one of the web."""
    return "".join(map(_span, words.shown(of))).strip()


def _span(span: Span) -> str:
    inner = escaped(span.text)
    if not inner:
        return " " if span.text else ""
    before = " " if span.text[0].isspace() else ""
    after = " " if span.text[-1].isspace() else ""
    if span.role in ("strong", "bad", "warn", "ok"):
        inner = f"**{inner}**"
    if (url := words.address(span.link)) is not None:
        inner = f"[{inner}](<{url}>)"
    return f"{before}{inner}{after}"


def _section(section: Section, first: bool) -> Iterator[str]:
    if not first:
        mark = "#" * (1 + section.level)
        yield f"{mark} {line(section.title)}"
        if section.band is not None:
            yield f"Band: {section.band}."
    yield inline(section.lead)
    yield from _blocks(section.blocks)


def _blocks(blocks: Iterable[Block]) -> Iterator[str]:
    for block in blocks:
        yield from _block(block)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Heading():
            badge = f" ({block.badge.band})" if block.badge is not None else ""
            yield f"{'#' * (block.level + 1)} {line(block.text)}{badge}"
        case Paragraph():
            yield inline(block.text)
        case Bullets():
            yield "\n".join(f"- {inline(item)}" for item in block.items)
        case Callout():
            said = [f"**{line(block.title)}**", *map(inline, block.text)]
            said.append("; ".join(filter(None, map(_cell, block.foot))))
            yield "\n>\n".join(f"> {part}" for part in said if part)
        case Table():
            yield from _table(block)
        case Figure():
            yield f"**{line(block.spec.title)}**"
            yield from _table(numbers_of(block.spec))
            yield line(caption_of(block))
        case Columns():
            for column in block.columns:
                yield from _blocks(column)
        case ScoreBar():
            yield _score_bar(block)
        case ClaimCard():
            yield from _card(block)
        case Code():
            if block.title:
                yield f"**{line(block.title)}**"
            yield _code(block.text)
        case Definitions():
            yield "\n".join(f"- **{line(name)}**: {inline(meaning)}" for name, meaning in block.items)
        case Together():
            yield from _blocks(block.blocks)


def _table(table: Table) -> Iterator[str]:
    if not table.rows:
        yield line(table.empty)
        return
    count = max(len(table.columns), 1)
    heads = [line(column.header) for column in table.columns] or [""]
    rules = [_ALIGNED[column.align] for column in table.columns] or ["---"]
    rows = [_row(heads, count), _row(rules, count)]
    rows += [_row([_cell(cell) for cell in row], count) for row in table.rows]
    yield "\n".join(rows)
    yield line(table.caption)


def _row(cells: Sequence[str], count: int) -> str:
    filled = [*cells[:count], *[""] * (count - len(cells))]
    return "| " + " | ".join(filled) + " |"


def _cell(cell: Cell) -> str:
    return inline(cell) if isinstance(cell, tuple) else line(words.cell_words(cell))


def _score_bar(bar: ScoreBar) -> str:
    if bar.score.refused is not None:
        return line(bar.score.refused)
    parts = parts_of(bar)
    sizes = rounded_parts([size for _, size, _ in parts])
    return ", ".join(f"{name} {size}" for (name, _, _), size in zip(parts, sizes, strict=True))


def _card(card: ClaimCard) -> Iterator[str]:
    about = ", ".join(line(part) for part in (card.question, card.weight, card.points) if part)
    yield f"#### {words.STATES[card.state][0].capitalize()}: {line(card.title)}"
    yield about
    yield f"Claimed: {inline(card.claimed)}"
    yield f"Measured: {inline(card.measured)}"
    if card.facts is not None:
        yield from _table(card.facts)
    if card.settled:
        yield f"Settled by: {inline(card.settled)}"


def _code(text: str) -> str:
    """The lines within a fence that is longer than any in them."""
    lines = words.code_lines(text)
    longest = max((len(run) for row in lines for run in re.findall("`+", row)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([fence, *lines, fence])
