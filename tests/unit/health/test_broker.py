"""A broker that is not there, does not answer, or is another one."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from deferapp.health import broker
from deferapp.health.scene import Scene
from deferapp.models import Worker
from tests.unit.health.conftest import found, ids
from tests.unit.rows import make_worker

pytestmark = pytest.mark.django_db

UseBroker = Callable[[str], None]


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
@pytest.mark.parametrize("state", ["refusing", "hanging"])
def test_a_broker_that_refuses_or_hangs_is_told_within_two_seconds(
    scheme: str, state: str, use_broker: UseBroker, request: pytest.FixtureRequest
) -> None:
    place = request.getfixturevalue(state)
    use_broker(f"{scheme}://ada:hunter2@{place}/7")
    begun = time.monotonic()
    [finding] = found(broker.answers)
    assert time.monotonic() - begun < 2
    assert finding.id == "D010"
    assert f"{scheme}://{place}/7" in finding.what
    assert "hunter2" not in str(finding)


def test_without_a_setting_it_says_that_none_is_configured(
    use_broker: UseBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_broker("")

    def refuse(_app: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(broker, "ask", refuse)
    [finding] = found(broker.answers)
    assert finding.id == "D013"
    assert "CELERY_BROKER_URL" in finding.remedy[0]


def test_a_broker_in_memory_needs_no_asking(use_broker: UseBroker) -> None:
    use_broker("memory://")
    assert ids(broker.answers) == []


def test_an_embedded_worker_needs_no_broker(use_broker: UseBroker, refusing: str) -> None:
    make_worker(pool="embedded", queues=["celery"], broker="memory://localhost/")
    use_broker(f"redis://{refusing}/0")
    assert ids(broker.answers) == []
    assert ids(broker.is_shared) == []


def test_without_tables_no_worker_is_asked_for(use_broker: UseBroker, refusing: str) -> None:
    use_broker(f"redis://{refusing}/0")
    scene = Scene()
    scene.absent.add("tables")
    assert [finding.id for finding in broker.answers(scene)] == ["D010"]


def test_a_broker_in_memory_reaches_no_worker_in_another_process(worker: Worker, use_broker: UseBroker) -> None:
    use_broker("memory://")
    [finding] = found(broker.is_shared)
    assert finding.id == "D011"
    assert "defer dev" in finding.remedy[1]


def test_workers_that_read_elsewhere_are_told_with_both_places(worker: Worker, use_broker: UseBroker) -> None:
    use_broker("redis://ada:hunter2@here.example/0")
    Worker.objects.update(broker="redis://there.example:6379/0")
    [finding] = found(broker.is_shared)
    assert finding.id == "D012"
    assert "redis://there.example:6379/0" in finding.what
    assert "redis://here.example:6379/0" in finding.what
    Worker.objects.update(broker="redis://here.example:6379/0")
    assert ids(broker.is_shared) == []
