"""Looking at the project's own Celery tasks as they run, without changing how: `DEFER["OBSERVE_CELERY_TASKS"]`.

What is seen is counted by the tallies and told by alerts, as what functions do is, under the task's name with `celery:`
before it. The ledger promises nothing of it: no task is kept, retried, recovered or cancelled.
"""
