"""Weeks as ISO 8601 numbers them: Monday to Sunday, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def iso_week(moment: datetime) -> str:
    """The week of an aware moment, such as "2025-W07"."""
    year, week, _ = moment.astimezone(UTC).isocalendar()
    return f"{year}-W{week:02d}"
