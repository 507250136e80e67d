"""A process's own connections to database and broker, by way of proxies that a test can cut and stall one by one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from tests.processes import Project
from tests.proxy import Proxy
from tests.waiting import wait_until


@dataclass(frozen=True, kw_only=True)
class Wires:
    """What one process, with those that it forks, is connected by."""

    database: Proxy
    broker: Proxy

    def repair(self) -> None:
        self.database.forward()
        self.broker.forward()

    def of(self, server: str) -> Proxy:
        return self.database if server == "database" else self.broker


@contextlib.contextmanager
def wired(project: Project) -> Iterator[Wires]:
    """Proxies to the project's servers. Processes that are started inside of `through` use them."""
    with Proxy(project.database_url) as database, Proxy(project.broker_url) as broker:
        yield Wires(database=database, broker=broker)


@contextlib.contextmanager
def through(project: Project, wires: Wires) -> Iterator[None]:
    """Let what is started in the block be connected by these."""
    before = project.variables
    urls = {"DATABASE_URL": wires.database.url(), "BROKER_URL": wires.broker.url()}
    project.variables = {**before, **urls}
    yield
    project.variables = before


FAULTS: Final[dict[str, Callable[[Proxy], None]]] = {
    "cut": Proxy.cut,
    "stalled": Proxy.stall,
    "stalled on the way there": lambda proxy: proxy.stall("up"),
    "stalled on the way back": lambda proxy: proxy.stall("down"),
}


@contextlib.contextmanager
def broken(fault: str, *proxies: Proxy) -> Iterator[None]:
    """Inside of the block the connections are broken in this way, and afterwards sound again."""
    for proxy in proxies:
        FAULTS[fault](proxy)
    try:
        yield
    finally:
        for proxy in proxies:
            proxy.forward()


def wait(seconds: float) -> None:
    """As long as a fault is to last: nothing else tells the end of it."""
    ends = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > ends, seconds + 5, "the time is over")
