"""A request of another size: the same sample with more rows, more bytes or a longer sequence.

Where a sample says how it grows, that is done and nothing else:

    {"batch": 8, …}                      a number under the name of the axis is set
    {"n": "{{rows}}"}                    a text that is the mark becomes the number, in a text it is put there
    {"x": ["{{rows}}", [1, 2], [3, 4]]}  a list that begins with the mark gets so many of its items, in turn

Otherwise `batch` and `rows` lengthen the list that holds the rows (also the tensors of the Open Inference
Protocol), `sequence` the text (in words) or the innermost lists, and `payload_kb` the longest text, until the
whole has that many times 1,000 bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from typing import Any

from probes.errors import UsageError
from probes.load.sizes import AXES

MOST_BYTES = 256_000_000
"""Of all requests of a sweep together: they are held in memory."""
_ROW_KEYS = (
    "instances", "dataframe_records", "inputs", "input", "data", "rows", "records", "items", "texts",
    "documents", "queries", "ndarray",
)  # fmt: skip
_TEXT_KEYS = ("content", "prompt", "text", "input", "inputs", "query", "question", "body")


def sized_bodies(bodies: Sequence[bytes | None], axis: str, sizes: Sequence[int]) -> tuple[bytes, ...]:
    """Every body in every size, all of the first size first.

    Raises `UsageError` where there is no body, where it does not say what grows, and when all together are
    too large.
    """
    given = [body for body in bodies if body]
    if not given:
        raise UsageError(f"--sweep {axis} needs something to make larger: give --sample or --body")
    found, total = [], 0
    if axis == "payload_kb" and len(given) * sum(sizes) * 1_000 > MOST_BYTES:
        raise _too_large(axis, max(sizes))
    for size in sizes:
        for body in given:
            one = sized_body(body, axis, size)
            total += len(one)
            if total > MOST_BYTES:
                raise _too_large(axis, size)
            found.append(one)
    return tuple(found)


def _too_large(axis: str, size: int) -> UsageError:
    return UsageError(
        f"the requests of --sweep {axis} would have over {MOST_BYTES / 1e6:,.0f} MB together at "
        f"{axis}={size}: leave out the largest sizes"
    )


def sized_body(body: bytes, axis: str, size: int) -> bytes:
    """One body in another size. Raises `UsageError` where it does not say what grows."""
    mark = f"{{{{{axis}}}}}"
    try:
        document = json.loads(body)
    except ValueError:
        return _sized_bytes(body, axis, size, mark)
    if mark.encode() in body:
        return _encoded(_marked(document, mark, size))
    if isinstance(document, dict) and _is_number(document.get(axis)):
        return _encoded(document | {axis: size})
    if axis in ("batch", "rows"):
        return _encoded(_with_rows(document, size, axis))
    if axis == "sequence":
        return _encoded(_with_sequence(document, size))
    if axis == "payload_kb":
        return _with_bytes(document, size * 1_000)
    raise UsageError(
        f"--sweep {axis} is none of {', '.join(AXES)}: name one, or put {mark} where the size belongs"
    )


def _sized_bytes(body: bytes, axis: str, size: int, mark: str) -> bytes:
    """The same for what is no JSON: a text of lines and words, or plain bytes."""
    if mark.encode() in body:
        return body.replace(mark.encode(), str(size).encode())
    if axis == "payload_kb":
        return (body * (size * 1_000 // len(body) + 1))[: size * 1_000]
    if axis in ("batch", "rows"):
        return b"\n".join(islice(cycle(body.splitlines()), size)) + b"\n"
    if axis == "sequence":
        return b" ".join(islice(cycle(body.split() or [b"word"]), size))
    raise UsageError(
        f"--sweep {axis} says nothing about a sample without {mark}: put it where the size belongs"
    )


def _encoded(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _marked(value: Any, mark: str, size: int) -> Any:
    if isinstance(value, str):
        return size if value == mark else value.replace(mark, str(size))
    if isinstance(value, dict):
        return {name: _marked(part, mark, size) for name, part in value.items()}
    if isinstance(value, list):
        if value[:1] == [mark]:
            if len(value) < 2:
                raise UsageError(f"a list that begins with {mark} has no item to repeat: write one after it")
            return _cycled(value[1:], size)
        return [_marked(part, mark, size) for part in value]
    return value


def _cycled(items: Sequence[Any], size: int) -> list[Any]:
    return (list(items) * (size // len(items) + 1))[:size]


def _tensors(document: Any) -> list[dict[str, Any]]:
    """The tensors of the Open Inference Protocol; [] where the document holds none."""
    inputs = document.get("inputs") if isinstance(document, dict) else None
    if not isinstance(inputs, list) or not inputs:
        return []
    fits = all(
        isinstance(one, dict) and isinstance(one.get("shape"), list) and "data" in one for one in inputs
    )
    return inputs if fits else []


def _with_rows(document: Any, size: int, axis: str) -> Any:
    if tensors := _tensors(document):
        return document | {"inputs": [_longer_tensor(one, 0, size) for one in tensors]}
    if isinstance(document, list):
        if not document:
            raise _no_rows(axis)
        return _cycled(document, size)
    if not isinstance(document, dict):
        return [document] * size
    places = [name for name, value in document.items() if _holds_rows(name, value)]
    known = [name for name in _ROW_KEYS if name in places]
    if known or len(places) == 1:
        name = (known or places)[0]
        return document | {name: _longer(document[name], size)}
    inner = [
        (name, key)
        for name, value in document.items()
        if isinstance(value, dict)
        for key, part in value.items()
        if isinstance(part, list) and part and (key in _ROW_KEYS or not isinstance(part[0], str))
    ]
    if len(inner) > 1:  # columns, index and data of a table
        inner = [(name, key) for name, key in inner if key in _ROW_KEYS]
    if len(inner) != 1 or places:
        raise _no_rows(axis)
    name, key = inner[0]
    return document | {name: document[name] | {key: _cycled(document[name][key], size)}}


def _no_rows(axis: str) -> UsageError:
    return UsageError(
        f"the sample does not say which list holds its {'rows' if axis == 'rows' else 'batch'}: begin that "
        f'list with "{{{{{axis}}}}}", as in {{"x": ["{{{{{axis}}}}}", [1, 2]]}}'
    )


def _holds_rows(name: str, value: Any) -> bool:
    if isinstance(value, dict) and name in ("inputs", "input"):  # named inputs, each with its rows
        lists = [part for part in value.values() if isinstance(part, list) and part]
        return len(lists) == len(value) and len({len(part) for part in lists}) == 1
    return isinstance(value, list) and bool(value)


def _longer(value: Any, size: int) -> Any:
    if isinstance(value, dict):
        return {name: _cycled(part, size) for name, part in value.items()}
    return _cycled(value, size)


def _longer_tensor(tensor: dict[str, Any], dimension: int, size: int) -> dict[str, Any]:
    """A tensor with its flat or nested data, longer in one dimension (0 or 1)."""
    shape = list(tensor["shape"])
    if len(shape) <= dimension:
        raise UsageError(
            f"the input {str(tensor.get('name'))[:60]!r} has no dimension {dimension + 1} that could grow"
        )
    data = tensor["data"]
    flat = [value for part in data for value in part] if data and isinstance(data[0], list) else list(data)
    if dimension == 0:
        wanted = size * max(1, len(flat) // max(1, shape[0]))
        longer = _cycled(flat, wanted)
    else:
        per = max(1, len(flat) // max(1, shape[0]))
        longer = [value for at in range(shape[0]) for value in _cycled(flat[at * per : (at + 1) * per], size)]
    return tensor | {"shape": [*shape[:dimension], size, *shape[dimension + 1 :]], "data": longer}


def _with_sequence(document: Any, size: int) -> Any:
    if tensors := _tensors(document):
        return document | {"inputs": [_longer_tensor(one, 1, size) for one in tensors]}
    place = _text_place(document)
    if place is not None:
        holder, key = place
        words = str(holder[key]).split() or ["word"]
        holder[key] = " ".join(_cycled(words, size))
        return document
    if isinstance(document, str):
        return " ".join(_cycled(document.split() or ["word"], size))
    longer, changed = _innermost(document, size)
    if not changed:
        raise UsageError(
            'the sample holds no text and no list that could be a sequence: put "{{sequence}}" first in the '
            "list that grows"
        )
    return longer


def _innermost(value: Any, size: int) -> tuple[Any, bool]:
    """Lists of numbers made so long; whether there was one."""
    if isinstance(value, list) and value:
        if all(_is_number(part) for part in value):
            return _cycled(value, size), True
        parts = [_innermost(part, size) for part in value]
        return [part for part, _ in parts], any(changed for _, changed in parts)
    if isinstance(value, dict):
        found = {name: _innermost(part, size) for name, part in value.items()}
        return {name: part for name, (part, _) in found.items()}, any(one for _, one in found.values())
    return value, False


def _with_bytes(document: Any, wanted: int) -> bytes:
    """The document with its longest text lengthened or cut, so that the whole has `wanted` bytes."""
    if isinstance(document, str):
        whole = [document]
        return _padded(whole, whole, 0, wanted + 2)[1:-1]
    place = _text_place(document)
    if place is not None:
        return _padded(document, *place, wanted)
    rows = _with_rows(document, 1, "payload_kb")
    one, two = len(_encoded(rows)), len(_encoded(_with_rows(document, 2, "payload_kb")))
    return _encoded(_with_rows(document, max(1, 1 + round((wanted - one) / max(1, two - one))), "payload_kb"))


def _padded(document: Any, holder: Any, key: Any, wanted: int) -> bytes:
    text = holder[key]
    filler = "".join(char for char in text if char.isascii() and char.isprintable() and char not in '"\\')
    holder[key] = ""
    left = wanted - len(_encoded(document))
    if left < 1:
        raise UsageError(
            f"a payload of {wanted / 1e3:g} kB is smaller than the sample without its text: begin with more"
        )
    filler = filler or "x"
    holder[key] = (filler * (left // len(filler) + 1))[:left]
    return _encoded(document)


def _text_place(document: Any) -> tuple[Any, Any] | None:
    """Where the text stands that may be made longer: the longest under a usual name, else the longest."""
    best: tuple[int, int, Any, Any] | None = None
    for holder, key, text in _texts(document):
        usual = int(key in _TEXT_KEYS or isinstance(key, int))
        if best is None or (usual, len(text)) > best[:2]:
            best = (usual, len(text), holder, key)
    return None if best is None else best[2:]


def _texts(value: Any) -> Iterator[tuple[Any, Any, str]]:
    parts: Iterator[tuple[Any, Any]] = iter(())
    if isinstance(value, dict):
        parts = iter(value.items())
    elif isinstance(value, list):
        parts = iter(enumerate(value))
    for key, part in parts:
        if isinstance(part, str):
            yield value, key, part
        else:
            yield from _texts(part)
