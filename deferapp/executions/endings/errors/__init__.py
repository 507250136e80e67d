"""Whether an error that a function raised can pass by itself, and when a server says that it will have.

Errors of smtplib, django-anymail, requests, httpx and urllib are told apart; none of these libraries is imported for
it. Everything else may pass, and is retried as the function's policy says.
"""

from deferapp.executions.endings.errors.judge import judge
from deferapp.executions.endings.errors.verdict import Verdict
from deferapp.executions.endings.errors.wishes import GiveUp, Retry

__all__ = ["GiveUp", "Retry", "Verdict", "judge"]
