"""The sample: a marketplace that mails its customers product recommendations every Monday.

Its Celery app is loaded with the package, as Celery's guide for Django has it.
"""

from marketplace.celery import app as celery_app

__all__ = ["celery_app"]
