"""The blocks of the model as HTML. Every text goes through `spelled` or `Blocks.text`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from app.charts import pieces
from app.charts.layout import layout
from app.charts.shapes import Shape
from app.charts.svg import escaped, svg
from app.report import fonts, words
from app.report.bidi import runs_from_the_right
from app.report.figure_words import caption_of, numbers_of, safe_spec
from app.report.model import (
    Badge,
    Band,
    BandBadge,
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
    Mark,
    Paragraph,
    Score,
    ScoreBar,
    Span,
    Table,
    Text,
    Together,
)
from app.report.score_bar import HEIGHT, part_sample, score_bar

WIDTH = 549.0
"""Points that a chart over the whole page is laid out for: 732 pixels."""
COLUMN_GAP = 21.0
SCALE = 4 / 3
"""Pixels a point."""
SIGN = 10.0
SHORT_CELL, LONG_WORD = 14, 40
"""Characters up to which a cell keeps to one line, and from which on a word in it is broken anywhere."""
_TO_THE_LEFT = '<svg preserveAspectRatio="xMinYMid" '
_INLINE_STYLE = ' style="font-variant-numeric:tabular-nums"'


def spelled(text: str) -> str:
    """A title or name for use between tags and in attributes."""
    return escaped(words.one_line(text))


def directed(of: str | Text) -> str:
    """The attribute that lets a text which runs from the right say so; none for other texts."""
    parts = (of,) if isinstance(of, str) else (span.text for span in of)
    return ' dir="auto"' if any(map(runs_from_the_right, parts)) else ""


class Blocks:
    """Makes elements of blocks. `ids` gives the id of every anchor that exists."""

    def __init__(self, ids: Mapping[str, str]) -> None:
        self.ids = ids
        self._given: set[str] = set()

    def id_of(self, anchor: str | None) -> str:
        """The attribute that makes an element the target of an anchor, once."""
        if anchor is None or anchor not in self.ids or anchor in self._given:
            return ""
        self._given.add(anchor)
        return f' id="{self.ids[anchor]}"'

    def text(self, of: Text) -> str:
        """The spans, escaped, with their roles and links."""
        return "".join(map(self._span, words.shown(of)))

    def _span(self, span: Span) -> str:
        inner = escaped(span.text)
        if "\n" in inner:
            inner = f'<span class="pre">{inner}</span>'
        if span.role:
            inner = f'<span class="{span.role}">{inner}</span>'
        if span.link is None:
            return inner
        if span.link.startswith("#"):
            name = self.ids.get(span.link[1:])
            return inner if name is None else f'<a href="#{name}">{inner}</a>'
        url = words.address(span.link)
        return inner if url is None else f'<a href="{escaped(url)}" rel="noopener noreferrer">{inner}</a>'

    def blocks(
        self, blocks: Iterable[Block], large: Callout | None = None, width: float = WIDTH
    ) -> Iterator[str]:
        """The blocks in their order; `large` is the finding of page one."""
        for block in blocks:
            yield from self._block(block, block is large, width)

    def _block(self, block: Block, large: bool, width: float) -> Iterator[str]:
        match block:
            case Heading():
                level = block.level + 1
                badge = "" if block.badge is None else self.band(block.badge.band)
                attributes = self.id_of(block.anchor) + directed(block.text)
                yield f"<h{level}{attributes}>{spelled(block.text)}{badge}</h{level}>"
            case Paragraph():
                kind = "" if block.style == "body" else f' class="{block.style}"'
                yield f"<p{kind}{directed(block.text)}>{self.text(block.text)}</p>"
            case Bullets():
                items = "".join(f"<li{directed(item)}>{self.text(item)}</li>" for item in block.items)
                yield f"<ul>{items}</ul>"
            case Callout():
                yield from self._callout(block, large)
            case Table():
                yield from self._table(block)
            case Figure():
                yield from self._figure(block, width)
            case Columns():
                yield from self._columns(block, width)
            case ScoreBar():
                yield self._score_bar(block, width)
            case ClaimCard():
                yield from self._card(block)
            case Code():
                if block.title:
                    yield f"<h4>{spelled(block.title)}</h4>"
                yield f"<pre>{escaped(chr(10).join(words.code_lines(block.text)))}</pre>"
            case Definitions():
                pairs = (
                    f"<dt{directed(name)}>{spelled(name)}</dt><dd{directed(text)}>{self.text(text)}</dd>"
                    for name, text in block.items
                )
                yield f"<dl>{''.join(pairs)}</dl>"
            case Together():
                yield from self.blocks(block.blocks, None, width)

    def _callout(self, block: Callout, large: bool) -> Iterator[str]:
        level = 3 if large else 4
        yield f'<div class="callout is-{block.role}{" large" if large else ""}">'
        if block.title:
            yield f"<h{level}{directed(block.title)}>{spelled(block.title)}</h{level}>"
        yield from (f"<p{directed(part)}>{self.text(part)}</p>" for part in block.text)
        if block.foot:
            cells = "".join(f"<span>{self.cell(cell)}</span>" for cell in block.foot)
            yield f'<div class="foot">{cells}</div>'
        yield "</div>"

    def _table(self, table: Table) -> Iterator[str]:
        if not table.rows:
            yield f'<p class="muted">{spelled(table.empty or "Nothing to show.")}</p>'
            return
        if all(isinstance(cell, Badge) or not cell for row in table.rows for cell in row):
            badges = "".join(self.cell(cell) for row in table.rows for cell in row)
            yield f'<div class="badges">{badges}</div>'
            return
        headed = any(column.header for column in table.columns)
        kinds = " ".join(name for name, on in (("dense", table.dense), ("bare", not headed)) if on)
        yield f'<div class="scroll"><table class="{kinds}">'
        if headed:
            heads = (
                f'<th scope="col" class="{column.align}"{directed(name)}>{spelled(name)}</th>'
                for column, name in ((column, column.header) for column in table.columns)
            )
            yield f"<thead><tr>{''.join(heads)}</tr></thead>"
        yield "<tbody>"
        count = max(len(table.columns), 1)
        for number, row in enumerate(table.rows):
            anchor = table.anchors[number] if number < len(table.anchors) else None
            filled: Sequence[Cell] = [*row[:count], *[()] * (count - len(row))]
            cells = "".join(self._td(cell, table, place) for place, cell in enumerate(filled))
            yield f"<tr{self.id_of(anchor)}>{cells}</tr>"
        yield "</tbody></table></div>"
        if words.has_score(cell for row in table.rows for cell in row):
            yield _legend()
        if table.caption:
            yield f'<p class="note"{directed(table.caption)}>{spelled(table.caption)}</p>'

    def _td(self, cell: Cell, table: Table, place: int) -> str:
        column = table.columns[place] if place < len(table.columns) else None
        kinds: list[str] = [] if column is None or column.align == "left" else [column.align]
        said = words.cell_words(cell)
        if len(said) <= SHORT_CELL:
            kinds.append("short")
        elif max(map(len, said.split()), default=0) > LONG_WORD:
            kinds.append("long")
        kind = f' class="{" ".join(kinds)}"' if kinds else ""
        direction = directed(cell) if isinstance(cell, tuple) else ""
        return f"<td{kind}{direction}>{self.cell(cell)}</td>"

    def cell(self, cell: Cell) -> str:
        """What a cell shows, its picture with its words."""
        match cell:
            case Badge():
                word, role = words.STATES[cell.state]
                drawn = _picture(pieces.verdict_badge(cell.state, SIGN), SIGN, SIGN, word)
                return f'<span class="sign {role}">{drawn}{spelled(words.badge_words(cell))}</span>'
            case BandBadge():
                return self.band(cell.band)
            case Mark():
                return _picture(pieces.pillar_mark(cell.shape, SIGN), SIGN, SIGN, cell.shape)
            case Score():
                return _glyph(cell)
            case _:
                return self.text(cell)

    def band(self, band: Band) -> str:
        """The meter of a band with its word."""
        meter = _picture(pieces.band_meter(band, 22.0, 9.0), 22.0, 9.0, band)
        return f'<span class="meter">{meter}{band}</span>'

    def _figure(self, figure: Figure, width: float) -> Iterator[str]:
        drawn = layout(safe_spec(figure.spec), width, figure.height * max(1.0, width / 499), fonts.measure)
        title = words.one_line(figure.spec.title, 400)
        picture = svg(drawn, title=title or "chart", description=caption_of(figure), scale=SCALE)
        yield "<figure>"
        if title:
            yield f"<h4{directed(title)}>{escaped(title)}</h4>"
        yield picture.replace(_INLINE_STYLE, "", 1)
        if caption := caption_of(figure):
            yield f"<figcaption{directed(caption)}>{escaped(caption)}</figcaption>"
        yield "<details><summary>Numbers</summary>"
        yield from self._table(numbers_of(figure.spec))
        yield "</details></figure>"

    def _columns(self, block: Columns, width: float) -> Iterator[str]:
        count = max(len(block.columns), 1)
        each = (width - COLUMN_GAP * (count - 1)) / count
        yield f'<div class="columns{" ruled" if block.ruled else ""}">'
        for column in block.columns:
            yield "<div>"
            yield from self.blocks(column, None, each)
            yield "</div>"
        yield "</div>"

    def _score_bar(self, bar: ScoreBar, width: float) -> str:
        if bar.score.refused is not None:
            return f'<p class="muted">{spelled(bar.score.refused)}</p>'
        shapes = score_bar(bar, width, fonts.measure)
        return f'<div class="bar">{_picture(shapes, width, HEIGHT, words.score_words(bar.score))}</div>'

    def _card(self, card: ClaimCard) -> Iterator[str]:
        about = ", ".join(spelled(part) for part in (card.question, card.weight) if part)
        yield f'<div class="card is-{card.state}"{self.id_of(card.anchor)}>'
        yield (
            f'<div class="top">{self.cell(Badge(card.state))}<span class="small">{about}</span>'
            f'<span class="points">{spelled(card.points)}</span></div>'
        )
        yield f"<h4{directed(card.title)}>{spelled(card.title)}</h4>"
        yield '<div class="sides">'
        for label, said in (("Claimed", card.claimed), ("Measured", card.measured)):
            yield f'<div><p class="small">{label}</p><p{directed(said)}>{self.text(said)}</p></div>'
        yield "</div>"
        if card.facts is not None and card.facts.rows:
            yield from self._table(card.facts)
        if card.settled:
            yield f'<p><span class="strong">Settled by:</span> {self.text(card.settled)}</p>'
        yield "</div>"


def _picture(shapes: Sequence[Shape], width: float, height: float, title: str) -> str:
    return svg(shapes, width, height, title=title, scale=SCALE).replace(_INLINE_STYLE, "", 1)


def _glyph(score: Score) -> str:
    if score.refused is not None:
        drawn = _picture(pieces.refused_glyph(110.0, 13.0), 110.0, 13.0, "no score")
        return f'<span class="glyph">{drawn}</span><span class="small">{spelled(score.refused)}</span>'
    parts = (score.proven, score.supported, score.claimed, score.contradicted)
    drawn = _picture(pieces.score_glyph(*parts, 110.0, 13.0), 110.0, 13.0, words.score_words(score))
    return f'<span class="glyph">{drawn.replace("<svg ", _TO_THE_LEFT, 1)}</span>'


def _legend() -> str:
    entries = [
        f"<span>{_picture(part_sample(key, 14.0, 7.5), 14.0, 7.5, word)}{word}</span>"
        for key, word in words.SCORE_PARTS
    ]
    entries += ["<span>upright bar: score</span>", "<span>marks: 40, 60, 80</span>"]
    return f'<div class="legend">{"".join(entries)}</div>'
