"""The strict reader of documents that come from outside: YAML and JSON, with the line of everything in them.

Nothing in a document makes things happen: no tags, no aliases unless a format needs them (and then never
more than the caps by way of them), no key twice in one mapping, no number that is not finite. Size is capped
before anything is parsed; depth, keys and values are capped while it goes on, so that a hostile file is
refused in one line, within two seconds and 200 MB.

Strings stay strings: of YAML's plain words only `null`, `~`, `true`, `false` (also capitalised) and decimal
numbers without leading zeros are anything else. `on`, `yes`, `010`, `0x1F`, `12:30`, `1_000` and
`2026-01-01` are text. Keys are always text.

    document = read_yaml(data, "deploy.yaml")
    line_of(document, "spec")      the line on which the value of `spec` begins
"""

from __future__ import annotations

import bisect
import codecs
import math
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from json.decoder import JSONDecodeError, JSONDecoder, scanstring  # type: ignore[attr-defined]
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any

from probes.errors import UsageError

MAX_BYTES = 8_000_000
MAX_DEPTH = 100
MAX_VALUES = 300_000
"""Mappings, lists and scalars of a document together, aliases counted as what they stand for."""

MAX_KEYS = 10_000
"""Keys of one mapping."""

MAX_DOCUMENTS = 10_000
"""Documents of one YAML text that `read_yaml_each` reads."""

MAX_DIGITS = 40
"""Characters of one number: enough for 128-bit numbers and for every float."""

_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_NO_NUMBERS = frozenset(sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")) | {
    ".nan", ".NaN", ".NAN",
}  # fmt: skip
_SEPARATOR = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")
_SPACE = re.compile(r"[ \t\n\r]*")


class DocumentError(UsageError):
    """A document that cannot be read: its message names it, `line` is where (from 1), `what` is why."""

    def __init__(self, name: str, line: int | None, what: str) -> None:
        super().__init__(f"{name}, line {line}: {what}" if line else f"{name}: {what}")
        self.name = name
        self.line = line
        self.what = what


class Located(dict[str, Any]):
    """A mapping that knows where it stands: `line`, and the line of each key's value in `lines`, from 1."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


def line_of(node: object, key: str | None = None) -> int | None:
    """The line of a mapping, or that of its key's value; None where either is unknown."""
    if not isinstance(node, Located):
        return None
    return node.line if key is None else node.lines.get(key)


