import os
import signal

from deferapp import defer


@defer(max_duration=1, retry=0)
def freeze() -> None:
    """Stop the whole process, its watching thread too."""
    os.kill(os.getpid(), signal.SIGSTOP)
