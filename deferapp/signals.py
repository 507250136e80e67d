"""Django signals for what happens to executions, and for alerts: connect receivers in an app's `ready()`.

Those of executions are sent with `sender=Execution` and `execution=`, the execution as it was when that happened: its
`function`, `state`, `attempt`, `reason` and so on; those of schedules and alerts say so themselves. They are sent by
`send_robust` after the change has been committed, in the process that made it: `enqueued` where the function was
called, most others in a worker. A receiver that raises is logged by Django and keeps nobody from going on; one that
takes long holds up who sends. Honest limit: a process that is killed between its commit and the sending does not send.
What must happen is a function: `on_failure=`.

Receivers get what the ledger holds, secrets too: who shows or sends on a `reason` or arguments redacts them before, by
`deferapp.redact`.
"""

from __future__ import annotations

from django.dispatch import Signal

enqueued = Signal()
"""An execution has been enqueued: called, fired by a schedule, or the `on_failure` of another."""

started = Signal()
"""A worker has taken an execution, number `execution.attempt`; its body begins when the worker's others have ended.

If the worker ends before that, another takes the execution and the signal comes again with the same number."""

retried = Signal()
"""An attempt has failed, for `execution.reason`; the next one is due at `execution.due_at`.

Also when a person lets an execution that has ended as failed run again."""

succeeded = Signal()
"""An execution has ended with a result."""

failed = Signal()
"""An execution has ended as failed, for `execution.reason`, and its policy has no other attempt."""

cancelled = Signal()
"""An execution has been cancelled, or aborted: `execution.state` says which."""

discarded = Signal()
"""An execution has ended without having been run, for `execution.reason`."""

missed = Signal()
"""A schedule did not fire at a due moment, because nothing was running then: `sender=Schedule`, `schedule=`, `due_at=`.

Whether a moment is missed or made up for is for the schedule's `catch_up` to say."""

alerted = Signal()
"""Something is wrong that a person should know: `sender=Alert`, `alert=`, its row.

Sent once an incident, by the worker that found it. `alert.kind` says what is wrong, `alert.text` what to do."""

recovered = Signal()
"""What `alerted` told works again: `sender=Alert`, `alert=`, the same row, closed."""
