"""The codes that commands end with, for scripts."""

from __future__ import annotations

from typing import Final

FAILED: Final = 1
"""It could not be done, an execution failed, or what was looked for was found: a difference, an error."""
WRONG_USE: Final = 2
"""Of the command line, as argparse has it: an unknown word, an ambiguous name, arguments that do not fit."""
NOT_FOUND: Final = 3
"""No such execution, function or schedule."""
TIMED_OUT: Final = 4
"""What was waited for goes on."""
INTERRUPTED: Final = 130
"""By Ctrl-C: 128 and the number of the signal, as shells have it."""
