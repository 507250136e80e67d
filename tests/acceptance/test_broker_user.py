"""A worker runs with a user of Redis who may do no more than `SECURITY.md` says is needed."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import redis

from tests.processes import Project
from tests.servers import RedisServer
from tests.waiting import wait_until

SECURITY = Path(__file__).resolve().parents[2] / "SECURITY.md"
PASSWORD = "hunter2"


def rules() -> list[str]:
    """The ACL that the page gives."""
    found = re.search(r"ACL SETUSER (\S+) on >\S+ (.+)", SECURITY.read_text())
    assert found, "SECURITY.md says what a user of Redis needs"
    return found[2].split()


def test_a_worker_needs_no_dangerous_command_of_redis_and_tells_nobody_its_password(project: Project) -> None:
    with RedisServer() as server:
        with redis.Redis.from_url(server.url) as client:
            client.execute_command("ACL", "SETUSER", "shop", "on", f">{PASSWORD}", *rules())
            client.execute_command("ACL", "SETUSER", "default", "off")
        project.broker_url = f"redis://shop:{PASSWORD}@{urlsplit(server.url).netloc.rpartition('@')[2]}/0"
        worker = project.worker("prefork", 1)
        project.python("from tests.shop.defer.note import note\nfor text in 'abc': note(text)")
        wait_until(lambda: sorted(project.witness.lines()) == ["a", "b", "c"], 30, "the notes are written")
        with redis.Redis.from_url(project.broker_url) as client:
            assert client.llen("celery") == 0
        assert PASSWORD not in worker.log()
        worker.terminate()
    assert "NOPERM" not in worker.log()
