"""A real Redis and a real PostgreSQL, started on free loopback ports and ended with the tests."""

import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
import redis

START_WITHIN_S = 60

# Below those that the kernel gives out by itself, so that nothing else takes one before its server
# does; and others in each process, since several run tests at once.
_ports = count(20_000 + os.getpid() % 120 * 100)


def free_port() -> int:
    """A port of the loopback interface that nothing listens on; never the same twice."""
    return next(filter(is_free, _ports))


def is_free(port: int) -> bool:
    """Tell whether nothing listens on a port of the loopback interface."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def until_up(answers: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    """Return once a server answers; fail where it ended or took too long."""
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended while it was starting"
        try:
            answers()
        except (OSError, redis.ConnectionError, psycopg.OperationalError):
            time.sleep(0.1)
        else:
            return
    pytest.fail("the server did not start in time")


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The address of an empty Redis."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The address of a new, empty PostgreSQL database."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return postgres_server.removesuffix("postgres") + name


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis server of our own."""
    port = free_port()
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
        cwd=tmp_path_factory.mktemp("redis"),
        stdout=subprocess.DEVNULL,
    )
    try:
        with redis.Redis(port=port) as client:
            until_up(client.ping, server)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server of our own.

    PostgreSQL refuses to run as root, so there it runs as the user its Debian package made.
    """
    folder = Path("/tmp") / f"reprise-pg-{os.getpid()}"
    user = "postgres" if os.getuid() == 0 else None
    folder.mkdir(mode=0o700)
    if user:
        shutil.chown(folder, user)
    port = free_port()
    programs = newest_postgres()
    subprocess.run(
        [programs / "initdb", "-D", folder / "db", "-U", "reprise", "-A", "trust", "-E", "UTF8"],
        check=True,
        user=user,
        cwd="/",
        stdout=subprocess.DEVNULL,
    )
    server = subprocess.Popen(
        [
            *(programs / "postgres", "-D", folder / "db", "-p", str(port)),
            *("-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"),
            *("-c", "fsync=off"),
        ],
        user=user,
        cwd="/",
        stderr=subprocess.DEVNULL,
    )
    url = f"postgres://reprise@127.0.0.1:{port}/postgres"
    try:
        until_up(lambda: psycopg.connect(url).close(), server)
        yield url
    finally:
        server.send_signal(2)  # SIGINT: end now, connections or not
        server.wait(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


def newest_postgres() -> Path:
    """The folder of the newest PostgreSQL's programs, where Debian puts them."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    assert found, "PostgreSQL is not installed; run make setup"
    return found[-1]
