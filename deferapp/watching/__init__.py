"""What others watch a project with learns of executions: logs, Prometheus, Sentry, OpenTelemetry.

Nothing here is imported unless the project names it, and each module needs nothing but what it is for.
"""
