"""`bin/bench [SCENARIO]`: what is measured, and how. Without a scenario: all that can be compared with peers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks import compare, fan_out, growth, pages, soak
from benchmarks.peers import environment


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bin/bench", description="Measure deferapp on this machine.")
    scenarios = parser.add_subparsers(dest="scenario", metavar="SCENARIO")
    compared = scenarios.add_parser("all", help="all of those that follow, one after the other")
    _add_options(compared, list(compare.SCENARIOS))
    for name, scenario in compare.SCENARIOS.items():
        _add_options(scenarios.add_parser(name, help=scenario.about.replace("%", "%%")), [name])
    _add_studies(scenarios)
    given = parser.parse_args([*arguments, *_default(arguments)])
    return int(not given.run(given))


def _default(arguments: list[str]) -> list[str]:
    return (
        [] if any(not argument.startswith("-") or argument in ("-h", "--help") for argument in arguments) else ["all"]
    )


def _add_options(parser: argparse.ArgumentParser, names: list[str]) -> None:
    parser.add_argument("--peers", action="store_true", help="the peers too; they are installed in var/")
    parser.add_argument("--rounds", type=int, default=3, help="of which the medians are printed")
    parser.add_argument("--count", type=int, help="jobs, if not as many as usual")
    parser.add_argument("--only", nargs="+", default=(), metavar="SYSTEM", help="of those that are compared")
    parser.set_defaults(run=lambda given: _compare(given, names))


def _compare(given: argparse.Namespace, names: list[str]) -> bool:
    wish = compare.Wish(
        scenarios=names, rounds=given.rounds, count=given.count, with_peers=given.peers, only=given.only
    )
    return compare.run(wish, environment.python() if given.peers else Path(sys.executable))


def _add_studies(scenarios: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    soaking = scenarios.add_parser("soak", help=soak.__doc__)
    soaking.add_argument("--count", type=int, default=1_000_000)
    soaking.add_argument("--processes", type=int, default=2, help="of the worker's pool")
    soaking.add_argument("--retention", default="1m", help="how long what has succeeded is kept")
    soaking.set_defaults(run=lambda given: soak.run(given.count, given.processes, given.retention))
    fanning = scenarios.add_parser("fan-out", help=fan_out.__doc__)
    fanning.add_argument("--count", type=int, default=1_000_000)
    fanning.set_defaults(run=lambda given: fan_out.run(given.count))
    growing = scenarios.add_parser("growth", help=growth.__doc__)
    growing.add_argument("--rows", type=int, default=5_000_000, help="executions that have ended")
    growing.add_argument("--backlog", type=int, default=100_000, help="executions that wait")
    growing.set_defaults(run=lambda given: growth.run(given.rows, given.backlog))
    showing = scenarios.add_parser("pages", help=pages.__doc__)
    showing.add_argument("--rows", type=int, default=2_000_000, help="executions")
    showing.add_argument("--loads", type=int, default=20, help="of each page")
    showing.add_argument("--keep", type=Path, metavar="DIRECTORY", help="of a database that is filled once")
    showing.set_defaults(run=lambda given: pages.run(given.rows, given.loads, given.keep))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
