"""An app with schedules, which only the tests of their faults install: they never come up but when a test says so."""

import json
import os

FREQUENCY = "0 0 1 1 *"


def frequency(function: str) -> str:
    """When a function runs: once a year, or as CRONS says, a JSON object of frequencies by function."""
    return str(json.loads(os.environ.get("CRONS", "{}")).get(function, FREQUENCY))
