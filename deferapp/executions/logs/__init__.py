"""What the functions log: heard by a handler, kept bounded while an attempt runs, and written to the ledger.

Only what the project's own levels let through is kept. Honest limits: a thread that a body starts by itself is heard
in a process of a pool that runs nothing else beside it (prefork, the default); elsewhere only one that carries the
body's context, as those of `sync_to_async` and `asyncio.to_thread` do. And of a process that is killed, the last
seconds are not there.
"""
