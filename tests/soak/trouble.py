"""What goes on besides: operators who change it all, a Redis that goes, clients who are rude."""

import contextlib
import json
import random
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Final

from tests.soak.clients import Line
from tests.soak.ledger import Ledger
from tests.soak.stage import (
    PUT,
    Stage,
    add_key,
    replace_text,
    revoke_key,
    write_surfaces,
)

POOL = [f"n{number}" for number in range(60)]
"""Items that clients put, retire and put again: few, so that a catalogue does not grow for ever."""
KEY_FOLLOWED_S: Final = 4.0
HERE_AND_THERE: Final = ["i3", "i7", "i11", "i40", "i41"]


class Trouble:
    """Threads that each make one kind of it, over and over, until told to stop."""

    def __init__(self, stage: Stage, ledger: Ledger, stop: threading.Event) -> None:
        self._stage = stage
        self._ledger = ledger
        self._stop = stop
        self.did: dict[str, int] = {}

    def threads(self) -> list[threading.Thread]:
        """Return a thread for each kind."""
        kinds: list[tuple[Callable[[random.Random, Line], None], float, float]] = [
            (self.swap, 2.0, 5.0),
            (self.put_and_retire, 0.5, 1.5),
            (self.edit_surfaces, 2.0, 4.0),
            (self.change_keys, 3.0, 6.0),
            (self.take_redis_away, 8.0, 20.0),
            (self.be_rude, 0.05, 0.3),
            (self.send_nonsense, 0.2, 0.6),
        ]
        return [
            threading.Thread(target=self._run, args=kind, name=f"soak-{kind[0].__name__}")
            for kind in kinds
        ]

    def _run(
        self, make: Callable[[random.Random, Line], None], least_s: float, most_s: float
    ) -> None:
        name = make.__name__
        chance, line = random.Random(name), Line(self._stage, self._ledger)
        self.did[name] = 0
        while not self._stop.wait(chance.uniform(least_s, most_s)):
            try:
                make(chance, line)
            except Exception as fault:  # noqa: BLE001  one who makes trouble must not end it
                self._ledger.violate(f"{name} raised", repr(fault))
            self.did[name] += 1
        line.close()

    # Operators.

    def swap(self, chance: random.Random, line: Line) -> None:
        """Activate a version, or go back to the one before."""
        versions = [*self._stage.worlds]
        if chance.random() < 0.3:
            for version in versions:
                self._ledger.may_serve(version)
            reply = line.ask("POST", "/v1/models/rollback", {})
        else:
            wanted = chance.choice(versions)
            self._ledger.may_serve(wanted)
            reply = line.ask("POST", "/v1/models/activate", {"version": wanted})
        if reply is None:
            return
        if reply.status == 200:
            self._ledger.serves(reply.json["active"])
            return
        away = self._ledger.was_away(reply.sent_s, reply.received_s)
        fine = reply.status == 409 or (reply.status == 503 and (away or reply.code == "overloaded"))
        self._ledger.expect(fine, f"swap: {reply.status}", reply.body)

    def put_and_retire(self, chance: random.Random, line: Line) -> None:
        """Put some items, and retire others, some of the model's own among them."""
        put, retired = chance.sample(POOL, 4), chance.sample([*POOL, *HERE_AND_THERE], 3)
        items = [
            {
                "item_id": item,
                "properties": {"world": PUT, "genre": ["even"]},
                "features": {"year": 1950 + chance.randrange(100), "genre": ["even"]},
            }
            for item in put
        ]
        self._ledger.put(put)
        self._write(line, "PUT", "/v1/items", {"items": items})
        users = [{"user_id": f"u{chance.randrange(40)}", "features": {"age": chance.random()}}]
        self._write(line, "PUT", "/v1/users", {"users": users})
        gone = [item for item in retired if item not in put]
        if gone and self._write(line, "DELETE", "/v1/items", {"item_ids": gone}):
            self._ledger.retire(gone)

    def _write(self, line: Line, method: str, path: str, body: object) -> bool:
        reply = line.ask(method, path, body)
        if reply is None or reply.status == 200:
            return reply is not None
        away = self._ledger.was_away(reply.sent_s, reply.received_s)
        fine = reply.status == 503 and (away or reply.code == "overloaded")
        self._ledger.expect(fine, f"{method} {path}: {reply.status}", reply.body)
        return False

    def edit_surfaces(self, chance: random.Random, _line: Line) -> None:
        """Write other surfaces, or something that is none."""
        path = self._stage.surfaces
        if chance.random() < 0.2:
            replace_text(path, chance.choice(("", "[surfaces.home\n", "[surfaces.x]\nfoo = 1\n")))
        else:
            write_surfaces(path, chance.randrange(1000), self._stage.versions)

    def change_keys(self, chance: random.Random, _line: Line) -> None:
        """Make a key, use it, take it away: before and after it is worth nothing."""
        name = f"guest-{chance.randrange(10**9)}"
        text = add_key(self._stage.keys, name)
        guest = Line(self._stage, self._ledger, text)
        try:
            self._stop.wait(KEY_FOLLOWED_S)
            self._told(guest, 200)
            revoke_key(self._stage.keys, name)
            self._stop.wait(KEY_FOLLOWED_S)
            self._told(guest, 401)
        finally:
            guest.close()

    def _told(self, guest: Line, status: int) -> None:
        if self._stop.is_set():
            return
        reply = guest.ask("POST", "/v1/recommendations", {"user_id": "u1", "deadline_ms": 5000})
        if reply is not None and reply.status != 503:
            kind = f"a guest is told {reply.status} for {status}"
            self._ledger.expect(reply.status == status, kind, reply.body)

    def take_redis_away(self, chance: random.Random, _line: Line) -> None:
        """Kill it and start it again with what it had, or stop it for a while."""
        server = self._stage.redis
        with self._ledger.outage():
            if chance.random() < 0.5:
                server.kill()
                time.sleep(chance.uniform(0.1, 3.0))
                server.start()
            else:
                server.suspend()
                time.sleep(chance.uniform(0.1, 3.0))
                server.resume()

    # Rude clients.

    def be_rude(self, chance: random.Random, _line: Line) -> None:
        """Vanish at some moment of a request, or dawdle."""
        ways = (
            self._leave_mid_body,
            self._leave_unanswered,
            self._leave_mid_head,
            self._dawdle,
            self._pipeline_and_leave,
            self._say_nothing,
        )
        way = chance.choice(ways)
        with contextlib.suppress(OSError):
            way(chance)
        self._ledger.note_vanished(way.__name__.strip("_"))

    def _whole(self, limit: int = 20) -> bytes:
        wish = {"user_id": "u7", "limit": limit, "deadline_ms": 5000}
        body = json.dumps(wish).encode()
        head = (
            f"POST /v1/recommendations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer {self._stage.key}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    @contextlib.contextmanager
    def _raw(self, reset: bool):  # type: ignore[no-untyped-def]  # a generator of sockets
        host, _, port = self._stage.url.partition(":")
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            yield connection
            if reset:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    def _leave_mid_body(self, chance: random.Random) -> None:
        whole = self._whole()
        with self._raw(chance.random() < 0.5) as connection:
            connection.sendall(whole[: -chance.randrange(1, 40)])

    def _leave_mid_head(self, chance: random.Random) -> None:
        whole = self._whole()
        with self._raw(chance.random() < 0.5) as connection:
            connection.sendall(whole[: chance.randrange(1, 100)])

    def _leave_unanswered(self, chance: random.Random) -> None:
        with self._raw(True) as connection:
            connection.sendall(self._whole())
            time.sleep(chance.uniform(0, 0.005))

    def _dawdle(self, chance: random.Random) -> None:
        whole = self._whole()
        with self._raw(False) as connection:
            for place in range(0, len(whole), 20):
                connection.sendall(whole[place : place + 20])
                if self._stop.wait(chance.uniform(0, 0.05)):
                    return
            answer = connection.recv(65536)
            fine = answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 503", b"HTTP/1.1 408"))
            self._ledger.expect(fine, "a slow sender is not answered", answer[:300])

    def _pipeline_and_leave(self, chance: random.Random) -> None:
        with self._raw(True) as connection:
            connection.sendall(self._whole() * chance.randrange(2, 20))
            connection.recv(1000)

    def _say_nothing(self, chance: random.Random) -> None:
        with self._raw(False):
            self._stop.wait(chance.uniform(0, 2))

    def send_nonsense(self, chance: random.Random, line: Line) -> None:
        """Send what must be refused, by its code, on a connection that goes on."""
        path, body, wanted = chance.choice(NONSENSE)
        reply = line.ask("POST", path, body)
        busy = {503, 409} if path.startswith("/v1/models") else {503}
        if reply is not None and reply.status not in busy:
            kind = f"nonsense is told {reply.status} for {wanted}"
            self._ledger.expect(reply.status == wanted, kind, f"{body!r:.80} {reply.body!r}")


NONSENSE: Final[list[tuple[str, bytes, int]]] = [
    ("/v1/recommendations", b"{", 400),
    ("/v1/recommendations", b"", 400),
    ("/v1/recommendations", b"[" * 100_000, 422),
    ("/v1/recommendations", b'{"user_id": "\xff"}', 400),
    ("/v1/recommendations", b"{}", 422),
    ("/v1/recommendations", b'{"user_id": 7}', 422),
    ("/v1/recommendations", b'{"user_id": "u1", "limit": -1}', 422),
    ("/v1/recommendations", b'{"user_id": "u1", "colour": 1}', 422),
    ("/v1/recommendations", b'{"user_id": "u1", "filter": "no such = 1"}', 400),
    ("/v1/recommendations", b'{"user_id": "u1", "surface": "nowhere"}', 404),
    ("/v1/recommendations", b'{"user_id": "' + b"a" * 2_000_000 + b'"}', 413),
    ("/v1/similar", b'{"seed_items": ["nothing"]}', 404),
    ("/v1/rank", b'{"candidates": []}', 422),
    ("/v1/events", b'{"events": []}', 422),
    ("/v1/models/activate", b'{"version": "../../etc"}', 404),
]
