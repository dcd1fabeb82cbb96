"""What can go wrong with the store; each message is one sentence saying what is wrong and what to do.

UserError
└── StoreError               the store cannot be opened, read or written
    ├── UnknownRun           no stored run has this id
    ├── AmbiguousRun         several runs begin with these characters
    ├── UnknownAssessment    no assessment has this name
    ├── AnswerChanged        somebody else saved this answer meanwhile
    └── DamagedAnswers       answers that do not match the hash they were stored with
"""

from __future__ import annotations

from probes.errors import UserError


class StoreError(UserError):
    """The store cannot be opened, read or written; the message says what to do."""

    exit_code = 2


class UnknownRun(StoreError):  # noqa: N818
    """No stored run has this id; the message names near ones."""


class AmbiguousRun(StoreError):  # noqa: N818
    """Several runs begin with these characters; the message names them."""


class UnknownAssessment(StoreError):  # noqa: N818
    """No assessment has this name; the message names near ones."""


class AnswerChanged(StoreError):  # noqa: N818
    """The answer was saved by somebody else since it was read; nothing was written."""


class DamagedAnswers(StoreError):  # noqa: N818
    """Stored answers do not match the hash they were stored with, so they cannot be used."""
