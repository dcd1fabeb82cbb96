"""Which fields of the form a kind of target takes; from the kinds that the command line knows.

A kind that is added to `probes.targets.kinds` stands in the form without another word here: its fields are
those whose option it takes.
"""

from __future__ import annotations

import inspect

from probes.errors import UsageError

FIELD_OF_OPTION = {
    "method": "method", "headers": "headers", "body": "body_kind", "bodies": "body_kind", "sample": "sample",
    "spread": "spread", "python": "python", "workers": "workers", "threads": "threads", "proto": "proto",
    "streams": "streams", "client": "client",
}  # fmt: skip
"""The field of the form by an option's name."""
_NOT_OF = {"command": ("spread", "python"), "model": ("spread",)}
"""Fields that the user's code of this kind does not take, though their reader is the same."""


def is_code(target: str) -> bool:
    """Whether a target is code of the user's, which the probe starts itself."""
    from probes.targets.kinds import CODE, scheme_of

    return scheme_of(target.strip()) in CODE


def fields_of(target: str) -> frozenset[str]:
    """The fields that a target of this kind takes; those of HTTP where the kind is not known (yet)."""
    from probes.targets.kinds import options_of, scheme_of
    from probes.targets.user_code import parse_user_code

    scheme = scheme_of(target.strip())
    if is_code(target):
        options = tuple(inspect.signature(parse_user_code).parameters)
    else:
        try:
            options = options_of(scheme)
        except UsageError:
            options = options_of("http")
    found = {FIELD_OF_OPTION[option] for option in options if option in FIELD_OF_OPTION}
    return frozenset(found.difference(_NOT_OF.get(scheme, ())))


def examples() -> tuple[str, ...]:
    """How a target of each kind begins, or is written where that is short."""
    from probes.targets.kinds import CODE, MODULES

    of_code = {
        "python": "python:app/model.py:predict", "model": "model:model.onnx", "command": "command:./score",
    }  # fmt: skip
    plain = [scheme for scheme in MODULES if not (scheme.endswith("s") and scheme[:-1] in MODULES)]
    return (
        *(f"{scheme}://…" for scheme in plain),
        *(of_code[scheme] for scheme in CODE),
    )
