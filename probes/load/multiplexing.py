"""Connections that carry several requests at once: which has room, what leaves together, what is given up.

The loop's list of free connections holds such a connection once for every further request that it may carry,
its slots. Their sum is never more than the segment's limit, so that as many requests are under way at most as
with a connection for each. Requests of one pass of the loop leave with one send a connection.
"""

from __future__ import annotations

from collections.abc import Callable

from probes.load.codec import ManyCodec
from probes.load.connection import Conn, Connections
from probes.load.plan import CANCELLED, PROTOCOL, RESET, TLS

LARGEST_BACKLOG = 64 << 20
"""Bytes that a peer may leave unread while it makes us answer."""

Ended = list[tuple[int, int]]


class Lanes:
    """The slots of all connections; `free` is the loop's list, `limit` the segment's."""

    def __init__(self, connections: Connections, free: list[Conn], now: Callable[[], int]) -> None:
        self.connections = connections
        self.free = free
        self.each = connections.wire.streams
        self.limit = self.slots = 0
        self.dirty: list[Conn] = []
        self._now = now

    def use(self, limit: int) -> None:
        """A segment begins, nothing is under way: slots are given out anew."""
        self.free.clear()
        self.limit, self.slots = limit, 0
        for conn in self.connections.all.values():
            conn.slots = 0
            self._grant(conn)

    def room(self, waiting: int) -> int:
        """How many connections may be opened for so many requests that wait."""
        if self.slots >= self.limit:
            return 0
        conns = self.connections.all
        coming = sum(conn.many is None or not conn.many.greeted for conn in conns.values())
        wanted = -(-min(waiting, self.limit - self.slots) // self.each) - coming
        return min(wanted, self.limit - len(conns))  # a peer may take nothing over those that are there

    def came_up(self, conn: Conn) -> None:
        """A connection is up: its first request goes along with the preface."""
        self._grant(conn)
        if not conn.slots and conn.many is not None:
            self.connections.send_pending(conn, conn.many)

    def _grant(self, conn: Conn) -> None:
        many = conn.many
        if many is None or not many.keep or conn.close_after:
            return
        more = min(self.each, _usable(many)) - conn.slots
        more = min(more, self.limit - self.slots)
        if more > 0:
            conn.slots += more
            self.slots += more
            self.free.extend([conn] * more)

    def begin(self, conn: Conn, row: int, request: bytes) -> bool:
        """Puts a request among those that leave next; False where the slot is no longer one."""
        many = conn.many
        if many is None or not many.keep or conn.close_after or len(many.rows) >= _usable(many):
            conn.slots -= 1
            self.slots -= 1
            return False
        if not conn.queue:
            self.dirty.append(conn)
        conn.queue.append(many.begin(row, request))
        conn.fresh.append(row)
        return True

    def flush(self, sent: memoryview) -> list[tuple[Conn, OSError]]:
        """Sends what was put together and stamps it; the connections that broke over it."""
        broken = []
        for conn in self.dirty:
            data = b"".join(conn.queue)
            t = self._now()
            for row in conn.fresh:
                sent[row] = t
            conn.queue.clear()
            conn.fresh.clear()
            if conn.out is not None:
                conn.out = memoryview(bytes(conn.out) + data)
                continue
            try:
                size = conn.send(data)
            except BlockingIOError:
                size = 0
            except OSError as error:
                broken.append((conn, error))
                continue
            if size != len(data):
                conn.out = memoryview(data)[size:]
                self.connections.poller.change(conn.fd, writable=True)
        self.dirty.clear()
        return broken

    def after(self, conn: Conn) -> Ended:
        """Something came, or a request was given up: says what is to be said, takes slots away or gives more.

        Returns what is over because the peer makes us answer and reads nothing.
        """
        many = conn.many
        assert many is not None
        ended: Ended = []
        if many.pending:
            self.connections.send_pending(conn, many)
            if conn.out is not None and len(conn.out) > LARGEST_BACKLOG:
                self.connections.errors.setdefault(PROTOCOL, "the server makes us answer and reads nothing")
                ended = many.give_up(PROTOCOL)
        if conn.close_after or not many.keep:
            self.retire(conn)
        elif conn.slots < self.each:
            self._grant(conn)
        return ended

    def retire(self, conn: Conn) -> None:
        """Takes a connection's slots away; without a request under way it is closed."""
        if conn.slots:
            self.slots -= conn.slots
            conn.slots = 0
            self.free[:] = [other for other in self.free if other is not conn]
        if conn.many is None or not conn.many.rows:
            self.connections.drop(conn)

    def given_up(self, conn: Conn, row: int, since: int) -> Ended:
        """A request took too long. What has said nothing since it was sent, or reads nothing, is left."""
        many = conn.many
        assert many is not None
        many.cancel(row)
        if many.heard < since or conn.out is not None:
            conn.close_after = True
        elif conn.slots:
            self.free.append(conn)
        return self.after(conn)

    def owners(self) -> dict[int, Conn]:
        """The connection of each request under way."""
        return {
            row: conn
            for conn in self.connections.all.values()
            if conn.many is not None
            for row in conn.many.rows.values()
        }

    def cancelled(self) -> Ended:
        """Ends what is under way, and its connections."""
        ended: Ended = []
        for conn in list(self.connections.all.values()):
            if conn.many is not None and conn.many.rows:
                ended += conn.many.give_up(CANCELLED)
                self.retire(conn)
        return ended

    def lost(self, conn: Conn, error: OSError | None) -> Ended:
        """The connection has ended or broken: what becomes of the requests under way on it."""
        many = conn.many
        assert many is not None
        if error is None:
            ended = many.at_end()
        else:
            outcome = RESET if conn.tls is None or isinstance(error, ConnectionError) else TLS
            ended = many.give_up(outcome)
            if ended:
                self.connections.errors.setdefault(outcome, error.strerror or str(error))
        self.retire(conn)
        return ended


def _usable(many: ManyCodec) -> int:
    """How many requests a peer is given at once: half of what it takes.

    A server is done with a request a moment after its answer has left, and refuses what comes meanwhile.
    """
    return many.limit - many.limit // 2
