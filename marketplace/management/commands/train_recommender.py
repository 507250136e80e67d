"""`manage.py train_recommender`: what the scheduled function of that name does, now and in this process."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from marketplace.recommender.refresh import refresh


class Command(BaseCommand):
    help = "Train the recommender on all purchases and put it in use."

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            evaluation = refresh()
        except ValueError as error:
            raise CommandError(f"There is nothing to learn from: {error}. Try manage.py load_purchases.") from error
        self.stdout.write(f"Trained. Recall@10 on the last four weeks: {evaluation.recall_at_10}")
