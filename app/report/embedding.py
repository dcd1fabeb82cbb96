"""Typefaces of shaped glyphs inside a PDF: one composite font a typeface, with the glyphs that were drawn.

A glyph has a code (CID) for each text that it stands for and each width, so that copied and searched text is
what was written. The objects are those of ISO 32000-1, 9.7 (Type 0 fonts) and 9.10.3 (ToUnicode).
"""

from __future__ import annotations

import struct
from typing import Any
from weakref import WeakKeyDictionary

from app.report.typefaces import Glyph, typeface

_SYMBOLIC = 4
_STEM = 80
_MOST_IN_BLOCK = 100
"""Entries that one block of a CMap may have."""


class Embedded:
    """A typeface in one document."""

    def __init__(self, name: str, document: Any) -> None:
        """`document` is reportlab's; it asks for `addObjects` when it is written."""
        self.face = typeface(name)
        self.internal_name = f"F{len(document.fontMapping) + 1}"
        document.fontMapping[f"shaped {name}"] = f"/{self.internal_name}"
        document.delayedFonts.append(self)
        self.codes: dict[tuple[int, str, float], int] = {}

    def code(self, glyph: Glyph) -> int:
        """The code under which the glyph is written."""
        return self.codes.setdefault((glyph.number, glyph.text, glyph.width), len(self.codes) + 1)

    def addObjects(self, document: Any) -> None:  # noqa: N802
        """Write the font's objects; reportlab calls this once."""
        from reportlab.pdfbase.pdfdoc import PDFArray, PDFDictionary, PDFName, PDFString

        tag = "".join(chr(ord("A") + int(digit)) for digit in f"{int(self.internal_name[1:]):06d}")
        base = f"{tag}+{self.face.name}"
        file, places = self.face.subset(sorted({number for number, _, _ in self.codes}))
        ascent, descent, box = self.face.metrics()
        descriptor = PDFDictionary(
            {
                "Type": PDFName("FontDescriptor"),
                "FontName": PDFName(base),
                "Flags": _SYMBOLIC,
                "FontBBox": PDFArray(list(box)),
                "ItalicAngle": 0,
                "Ascent": ascent,
                "Descent": descent,
                "CapHeight": ascent,
                "StemV": _STEM,
                "FontFile2": self._stream(document, file, f"file:{base}", Length1=len(file)),
            }
        )
        glyphs = b"\0\0" + b"".join(struct.pack(">H", places[number]) for number, _, _ in self.codes)
        descendant = PDFDictionary(
            {
                "Type": PDFName("Font"),
                "Subtype": PDFName("CIDFontType2"),
                "BaseFont": PDFName(base),
                "CIDSystemInfo": PDFDictionary(
                    {"Registry": PDFString("Adobe"), "Ordering": PDFString("Identity"), "Supplement": 0}
                ),
                "FontDescriptor": document.Reference(descriptor, f"descriptor:{base}"),
                "DW": 1000,
                "W": PDFArray([1, PDFArray([round(width, 3) for _, _, width in self.codes])]),
                "CIDToGIDMap": self._stream(document, glyphs, f"glyphs:{base}"),
            }
        )
        font = PDFDictionary(
            {
                "Type": PDFName("Font"),
                "Subtype": PDFName("Type0"),
                "BaseFont": PDFName(base),
                "Encoding": PDFName("Identity-H"),
                "DescendantFonts": PDFArray([document.Reference(descendant, f"descendant:{base}")]),
                "ToUnicode": self._stream(document, self._to_unicode(), f"unicode:{base}"),
            }
        )
        reference = document.Reference(font, self.internal_name)
        document.idToObject["BasicFonts"].dict[self.internal_name] = reference

    @staticmethod
    def _stream(document: Any, content: bytes, name: str, **entries: int) -> Any:
        from reportlab.pdfbase.pdfdoc import PDFStream, PDFZCompress

        stream = PDFStream()
        stream.content = content
        for key, value in entries.items():
            stream.dictionary[key] = value
        stream.filters = [PDFZCompress]
        return document.Reference(stream, name)

    def _to_unicode(self) -> bytes:
        """What each code stands for."""
        said = [
            f"<{code:04X}> <{text.encode('utf-16-be').hex().upper()}>"
            for (_, text, _), code in self.codes.items()
        ]
        blocks = [said[at : at + _MOST_IN_BLOCK] for at in range(0, len(said), _MOST_IN_BLOCK)]
        lines = [
            "/CIDInit /ProcSet findresource begin",
            "12 dict begin",
            "begincmap",
            "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
            "/CMapName /Adobe-Identity-UCS def",
            "/CMapType 2 def",
            "1 begincodespacerange",
            "<0000> <FFFF>",
            "endcodespacerange",
        ]
        for block in blocks:
            lines += [f"{len(block)} beginbfchar", *block, "endbfchar"]
        lines += ["endcmap", "CMapName currentdict /CMap defineresource pop", "end", "end"]
        return "\n".join(lines).encode("ascii")


_embedded: WeakKeyDictionary[Any, dict[str, Embedded]] = WeakKeyDictionary()


def has_shaped_text(document: Any) -> bool:
    """Whether any shaped glyph was written into a document of reportlab."""
    return bool(_embedded.get(document))


def embedded(name: str, document: Any) -> Embedded:
    """The typeface in a document of reportlab."""
    faces = _embedded.setdefault(document, {})
    if name not in faces:
        faces[name] = Embedded(name, document)
    return faces[name]
