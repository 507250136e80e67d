"""One field of a cron expression: its range, how its text is read, and how a set of values is written.

Standard cron and nothing else: numbers, ranges, lists, steps, `*`, and three-letter names. What single crons
added (`L`, `W`, `#`, `?`, `H`, `~`, ranges that wrap around) is refused, since no two of them agree on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from deferapp.wording import Worded
from deferapp.wording import gettext_noop as _


class FieldProblem(Worded):
    """What is wrong with the text of a field; whoever knows the whole expression says it with the place."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field and the numbers that it may hold, `first` to `last`."""

    name: str
    first: int
    last: int
    # The different values, in order. Shorter than the range in one field only: Sunday is both 0 and 7.
    every: tuple[int, ...]
    # In lower case, standing for `first`, `first` + 1, …
    names: tuple[str, ...] = ()

    def read(self, text: str) -> tuple[int, ...]:
        """The values that the text means, sorted. Raises `FieldProblem`."""
        values = {value for item in text.split(",") for value in self._item(item)}
        return tuple(sorted({value if value in self.every else self.first for value in values}))

    def write(self, values: tuple[int, ...]) -> str:
        """A short text for the values: `*`, an even step, or numbers and ranges."""
        if values == self.every:
            return "*"
        step = self.step(values)
        return f"*/{step}" if step and len(values) > 2 else listed(values)

    def write_starred(self, values: tuple[int, ...]) -> str:
        """A text for the values that begins with `*`, which only values that include the first have."""
        step, stepped = next(
            (step, self.every[::step])
            for step in range(1, len(self.every) + 1)
            if set(values).issuperset(self.every[::step])
        )
        rest = tuple(value for value in values if value not in stepped)
        return f"*/{step},{listed(rest)}" if rest else f"*/{step}"

    def step(self, values: tuple[int, ...]) -> int | None:
        """The step, if the values are evenly spaced through the whole field and across its end."""
        step, remainder = divmod(len(self.every), len(values))
        even = not remainder and 1 < step < len(self.every) and values == self.every[::step]
        return step if even else None

    def _item(self, item: str) -> range:
        if not item:
            raise FieldProblem(_("nothing stands before or after a comma: use %(usage)s"), usage=self._usage)
        base, slash, step = item.partition("/")
        first, last = self._bounds(base, open_ended=bool(slash))
        return range(first, last + 1, self._step(step) if slash else 1)

    def _bounds(self, base: str, *, open_ended: bool) -> tuple[int, int]:
        if base == "*":
            return self.first, self.last
        low, dash, high = base.partition("-")
        first = self._value(low, base)
        if not dash:
            return first, self.last if open_ended else first
        last = self._value(high, base)
        if last < first:
            wrapped = f"{first}-{self.last},{self.first}-{last}"
            raise FieldProblem(
                _("the range %(range)s runs backwards: use %(wrapped)s if it is to wrap around"),
                range=_shown(base),
                wrapped=wrapped,
            )
        return first, last

    def _value(self, text: str, base: str) -> int:
        if text.lower() in self.names:
            return self.first + self.names.index(text.lower())
        if not text.isdecimal():
            raise FieldProblem(
                _("%(text)s is not understood: use %(usage)s"), text=repr(_shown(base)), usage=self._usage
            )
        if not self.first <= int(text) <= self.last:
            raise FieldProblem(
                _("%(text)s is out of range %(first)s-%(last)s"), text=_shown(text), first=self.first, last=self.last
            )
        return int(text)

    def _step(self, text: str) -> int:
        longest = len(self.every)
        if not text.isdecimal() or not 1 <= int(text) <= longest:
            raise FieldProblem(
                _("the step %(step)s is not a number from 1 to %(longest)s"), step=repr(_shown(text)), longest=longest
            )
        return int(text)

    @property
    def _usage(self) -> Worded:
        bounds = {"first": self.first, "last": self.last}
        if not self.names:
            return Worded(_("numbers %(first)s-%(last)s, ranges such as %(first)s-%(last)s, steps or *"), **bounds)
        return Worded(
            _("numbers %(first)s-%(last)s, names %(low)s to %(high)s, ranges such as %(first)s-%(last)s, steps or *"),
            **bounds,
            low=self.names[0],
            high=self.names[-1],
        )


def runs(values: Iterable[int], *, shortest: int = 3) -> list[tuple[int, int]]:
    """Sorted values as (first, last) of each unbroken run; shorter runs than `shortest` value by value."""
    found: list[tuple[int, int]] = []
    for _offset, group in groupby(enumerate(values), key=lambda pair: pair[1] - pair[0]):
        run = [value for _number, value in group]
        if len(run) >= shortest:
            found.append((run[0], run[-1]))
        else:
            found += [(value, value) for value in run]
    return found


def listed(values: tuple[int, ...]) -> str:
    """Numbers and ranges, separated by commas, and never a `*`."""
    return ",".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs(values))


def _shown(text: str) -> str:
    return text if len(text) <= 20 else f"{text[:17]}..."


MINUTE: Final = Field(name="minute", first=0, last=59, every=tuple(range(60)))
HOUR: Final = Field(name="hour", first=0, last=23, every=tuple(range(24)))
DAY_OF_MONTH: Final = Field(name="day-of-month", first=1, last=31, every=tuple(range(1, 32)))
MONTH: Final = Field(
    name="month",
    first=1,
    last=12,
    every=tuple(range(1, 13)),
    names=("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
)
DAY_OF_WEEK: Final = Field(
    name="day-of-week",
    first=0,
    last=7,
    every=tuple(range(7)),
    names=("sun", "mon", "tue", "wed", "thu", "fri", "sat"),
)
FIELDS: Final = (MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK)
