"""Numbers in sentences: as many digits as they deserve, no-break spaces before units, intervals."""

from __future__ import annotations

NO_BREAK = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"


def amount(value: float) -> str:
    """Three significant digits, and all those before the decimal point: 0.0312, 4.55, 33.6, 198, 12,340."""
    size = abs(value)
    if size >= 99.95:
        shown = f"{size:,.0f}"
    elif size == 0:
        shown = "0"
    else:
        shown = f"{size:.3g}"
        if "e" in shown:
            shown = f"{size:.6f}".rstrip("0").rstrip(".") if size < 1 else f"{size:,.0f}"
    return f"{MINUS}{shown}" if value < 0 and shown.strip("0.") else shown


def with_unit(text: str, unit: str) -> str:
    """The number with its unit behind a no-break space."""
    return f"{text}{NO_BREAK}{unit}" if unit else text


def estimate(value: float, low: float | None, high: float | None, unit: str = "") -> str:
    """`198 (192–203) req/s`; an end that is not known is left open: `198 (192–?)`."""
    shown = amount(value)
    if low is not None or high is not None:
        ends = ["?" if end is None else amount(end) for end in (low, high)]
        shown += f"{NO_BREAK}({ends[0]}–{ends[1]})"
    return with_unit(shown, unit)


def percent(share: float) -> str:
    """A share as whole percent: `61 %`."""
    return f"{share * 100:.0f}{NO_BREAK}%"


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 claim`, `4 claims`."""
    return f"{number:,}{NO_BREAK}{one if number == 1 else many or one + 's'}"


def binary_bytes(size: float) -> str:
    """Bytes as KiB, MiB or GiB."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024 or unit == "GiB":
            return with_unit(amount(size), unit)
        size /= 1024
    raise AssertionError("the largest unit takes everything")


def capital(sentence: str) -> str:
    """The sentence with its first letter in capitals."""
    return sentence[:1].upper() + sentence[1:]
