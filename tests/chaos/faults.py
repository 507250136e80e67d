"""How each kind of fault is caused, and how it ends: a function that causes it and returns what ends it."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import Final

import psycopg

from tests.chaos.plan import DATABASE, LOAD, Fault
from tests.chaos.world import Slot, World, noted
from tests.proc import kill_all, session_members
from tests.processes import Process

End = Callable[[], object]
LEDGER: Final = "deferapp_worker, deferapp_execution, deferapp_attempt"
END_CONNECTIONS: Final = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def cause(world: World, fault: Fault) -> End:
    """Cause a fault. What is returned ends it; it may be called only once."""
    stack = contextlib.ExitStack()
    if fault.target in (DATABASE, f"{LOAD}-{DATABASE}"):
        stack.enter_context(noted(world.record.database_away))
    stack.callback(_CAUSES[fault.kind](world, fault))
    return stack.close


def _nothing() -> None:
    """Of faults that end by themselves."""


def _kill_worker(world: World, fault: Fault) -> End:
    slot = world.slots[fault.target]
    slot.kill(slot.pids())
    slot.take_out()
    return slot.start


def _kill_main_process(world: World, fault: Fault) -> End:
    """Celery has the kernel kill the children of its pool then."""
    slot = world.slots[fault.target]
    slot.kill(slot.pids()[:1], along=slot.children())
    slot.take_out()
    return slot.start


def _kill_child(world: World, fault: Fault) -> End:
    """A worker that loses a child while it starts gives up, by Celery's own decision; so that is left out."""
    slot = world.slots[fault.target]
    slot.kill(_one_of(slot.children() if slot.is_ready else [], fault.choice))
    return _nothing


def _one_of(pids: list[int], choice: int) -> list[int]:
    return [pids[choice % len(pids)]] if pids else []


def _freeze(world: World, fault: Fault) -> End:
    slot = world.slots[fault.target]
    return _frozen(slot, slot.pids(), is_silent=True)


def _freeze_child(world: World, fault: Fault) -> End:
    """Its worker goes on to beat for it."""
    slot = world.slots[fault.target]
    return _frozen(slot, _one_of(slot.children(), fault.choice), is_silent=False)


def _frozen(slot: Slot, pids: list[int], *, is_silent: bool) -> End:
    stack = contextlib.ExitStack()
    if is_silent:
        stack.enter_context(slot.impaired())
    stack.callback(kill_all, pids, signal.SIGCONT)
    kill_all(pids, signal.SIGSTOP)
    return stack.close


def _deploy(world: World, fault: Fault) -> End:
    """Tell the old process to end, start the new one at once, and kill what is left of the old one at the end."""
    slot = world.slots[fault.target]
    old = slot.take_out()
    if old is not None and old.is_alive:
        kill_all([old.pid], signal.SIGTERM)
    slot.start()
    return lambda: _end_old(slot, old)


def _end_old(slot: Slot, old: Process | None) -> None:
    left = session_members(old.pid) if old is not None else []
    if left:
        slot.kill(left)


def _stop_database(world: World, fault: Fault) -> End:
    world.database.stop()
    return world.database.start


def _crash_database(world: World, fault: Fault) -> End:
    world.database.kill()
    return world.database.start


def _end_connections(world: World, fault: Fault) -> End:
    world.project.query(END_CONNECTIONS)
    return _nothing


def _lock_tables(world: World, fault: Fault) -> End:
    connection = psycopg.connect(world.database.url)
    connection.execute(f"LOCK TABLE {LEDGER} IN ACCESS EXCLUSIVE MODE")
    return connection.close


def _refuse_writes(world: World, fault: Fault) -> End:
    stack = contextlib.ExitStack()
    stack.enter_context(_read_only(world))
    return stack.close


@contextlib.contextmanager
def _read_only(world: World) -> Iterator[None]:
    for statement in ("ALTER DATABASE postgres SET default_transaction_read_only = on", END_CONNECTIONS):
        _execute(world, statement)
    yield
    for statement in ("ALTER DATABASE postgres RESET default_transaction_read_only", END_CONNECTIONS):
        _execute(world, statement)


def _execute(world: World, statement: str) -> None:
    with psycopg.connect(world.database.url, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(statement)


def _kill_broker(world: World, fault: Fault) -> End:
    world.broker.kill()
    return world.broker.start


def _empty_broker(world: World, fault: Fault) -> End:
    world.broker.empty()
    return _nothing


def _freeze_broker(world: World, fault: Fault) -> End:
    pid = world.broker.pid
    kill_all([pid], signal.SIGSTOP)
    return lambda: kill_all([pid], signal.SIGCONT)


def _break_connection(world: World, fault: Fault) -> End:
    proxy = world.proxy(fault.target)
    process, _, server = fault.target.partition("-")
    stack = contextlib.ExitStack()
    if server == DATABASE and process in world.slots:
        stack.enter_context(world.slots[process].impaired())
    stack.callback(proxy.forward)
    if fault.kind == "cut":
        proxy.cut()
    else:
        proxy.stall(*(("down",) if "back" in fault.kind else ("up", "down")))
    return stack.close


def _lose_answers(world: World, fault: Fault) -> End:
    proxy = world.proxy(fault.target)
    proxy.lose_answers(b"COMMIT" if fault.choice % 2 else b"UPDATE", every=2 + fault.choice % 5)
    return proxy.forward


_CAUSES: Final[dict[str, Callable[[World, Fault], End]]] = {
    "kill worker": _kill_worker,
    "kill main process": _kill_main_process,
    "kill child": _kill_child,
    "freeze worker": _freeze,
    "freeze worker for long": _freeze,
    "freeze child": _freeze_child,
    "deploy": _deploy,
    "kill beat": _kill_worker,
    "freeze beat": _freeze,
    "stop database": _stop_database,
    "crash database": _crash_database,
    "end connections": _end_connections,
    "lock tables": _lock_tables,
    "refuse writes": _refuse_writes,
    "kill broker": _kill_broker,
    "empty broker": _empty_broker,
    "freeze broker": _freeze_broker,
    "cut": _break_connection,
    "stall": _break_connection,
    "stall on the way back": _break_connection,
    "stall for long": _break_connection,
    "lose answers": _lose_answers,
}
