"""Every Monday at 03:00 UTC, five hours before the mails: the recommender learns the week's purchases."""

from __future__ import annotations

from dataclasses import asdict

from deferapp import defer


@defer.cron("0 3 * * 1")
def train_recommender() -> dict[str, float]:
    """Gives the evaluation, so that the ledger tells how it changes from week to week."""
    from marketplace.recommender.refresh import refresh

    return asdict(refresh())
