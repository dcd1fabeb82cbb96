"""What can go wrong with the store; each message is one sentence saying what is wrong and what to do.

UserError
└── StoreError               the store cannot be opened, read or written
    ├── UnknownRun           no stored run has this id
    ├── AmbiguousRun         several runs begin with these characters
    ├── UnknownAssessment    no assessment has this name
    ├── UnknownMilestone     the assessment has no milestone of this label
    ├── AnswerChanged        somebody else saved this answer meanwhile
    ├── SetupChanged         somebody else saved this setup meanwhile
    ├── DamagedAnswers       answers that do not match the hash they were stored with
    ├── DamagedSetup         a setup that does not, or that is gone
    └── DamagedMilestone     a milestone that does not
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


class UnknownMilestone(StoreError):  # noqa: N818
    """The assessment has no milestone of this label; the message names near ones."""


class AnswerChanged(StoreError):  # noqa: N818
    """The answer was saved by somebody else since it was read; nothing was written."""


class SetupChanged(StoreError):  # noqa: N818
    """The setup was saved by somebody else since it was read; nothing was written."""


class DamagedAnswers(StoreError):  # noqa: N818
    """Stored answers do not match the hash they were stored with, so they cannot be used."""


class DamagedSetup(StoreError):  # noqa: N818
    """The stored setup does not match the hash it was stored with, or is gone, so it cannot be used."""


class DamagedMilestone(StoreError):  # noqa: N818
    """The stored milestone does not match the hash it was stored with, so it cannot be used."""
