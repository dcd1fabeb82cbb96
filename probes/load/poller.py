"""Waits for sockets, on time: by epoll where there is one, by the selectors module elsewhere."""

from __future__ import annotations

import select


class Poller:
    """Waits with microsecond precision for sockets that became readable or writable.

    epoll waits in whole milliseconds, so `select` waits on the epoll descriptor; elsewhere than on Linux
    the selectors module does both.
    """

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.listening = [self.epoll.fileno()]
        self.poll = self.epoll.poll

    def add(self, fd: int, writable: bool) -> None:
        self.epoll.register(fd, select.EPOLLOUT if writable else select.EPOLLIN)

    def change(self, fd: int, writable: bool) -> None:
        """Waits for answers and, where `writable`, for room to send as well."""
        self.epoll.modify(fd, select.EPOLLIN | select.EPOLLOUT if writable else select.EPOLLIN)

    def remove(self, fd: int) -> None:
        self.epoll.unregister(fd)

    def close(self) -> None:
        self.epoll.close()


class SelectorPoller:
    """`Poller` by the selectors module, for systems without epoll."""

    def __init__(self) -> None:
        import selectors

        self.selector = selectors.DefaultSelector()
        self.read, self.write = selectors.EVENT_READ, selectors.EVENT_WRITE
        fileno = getattr(self.selector, "fileno", None)
        self.listening = [fileno()] if fileno else []

    def poll(self, timeout: float, most: int) -> list[tuple[int, int]]:
        del most
        return [(key.fd, mask) for key, mask in self.selector.select(timeout)]

    def add(self, fd: int, writable: bool) -> None:
        self.selector.register(fd, self.write if writable else self.read)

    def change(self, fd: int, writable: bool) -> None:
        self.selector.modify(fd, self.read | self.write if writable else self.read)

    def remove(self, fd: int) -> None:
        self.selector.unregister(fd)

    def close(self) -> None:
        self.selector.close()


def new_poller() -> Poller | SelectorPoller:
    """The best of this system."""
    return Poller() if hasattr(select, "epoll") else SelectorPoller()
