"""Inside a Celery worker: running executions, and the housekeeping that every worker takes part in."""
