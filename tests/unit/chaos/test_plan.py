"""Which faults a run of chaos causes: all that its seed says, and no two for one thing at a time."""

from __future__ import annotations

import itertools

import pytest

from tests.chaos.faults import _CAUSES
from tests.chaos.plan import KINDS, plan

LONG = 3_600.0


def test_the_same_seed_gives_the_same_faults_in_the_same_order() -> None:
    assert plan(1, LONG) == plan(1, LONG)


def test_a_longer_run_begins_as_a_shorter_one() -> None:
    short = plan(7, 60)
    assert plan(7, LONG)[: len(short)] == short


def test_another_seed_gives_other_faults() -> None:
    assert plan(1, 300) != plan(2, 300)


def test_every_kind_of_fault_comes_up_and_is_known() -> None:
    assert {fault.kind for fault in plan(1, LONG)} == set(KINDS) == set(_CAUSES)


@pytest.mark.parametrize("seed", range(5))
def test_faults_come_in_order_within_the_time_and_never_two_for_one_thing(seed: int) -> None:
    faults = plan(seed, LONG)
    assert [fault.at for fault in faults] == sorted(fault.at for fault in faults)
    assert faults[-1].at < LONG
    for target in {fault.target for fault in faults}:
        own = [fault for fault in faults if fault.target == target]
        assert all(earlier.at + earlier.seconds <= later.at for earlier, later in itertools.pairwise(own))
