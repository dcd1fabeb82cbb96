"""The report as one HTML file."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import re
from dataclasses import replace

import pytest

from app.charts.tokens import DARK, LIGHT
from app.report.html import render_html
from app.report.model import Column, Heading, Paragraph, Report, Section, Span, Table, text

VOID = {"meta", "br", "link", "img", "input", "hr", "col"}


class Page(html.parser.HTMLParser):
    """The elements of a page with their attributes, in order; it fails where they are not well nested."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page.decode())
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(attrs) == len(dict(attrs)), f"an attribute twice in {tag}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        """The attributes of all elements of a kind."""
        return [attributes for tag, attributes in self.elements if tag in tags]


@pytest.fixture(scope="module")
def made(kitchen_sink: Report) -> bytes:
    """The report with every kind of block."""
    return render_html(kitchen_sink)


@pytest.fixture(scope="module")
def page(made: bytes) -> Page:
    """The report, read."""
    return Page(made)


def test_the_policy_allows_the_one_style_sheet_and_nothing_else(made: bytes, page: Page) -> None:
    policy = next(
        str(meta["content"])
        for meta in page.all("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    )
    style = re.search(rb"<style>(.*?)</style>", made, re.S)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1]).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert made.count(b"<style>") == 1
    assert not [attributes for _, attributes in page.elements if "style" in attributes]


def test_nothing_is_loaded_and_nothing_runs(page: Page) -> None:
    kinds = {tag for tag, _ in page.elements}
    assert not kinds & {"script", "iframe", "object", "embed", "img", "link", "form", "base", "use", "image"}
    for _, attributes in page.elements:
        assert not {"src", "srcset", "xlink:href", "action"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]


def test_links_lead_to_ids_that_exist_once(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    inner = [str(link["href"]) for link in page.all("a") if str(link["href"]).startswith("#")]
    assert inner
    assert {target[1:] for target in inner} <= set(ids)
    outer = [link for link in page.all("a") if not str(link["href"]).startswith("#")]
    assert [link["rel"] for link in outer] == ["noopener noreferrer"] * len(outer)


def test_an_anchor_that_is_no_plain_name_still_works(kitchen_sink: Report) -> None:
    blocks = (Heading("There", anchor="a b<c>"), Paragraph(text(Span("go", link="#a b<c>"))))
    page = Page(render_html(replace(kitchen_sink, sections=(Section("s", "S", "T", blocks),))))
    target = next(str(link["href"])[1:] for link in page.all("a"))
    assert [attributes["id"] for attributes in page.all("h3")] == [target]


def test_every_chart_is_a_picture_with_a_name_and_a_table_of_its_numbers(page: Page, made: bytes) -> None:
    figures = len(page.all("figure"))
    assert figures == 6
    assert made.count(b"<summary>Numbers</summary>") == figures
    assert all(picture["role"] == "img" for picture in page.all("svg"))
    assert made.count(b"<title>") == len(page.all("svg")) + 1


def test_both_palettes_are_there_and_paper_is_light(made: bytes) -> None:
    style = made.decode().split("<style>")[1].split("</style>")[0]
    light, dark = style.split("@media screen and (prefers-color-scheme:dark)")
    for role, code in LIGHT.items():
        assert f"--{role}:{code};" in light
    for role, code in DARK.items():
        assert f"--{role}:{code};" in dark.split("}}")[0]
    assert "@media print" in style


def test_charts_take_their_colours_from_the_palette_in_use(made: bytes) -> None:
    assert b"var(--s1,#1F5FCC)" in made


def test_headings_go_down_step_by_step(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1


def test_a_state_is_a_word_beside_its_sign(made: bytes) -> None:
    assert re.search(rb'class="sign bad"><svg.*?</svg>4 contradicted</span>', made)


def test_the_content_hash_stands_in_full(made: bytes, kitchen_sink: Report) -> None:
    assert kitchen_sink.content_hash.encode() in made


def test_text_from_the_right_says_so_and_no_other_does(kitchen_sink: Report) -> None:
    assert "dir=" not in render_html(kitchen_sink).decode()
    block = Paragraph(text("\u05e9\u05dc\u05d5\u05dd 12"))
    table = Table((Column("Note"),), ((text("\u0633\u0644\u0627\u0645"),), (text("note"),)))
    sections = (kitchen_sink.sections[0], Section("s", "S", "\u05d0 title", (block, table)))
    made = render_html(replace(kitchen_sink, title="\u05d0", sections=sections)).decode()
    assert '<h1 dir="auto">\u05d0</h1>' in made
    assert '<h2 dir="auto">\u05d0 title</h2>' in made
    assert '<p dir="auto">\u05e9\u05dc\u05d5\u05dd 12</p>' in made
    assert made.count('dir="auto">\u0633\u0644\u0627\u0645</td>') == 1
    assert 'dir="auto">note' not in made
