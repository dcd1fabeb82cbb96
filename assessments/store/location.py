"""Where the store is: from `--store`, `LOADSTONE_STORE` or the user's data folder to one URL."""

from __future__ import annotations

import os
from pathlib import Path

from assessments.store.errors import StoreError

ENVIRONMENT_VARIABLE = "LOADSTONE_STORE"
FILE_NAME = "loadstone.sqlite"
INSTALL_POSTGRESQL = 'pip install "loadstone[postgresql]"'

_SQLITE_SCHEMES = ("sqlite", "sqlite+pysqlite")
_POSTGRESQL_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")


def resolve_url(url: str | None) -> str:
    """The URL of the store that `url` (a URL, a path, or None) means on this machine.

    None means `LOADSTONE_STORE` where it is set, and else the file in the user's data folder. The answer is
    `sqlite:///` and an absolute path, or `postgresql+psycopg://…` with its password: show it to a person
    through `shown_url`. Raises `StoreError` for what can be no store.
    """
    if url is None:
        url = os.environ.get(ENVIRONMENT_VARIABLE) or f"sqlite:///{default_path()}"
    if not url.strip():
        raise StoreError("--store was given nothing: give it a path or a URL, or leave it out")
    scheme, mark, rest = url.partition("://")
    if not mark:
        return _file_url(url)
    if scheme in _SQLITE_SCHEMES:
        return _file_url(rest.removeprefix("/"))
    if scheme in _POSTGRESQL_SCHEMES:
        return f"postgresql+psycopg://{rest}"
    raise StoreError(
        f"'{scheme}' is no store that Loadstone knows: give a path, sqlite:///PATH or postgresql://HOST/NAME"
    )


def default_path() -> Path:
    """The store in the user's data folder."""
    from platformdirs import user_data_dir

    return Path(user_data_dir("loadstone", appauthor=False)) / FILE_NAME


def store_path(url: str) -> Path | None:
    """The file of a resolved URL, or None where the store is a server."""
    scheme, _, rest = url.partition("://")
    return Path(rest.removeprefix("/")) if scheme == "sqlite" else None


def stored_beside(url: str | None) -> Path:
    """The folder for files beside a store: that of its file, or the user's data folder for a server.

    Raises `StoreError` as `resolve_url`.
    """
    return (store_path(resolve_url(url)) or default_path()).parent


def shown_url(url: str) -> str:
    """A resolved URL as it may be shown and logged: without the password."""
    if store_path(url) is not None:
        return url
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return "postgresql+psycopg://…"
    hidden = {name: value for name, value in parsed.query.items() if name != "password"}
    return parsed.set(query=hidden).render_as_string(hide_password=True)


def _file_url(path: str) -> str:
    if not path or path == ":memory:" or "\0" in path:
        raise StoreError("a store has to be a file that stays: give --store the path of one")
    try:
        return f"sqlite:///{Path(path).expanduser().absolute()}"
    except RuntimeError:
        raise StoreError(f"the home folder in '{path}' is not known: give --store the whole path") from None
