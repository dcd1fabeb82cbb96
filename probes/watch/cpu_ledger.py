"""The CPU time of a set of processes whose members are born and die.

A process's own CPU time can be read only while it lives, so at most up to the last reading. When its parent
waits for it, the kernel adds all it ever used, and all it had waited for itself, to the parent's account of
children. The ledger books both sides and strikes out what stands on both:

- a living process counts with its own CPU time;
- one that is gone counts with its last reading, and its parent *owes* an entry of that size;
- what then arrives in the parent's account pays that debt first; only what goes beyond it is counted: the end
  of a life that no reading saw, or a whole life between two readings;
- a debt that is not paid at the next reading never will be (the parent ignores SIGCHLD), and is struck out;
- where the parent has ended as well, the debt is anybody's: another process inherited the child, or the
  parent took it along into its own parent's account.

A parent must be read before its children in each round: then a payment can only come after its debt or in the
same round, never before it.
"""

from __future__ import annotations

from dataclasses import dataclass

from probes.watch.table import Reading


@dataclass(slots=True)
class _Account:
    start_s: float
    """Own CPU time that is not counted, because it lies before the watch."""
    own_s: float
    waited_s: float
    parent: int
    ended: bool = False
    arrived_s: float = 0.0
    """What was added to `waited_s` in this round."""
    owed_s: float = 0.0
    """What children that left before this round will still add to it."""
    newly_owed_s: float = 0.0
    """What children that left in this round will, in this round or the next."""


class CpuLedger:
    """Cumulative CPU seconds of a changing set of processes, known by pid. Nothing counts twice.

    A round is a `read` or a `leave` for each, parents first, and then `settle`. `tick_s` is how coarsely
    `Reading.waited_cpu_s` is counted, in seconds.
    """

    def __init__(self, tick_s: float) -> None:
        self._slack_s = 2 * tick_s  # user and system time are each cut to a tick
        self._accounts: dict[int, _Account] = {}
        self._gone_s = 0.0
        self._total_s = 0.0
        # This round's and the last one's: who left, and the debts of those whose parents had ended before.
        self._left: set[int] = set()
        self._left_before: set[int] = set()
        self._stray_s = 0.0
        self._stray_before_s = 0.0

    def __contains__(self, pid: int) -> bool:
        return pid in self._accounts

    def enter(self, pid: int, reading: Reading, newborn: bool) -> None:
        """A process joins. What a `newborn` used so far counts, what an older one used does not."""
        if newborn:
            account = _Account(0.0, reading.cpu_s, 0.0, reading.parent)
        else:
            account = _Account(reading.cpu_s, reading.cpu_s, reading.waited_cpu_s, reading.parent)
        self._accounts[pid] = account
        self.read(pid, reading)

    def read(self, pid: int, reading: Reading) -> None:
        """A further reading of a process that has joined."""
        account = self._accounts[pid]
        account.own_s = max(account.own_s, reading.cpu_s)
        if reading.waited_cpu_s > account.waited_s:
            account.arrived_s += reading.waited_cpu_s - account.waited_s
            account.waited_s = reading.waited_cpu_s
        account.parent = reading.parent
        account.ended = reading.ended

    def leave(self, pid: int) -> None:
        """A process is gone, waited for by its parent or by the system."""
        account = self._accounts.pop(pid)
        self._left.add(pid)
        self._gone_s += account.own_s - account.start_s + self._pay_stray(account.arrived_s)
        self._stray_s += account.owed_s + account.newly_owed_s
        whole_s = account.own_s + account.waited_s
        debtor = self._accounts.get(account.parent)
        if debtor is not None and not debtor.ended:
            debtor.newly_owed_s += whole_s
        elif debtor is not None or account.parent in self._left or account.parent in self._left_before:
            self._stray_s += whole_s

    def settle(self) -> float:
        """Ends a round of readings: seconds of CPU used since the watch began. Never falls."""
        for account in self._accounts.values():
            paid_s = min(account.arrived_s, account.owed_s)
            account.arrived_s -= paid_s
            account.owed_s -= paid_s
            if account.ended:
                self._stray_s += account.owed_s
                account.owed_s = 0.0
        for account in self._accounts.values():
            # Older debts first: the payment of a new one may still be on its way.
            paid_s = min(account.arrived_s, self._stray_before_s)
            account.arrived_s -= paid_s
            self._stray_before_s -= paid_s
            paid_s = min(account.arrived_s, account.newly_owed_s)
            account.newly_owed_s -= paid_s
            self._gone_s += self._pay_stray(account.arrived_s - paid_s)
            account.owed_s = min(account.owed_s, self._slack_s) + account.newly_owed_s
            account.arrived_s = account.newly_owed_s = 0.0
        self._stray_before_s, self._stray_s = self._stray_s, 0.0
        self._left_before, self._left = self._left, set()
        total_s = self._gone_s + sum(account.own_s - account.start_s for account in self._accounts.values())
        self._total_s = max(self._total_s, total_s)  # against rounding
        return self._total_s

    def _pay_stray(self, arrived_s: float) -> float:
        """Pays stray debts, the older ones first, from what nobody owed; returns what is left over, in s."""
        paid_before_s = min(arrived_s, self._stray_before_s)
        self._stray_before_s -= paid_before_s
        paid_s = min(arrived_s - paid_before_s, self._stray_s)
        self._stray_s -= paid_s
        return arrived_s - paid_before_s - paid_s
