"""What a declaration says besides the function: frozen, checked when it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from deferapp import conf
from deferapp.durations import as_duration
from deferapp.exceptions import DeclarationError

if TYPE_CHECKING:
    from deferapp.functions.function import BackgroundFunction

ErrorTypes = type[BaseException] | tuple[type[BaseException], ...]
"""What `except` takes."""

MOST_ATTEMPTS: Final = 30_000
"""The ledger numbers attempts up to 32,767, and some do not count against the policy."""
LONGEST_INTERVAL: Final = 366 * 24 * 3600
"""Seconds. A wait of any length would lead past the end of the calendar."""


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """When a failed attempt is followed by another. The defaults are those of Defer."""

    max_attempts: int = 13
    """Retries after the first attempt; 0 turns retrying off."""
    initial_interval: float = 30.0
    """Seconds before the first retry."""
    multiplier: float = 1.5
    """What each interval is times the one before."""
    randomization_factor: float = 0.5
    """Each interval is drawn from itself ± this share; 0 means no jitter."""
    max_interval: float = 600.0
    """Seconds that no interval exceeds before jitter."""

    def __post_init__(self) -> None:
        if isinstance(self.max_attempts, bool) or not isinstance(self.max_attempts, int) or self.max_attempts < 0:
            raise DeclarationError(f"retry: max_attempts is a number from 0, not {self.max_attempts!r}")
        for name in ("initial_interval", "multiplier", "randomization_factor", "max_interval"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
                raise DeclarationError(f"retry: {name} is a number from 0, not {value!r}")
        if self.randomization_factor > 1:
            raise DeclarationError("retry: randomization_factor is a share from 0 to 1")
        if self.max_attempts > MOST_ATTEMPTS or self.max_interval > LONGEST_INTERVAL:
            raise DeclarationError(
                f"retry: max_attempts is at most {MOST_ATTEMPTS}, max_interval {LONGEST_INTERVAL} (a year in seconds)"
            )


RetryOption = RetryPolicy | bool | int | Mapping[str, Any]


def as_policy(retry: RetryOption) -> RetryPolicy:
    """`True` = the default policy, `False` or `0` = none, a number = that many retries, a mapping = part of one."""
    if isinstance(retry, RetryPolicy):
        return retry
    if retry is True:
        return RetryPolicy()
    if isinstance(retry, int):
        return RetryPolicy(max_attempts=int(retry))
    if isinstance(retry, Mapping):
        known = {field.name for field in fields(RetryPolicy)}
        if unknown := sorted(str(key) for key in retry if key not in known):
            raise DeclarationError(f"retry: unknown {', '.join(unknown)}; there are {', '.join(sorted(known))}")
        return RetryPolicy(**retry)
    raise DeclarationError(f"retry is True, False, a number, a mapping or a RetryPolicy, not {retry!r}")


class Declaration(TypedDict, total=False):
    """The keywords of `defer(…)` and `defer.cron(…)`; `Config` says what they mean."""

    retry: RetryOption | None
    concurrency: int | None
    concurrency_key: str | Callable[..., Any] | None
    max_concurrency_action: Literal["keep", "cancel"]
    max_duration: timedelta | float | str
    retry_on: ErrorTypes
    give_up_on: ErrorTypes
    on_failure: BackgroundFunction[..., Any] | None
    alert_arguments: bool


@dataclass(frozen=True, kw_only=True)
class Config:
    """How executions of a function are run."""

    retry: RetryOption | None = None
    """None leaves it to `DEFER["RETRY"]`."""
    concurrency: int | None = None
    """How many executions run at once, everywhere; None means no limit."""
    concurrency_key: str | Callable[..., Any] | None = None
    """An argument (`"user"`, `"user.pk"`) or a callable of all arguments: the limit then is for each value of it."""
    max_concurrency_action: Literal["keep", "cancel"] = "keep"
    """What becomes of an execution that meets the limit: it waits, or is cancelled."""
    max_duration: timedelta | float | str = timedelta(minutes=30)
    """How long an attempt may take: a timedelta, seconds, or words as in "2m". Past it, it fails with ER0001."""
    retry_on: ErrorTypes = ()
    """Errors that are retried although they look permanent: an exception type or a tuple of them."""
    give_up_on: ErrorTypes = ()
    """Errors that end the execution at once; they go before `retry_on`."""
    on_failure: BackgroundFunction[..., Any] | None = None
    """Another background function. When an execution ends as failed, that one is enqueued with it, exactly once."""
    alert_arguments: bool = False
    """Whether alerts show the first argument of executions that fail, redacted, and not their ids alone."""

    def __post_init__(self) -> None:
        if self.retry is not None:
            as_policy(self.retry)
        if self.concurrency is not None and (type(self.concurrency) is not int or self.concurrency < 1):
            raise DeclarationError(f"concurrency is a number from 1, not {self.concurrency!r}")
        if self.concurrency_key is not None and self.concurrency is None:
            raise DeclarationError("concurrency_key needs concurrency=, the limit for each key")
        if self.longest <= timedelta():
            raise DeclarationError(f"max_duration is a time, not {self.max_duration!r}")
        if self.max_concurrency_action not in ("keep", "cancel"):
            raise DeclarationError(f"max_concurrency_action is 'keep' or 'cancel', not {self.max_concurrency_action!r}")
        _check_error_types("retry_on", self.retry_on)
        _check_error_types("give_up_on", self.give_up_on)
        if self.on_failure is not None:
            _check_handler(self.on_failure)

    @cached_property
    def longest(self) -> timedelta:
        """`max_duration` as a timedelta."""
        return as_duration(self.max_duration)

    @property
    def retry_policy(self) -> RetryPolicy:
        return as_policy(conf.current().RETRY if self.retry is None else self.retry)


def _check_error_types(name: str, value: object) -> None:
    for kind in value if isinstance(value, tuple) else (value,):
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise DeclarationError(f"{name} is an exception type or a tuple of them, not {value!r}")


def _check_handler(value: object) -> None:
    from deferapp.functions.function import BackgroundFunction

    if not isinstance(value, BackgroundFunction):
        raise DeclarationError(f"on_failure is a background function, as `defer` makes them, not {value!r}")
    try:
        value.signature.bind(None)
    except TypeError:
        message = f"on_failure: {value.name}{value.signature} cannot be called with the execution alone"
        raise DeclarationError(message) from None
