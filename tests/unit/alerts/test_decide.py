"""What is told of an incident, and when: a table, and the story of one over a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deferapp.alerts.decide import Decision, Incident, Told, decide

NINE = datetime(2026, 11, 22, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SLACK = ("slack",)


def incident(kind: str = "failures", **changed: Any) -> Incident:
    return Incident(**{"kind": kind, "count": 1, "opened_at": NINE, "last_at": NINE, **changed})


def told(kind: str, minutes: float = 0, count: int = 1, channel: str = "slack") -> Told:
    return Told(channel=channel, kind=kind, count=count, created_at=NINE + minutes * MINUTE)


def decided(of: Incident, *told: Told, at: float) -> Decision:
    return decide(of, told, SLACK, NINE + at * MINUTE)


@pytest.mark.parametrize(
    ("of", "before", "at", "tells"),
    [
        pytest.param(incident(), [], 0, "opened", id="the first at once"),
        pytest.param(incident(count=1000), [], 0, "opened", id="however many there are by then"),
        pytest.param(incident(), [told("opened")], 1, None, id="once"),
        pytest.param(incident(count=9), [told("opened")], 4.9, None, id="further ones are counted"),
        pytest.param(incident(count=9, last_at=NINE + 4 * MINUTE), [told("opened")], 5, "update", id="for 5 minutes"),
        pytest.param(incident(count=9), [told("digest")], 5, "update", id="also after a digest"),
        pytest.param(
            incident(count=9, last_at=NINE + 9 * MINUTE),
            [told("opened"), told("update", 5, 8)],
            9.9,
            None,
            id="and again for 5 minutes",
        ),
        pytest.param(
            incident(count=9, last_at=NINE + 9 * MINUTE),
            [told("opened"), told("update", 5, 9)],
            12,
            None,
            id="nothing new, no update",
        ),
        pytest.param(incident("beat_silent"), [told("opened")], 239, None, id="no reminder before 4 hours"),
        pytest.param(incident("beat_silent"), [told("opened")], 240, "reminder", id="a reminder after 4 hours"),
        pytest.param(incident("beat_silent"), [told("opened"), told("reminder", 240)], 1679, None, id="not soon again"),
        pytest.param(
            incident("beat_silent"), [told("opened"), told("reminder", 240)], 1680, "reminder", id="but the next day"
        ),
        pytest.param(
            incident("beat_silent", closed_at=NINE + 3 * MINUTE), [told("opened")], 3, "recovered", id="works again"
        ),
        pytest.param(
            incident("beat_silent", closed_at=NINE + 3 * MINUTE),
            [told("opened"), told("recovered", 3)],
            4,
            None,
            id="which is said once",
        ),
        pytest.param(
            incident("beat_silent", closed_at=NINE + 3 * MINUTE),
            [told("opened"), told("digest", 3)],
            4,
            None,
            id="also in a digest",
        ),
        pytest.param(
            incident("workers_silent", closed_at=NINE), [], 0, "opened", id="over before anybody was told: one message"
        ),
        pytest.param(
            incident("undelivered", closed_at=NINE + 30 * MINUTE), [told("opened")], 30, None, id="mail has no end"
        ),
        pytest.param(incident("undelivered", count=3), [told("opened")], 6, "update", id="mail is counted too"),
    ],
)
def test_what_is_told(of: Incident, before: list[Told], at: float, tells: str | None) -> None:
    assert [kind for _channel, kind in decided(of, *before, at=at).tell] == ([tells] if tells else [])


def test_failures_are_over_after_30_quiet_minutes_and_not_before() -> None:
    of = incident(count=2, last_at=NINE + 10 * MINUTE)
    assert not decided(of, told("opened"), at=39.9).closes
    assert decided(of, told("opened"), at=40) == Decision(closes=True, look_at=NINE + 40 * MINUTE)


def test_failures_that_were_noticed_late_are_not_over_at_once() -> None:
    of = incident(last_at=NINE - 5 * HOUR)
    assert not decided(of, at=0).closes
    assert decided(of, told("opened"), at=30).closes


@pytest.mark.parametrize("kind", ["beat_silent", "workers_silent", "queue_old", "schedule_missed"])
def test_what_somebody_has_to_find_working_again_is_not_over_by_itself(kind: str) -> None:
    assert not decided(incident(kind), told("opened"), at=9999).closes


def test_each_channel_is_told_by_itself() -> None:
    of = incident(count=3, last_at=NINE + 6 * MINUTE)
    before = [told("opened"), told("opened", 3, channel="mail")]
    decision = decide(of, before, ("slack", "mail", "new"), NINE + 6 * MINUTE)
    assert decision.tell == (("slack", "update"), ("new", "opened"))


def test_a_channel_that_is_gone_is_told_nothing() -> None:
    assert decide(incident(), [told("opened")], (), NINE) == Decision(look_at=NINE + 30 * MINUTE)


@pytest.mark.parametrize(
    ("of", "before", "at", "look_at"),
    [
        pytest.param(incident(), [], 0, 30, id="at the end of the quiet"),
        pytest.param(incident(count=2), [told("opened")], 1, 5, id="when the update is due"),
        pytest.param(incident("beat_silent"), [], 0, 240, id="when the reminder is due"),
        pytest.param(incident("beat_silent"), [told("opened")], 60, 240, id="still then"),
        pytest.param(incident("undelivered"), [], 0, 30, id="nobody is reminded of mail"),
    ],
)
def test_when_it_is_looked_at_again(of: Incident, before: list[Told], at: float, look_at: float) -> None:
    assert decided(of, *before, at=at).look_at == NINE + look_at * MINUTE


def test_what_is_over_and_told_is_not_looked_at_again() -> None:
    over = incident("beat_silent", closed_at=NINE + 3 * MINUTE)
    assert decided(over, told("opened"), at=3).look_at is None


def test_the_story_of_a_storm_is_few_messages() -> None:
    """A thousand failures in twelve minutes, looked at each second as housekeeping does, and each decision kept."""
    said: list[Told] = []
    closed_at = None
    for second in range(0, 3600, 1):
        moment = NINE + timedelta(seconds=second)
        happened = min(second, 720)
        of = incident(count=1 + happened, last_at=NINE + timedelta(seconds=happened), closed_at=closed_at)
        decision = decide(of, said, SLACK, moment)
        closed_at = closed_at or (moment if decision.closes else None)
        said += [Told(channel=name, kind=kind, count=of.count, created_at=moment) for name, kind in decision.tell]
    assert [(each.kind, (each.created_at - NINE) / MINUTE, each.count) for each in said] == [
        ("opened", 0, 1),
        ("update", 5, 301),
        ("update", 10, 601),
        ("update", 15, 721),
        ("recovered", 42 + 1 / 60, 721),
    ]
