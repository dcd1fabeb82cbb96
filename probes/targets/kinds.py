"""Which module reads which kind of address, and which options that kind takes.

Every module has `parse_target(address, *, …)`: its keyword arguments are the options of the kind, named as on
the command line. A new kind is a module and a line here.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

from probes.errors import UsageError

if TYPE_CHECKING:
    from probes.targets.target import Target

MODULES = {
    "http": "probes.targets.http",
    "https": "probes.targets.http",
    "grpc": "probes.targets.grpc",
    "grpcs": "probes.targets.grpc",
    "kserve+grpc": "probes.targets.kserve_grpc",
    "kserve+grpcs": "probes.targets.kserve_grpc",
    "kserve+http": "probes.targets.model_server",
    "kserve+https": "probes.targets.model_server",
    "tfserving+http": "probes.targets.model_server",
    "tfserving+https": "probes.targets.model_server",
    "sagemaker+http": "probes.targets.model_server",
    "sagemaker+https": "probes.targets.model_server",
    "openai+http": "probes.targets.openai_chat",
    "openai+https": "probes.targets.openai_chat",
}
"""By the scheme before `://`."""
CODE = ("python", "model", "command")
"""Schemes of the user's own code, which `probes.targets.user_code` reads."""


def scheme_of(address: str) -> str:
    """The scheme of an address in small letters; empty where it has none."""
    head, separator, _ = address.partition("://")
    if separator:
        return head.strip().lower()
    head = address.partition(":")[0]
    return head if head in CODE else ""


def parse_target(address: str, options: Mapping[str, Any]) -> Target:
    """The target of an address and the options that were given; sends nothing.

    Raises `UsageError` for an unknown kind, for options that the kind does not take, and for what is wrong in
    them; `TargetError` when the host name cannot be resolved.
    """
    scheme = scheme_of(address)
    parse = import_module(_module_of(scheme, address)).parse_target
    takes = inspect.signature(parse).parameters
    for name in options:
        if name not in takes:
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} is not for a target of the kind {scheme}: leave it out")
    target: Target = parse(address, **options)
    return target


def options_of(scheme: str) -> tuple[str, ...]:
    """The names of the options that a kind takes."""
    parse = import_module(_module_of(scheme, f"{scheme}://")).parse_target
    return tuple(inspect.signature(parse).parameters)[1:]


def _module_of(scheme: str, address: str) -> str:
    if scheme in MODULES:
        return MODULES[scheme]
    shown = "".join(char if char.isprintable() else "?" for char in address)[:120]
    if not scheme:
        raise UsageError(f"'{shown}' is no address of a target: write http://host:port/path")
    near = get_close_matches(scheme, (*MODULES, *CODE), 1, 0.6)
    known = ", ".join(f"{name}:" for name in (*MODULES, *CODE))
    hint = f"did you mean {near[0]}:" if near else f"known are {known}"
    raise UsageError(f"'{shown}' is of no kind of target known here: {hint}")
