"""A Redis of one's own."""

from __future__ import annotations

import contextlib

import redis

from tests.servers.programs import find_redis
from tests.servers.server import Server, ServerError


class RedisServer(Server):
    """A Redis. It saves its data when stopped; after `kill` it has what it saved before, if anything."""

    # Each acceptance test takes a logical database of its own; the default of 16 is few for many at once.
    databases = 128

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def _command(self) -> list[str]:
        program = find_redis()
        if program is None:
            raise ServerError("redis-server was not found; install the package redis-server, or set REDIS_URL")
        where = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.directory)]
        return [program, *where, "--databases", str(self.databases)]

    def _answers(self) -> bool:
        with contextlib.suppress(redis.ConnectionError), redis.Redis(port=self.port) as client:
            return bool(client.ping())
        return False

    def empty(self) -> None:
        """Throw away everything in the running server."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def wipe(self) -> None:
        """Remove the data of the server, which does not run."""
        (self.directory / "dump.rdb").unlink(missing_ok=True)


class SentinelServer(RedisServer):
    """A Sentinel that tells where a Redis is, and watches it too patiently to replace it."""

    master = "tests"

    def __init__(self, server: RedisServer) -> None:
        super().__init__()
        self._configuration = self.directory / "sentinel.conf"
        self._configuration.write_text(
            f"bind 127.0.0.1\nport {self.port}\nsentinel monitor {self.master} 127.0.0.1 {server.port} 1\n"
            f"sentinel down-after-milliseconds {self.master} 600000\n"
        )

    @property
    def url(self) -> str:
        return f"sentinel://127.0.0.1:{self.port}"

    def _command(self) -> list[str]:
        program, *_ = super()._command()
        return [program, str(self._configuration), "--sentinel"]
