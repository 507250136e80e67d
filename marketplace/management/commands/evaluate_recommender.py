"""`manage.py evaluate_recommender`: how good the recommendations are, measured anew on the last four weeks."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from marketplace.recommender.evaluation import Evaluation, evaluate
from marketplace.recommender.history import read_history


class Command(BaseCommand):
    help = "Train on all but the last four weeks, and measure which recommendations came true in these."

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            evaluation = evaluate(read_history())
        except ValueError as error:
            raise CommandError(f"There is nothing to measure: {error}. Try manage.py load_purchases.") from error
        Console().print(_table(evaluation))


def _table(evaluation: Evaluation) -> Table:
    title = f"Ten products for each of {evaluation.customers:,} customers who bought something new in the last 4 weeks"
    table = Table("way", "recall@10", title=title, title_justify="left")
    table.add_row("recommender", f"{evaluation.recall_at_10:.4f}")
    table.add_row("most popular of the last four weeks before", f"{evaluation.recall_at_10_popular_lately:.4f}")
    table.add_row("most popular", f"{evaluation.recall_at_10_popular:.4f}")
    return table
