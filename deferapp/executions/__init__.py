"""The life of executions: enqueued, claimed, attempted, settled."""
