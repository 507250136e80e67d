"""Which faults a run causes, and when: a pure function of the seed.

Faults run into each other as they do in life, but no two are planned for the same thing (a process, a server, a
connection) at the same time.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

WORKERS: Final = ("worker1", "worker2", "worker3")
PREFORK: Final = WORKERS[:2]
BEATS: Final = ("beat1", "beat2")
LOAD: Final = "load"
DATABASE: Final = "database"
BROKER: Final = "broker"
CONNECTIONS: Final = tuple(
    f"{process}-{server}" for process in (*WORKERS, *BEATS, LOAD) for server in (DATABASE, BROKER)
)
DATABASE_CONNECTIONS: Final = tuple(name for name in CONNECTIONS if name.endswith(DATABASE))

PAUSE_SECONDS: Final = (1.0, 4.5)
"""Between the beginnings of two faults."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of fault."""

    weight: int
    targets: tuple[str, ...]
    seconds: tuple[float, float] = (0.0, 0.0)
    """How long it lasts, from and to."""


KINDS: Final = {
    "kill worker": Kind(weight=6, targets=WORKERS, seconds=(0, 6)),
    "kill main process": Kind(weight=3, targets=PREFORK, seconds=(0, 6)),
    "kill child": Kind(weight=8, targets=PREFORK),
    "freeze worker": Kind(weight=4, targets=WORKERS, seconds=(1, 9)),
    "freeze worker for long": Kind(weight=1, targets=WORKERS, seconds=(18, 24)),
    "freeze child": Kind(weight=4, targets=PREFORK, seconds=(1, 9)),
    "deploy": Kind(weight=6, targets=WORKERS, seconds=(10, 10)),
    "kill beat": Kind(weight=4, targets=BEATS, seconds=(0, 6)),
    "freeze beat": Kind(weight=2, targets=BEATS, seconds=(1, 9)),
    "stop database": Kind(weight=2, targets=(DATABASE,), seconds=(0.5, 8)),
    "crash database": Kind(weight=2, targets=(DATABASE,), seconds=(0, 3)),
    "end connections": Kind(weight=3, targets=(DATABASE,)),
    "lock tables": Kind(weight=2, targets=(DATABASE,), seconds=(1, 18)),
    "refuse writes": Kind(weight=2, targets=(DATABASE,), seconds=(1, 6)),
    "kill broker": Kind(weight=3, targets=(BROKER,), seconds=(0, 8)),
    "empty broker": Kind(weight=4, targets=(BROKER,)),
    "freeze broker": Kind(weight=2, targets=(BROKER,), seconds=(1, 9)),
    "cut": Kind(weight=8, targets=CONNECTIONS, seconds=(0.2, 9)),
    "stall": Kind(weight=6, targets=CONNECTIONS, seconds=(0.5, 9)),
    "stall on the way back": Kind(weight=4, targets=CONNECTIONS, seconds=(0.5, 9)),
    "stall for long": Kind(weight=1, targets=tuple(f"{worker}-{DATABASE}" for worker in WORKERS), seconds=(18, 24)),
    "lose answers": Kind(weight=4, targets=DATABASE_CONNECTIONS, seconds=(2, 8)),
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One that is to come."""

    at: float
    """Seconds from the beginning of the run."""
    kind: str
    target: str
    seconds: float
    choice: int
    """Which of a worker's children, counted around."""

    def __str__(self) -> str:
        lasts = f" for {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.kind}: {self.target}{lasts}"


def plan(seed: int, seconds: float) -> list[Fault]:
    """The faults of a run that causes them for so long, in the order of their beginnings."""
    rng = random.Random(seed)
    faults: list[Fault] = []
    free_at: dict[str, float] = {}
    at = 0.0
    while (at := at + rng.uniform(*PAUSE_SECONDS)) < seconds:
        fault = _draw(rng, at)
        if free_at.get(fault.target, 0.0) <= at:
            faults.append(fault)
            free_at[fault.target] = at + fault.seconds
    return faults


def _draw(rng: random.Random, at: float) -> Fault:
    (name,) = rng.choices(list(KINDS), weights=[kind.weight for kind in KINDS.values()])
    kind = KINDS[name]
    return Fault(
        at=at,
        kind=name,
        target=rng.choice(kind.targets),
        seconds=round(rng.uniform(*kind.seconds), 1),
        choice=rng.randrange(1_000),
    )
