"""The files of `deploy/` are what their tools want, and every command in them does what it is for.

Limit: no image is built, and no cluster or systemd runs here. The commands run as processes of this machine, in an
environment and a project made as the Dockerfile does.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.leases import ROOT
from tests.packaging.deployment import (
    DEPLOY,
    ROLES,
    docker_commands,
    of_containers,
    procfile,
    program,
    unit,
    variables,
)
from tests.packaging.environments import Environment, bare, run
from tests.processes import Process
from tests.servers import PostgresServer, RedisServer, free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("packaging")

RUN_HERE = {
    "gunicorn shop.wsgi",
    "celery -A shop worker",
    "celery -A shop beat",
    "python manage.py migrate",
    "python manage.py defer doctor",
}
"""What `test_all_commands_…` runs; and no file may have another."""
SECONDS = 90.0


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    environment = Environment(tmp_path_factory.mktemp("tools") / "environment")
    environment.install("-r", str(ROOT / "requirements-packaging.txt"))
    return environment


@pytest.fixture(scope="module")
def server(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Environment, Path]:
    """An environment with all that a server needs, and in it a project with the files of `deploy/`."""
    directory = tmp_path_factory.mktemp("server")
    environment = Environment(directory / "environment")
    environment.install(str(wheel), "-r", str(DEPLOY / "requirements.txt"))
    project = environment.start_project(directory)
    shutil.copytree(DEPLOY, project, dirs_exist_ok=True)
    return environment, project


@pytest.fixture
def place() -> Iterator[dict[str, str]]:
    """What the environment file says, with the servers of this test."""
    with PostgresServer() as postgres, RedisServer() as redis:
        server = conninfo_to_dict(postgres.url)
        names = {"PGDATABASE": "dbname", "PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password"}
        database = {name: str(server.get(key) or "") for name, key in names.items()}
        yield {**variables(), **database, "BROKER_URL": redis.url, "ALLOWED_HOSTS": "127.0.0.1"}


def test_all_commands_of_the_procfile_run_and_the_site_is_well(
    server: tuple[Environment, Path], place: dict[str, str]
) -> None:
    environment, project = server
    port = free_port()
    shell = {**environment.variables, **place, "PORT": str(port)}
    commands = procfile()
    run(["sh", "-c", commands["release"]], project, shell)
    with contextlib.ExitStack() as stack:
        processes = []
        for role in ROLES:
            process = Process(role, ["sh", "-c", f"exec {commands[role]}"], shell, project)
            stack.callback(process.kill)
            processes.append(process)
        logs = {process.name: process.log for process in processes}
        processes[1].wait_for_log(" ready.", SECONDS)
        site = f"http://127.0.0.1:{port}"
        wait_until(lambda: get(f"{site}/health/?all"), SECONDS, lambda: f"all is well; {logs['web']()}")
        assert get(f"{site}/admin/login/")
        assert get(f"{site}/static/deferapp/dashboard.css"), "without DEBUG, gunicorn serves static files"
        greeting = "from shop.defer.greet import greet; greet('Ada')"
        run([str(environment.bin / "python"), "manage.py", "shell", "-c", greeting], project, shell)
        found = [str(environment.bin / "python"), "manage.py", "defer", "executions", "greet", "state:succeeded"]
        wait_until(lambda: "shop.defer.greet" in run(found, project, shell), SECONDS, logs["worker"])
        doctor = ["manage.py", "defer", "doctor"]
        wait_until(lambda: environment.succeeds("python", *doctor, directory=project, **place), SECONDS, "all is well")
        environment.run("python", *doctor, "--worker", directory=project, **place)
        assert {process.name: process.terminate() for process in processes} == dict.fromkeys(ROLES, 0)
    assert not Path(project, "celerybeat.pid").exists()


def get(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def test_units_have_the_commands_that_were_run_and_systemd_takes_them(server: tuple[Environment, Path]) -> None:
    verify = shutil.which("systemd-analyze")
    assert verify, "apt install systemd"
    environment, project = server
    files = []
    for path in sorted((DEPLOY / "systemd").glob("*.service")):
        assert program(unit(path)["ExecStart"]) in RUN_HERE
        text = path.read_text().replace("/srv/shop/.venv", str(environment.directory)).replace("User=shop", "User=root")
        files.append(project / path.name)
        files[-1].write_text(text.replace("/srv/shop", str(project)))
    assert len(files) == len(ROLES)
    done = run([verify, "verify", "--man=no", *map(str, files)], project, {**bare(), "SYSTEMD_LOG_LEVEL": "warning"})
    assert done == ""


def test_the_worker_gets_the_time_to_end_everywhere() -> None:
    stop = unit(DEPLOY / "systemd/shop-worker.service")
    assert (stop["KillMode"], stop["KillSignal"], stop["TimeoutStopSec"]) == ("mixed", "SIGTERM", "35min")
    assert "stop_grace_period: 35m" in (DEPLOY / "compose.yaml").read_text()
    assert "terminationGracePeriodSeconds: 2100" in (DEPLOY / "kubernetes.yaml").read_text()


def test_hadolint_finds_nothing_in_the_dockerfile(tools: Environment) -> None:
    assert tools.run("hadolint", "--no-color", str(DEPLOY / "Dockerfile")) == ""
    assert [program(words) for words in docker_commands()] == ["gunicorn shop.wsgi"]


COMPOSE = """
import json, sys, yaml
from compose_spec import PyCompose
PyCompose.from_yaml(yaml.safe_dump(document := yaml.safe_load(open(sys.argv[1])))).validate()
print(json.dumps(document["services"]))
"""


def test_compose_takes_its_file_and_runs_what_was_run(tools: Environment) -> None:
    services = json.loads(tools.run("python", "-c", COMPOSE, str(DEPLOY / "compose.yaml")))
    ours = {name: service for name, service in services.items() if service["image"] == "shop"}
    assert set(ours) == {"migrate", *ROLES}
    assert {program(service["command"]) for service in ours.values()} < RUN_HERE
    assert program(ours["worker"]["healthcheck"]["test"][1:]) in RUN_HERE
    told = {name for name in ours["web"]["environment"] if name != "DJANGO_SETTINGS_MODULE"}
    assert {*told, "DJANGO_SETTINGS_MODULE"} == set(variables())


def test_kubernetes_takes_every_resource(tools: Environment) -> None:
    tools.run("kubernetes-validate", "--strict", str(DEPLOY / "kubernetes.yaml"))
    code = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))"
    documents = json.loads(tools.run("python", "-c", code, str(DEPLOY / "kubernetes.yaml")))
    assert {program(words) for words in of_containers(documents)} == RUN_HERE
