"""A TCP proxy on loopback, between a process of a test and a server, that the test can cut, stall and slow down.

A stalled connection is open for the kernels on both sides, which go on acknowledging: no keepalive ends it. What comes
meanwhile is kept and passed on afterwards, also the end of a connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit, urlunsplit

from tests.servers import free_port

Way = Literal["up", "down"]
"""To the server, or from it."""

BOTH: Final[tuple[Way, ...]] = ("up", "down")
CHUNK: Final = 65_536
BACKLOG: Final = 100
LIMIT_SECONDS: Final = 10.0


class Proxy:
    """Forwards to the server that a URL names, until it is told otherwise."""

    def __init__(self, server_url: str) -> None:
        self._target = urlsplit(server_url)
        self.port = free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._listener: socket.socket | None = None
        self._links: set[_Link] = set()
        self._gates: dict[Way, asyncio.Event] = {}
        self._delay_seconds = 0.0
        self._forgetful: tuple[bytes, int] | None = None
        self._most_lost = 0
        self._asked = 0
        self.answers_lost = 0

    def url(self, server_url: str | None = None) -> str:
        """Return the URL, or another one of the same server, by way of this proxy."""
        parts = urlsplit(server_url) if server_url else self._target
        user, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{user}{at}127.0.0.1:{self.port}"))

    @property
    def connections(self) -> int:
        return len(self._links)

    def cut(self) -> None:
        """Reset all connections and refuse new ones."""
        self._do(self._cut)

    def stall(self, *ways: Way) -> None:
        """Pass no byte, both ways or one; accept connections all the same."""
        self._do(lambda: [self._gates[way].clear() for way in ways or BOTH])

    def delay(self, seconds: float) -> None:
        """Keep every byte for so long."""
        self._delay_seconds = seconds

    def forward(self) -> None:
        """Work as it should, as at the beginning."""
        self._delay_seconds = 0.0
        self._forgetful = None
        self._do(self._open)

    def lose_answers(self, request: bytes, every: int = 1, most: int = sys.maxsize) -> None:
        """Reset a connection instead of passing on the answer to a request that holds these bytes, one of so many.

        So the server has done what it was asked for, and who asked cannot know.
        """
        self._forgetful = request, every
        self._most_lost = self.answers_lost + most

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._open)
        return self

    def __exit__(self, *exception: object) -> None:
        self._do(self._cut)
        self._wait_for(self._end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LIMIT_SECONDS)
        self._loop.close()

    def _do(self, action: Callable[[], object]) -> None:
        async def act() -> None:
            action()

        self._wait_for(act())

    def _wait_for(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(LIMIT_SECONDS)

    def _open(self) -> None:
        for way in BOTH:
            self._gates.setdefault(way, asyncio.Event()).set()
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=BACKLOG)
            self._listener.setblocking(False)
            self._loop.add_reader(self._listener, self._accept, self._listener)

    def _cut(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        for link in self._links:
            link.reset()

    async def _end_tasks(self) -> None:
        """Wait for those that pass bytes: nothing holds them up any more."""
        for gate in self._gates.values():
            gate.set()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.gather(*others, return_exceptions=True)

    def _accept(self, listener: socket.socket) -> None:
        """Take a connection. A server of asyncio leaves one open that comes in just when it is closed (Python 3.11)."""
        with contextlib.suppress(OSError):
            client, _ = listener.accept()
            link = _Link()
            link.task = self._loop.create_task(self._serve(link, client))
            self._links.add(link)

    async def _serve(self, link: _Link, client: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError):
                reader, writer = await link.open(sock=client)
                server_reader, server_writer = await link.open(host=self._target.hostname, port=self._target.port)
                ways = [self._pass("up", link, reader, server_writer), self._pass("down", link, server_reader, writer)]
                await asyncio.gather(*ways)
        finally:
            link.reset()
            self._links.discard(link)

    async def _pass(self, way: Way, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass bytes on one way, until there are no more. Then the connection ends, and with it the other way."""
        try:
            while data := await self._next(way, reader):
                if way == "down" and link.is_forgetful:
                    self.answers_lost += 1
                    return
                if way == "up" and self._is_to_be_forgotten(data):
                    link.is_forgetful = True
                writer.write(data)
                await writer.drain()
        finally:
            link.reset()

    async def _next(self, way: Way, reader: asyncio.StreamReader) -> bytes:
        try:
            data = await reader.read(CHUNK)
        except OSError:
            data = b""
        await self._gates[way].wait()
        if self._delay_seconds:
            await asyncio.sleep(self._delay_seconds)
        return data

    def _is_to_be_forgotten(self, data: bytes) -> bool:
        if self._forgetful is None or self._forgetful[0] not in data or self.answers_lost >= self._most_lost:
            return False
        self._asked += 1
        return self._asked % self._forgetful[1] == 0


class _Link:
    """A connection that came in, and the one to the server that it led to."""

    task: asyncio.Task[None]

    def __init__(self) -> None:
        self._writers: list[asyncio.StreamWriter] = []
        self._is_reset = False
        self.is_forgetful = False

    async def open(self, **where: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open one of the two: by the arguments of `asyncio.open_connection`."""
        reader, writer = await asyncio.open_connection(**where)
        self._writers.append(writer)
        if self._is_reset:
            self.reset()
        return reader, writer

    def reset(self) -> None:
        """End both with RST, which leaves no doubt and no data, and what is still being opened as soon as it is."""
        self._is_reset = True
        for writer in self._writers:
            raw = writer.get_extra_info("socket")
            if raw is not None and raw.fileno() != -1:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
