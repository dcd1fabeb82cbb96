"""The machines of a Dask cluster as places for load processes: one on each of its workers."""

from __future__ import annotations

import logging
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from probes.errors import UsageError
from probes.load.cluster.far_shard import FarShard
from probes.load.cluster.relay import relay
from probes.load.plan import MOST_SHARDS

if TYPE_CHECKING:
    from probes.load.plan import Wire

CONNECTS_WITHIN_S = 5
_ADDRESS = re.compile(r"dask://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")


def read_address(text: str) -> str:
    """`dask://host:port`, the address of a Dask scheduler. Raises `UsageError` for anything else."""
    found = _ADDRESS.fullmatch(text)
    if not found or not 0 < int(found[2]) < 65_536:
        raise UsageError(
            f"'{text}' is no Dask cluster: write the address of its scheduler, for example dask://127.0.0.1:8786"
        )
    return text


class DaskCarrier:
    """Messages through a worker of the cluster to an agent beside it."""

    def __init__(self, client: Any, worker: str) -> None:
        self.name = worker
        self._client = client
        self._session = uuid4().hex

    def call(self, message: bytes) -> bytes:
        """The answer. Raises `OSError` or `EOFError` where worker or agent have ended."""
        return self._run(message)

    def close(self) -> None:
        """Ends the agent."""
        self._run(None)

    def _run(self, message: bytes | None) -> bytes:
        try:
            answers = self._client.run(relay, self._session, message, workers=[self.name])
        except (OSError, EOFError):
            raise
        except ModuleNotFoundError as error:
            raise UsageError(
                f"{self.name} has no loadstone ({error}): install the same version in its environment"
            ) from error
        except Exception as error:  # what a lost worker raises differs from version to version
            raise EOFError(str(error)) from error
        if self.name not in answers:
            raise EOFError(f"{self.name} is gone")
        return bytes(answers[self.name])


class Cluster:
    """The connection to a cluster; a load process on each of its workers."""

    def __init__(self, address: str, wire: Wire) -> None:
        """Starts the load processes.

        Raises what `FarShard.join` raises, and `UsageError` where there is no such cluster, no worker in it,
        or no library to reach it.
        """
        try:
            client: Any = import_module("distributed").Client
        except ImportError as error:
            raise UsageError(
                f"--shards {address} needs the library distributed: pip install 'loadstone[cluster]'"
            ) from error
        if wire.extra_columns or wire.log_entries:
            raise UsageError(
                "answers that come in pieces are measured by load processes of this machine only: "
                "give --shards a number"
            )
        for name in ("distributed", "tornado"):  # what is wrong is said in our words
            logging.getLogger(name).setLevel(logging.CRITICAL)
        scheduler = read_address(address).replace("dask://", "tcp://", 1)
        try:
            self._client = client(scheduler, timeout=CONNECTS_WITHIN_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"no Dask scheduler answers at {address}: start one (dask scheduler), "
                "or give --shards a number"
            ) from error
        workers = sorted(self._client.scheduler_info(n_workers=-1)["workers"])
        if not workers or len(workers) > MOST_SHARDS:
            self.close()
            raise UsageError(
                f"the Dask cluster at {address} has {len(workers) or 'no'} workers: start 1 to {MOST_SHARDS} "
                f"(dask worker {scheduler})"
            )
        self.shards = [FarShard(DaskCarrier(self._client, worker), wire) for worker in workers]
        try:
            with ThreadPoolExecutor(len(workers)) as pool:
                list(pool.map(FarShard.join, self.shards))
        except BaseException:
            for shard in self.shards:
                shard.close()
            self.close()
            raise

    def close(self) -> None:
        """Leaves the cluster; its workers stay."""
        with suppress(Exception):
            self._client.close(timeout=2)
