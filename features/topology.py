"""Who serves which slots of a Redis Cluster, as one of its nodes told."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from features.errors import StoreUnavailable
from features.keys import HASH_SLOTS
from features.resp import Reply, command

type Endpoint = tuple[str, int]

CLUSTER_SLOTS = command("CLUSTER", "SLOTS")
CLUSTER_NODES = command("CLUSTER", "NODES")


@dataclass(frozen=True, slots=True)
class Topology:
    """``owner`` int16[16384] are places in ``masters`` by slot; -1 where nobody serves it."""

    masters: tuple[Endpoint, ...]
    owner: NDArray[np.int16]

    @classmethod
    def read(cls, reply: Reply, asked: str) -> Self:
        """Read the reply to CLUSTER SLOTS; ``asked`` is the host that gave it.

        Raises:
            StoreUnavailable: that is none, or no slot is served.
        """
        masters = dict[Endpoint, int]()
        owner = np.full(HASH_SLOTS, -1, np.int16)
        for entry in reply if isinstance(reply, list) else []:
            match entry:
                case [int(first), int(last), [host, int(port), *_], *_]:
                    # A node that does not know its own name leaves it to whoever asked it.
                    name = host.decode() if isinstance(host, bytes) and host != b"?" else ""
                    place = masters.setdefault((name or asked, port), len(masters))
                    owner[first : last + 1] = place
        if not masters:
            raise StoreUnavailable("store_cluster_down", "no slot is served")
        return cls(tuple(masters), owner)

    def moved(self, slot: int, to: Endpoint) -> Topology:
        """Return the topology with one slot elsewhere, as a redirect told."""
        masters = self.masters if to in self.masters else (*self.masters, to)
        owner = self.owner.copy()
        owner[slot] = masters.index(to)
        return Topology(masters, owner)


def tracked_masters(told: Reply, asked: str) -> list[Endpoint]:
    """Return the masters by the reply to CLUSTER NODES: those that have slots, or may get some.

    One that failed and still has its slots is among them: what it wrote last is not known until
    another one has them.
    """
    found = []
    lines = told.decode().splitlines() if isinstance(told, bytes) else []
    for line in lines:
        _, place, told_flags, _, _, _, _, _, *slots = line.split(" ")
        flags = set(told_flags.split(","))
        if "master" in flags and (slots or not flags & {"fail", "noaddr", "handshake"}):
            host, _, port = place.partition("@")[0].rpartition(":")
            found.append((host or asked, int(port)))
    return sorted(found)


def redirect_of(detail: str, asked: str) -> tuple[str, int, Endpoint] | None:
    """Read ``MOVED slot host:port`` or ``ASK slot host:port``; None where it is neither."""
    words: Sequence[str] = detail.split(" ")
    if len(words) < 3 or words[0] not in ("MOVED", "ASK"):
        return None
    host, _, port = words[2].rpartition(":")
    if not words[1].isdigit() or not port.isdigit():
        return None
    return words[0], int(words[1]), (host or asked, int(port))
