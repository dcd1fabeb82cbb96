"""Column types that keep on SQLite and PostgreSQL what they were given, and survive damaged bytes.

A flipped bit in a file may turn a document or a time into something that cannot be read. Reading it must not
fail for the whole table: the value becomes one that no hash matches, and the row is reported as damaged.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

from assessments.store.seal import clean, clean_text

UNREADABLE_TIME = datetime(1970, 1, 1, tzinfo=UTC)
UNREADABLE_DOCUMENT = {"unreadable": True}
UNREADABLE_COUNT = -1

Key = BigInteger().with_variant(Integer(), "sqlite")
"""An integer primary key: 64 bits on PostgreSQL, the row's own number on SQLite."""


def rfc3339(time: datetime) -> str:
    """`time` in UTC as RFC 3339, always with microseconds, so that text sorts as time does."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


class UtcTime(TypeDecorator[datetime]):
    """A time with its zone: TIMESTAMPTZ on PostgreSQL, RFC 3339 text in UTC on SQLite, which has no zones."""

    impl = String(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind: TypeEngine[Any] = DateTime(timezone=True) if dialect.name == "postgresql" else String(32)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time needs a time zone")
        return value if dialect.name == "postgresql" else rfc3339(value)

    def process_result_value(self, value: Any, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (TypeError, ValueError, OverflowError):
            return UNREADABLE_TIME


class Count(TypeDecorator[int]):
    """A number of rows or versions; what is none reads as `UNREADABLE_COUNT`."""

    impl = Integer
    cache_ok = True

    def process_result_value(self, value: Any, _dialect: Dialect) -> int:
        return value if isinstance(value, int) else UNREADABLE_COUNT


class Words(TypeDecorator[str]):
    """Text without NUL characters and lone surrogates, which PostgreSQL refuses."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        return None if value is None else clean_text(value)


class Document(TypeDecorator[Any]):
    """A JSON object or list: JSONB on PostgreSQL, text on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind: TypeEngine[Any] = JSONB(none_as_null=True) if dialect.name == "postgresql" else Text()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        document = clean(value)
        if dialect.name == "postgresql":
            return document
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        try:
            document = json.loads(value)
        except (TypeError, ValueError, RecursionError):
            return dict(UNREADABLE_DOCUMENT)
        return document if isinstance(document, dict | list) else dict(UNREADABLE_DOCUMENT)
