"""How a command line is read: one parser for every command, errors as sentences with the nearest name."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from probes.errors import UsageError


class CommandParser(argparse.ArgumentParser):
    """The parser of one command. Its help ends with examples; it raises `UsageError` instead of exiting."""

    def __init__(self, command: str, arguments: str, description: str, examples: Sequence[str]) -> None:
        newer: dict[str, Any] = {"color": False} if sys.version_info >= (3, 14) else {}
        super().__init__(
            prog=f"loadstone {command}",
            usage=f"loadstone {command} {arguments}".rstrip(),
            description=description,
            epilog=examples_block(examples),
            formatter_class=_HelpFormatter,
            allow_abbrev=False,
            add_help=False,
            **newer,
        )
        self._positionals.title = "arguments"

    def add_output_group(self, *, json: bool = True) -> argparse._ArgumentGroup:
        """The options that every command has."""
        group = self.add_argument_group("output")
        if json:
            group.add_argument(
                "--json", metavar="FILE|-", help="write the result as JSON to FILE, or - for standard output"
            )
        group.add_argument("--no-color", action="store_true", help="no colours (also NO_COLOR)")
        group.add_argument("-h", "--help", action="help", help="show this and exit")
        return group

    def add_store_option(self, group: argparse._ActionsContainer | None = None) -> None:
        """Where runs are stored."""
        (group or self).add_argument(
            "--store",
            metavar="URL",
            help="where runs are stored: a file, sqlite:///FILE or postgresql://… "
            "(default: LOADSTONE_STORE, else your data folder)",
        )

    def read(self, argv: Sequence[str]) -> argparse.Namespace:
        """The options in `argv`. Raises `UsageError`."""
        self._refuse_unknown_options(argv)
        options, extra = self.parse_known_args(list(argv))
        if extra:
            raise UsageError(f"'{extra[0]}' is one argument too many for {self.prog}: see {self.prog} --help")
        return options

    def error(self, message: str) -> NoReturn:
        """argparse's complaint as one of our sentences."""
        raise UsageError(self._sentence(message))

    def _refuse_unknown_options(self, argv: Sequence[str]) -> None:
        known = self._option_string_actions
        for argument in argv:
            if argument == "--":
                return
            name = argument.partition("=")[0]
            looks_like_option = re.match(r"--?[A-Za-z]", argument) and " " not in argument
            if looks_like_option and name not in known:
                raise UsageError(
                    f"{self.prog} has no option '{name}': {nearest(name, known, f'see {self.prog} --help')}"
                )

    def _sentence(self, message: str) -> str:
        if found := re.match(r"the following arguments are required: (.+)", message):
            return f"{found[1]} is missing: write {self.usage}, see {self.prog} --help"
        if found := re.match(r"argument (\S+): expected .*argument", message):
            return f"{found[1]} needs a value: see {self.prog} --help"
        if found := re.match(r"argument (\S+): ignored explicit argument '(.*)'", message):
            return f"{found[1]} takes no value, '{found[2]}' was given: see {self.prog} --help"
        return f"{message.removeprefix('argument ')}: see {self.prog} --help"


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str, **more: Any) -> None:
        super().__init__(prog, max_help_position=26, **more)


def examples_block(examples: Iterable[str]) -> str:
    """The block that ends every help text."""
    return "Examples:\n" + "\n".join(f"  {example}" for example in examples)


def nearest(name: str, known: Iterable[str], otherwise: str) -> str:
    """`did you mean X?` where a known name is near, else `otherwise`."""
    near = get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]}?" if near else otherwise


def one_of(what: str, choices: Sequence[str]) -> Callable[[str], str]:
    """An argument type: one of some words."""

    def read(text: str) -> str:
        if text not in choices:
            hint = nearest(text, choices, f"write {' or '.join(choices)}")
            raise UsageError(f"'{text}' is no value for {what}: {hint}")
        return text

    return read


def whole_number(what: str, low: int, high: int) -> Callable[[str], int]:
    """An argument type: a whole number from `low` to `high`."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[+-]?\d{1,20}", text.strip()) or not low <= int(text) <= high:
            raise UsageError(f"'{text}' is no value for {what}: write a whole number from {low} to {high}")
        return int(text)

    return read


def dash(what: str) -> Callable[[str], str]:
    """An argument type: only `-`, for standard output."""

    def read(text: str) -> str:
        if text != "-":
            raise UsageError(f"{what} writes to standard output only: write {what} -")
        return text

    return read
