"""The report as Markdown."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from app.report.markdown import escaped, render_markdown
from app.report.model import Code, Column, Paragraph, Report, Section, Span, Table, text


def read(document: str) -> str:
    """The text that a reader of CommonMark with tables shows, tags and line ends left out."""
    page = MarkdownIt("commonmark").enable("table").render(document)
    bare = re.sub(r"<[^>]*>", "", page)
    for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        bare = bare.replace(entity, sign)
    return bare


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60))
def test_an_escaped_text_is_read_as_it_was_written(written: str) -> None:
    assert read(escaped(written)).strip() == written


@pytest.mark.parametrize(
    "written",
    [
        "# no heading",
        "- no list",
        "1. no list",
        "1) no list",
        "> no quote",
        "<b>no tag</b>",
        "[no](link)",
        "a | b",
    ],
)
def test_no_text_is_a_mark(written: str) -> None:
    page = MarkdownIt("commonmark").enable("table").render(escaped(written))
    assert page == f"<p>{page[3:-5]}</p>\n"
    assert read(escaped(written)).strip() == written
    assert not re.search(r"<(?!/?p>)", page)


def test_numbers_are_left_alone() -> None:
    assert escaped("110.2 (82.5–124) req/s") == "110.2 (82.5–124) req/s"


def test_a_table_has_as_many_cells_in_every_row_whatever_is_in_them(kitchen_sink: Report) -> None:
    table = Table(
        (Column("a|b"), Column("n", align="right")), ((text("x | y\nz"),), (text("1"), text("2"), text("3")))
    )
    report = replace(kitchen_sink, sections=(Section("s", "S", "T", (table,)),))
    lines = [line for line in render_markdown(report).decode().splitlines() if line.startswith("|")]
    assert lines[1] == "| --- | ---: |"
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {3}


def test_a_file_is_fenced_by_more_ticks_than_it_has(kitchen_sink: Report) -> None:
    report = replace(kitchen_sink, sections=(Section("s", "S", "T", (Code("```\n````x\nend"),)),))
    assert "`````\n```\n````x\nend\n`````" in render_markdown(report).decode()


def test_every_block_leaves_its_words(kitchen_sink: Report) -> None:
    shown = read(render_markdown(kitchen_sink).decode())
    for said in (
        "Not ready for 420 req/s",
        "proven 48, supported 53, claimed 73, contradicted 14",
        "21 verified",
        "INF-40",
        "minReplicas: 3",
        "No action is left.",
        "objective p99 ≤ 200 ms",
        "term 11",
        "Settled by: limit 1,830 MiB",
        "● ",
    ):
        assert said.strip() in shown, said


def test_the_parts_of_a_score_add_up_to_a_hundred(kitchen_sink: Report) -> None:
    said = "proven 48, credited 5, not proven 6, contradicted 14, not done 27"
    assert said in render_markdown(kitchen_sink).decode()
    assert sum(map(int, re.findall(r"\d+", said))) == 100


def test_marks_stand_outside_of_blanks(kitchen_sink: Report) -> None:
    part = Paragraph(
        text("See", Span(" this ", "strong"), "now", Span("https", link="https://example.org/a"))
    )
    report = replace(kitchen_sink, sections=(Section("s", "S", "T", (part,)),))
    assert "See **this** now[https](<https://example.org/a>)" in render_markdown(report).decode()
