"""A RabbitMQ of one's own, and of the port mapper epmd, which it would start as a daemon otherwise."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess

import amqp

from tests.proc import die_with_parent
from tests.servers.programs import find_epmd, find_rabbit
from tests.servers.server import Server, ServerError, free_port

HOST = "127.0.0.1"


class RabbitServer(Server):
    """A RabbitMQ. Its queues, and the messages in them that are persistent, outlive `stop` and `kill`."""

    def __init__(self) -> None:
        super().__init__()
        self._epmd_port = free_port()
        self._distribution_port = free_port()
        self._epmd: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{self.address}//"

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def start(self) -> None:
        if self._epmd is None:
            self._cleanup.callback(self._end_epmd)
            self._epmd = self._start_epmd()
        super().start()

    def _start_epmd(self) -> subprocess.Popen[bytes]:
        program = find_epmd()
        if program is None:
            raise ServerError("epmd was not found; install the package rabbitmq-server")
        return subprocess.Popen(
            [program, "-port", str(self._epmd_port), "-address", HOST],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )

    def _end_epmd(self) -> None:
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()

    def _command(self) -> list[str]:
        program = find_rabbit()
        if program is None:
            raise ServerError("rabbitmq-server was not found; install the package rabbitmq-server")
        return [program]

    def _environment(self) -> dict[str, str]:
        directory = str(self.directory)
        plugins = self.directory / "enabled_plugins"
        plugins.write_text("[].\n")
        return {
            **super()._environment(),
            "HOME": directory,  # of Erlang's cookie
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_ALLOW_INPUT": "1",  # no shell between us and the server, to which signals go
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_CONFIG_FILE": f"{directory}/rabbitmq",
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_LOG_BASE": directory,
            "RABBITMQ_MNESIA_BASE": f"{directory}/data",
            "RABBITMQ_NODENAME": "deferapp@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": HOST,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_SERVER_START_ARGS": "-noinput -kernel inet_dist_use_interface {127,0,0,1}",
        }

    def _answers(self) -> bool:
        with contextlib.suppress(OSError, amqp.AMQPError), amqp.Connection(self.address, connect_timeout=5):
            return True
        return False

    def wipe(self) -> None:
        """Remove the data of the server, which does not run."""
        shutil.rmtree(self.directory / "data")
