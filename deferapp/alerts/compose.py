"""What a message says, from the alert as it is when the message is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from deferapp import conf
from deferapp.alerts import links
from deferapp.alerts.decide import QUIET
from deferapp.alerts.message import Link, Message
from deferapp.models.alert import Alert, AlertKind, Delivery, DeliveryKind
from deferapp.visible import visible

MOST_IN_A_DIGEST: Final = 15
"""Incidents that a digest names."""

Field = tuple[str, str | datetime]


def compose(alert: Alert, delivery: Delivery) -> Message:
    """The message about one alert."""
    return Message(
        kind=delivery.kind,
        header=visible(_header(alert, delivery)),
        fields=tuple((name, visible(value) if isinstance(value, str) else value) for name, value in _fields(alert)),
        summary=visible(_summary(alert, delivery)),
        frames=alert.details.get("trace", "") if delivery.kind == DeliveryKind.OPENED else "",
        lines=tuple(visible(line) for line in _named(alert)),
        links=tuple(_links(alert)),
        delivery_id=delivery.pk,
    )


def digest(alerts: Sequence[Alert], delivery: Delivery) -> Message:
    """One message about several alerts."""
    head = ngettext("✕ %(count)d incident at once", "✕ %(count)d incidents at once", len(alerts))
    lines = [f"{_sign(alert)} {_title(alert)}{_times(alert.count)}" for alert in alerts[:MOST_IN_A_DIGEST]]
    return Message(
        kind=DeliveryKind.DIGEST,
        header=head % {"count": len(alerts)},
        fields=tuple(_environment()),
        lines=tuple(visible(line) for line in [*lines, *_more(len(alerts) - len(lines))]),
        links=tuple(links.to(_("Alerts"), "alert_changelist")),
        delivery_id=delivery.pk,
    )


def _header(alert: Alert, delivery: Delivery) -> str:
    title = f"{_title(alert)}{_times(alert.count)}"
    if delivery.kind == DeliveryKind.RECOVERED or not alert.is_open:
        return _("✓ Recovered: %(what)s") % {"what": title}
    if delivery.kind == DeliveryKind.REMINDER:
        return _("✕ Still: %(what)s") % {"what": title}
    if delivery.kind == DeliveryKind.UPDATE:
        return _("✕ Further ones: %(what)s") % {"what": title}
    return f"✕ {title}"


def _summary(alert: Alert, delivery: Delivery) -> str:
    """What is wrong; of what is over, if that has been told before, that it is."""
    if delivery.kind != DeliveryKind.RECOVERED:
        return str(alert.details.get("error") or alert.text)
    if alert.kind == AlertKind.FAILURES:
        return _("None has failed so for %(minutes)d minutes.") % {"minutes": QUIET.total_seconds() // 60}
    return _("It works again.")


def _title(alert: Alert) -> str:
    """Of failures the error and the function, which say it all."""
    if alert.kind == AlertKind.FAILURES:
        return alert.subject
    title = str(alert.get_kind_display())
    title = title[:1].upper() + title[1:]
    return f"{title}: {alert.subject}" if alert.subject else title


def _times(count: int) -> str:
    return f" ×{_number(count)}" if count > 1 else ""


def _sign(alert: Alert) -> str:
    return "✕" if alert.is_open else "✓"


def _fields(alert: Alert) -> Iterator[Field]:
    """The most important first: a channel may show only some."""
    details = alert.details
    yield from _environment()
    if alert.kind == AlertKind.FAILURES:
        yield _("Function"), details.get("function", "")
        yield _("Failed"), _number(alert.count)
        if parent := details.get("parent"):
            yield _("Parent"), f"{parent['function']} {parent['execution']}"
        if "attempt" in details:
            yield _("Attempt"), str(details["attempt"])
        if "seconds" in details:
            yield _("Duration"), _span(details["seconds"])
        if details.get("schedule"):
            yield _("Schedule"), details["schedule"]
    yield _("Since"), alert.opened_at
    if alert.count > 1:
        yield _("Last"), alert.last_at
    if alert.closed_at is not None:
        yield _("Until"), alert.closed_at


def _environment() -> Iterator[Field]:
    if environment := conf.current().ENVIRONMENT:
        yield _("Environment"), environment


def _named(alert: Alert) -> Iterator[str]:
    """The first few that it happened to, and how many there are besides."""
    named: Sequence[dict[str, Any]] = alert.details.get("named", [])
    yield from (f"• {_name(each)}" for each in named)
    if named:
        yield from _more(alert.count - len(named))


def _name(each: dict[str, Any]) -> str:
    if "who" in each:
        return f"{each['who']}: {each['why']}"
    return f"{each['argument']} ({each['execution']})" if "argument" in each else str(each["execution"])


def _more(count: int) -> Iterator[str]:
    if count > 0:
        yield ngettext("… and %(count)s more", "… and %(count)s more", count) % {"count": _number(count)}


def _links(alert: Alert) -> Iterator[Link]:
    details = alert.details
    for each in details.get("named", [])[:1]:
        if "execution" in each:
            yield from links.to(_("Execution"), "execution_change", each["execution"])
    if details.get("function"):
        yield from links.to(_("Function"), "function", details["function"])
    if parent := details.get("parent"):
        yield from links.to(_("Parent"), "execution_change", parent["execution"])
    yield from links.to(_("Alert"), "alert_change", alert.pk)


def _number(value: int) -> str:
    return number_format(value, force_grouping=True)


def _span(seconds: float) -> str:
    if seconds < 10:
        return _("%(seconds)s s") % {"seconds": number_format(seconds, 1)}
    return str(timedelta(seconds=int(seconds)))
