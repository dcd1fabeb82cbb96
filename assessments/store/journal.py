"""Which journal SQLite keeps here, and why.

SQLite 3.7.0 to 3.51.2 (but for 3.44.6 and later 3.44, 3.50.7 and later 3.50) can corrupt a database in WAL
mode when two connections use it and one of them checkpoints: exactly a window beside a headless run. So WAL
is used only with a library that has the repair, and only on a local file system, because its shared memory
does not reach over a network. TRUNCATE with `synchronous=FULL` is right everywhere.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

WAL = "WAL"
TRUNCATE = "TRUNCATE"

_LOCAL_FILE_SYSTEMS = frozenset({
    "apfs", "bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "hfs", "jfs", "ntfs", "ntfs3", "overlay",
    "ramfs", "reiserfs", "tmpfs", "ufs", "xfs", "zfs",
})  # fmt: skip

_Version = tuple[int, ...]


def journal_mode(
    path: str | Path, version: _Version = sqlite3.sqlite_version_info, file_system: str | None = None
) -> tuple[str, str]:
    """The journal mode for a store at `path`, `"WAL"` or `"TRUNCATE"`, and one sentence why.

    `version` is the version of the SQLite library; `file_system` is looked up unless given.
    """
    name = ".".join(map(str, version))
    if not _has_wal_repair(version):
        return TRUNCATE, f"SQLite {name} can corrupt a WAL database that two processes use; 3.51.3 cannot"
    kind = file_system if file_system is not None else file_system_of(path)
    if kind not in _LOCAL_FILE_SYSTEMS:
        shown = f"'{kind}'" if kind else "of unknown kind"
        return TRUNCATE, f"the file system is {shown}, and WAL needs one known to be local"
    return WAL, f"SQLite {name} has the WAL repair and the file system '{kind}' is local"


def file_system_of(path: str | Path) -> str:
    """The kind of file system on which `path` lies or would lie (`"ext4"`), `""` where that is unknown."""
    import psutil

    place = Path(path).resolve()
    best, kind = -1, ""
    for partition in psutil.disk_partitions(all=True):
        mount = Path(partition.mountpoint)
        if (place == mount or mount in place.parents) and len(mount.parts) >= best:
            best, kind = len(mount.parts), partition.fstype
    return kind.lower()


def _has_wal_repair(version: _Version) -> bool:
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
