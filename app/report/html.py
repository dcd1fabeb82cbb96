"""The report as one HTML file: style and charts are inside, there is no script, and nothing is loaded.

A strict content policy stands in the file, so that even a mark that slipped in could load or run nothing.
Every text is escaped; what could not be seen is written out.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator

from app.report.html_blocks import Blocks, directed, spelled
from app.report.html_style import style_sheet
from app.report.model import Block, Callout, ClaimCard, Columns, Heading, Report, Section, Table, Together

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,100}")


def render_html(report: Report) -> bytes:
    """The report as UTF-8."""
    style = style_sheet()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    blocks = Blocks(ids(report))
    title = spelled(report.title)
    parts = [
        "<!DOCTYPE html>",
        f'<html lang="{spelled(report.language) or "en"}">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f'<meta name="generator" content="Loadstone {spelled(report.version)}">',
        f'<meta name="keywords" content="{spelled(", ".join(report.keywords))}">',
        f"<title>{title}</title>",
        f"<style>{style}</style>",
        "</head>",
        '<body><div class="page">',
        "<header><span><b>Loadstone</b>readiness report</span>",
        f"<span>{title}, {spelled(report.date)}</span></header>",
        "<main>",
    ]
    for number, section in enumerate(report.sections):
        if number == 0:
            parts += _first(report, section, blocks)
            parts += _contents(report, blocks)
        else:
            parts += _section(section, blocks)
    parts += [
        "</main>",
        f"<footer><span>content hash {spelled(report.content_hash)}</span>"
        f"<span>Loadstone {spelled(report.version)}</span></footer>",
        "</div></body>",
        "</html>",
    ]
    return ("\n".join(parts) + "\n").encode()


def _first(report: Report, section: Section, blocks: Blocks) -> Iterator[str]:
    yield f'<section class="first"{blocks.id_of(section.anchor)}>'
    yield f"<h1{directed(report.title)}>{spelled(report.title)}</h1>"
    if report.subtitle:
        yield f'<p class="subtitle"{directed(report.subtitle)}>{spelled(report.subtitle)}</p>'
    if section.lead:
        yield f'<p class="lead"{directed(section.lead)}>{blocks.text(section.lead)}</p>'
    large = next((block for block in section.blocks if isinstance(block, Callout)), None)
    yield from blocks.blocks(section.blocks, large)
    yield "</section>"


def _section(section: Section, blocks: Blocks) -> Iterator[str]:
    kind = "new" if section.new_page else "part" if section.level == 2 else ""
    yield f'<section class="{kind}"{blocks.id_of(section.anchor)}>'
    if section.kicker:
        yield f'<p class="kicker">{spelled(section.kicker)}</p>'
    band = "" if section.band is None else blocks.band(section.band)
    yield f"<h2{directed(section.title)}>{spelled(section.title)}{band}</h2>"
    if section.lead:
        yield f'<p class="lead"{directed(section.lead)}>{blocks.text(section.lead)}</p>'
    yield from blocks.blocks(section.blocks)
    yield "</section>"


def _contents(report: Report, blocks: Blocks) -> Iterator[str]:
    if len(report.sections) < 2:
        return
    yield '<nav aria-label="Contents">'
    for section in report.sections[1:]:
        part = ' class="part"' if section.level == 2 else ""
        name = spelled(section.name or section.title)
        yield f'<a{part} href="#{blocks.ids[section.anchor]}">{name}</a>'
    yield "</nav>"


def ids(report: Report) -> dict[str, str]:
    """The anchors of the report with the ids they have in the file: themselves where they are plain names."""
    found: dict[str, str] = {}
    for anchor in _anchors(report):
        if anchor not in found:
            plain = (
                anchor.isascii() and anchor.replace("-", "").replace("_", "").isalnum() and len(anchor) <= 100
            )
            found[anchor] = anchor if plain else f"anchor.{len(found)}"
    return found


def _anchors(report: Report) -> Iterator[str]:
    for section in report.sections:
        yield section.anchor
        for block in section.blocks:
            yield from _anchors_of(block)


def _anchors_of(block: Block) -> Iterator[str]:
    match block:
        case Heading(anchor=str() as anchor) | ClaimCard(anchor=str() as anchor):
            yield anchor
        case Table():
            yield from (anchor for anchor in block.anchors if anchor)
        case Columns():
            for column in block.columns:
                for inner in column:
                    yield from _anchors_of(inner)
        case Together():
            for inner in block.blocks:
                yield from _anchors_of(inner)
