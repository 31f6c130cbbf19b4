"""The deployed shape, started by hand: nginx, gunicorn, PostgreSQL, Redis and two workers."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.browser import Browser
from tests.services import free_port, until_up

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def running(*command: str, **options: object) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program for as long as the block lasts."""
    process = subprocess.Popen(command, cwd=ROOT, **options)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


def nginx_settings(folder: Path, data: Path, port: int, web: int) -> Path:
    """The shipped configuration with this machine's ports and folders, and what wraps it."""
    shipped = (ROOT / "docs" / "deploy" / "nginx.conf").read_text()
    for old, new in (
        ("server web:8000;", f"server 127.0.0.1:{web};"),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("alias /data/;", f"alias {data}/;"),
    ):
        assert shipped.count(old) == 1
        shipped = shipped.replace(old, new)
    user = "user root;" if os.getuid() == 0 else ""
    path = folder / "nginx.conf"
    path.write_text(
        f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {folder}/body;\n"
        f"proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;\n"
        f"uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n{shipped}\n}}\n"
    )
    return path


@pytest.fixture
def site(tmp_path: Path, redis_url: str, postgres_url: str) -> Iterator[tuple[Browser, str]]:
    """Everything of docker-compose.yml, without the containers; and the admin's password."""
    data = tmp_path / "data"
    data.mkdir()
    port, web = free_port(), free_port()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "searchapp.settings",
        "REPRISE_DATA": str(data),
        "REPRISE_SECRET_KEY": "for the deployed test only, and long enough to please the check",
        "REPRISE_DATABASE_URL": postgres_url,
        "REPRISE_BROKER_URL": redis_url,
        "REPRISE_HOSTS": "127.0.0.1",
        "REPRISE_ACCEL_PREFIX": "/protected/",
    }
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
    created = subprocess.run(
        [*manage, "accounts"], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    password = next(line.split()[1] for line in created.stdout.splitlines() if "admin" in line)
    gunicorn = (
        "-m",
        "gunicorn",
        "searchapp.wsgi",
        "--no-control-socket",
        "--bind",
        f"127.0.0.1:{web}",
        "--threads",
        "4",
    )
    settings = nginx_settings(tmp_path, data, port, web)
    with ExitStack() as stack:
        stack.enter_context(running(sys.executable, *gunicorn, env=environment))
        for _ in range(2):
            stack.enter_context(running(*manage, "worker", "--processes", "1", env=environment))
        nginx = stack.enter_context(running("nginx", "-c", str(settings), "-p", str(tmp_path)))
        browser = Browser(port)
        until_up(lambda: healthy(browser), nginx)
        yield browser, password


def healthy(browser: Browser) -> None:
    answer = browser.ask("GET", "/healthz")
    if answer.status != 200:
        raise ConnectionError(answer.status)


def test_a_recording_travels_through_the_deployed_shape(
    site: tuple[Browser, str], make_video: Callable[..., Path]
) -> None:
    browser, password = site
    film = make_video(8).read_bytes()
    assert browser.ask("GET", "/").status == 302, "nobody is let in without signing in"
    browser.sign_in("admin", password)

    page = browser.ask("GET", "/").body.decode()
    token = browser.cookies["csrftoken"].value
    headers = {
        "X_CSRFToken": token,
        "Referer": f"http://127.0.0.1:{browser.port}/",
        "Tus_Resumable": "1.0.0",
    }
    begun = browser.ask("POST", "/uploads", None, Upload_Length=str(len(film)), **headers)
    assert begun.status == 201, begun.body
    address = begun.headers["Location"]
    octets = {"Content_Type": "application/offset+octet-stream", "Upload_Offset": "0"}
    sent = browser.ask("PATCH", address, film, **headers, **octets)
    assert sent.status == 204, sent.body
    assert "Library" in page

    deadline = time.monotonic() + 300
    fields = urlencode({"camera": "North gate", "zone": "UTC"}).encode()
    form = {**headers, "Content_Type": "application/x-www-form-urlencoded"}
    while (taken := browser.ask("POST", f"{address}/confirm", fields, **form)).status != 200:
        assert time.monotonic() < deadline, taken.body.decode()
        time.sleep(0.5)
    link = re.search(r'"url": "([^"]+)"', taken.body.decode())
    assert link
    number = link[1].rsplit("/", 1)[1]
    while (found := browser.ask("GET", f"/search?recording={number}&second=3")).status != 200:
        assert time.monotonic() < deadline, found.body.decode()
        time.sleep(1)

    part = browser.ask("GET", f"{link[1]}/media", Range="bytes=100-199")
    assert part.status == 206
    assert part.body == film[100:200]
    assert "X-Accel-Redirect" not in part.headers
    assert browser.ask("GET", f"{link[1]}/thumbnails/3.jpg").body[:2] == b"\xff\xd8"
    assert Browser(browser.port).ask("GET", f"{link[1]}/media").status == 302
    assert browser.ask("GET", "/protected/secret-key").status == 404
