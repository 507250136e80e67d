"""What a run of the demo came to, for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings

from marketplace.demo.run import Progress
from marketplace.models import Customer
from marketplace.recommender.storage import load


@dataclass(frozen=True, kw_only=True)
class Report:
    """The keys of the JSON, in its order."""

    customers: int
    opted_in: int
    executions: int
    """Rows of the ledger: the weekly job and one for each customer."""
    succeeded: int
    failed: int
    emails: int
    """Files that are really there."""
    seconds: float
    """From the enqueue of the job to the end of its last child."""
    recall_at_10: float
    recall_at_10_popular: float

    @property
    def is_complete(self) -> bool:
        """Whether everybody who had opted in was mailed, once, or is told to be unserved."""
        return self.emails + self.failed == self.opted_in == self.executions - 1

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    def lines(self) -> Iterator[str]:
        yield f"{self.customers:,} customers, {self.opted_in:,} of them opted in"
        ends = f"{self.succeeded:,} succeeded, {self.failed:,} failed"
        yield f"{self.executions:,} executions in {self.seconds:.1f} s: {ends}"
        yield f"{self.emails:,} mails in {_from_here(Path(settings.EMAIL_FILE_PATH))}"
        if mail := next(iter(mails()), None):
            yield f"one of them: {_from_here(mail)}"
        yield f"recall@10 on four weeks unseen: {self.recall_at_10:.4f}; most popular: {self.recall_at_10_popular:.4f}"


def _from_here(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def mails() -> list[Path]:
    return sorted(Path(settings.EMAIL_FILE_PATH).glob("*.eml"))


def report(end: Progress, seconds: float, *, opted_in: int) -> Report:
    """Count what is there now that the run has ended. (Who is refused for good has opted in no more.)"""
    evaluation = load().evaluation
    return Report(
        customers=Customer.objects.count(),
        opted_in=opted_in,
        executions=end.executions,
        succeeded=end.succeeded,
        failed=end.failed,
        emails=len(mails()),
        seconds=round(seconds, 2),
        recall_at_10=evaluation.recall_at_10,
        recall_at_10_popular=evaluation.recall_at_10_popular,
    )
