"""What can go wrong, as one tree.

    LoadstoneError
    ├── UserError            something the person can put right; one sentence saying what and how
    │   ├── UsageError       bad option or bad input, nothing was started          (exit code 2)
    │   └── TargetError      the target is unreachable, crashed or failed          (exit code 3)
    └── InternalError        a fault of Loadstone's own                            (exit code 70)

Anything that is not a `LoadstoneError` is a bug as well and is reported like `InternalError`.
"""

from __future__ import annotations


class LoadstoneError(Exception):
    """Base of every error that Loadstone raises on purpose."""

    exit_code = 70


class UserError(LoadstoneError):
    """The person can put it right; the message is one sentence saying what is wrong and what to do."""

    exit_code = 2


class UsageError(UserError):
    """Bad option or bad input; nothing was started."""

    exit_code = 2


class TargetError(UserError):
    """The target is unreachable, crashed or failed."""

    exit_code = 3


class InternalError(LoadstoneError):
    """A fault of Loadstone's own."""

    exit_code = 70
