"""The report of a fault of our own: what was asked and where it broke, without secrets."""

from __future__ import annotations

import os
import platform
import re
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from app.cli.written import write_private
from probes.version import version

HIDDEN = "(hidden)"
_SHORTEST_SECRET = 4
_PRIVATE_OPTIONS = ("--header", "--body")
_TELLING_NAME = re.compile(r"(?i)(pass|pwd|secret|token|key|auth|credential|signature|sig$|session|cookie)")
_AUTHORIZATION = re.compile(r"(?i)\b(authorization|proxy-authorization|cookie|x-api-key)(\W{1,4})[^\r\n'\"]+")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{4,}")
_URL_PASSWORD = re.compile(r"(?<=://)[^\s/@'\"]+(?=@)")


def write_report(error: BaseException, argv: Sequence[str]) -> Path | str:
    """Writes the report and returns where it lies; where no file can be written it is returned as text."""
    text = report_text(error, argv)
    name = f"crash-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}.txt"
    for folder in (state_folder, lambda: Path(tempfile.gettempdir())):
        try:
            place = folder()
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = place / name
            write_private(path, text)
        except OSError:
            continue
        return path
    return f"(no file could be written) {text}"


def state_folder() -> Path:
    """Where crash reports lie."""
    from platformdirs import user_state_dir

    return Path(user_state_dir("loadstone", appauthor=False)) / "crashes"


def report_text(error: BaseException, argv: Sequence[str]) -> str:
    """The report as text, secrets taken out everywhere."""
    trace = "".join(traceback.format_exception(error))
    shown = " ".join(repr(argument) for argument in redacted(argv))
    return without_secrets(
        f"Loadstone {version()}, Python {platform.python_version()}, {platform.platform()}\n"
        f"{datetime.now(UTC).isoformat(timespec='seconds')}\n"
        f"loadstone {shown}\n\n{trace}",
        secrets_in(argv),
    )


def redacted(argv: Sequence[str]) -> list[str]:
    """The command line with the values of headers, bodies and passwords in addresses hidden."""
    shown: list[str] = []
    private = ""
    for argument in argv:
        option, given, value = argument.partition("=")
        if private:
            shown.append(_hidden_value(private, argument))
            private = ""
        elif argument in _PRIVATE_OPTIONS:
            shown.append(argument)
            private = argument
        elif given and option in _PRIVATE_OPTIONS:
            shown.append(f"{option}={_hidden_value(option, value)}")
        else:
            shown.append(_without_url_secrets(argument))
    return shown


def _hidden_value(option: str, value: str) -> str:
    if option == "--header":
        name, colon, rest = value.partition(":")
        if not colon:
            return HIDDEN
        return f"{name}: {rest.strip()}" if rest.strip().startswith("env:") else f"{name}: {HIDDEN}"
    return value if value.startswith("@") else HIDDEN


def _without_url_secrets(argument: str) -> str:
    shown = _URL_PASSWORD.sub(HIDDEN, argument)
    return re.sub(
        r"([?&])([^=&#\s]+)=([^&#\s]+)",
        lambda found: f"{found[1]}{found[2]}={HIDDEN}" if _TELLING_NAME.search(found[2]) else found[0],
        shown,
    )


def secrets_in(argv: Sequence[str]) -> list[str]:
    """Texts that must not stand in a report: header values, what `env:NAME` stands for, passwords, bodies."""
    found: set[str] = set()
    previous = ""
    for argument in argv:
        option, _, value = argument.partition("=")
        if previous in _PRIVATE_OPTIONS:
            found |= _secrets_of(previous, argument)
        elif option in _PRIVATE_OPTIONS and value:
            found |= _secrets_of(option, value)
        else:
            found |= _secrets_in_url(argument)
        previous = argument
    store = os.environ.get("LOADSTONE_STORE", "")
    found |= _secrets_in_url(store)
    return sorted((text for text in found if len(text) >= _SHORTEST_SECRET), key=len, reverse=True)


def _secrets_of(option: str, value: str) -> set[str]:
    if option == "--body":
        return set() if value.startswith("@") else {value}
    secret = value.partition(":")[2].strip()
    if secret.startswith("env:"):
        secret = os.environ.get(secret.removeprefix("env:").strip(), "")
    return {secret, *secret.split()[1:]}


def _secrets_in_url(text: str) -> set[str]:
    if "://" not in text:
        return set()
    try:
        parts = urlsplit(text)
        found = {parts.password or ""}
    except ValueError:
        return set()
    for name, value in re.findall(r"([^=&#?\s]+)=([^&#\s]+)", parts.query):
        if _TELLING_NAME.search(name):
            found.add(value)
    return found


def without_secrets(text: str, secrets: Sequence[str]) -> str:
    """The text with the given secrets, and whatever looks like an Authorization value, hidden."""
    for secret in secrets:
        for spelling in (secret, repr(secret)[1:-1]):
            text = text.replace(spelling, HIDDEN)
    text = _AUTHORIZATION.sub(lambda found: f"{found[1]}{found[2]}{HIDDEN}", text)
    text = _BEARER.sub(lambda found: f"{found[1]} {HIDDEN}", text)
    return _URL_PASSWORD.sub(HIDDEN, text)
