"""The report in each of its formats."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from app.cli.report import SUFFIXES
from app.report.attachment import canonical_bytes, content_hash, exported
from app.report.formats import FORMATS, render
from probes.errors import InternalError

BEGINNINGS = {
    "pdf": b"%PDF-1.7",
    "html": b"<!DOCTYPE html>",
    "json": b"{",
    "csv": b"pillar,question,",
    "junit": b"<?xml",
    "markdown": b"# Shop ",
}


def test_the_formats_are_those_that_the_command_line_names() -> None:
    assert set(FORMATS) == set(SUFFIXES) == set(BEGINNINGS)


@pytest.mark.parametrize("form", BEGINNINGS)
def test_every_format_is_written_and_leaves_the_document_alone(shop: dict[str, Any], form: str) -> None:
    before = copy.deepcopy(shop)
    assert render(shop, form).startswith(BEGINNINGS[form])
    assert shop == before


@pytest.mark.parametrize("form", BEGINNINGS)
def test_what_is_drawn_again_from_what_was_shared_is_equal(shop: dict[str, Any], form: str) -> None:
    shuffled = json.loads(json.dumps(dict(reversed(shop.items()))))
    shared = json.loads(render(shop, "json"))
    first = render(shop, form)
    assert render(shuffled, form) == first
    assert render(shared, form) == first


def test_the_pdf_carries_the_document_and_prints_its_hash(shop: dict[str, Any]) -> None:
    from app.report.reading import shared_in

    made = render(shop, "pdf")
    shared = shared_in(made, "report.pdf")
    assert canonical_bytes(shared.document) == canonical_bytes(shop)
    assert shared.printed_hash == content_hash(canonical_bytes(shop))


def test_json_is_the_sealed_document(shop: dict[str, Any]) -> None:
    assert json.loads(render(shop, "json")) == exported(shop)


def test_an_unknown_format_is_a_fault_of_ours(shop: dict[str, Any]) -> None:
    with pytest.raises(InternalError):
        render(shop, "docx")


def test_a_title_of_markup_is_text(shop: dict[str, Any]) -> None:
    assert b"<title>Shop &lt;recommender&gt;</title>" in render(shop, "html")
    assert b"# Shop \\<recommender\\>" in render(shop, "markdown")
