"""`bin/bench SCENARIO`: what is measured, and how."""

from __future__ import annotations

import argparse
import sys

from benchmarks import soak


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bin/bench", description="Measure deferapp on this machine.")
    scenarios = parser.add_subparsers(dest="scenario", required=True)
    soaking = scenarios.add_parser("soak", help=soak.__doc__)
    soaking.add_argument("--count", type=int, default=1_000_000)
    soaking.add_argument("--processes", type=int, default=2, help="of the worker's pool")
    soaking.add_argument("--retention", default="1m", help="how long what has succeeded is kept")
    given = parser.parse_args(arguments)
    return int(not soak.run(given.count, given.processes, given.retention))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