def read_file(path: Path, *, max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes of a plain file. Raises `DocumentError` for other files, larger ones and unreadable ones."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise DocumentError(str(path), None, "this is no plain file: name one")
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DocumentError(str(path), None, f"cannot be read ({why}): name a file that can") from error
    _check_size(data, str(path), max_bytes)
    return data


def read_yaml(
    data: bytes,
    name: str,
    *,
    aliases: bool = False,
    many: bool = False,
    max_bytes: int = MAX_BYTES,
    max_values: int = MAX_VALUES,
) -> Any:
    """The document in YAML text: mappings as `Located`, lists, text, numbers, booleans and None.

    With `many` it is the list of all documents in the text (None for an empty one). With `aliases` an alias
    gives the very object of its anchor, and `<<` merges mappings; both count in full against the caps.
    Raises `DocumentError`, a `UsageError`, with `name` and the line.
    """
    _check_size(data, name, max_bytes)
    documents = _parse_yaml(_text(data, name), name, _Budget(max_values), aliases=aliases, many=many)
    if many:
        return documents
    return documents[0] if documents else None


def read_json(
    data: bytes,
    name: str,
    *,
    allow_nan: bool = False,
    max_bytes: int = MAX_BYTES,
    max_values: int = MAX_VALUES,
) -> Any:
    """The document in JSON text: objects as `Located`, lists, text, numbers, booleans and None.

    `NaN` and the infinities are numbers only with `allow_nan`. Raises `DocumentError`, a `UsageError`, with
    `name` and the line.
    """
    _check_size(data, name, max_bytes)
    text = _text(data, name)
    _check_json_shape(text, name, max_values)
    return _JsonReader(text, name, allow_nan).document()


def read_yaml_each(
    data: bytes,
    name: str,
    *,
    aliases: bool = False,
    max_bytes: int = MAX_BYTES,
    max_values: int = MAX_VALUES,
) -> Iterator[Any]:
    """Each document of a YAML text, and in the place of one that cannot be read its `DocumentError`.

    So a bad document does not spoil its neighbours: a line that begins with `---` separates documents
    whatever stands around it. Documents without content are left out. `max_values` holds for all of them
    together.
    Raises `DocumentError` for what is too large, too many, or no text.
    """
    _check_size(data, name, max_bytes)
    parts = _split(_text(data, name))
    if len(parts) > MAX_DOCUMENTS:
        raise DocumentError(name, None, f"holds more than {MAX_DOCUMENTS:,} documents: split it")
    budget = _Budget(max_values)
    for line, part in parts:
        try:
            yield from _parse_yaml(part, name, budget, aliases=aliases, many=True, first_line=line)
        except DocumentError as error:
            yield error
        if budget.left <= 0:
            return


def _split(text: str) -> list[tuple[int, str]]:
    """The documents with content, each with the line it begins on."""
    starts = [0, *(match.start() for match in _SEPARATOR.finditer(text))]
    parts, line = [], 1
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        part = text[start:end]
        if any(_has_content(row) for row in part.removeprefix("---").split("\n")):
            parts.append((line, part))
        line += part.count("\n")
    return parts


def _has_content(row: str) -> bool:
    bare = row.strip()
    return bool(bare) and bare[0] not in "#%" and bare != "..."


def _check_size(data: bytes, name: str, max_bytes: int) -> None:
    if len(data) > max_bytes:
        raise DocumentError(name, None, f"is larger than {max_bytes / 1e6:g} MB: give a smaller file")


def _text(data: bytes, name: str) -> str:
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = None if wide else data.count(b"\n", 0, error.start) + 1
        raise DocumentError(name, line, "this is no UTF-8 text: save it as UTF-8") from error


class _RefusedError(Exception):
    """Why a scalar is refused."""


def _scalar(text: str) -> Any:
    """What a plain YAML scalar stands for. Raises `_RefusedError`."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        return int(_short(text))
    if _FLOAT.fullmatch(text):
        return _finite(text)
    if text in _NO_NUMBERS:
        raise _RefusedError(f"{text} is no number that can be used: write a finite one, or put it in quotes")
    return text


def _short(text: str) -> str:
    if len(text) > MAX_DIGITS:
        raise _RefusedError(
            f"a number of {len(text)} characters: shorten it, or put it in quotes if it is a name"
        )
    return text


def _finite(text: str) -> float:
    number = float(_short(text))
    if not math.isfinite(number):
        raise _RefusedError(f"{text} is too large for a number: put it in quotes if it is a name")
    return number


@dataclass
class _Budget:
    """How many more values may be read."""

    left: int


def _parse_yaml(
    text: str, name: str, budget: _Budget, *, aliases: bool, many: bool, first_line: int = 1
) -> list[Any]:
    import yaml

    parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        return list(_YamlReader(parser, name, budget, aliases=aliases, first_line=first_line).documents(many))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + first_line if isinstance(error.position, int) else None
        what = "holds a character that no YAML text has: save it as plain text"
        raise DocumentError(name, line, what) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + first_line
        why = error.problem or error.context or "wrong syntax"
        raise DocumentError(name, line, f"this is no YAML ({why}): correct it") from error
    except yaml.YAMLError as error:
        why = " ".join(str(error).split())
        raise DocumentError(name, None, f"this is no YAML ({why}): correct it") from error
    finally:
        parser.dispose()


class _YamlReader:
    """Builds documents from the events of PyYAML's parser, which keeps no tree and expands nothing."""

    def __init__(self, parser: Any, name: str, budget: _Budget, *, aliases: bool, first_line: int) -> None:
        self._next: Callable[[], Any] = parser.get_event
        self._name = name
        self._aliases = aliases
        self._budget = budget
        self._first_line = first_line
        self._anchors: dict[str, tuple[Any, int, int]] = {}

    def documents(self, many: bool) -> Iterator[Any]:
        """Each document of the stream. Raises `DocumentError` for a second one unless `many`."""
        import yaml

        self._next()
        count = 0
        while not isinstance(event := self._next(), yaml.StreamEndEvent):
            count += 1
            if count > 1 and not many:
                raise self._error(event, "holds a second document: keep one")
            self._anchors = {}
            document, _ = self._node(self._next(), 0)
            self._next()
            yield document

    def _node(self, event: Any, depth: int) -> tuple[Any, int]:
        """The value that begins with `event`, and how many levels of containers it has."""
        import yaml

        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        if event.tag is not None:
            raise self._error(event, f"the tag {_shown(event.tag)} is not followed here: remove it")
        self._count(event, 1)
        before = self._budget.left
        if isinstance(event, yaml.ScalarEvent):
            value, height = self._scalar(event), 0
        else:
            if depth >= MAX_DEPTH:
                raise self._error(event, f"is nested more than {MAX_DEPTH} levels deep: flatten it")
            if event.anchor is not None:
                self._anchors.pop(event.anchor, None)
            mapping = isinstance(event, yaml.MappingStartEvent)
            value, height = self._mapping(event, depth) if mapping else self._list(depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, before - self._budget.left + 1, height)
        return value, height

    def _list(self, depth: int) -> tuple[list[Any], int]:
        import yaml

        values, height = [], 0
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            value, levels = self._node(event, depth + 1)
            values.append(value)
            height = max(height, levels)
        return values, height + 1

    def _mapping(self, start: Any, depth: int) -> tuple[Located, int]:
        import yaml

        mapping, merged, height = Located(self._line(start)), [], 0
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._key(event)
            if key in mapping:
                raise self._error(event, f"the key '{_shown(key)}' stands twice in one mapping: remove one")
            if len(mapping) >= MAX_KEYS:
                raise self._error(event, f"more than {MAX_KEYS:,} keys in one mapping: split it")
            after = self._next()
            value, levels = self._node(after, depth + 1)
            height = max(height, levels)
            if key == "<<" and self._aliases and event.implicit[0]:
                merged.append((after, value))
            else:
                mapping[key] = value
                mapping.lines[key] = self._line(after)
        for after, value in merged:
            self._merge(mapping, after, value)
        return mapping, height + 1

    def _key(self, event: Any) -> str:
        import yaml

        if not isinstance(event, yaml.ScalarEvent):
            raise self._error(event, "a key must be plain text: rename it")
        if event.tag is not None:
            raise self._error(event, f"the tag {_shown(event.tag)} is not followed here: remove it")
        return str(event.value)

    def _merge(self, mapping: Located, event: Any, value: Any) -> None:
        """YAML's merge key: keys of the mapping itself win, then those of earlier mappings."""
        for part in value if isinstance(value, list) else [value]:
            if not isinstance(part, Located):
                raise self._error(event, "<< merges mappings only: give it one")
            for key, inner in part.items():
                if key not in mapping:
                    mapping[key] = inner
                    mapping.lines[key] = part.lines[key]
            if len(mapping) > MAX_KEYS:
                raise self._error(event, f"more than {MAX_KEYS:,} keys in one mapping: split it")

    def _alias(self, event: Any, depth: int) -> tuple[Any, int]:
        if not self._aliases:
            raise self._error(event, f"the alias *{_shown(event.anchor)} is not followed here: write it out")
        if event.anchor not in self._anchors:
            raise self._error(
                event, f"the alias *{_shown(event.anchor)} stands for nothing: define it before"
            )
        value, size, height = self._anchors[event.anchor]
        self._count(event, size)
        if depth + height > MAX_DEPTH:
            raise self._error(event, f"is nested more than {MAX_DEPTH} levels deep: flatten it")
        return value, height

    def _scalar(self, event: Any) -> Any:
        if not event.implicit[0]:
            return event.value
        try:
            return _scalar(event.value)
        except _RefusedError as why:
            raise self._error(event, str(why)) from None

    def _count(self, event: Any, values: int) -> None:
        self._budget.left -= values
        if self._budget.left < 0:
            raise self._error(event, "holds more values than a document of any use: split it")

    def _line(self, event: Any) -> int:
        return int(event.start_mark.line) + self._first_line

    def _error(self, event: Any, what: str) -> DocumentError:
        return DocumentError(self._name, self._line(event), what)


def _check_json_shape(text: str, name: str, max_values: int) -> None:
    """Refuses what is too deep or too much, before it is parsed; wrong syntax is left to the parser."""
    bare = _JSON_STRING.sub('""', text)
    if bare.count(",") + bare.count("[") + bare.count("{") > max_values:
        raise DocumentError(name, None, f"holds more than {max_values:,} values: split it")
    depth = 0
    for bracket in re.finditer(r"[\[\]{}]", bare):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > MAX_DEPTH:
            raise DocumentError(name, None, f"is nested more than {MAX_DEPTH} levels deep: flatten it")


class _JsonReader(JSONDecoder):
    """The standard library's decoder with an object hook that knows where it is."""

    def __init__(self, text: str, name: str, allow_nan: bool) -> None:
        super().__init__(
            parse_int=self._integer, parse_float=self._float, parse_constant=self._constant, strict=True
        )
        self._document = text
        self._name = name
        self._allow_nan = allow_nan
        self._ends = [match.start() for match in re.finditer("\n", text)]
        self.parse_object = self._object
        if _HALF_PAIR.search(text):
            self.parse_string = self._string
        self.scan_once = py_make_scanner(self)

    def document(self) -> Any:
        try:
            return self.decode(self._document)
        except JSONDecodeError as error:
            raise self._error(error.pos, f"this is no JSON ({error.msg}): correct it") from error
        except _RefusedError as why:
            raise DocumentError(self._name, None, str(why)) from None

    def _object(self, start: tuple[str, int], strict: bool, scan_once: Any, *_more: Any) -> tuple[Any, int]:
        text, at = start
        mapping = Located(self._line(at - 1))
        at = self._skip(at)
        if text[at : at + 1] == "}":
            return mapping, at + 1
        while True:
            if text[at : at + 1] != '"':
                raise JSONDecodeError("a key in double quotes is missing", text, at)
            key_at = at
            key, at = self.parse_string(text, at + 1, strict)
            if key in mapping:
                raise self._error(key_at, f"the key '{_shown(key)}' stands twice in one object: remove one")
            if len(mapping) >= MAX_KEYS:
                raise self._error(key_at, f"more than {MAX_KEYS:,} keys in one object: split it")
            at = self._skip(at)
            if text[at : at + 1] != ":":
                raise JSONDecodeError("':' is missing", text, at)
            value_at = self._skip(at + 1)
            try:
                mapping[key], at = scan_once(text, value_at)
            except StopIteration as error:
                raise JSONDecodeError("a value is missing", text, error.value) from None
            except _RefusedError as why:
                raise self._error(value_at, str(why)) from None
            mapping.lines[key] = self._line(value_at)
            at = self._skip(at)
            after = text[at : at + 1]
            if after == "}":
                return mapping, at + 1
            if after != ",":
                raise JSONDecodeError("',' is missing", text, at)
            at = self._skip(at + 1)

    def _skip(self, at: int) -> int:
        match = _SPACE.match(self._document, at)
        return at if match is None else match.end()

    def _string(self, text: str, at: int, strict: bool = True) -> tuple[str, int]:
        value, end = scanstring(text, at, strict)
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise self._error(at, "holds half of a surrogate pair: write the whole character")
        return value, end

    def _integer(self, text: str) -> int:
        return int(_short(text))

    def _float(self, text: str) -> float:
        return _finite(text)

    def _constant(self, text: str) -> float:
        if not self._allow_nan:
            raise _RefusedError(f"{text} is no number that can be used: write a finite one, or null")
        return float(text)

    def _line(self, at: int) -> int:
        return bisect.bisect_left(self._ends, at) + 1

    def _error(self, at: int, what: str) -> DocumentError:
        return DocumentError(self._name, self._line(at), what)


def _shown(text: str, longest: int = 60) -> str:
    """A name from a document as an error shows it: printable and short."""
    whole = "".join(character if character.isprintable() else "?" for character in text)
    return whole if len(whole) <= longest else whole[: longest - 1] + "…"


def member(node: object, *path: str) -> Any:
    """What lies in nested mappings under `path`; None where any step is absent or no mapping."""
    for key in path:
        if not isinstance(node, Mapping):
            return None
        node = node.get(key)
    return node


def mapping(value: object) -> Mapping[str, Any]:
    """The mapping, or an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: object) -> list[Mapping[str, Any]]:
    """The mappings in a list; none for anything else."""
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []
