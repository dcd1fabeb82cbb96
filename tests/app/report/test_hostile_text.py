"""Whatever a person or a file writes is shown as it is or visibly cut, in every place that shows a text."""

from __future__ import annotations

import html.parser
import time
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.report.html import render_html
from app.report.markdown import render_markdown
from app.report.model import Report, Span
from app.report.pdf import render_pdf

NOT_TEXT = {"role", "style", "state", "band", "shape", "align", "kind", "scale", "axis", "level", "language"}
SHAPES = {"circle", "square", "triangle", "diamond"}
HOSTILE = {
    "markup": '<img src="file:///etc/passwd"><script>alert(1)</script><b>&amp;</b></p>]]>-->',
    "link": "[x](javascript:alert(1)) <javascript:alert(1)> | `code` **strong** # 1. - =1+1",
    "a long word": "W" * 100_000,
    "line breaks": "\n" * 10_000,
    "breaks and words": "word\n" * 10_000,
    "right to left": "\u202e\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627\u202c",
    "arabic": "\u0644\u0627 \u0625\u0644\u0647 (12) abc\n" * 500,
    "a long word of arabic": "\u0633\u0644\u0627\u0645" * 20_000,
    "thai and hindi": "\u0e2b\u0e19\u0e48\u0e27\u0e22 \u0915\u094d\u0937\u092e\u0924\u093e" * 500,
    "chinese": "\u4f60\u597d\u4e16\u754c" * 2_000,
    "emoji": "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467" * 100,
    "nul": "a\x00b\x01\x1f\x7f\x85",
    "lone surrogates": "\ud800x\udfff",
    "not a character": "\ufffe\uffff\U0010ffff\ue030",
    "combining": "e" + "\u0301" * 5_000,
    "blanks": " " * 10_000 + "\t" * 100 + "\u00a0" * 5_000,
    "empty": "",
}


def refilled(value: Any, text: Callable[[], str]) -> Any:
    """The report with another text in every place that takes one."""
    if isinstance(value, str):
        return value if value in SHAPES else text()
    if isinstance(value, tuple):
        # Rows beyond the fourth have the same places.
        kept = value[:4] if len(value) > 8 and isinstance(value[0], tuple) else value
        return tuple(refilled(entry, text) for entry in kept)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {
            field.name: refilled(getattr(value, field.name), text)
            for field in fields(value)
            if not (field.name in NOT_TEXT and isinstance(getattr(value, field.name), str))
        }
        return replace(value, **changed)
    return value


@pytest.mark.parametrize("name", HOSTILE)
def test_every_place_takes_any_text(kitchen_sink: Report, data: bytes, name: str) -> None:
    report = refilled(kitchen_sink, lambda: HOSTILE[name])
    assert render_pdf(report, data).startswith(b"%PDF-1.7")
    render_html(report).decode()
    render_markdown(report).decode()


def test_the_time_taken_does_not_grow_with_what_is_cut(kitchen_sink: Report, data: bytes) -> None:
    def spent(word: str) -> float:
        section = replace(kitchen_sink.sections[0], lead=(Span(word),), title=word)
        report = replace(kitchen_sink, sections=(section, replace(section, anchor="b")))
        started = time.process_time()
        for _ in range(3):
            render_pdf(report, data)
            render_html(report)
        return time.process_time() - started

    spent("W" * 5_000)
    assert spent("W" * 1_000_000) < 4 * spent("W" * 5_000)


class _Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_markup_in_a_text_makes_no_element_in_html(kitchen_sink: Report) -> None:
    usual, hostile = _Tags(), _Tags()
    usual.feed(render_html(kitchen_sink).decode())
    hostile.feed(render_html(refilled(kitchen_sink, lambda: HOSTILE["markup"])).decode())
    assert set(hostile.seen) <= set(usual.seen) - {"script", "img", "b"} | {"b"}
    assert hostile.seen.count("b") == usual.seen.count("b") == 1
    assert any('<img src="file:///etc/passwd">' in text for text in hostile.texts)
    assert not [name for name, _ in hostile.attributes if name.startswith("on")]


def test_a_link_leads_only_to_the_web_or_into_the_report(kitchen_sink: Report, data: bytes) -> None:
    for link in ("javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "#nowhere", "http://a\nb"):
        section = replace(kitchen_sink.sections[0], lead=(Span("here", link=link),))
        report = replace(kitchen_sink, sections=(section,))
        tags = _Tags()
        tags.feed(render_html(report).decode())
        assert "a" not in tags.seen
        assert b"(alert" not in render_pdf(report, data)
        assert "](<" not in render_markdown(report).decode()


def test_what_is_too_long_says_so(kitchen_sink: Report, text_of: Callable[[bytes], str], data: bytes) -> None:
    report = refilled(kitchen_sink, lambda: HOSTILE["a long word"])
    for shown in (
        text_of(render_pdf(report, data)),
        render_html(report).decode(),
        render_markdown(report).decode(),
    ):
        assert "(cut, 100,000 characters)" in shown


def test_what_cannot_be_seen_is_written_out(
    kitchen_sink: Report, text_of: Callable[[bytes], str], data: bytes
) -> None:
    for name, written in (
        ("nul", "a\\x00b\\x01\\x1f\\x7f\\x85"),
        ("lone surrogates", "\\ud800x\\udfff"),
        ("right to left", "\\u202e"),
    ):
        report = refilled(kitchen_sink, lambda name=name: HOSTILE[name])  # type: ignore[misc]
        assert written in text_of(render_pdf(report, data))
        assert written in render_html(report).decode()
        assert written.replace("\\", "\\\\") in render_markdown(report).decode()


def test_a_character_without_a_glyph_is_written_out_in_the_pdf_and_stays_in_html(
    kitchen_sink: Report, text_of: Callable[[bytes], str], data: bytes
) -> None:
    report = replace(kitchen_sink, title="\u16a0 \U00012000")
    assert "\\u16a0 \\U00012000" in text_of(render_pdf(report, data))
    assert "\u16a0 \U00012000" in render_html(report).decode()


ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=60)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(ANY_TEXT, min_size=1, max_size=12))
def test_arbitrary_text_in_every_place(kitchen_sink: Report, data: bytes, texts: list[str]) -> None:
    places = iter(range(10**9))
    report = refilled(kitchen_sink, lambda: texts[next(places) % len(texts)])
    pdf = render_pdf(report, data)
    assert pdf.rstrip().endswith(b"%%EOF")
    tags = _Tags()
    tags.feed(render_html(report).decode())
    assert "script" not in tags.seen
    render_markdown(report).decode()
