"""`bin/bench SCENARIO`: what is measured, and how."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks import growth, pages, soak


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bin/bench", description="Measure deferapp on this machine.")
    scenarios = parser.add_subparsers(dest="scenario", required=True)
    soaking = scenarios.add_parser("soak", help=soak.__doc__)
    soaking.add_argument("--count", type=int, default=1_000_000)
    soaking.add_argument("--processes", type=int, default=2, help="of the worker's pool")
    soaking.add_argument("--retention", default="1m", help="how long what has succeeded is kept")
    soaking.set_defaults(run=lambda given: soak.run(given.count, given.processes, given.retention))
    growing = scenarios.add_parser("growth", help=growth.__doc__)
    growing.add_argument("--rows", type=int, default=5_000_000, help="executions that have ended")
    growing.add_argument("--backlog", type=int, default=100_000, help="executions that wait")
    growing.set_defaults(run=lambda given: growth.run(given.rows, given.backlog))
    showing = scenarios.add_parser("pages", help=pages.__doc__)
    showing.add_argument("--rows", type=int, default=2_000_000, help="executions")
    showing.add_argument("--loads", type=int, default=20, help="of each page")
    showing.add_argument("--keep", type=Path, metavar="DIRECTORY", help="of a database that is filled once")
    showing.set_defaults(run=lambda given: pages.run(given.rows, given.loads, given.keep))
    given = parser.parse_args(arguments)
    return int(not given.run(given))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
