"""What a job does when systems are compared: the same in each, one command to Redis, besides which all is the system.

Imports nothing of deferapp: peers run in an environment of their own.
"""

# ruff: noqa: ARG001  a job is given its number, needed or not

from __future__ import annotations

import asyncio
import os
import time
from functools import cache
from typing import Any, Final

DONE: Final = "bench:done"
STAMPS: Final = "bench:stamps"
WAIT: Final = 0.05
"""Seconds that a job waits which waits."""


def touch(number: int) -> None:
    _redis().incr(DONE)


def nap(number: int) -> None:
    time.sleep(WAIT)
    _redis().incr(DONE)


def ask(number: int) -> None:
    from django.contrib.auth.models import User

    time.sleep(WAIT)
    User.objects.filter(pk=number).first()
    _redis().incr(DONE)


def stamp(number: int) -> None:
    moment = time.time()
    _redis().rpush(STAMPS, repr(moment))


async def atouch(number: int) -> None:
    await _aredis().incr(DONE)


async def anap(number: int) -> None:
    await asyncio.sleep(WAIT)
    await _aredis().incr(DONE)


async def aask(number: int) -> None:
    from django.contrib.auth.models import User

    await asyncio.sleep(WAIT)
    await User.objects.filter(pk=number).afirst()
    await _aredis().incr(DONE)


async def astamp(number: int) -> None:
    moment = time.time()
    await _aredis().rpush(STAMPS, repr(moment))


NAMES: Final = ("touch", "nap", "ask", "stamp")


def _redis() -> Any:
    return _client(os.getpid())


@cache
def _client(_pid: int) -> Any:
    import redis

    return redis.Redis.from_url(os.environ["BENCH_REDIS"])


def _aredis() -> Any:
    return _aclient(asyncio.get_running_loop())


@cache
def _aclient(_loop: Any) -> Any:
    import redis.asyncio

    return redis.asyncio.Redis.from_url(os.environ["BENCH_REDIS"])
