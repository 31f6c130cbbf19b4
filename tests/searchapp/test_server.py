"""What every answer carries, what the machines ask, and what is found wrong at start."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver
from pytest_django.fixtures import Settings

from searchapp import checks
from searchapp.urls import urlpatterns

ROOT = Path(__file__).resolve().parents[2]


def ids(found: object) -> list[str]:
    assert isinstance(found, list)
    return [message.id for message in found]


def test_the_web_process_loads_neither_torch_nor_openvino() -> None:
    code = (
        "import django, sys; django.setup(); import searchapp.urls;"
        "heavy = {'torch', 'torchaudio', 'openvino', 'pytorchvideo'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, env=_environment())


def _environment() -> dict[str, str]:
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "searchapp.settings"}


@pytest.mark.django_db
def test_every_answer_carries_the_policy(client: Client, admin: Client) -> None:
    for response in (client.get("/sign-in"), admin.get("/"), client.get("/nowhere")):
        policy = response["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy


def test_templates_hold_no_inline_script_or_style() -> None:
    for template in (ROOT / "templates").rglob("*.html"):
        text = template.read_text()
        assert " style=" not in text, template
        assert "<style" not in text, template
        assert " onclick=" not in text, template
        assert "<script>" not in text, template


def addresses(patterns: Sequence[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    """Every address, those of included modules as well."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver) and pattern.namespace:
            continue  # the API, whose own tests hold that every route asks for a token
        if isinstance(pattern, URLResolver):
            assert str(pattern.pattern) == "", "an included module adds no prefix"
            yield from addresses(pattern.url_patterns)
        else:
            yield pattern


def test_every_address_asks_for_an_account_but_these(client: Client, db: None) -> None:
    open_to_all = {"sign-in", "healthz"}
    for pattern in addresses(urlpatterns):
        path = "/" + str(pattern.pattern).replace("<int:pk>", "1").replace("<int:second>", "2")
        path = path.replace("<uuid:key>", "00000000-0000-0000-0000-000000000000")
        response = client.get(path)
        assert (response.status_code == 302) == (pattern.name not in open_to_all), path
        if response.status_code == 302:
            assert urlsplit(response["Location"]).path == "/sign-in"


@pytest.mark.django_db
def test_health_needs_no_account(client: Client) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"ok": True, "problems": []})


@pytest.mark.django_db
def test_health_tells_of_a_data_root_that_cannot_be_written(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    settings.REPRISE_DATA = tmp_path / "gone"
    response = client.get("/healthz")
    assert response.status_code == 503
    assert response.json()["problems"] == ["The data root cannot be written."]


@pytest.mark.django_db
def test_a_fault_of_ours_gets_a_page(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.searchapp.broken_urls"
    response = Client(raise_request_exception=False).get("/sign-in")
    assert response.status_code == 500
    assert "Something broke on the server." in response.text


def test_a_missing_ffmpeg_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert checks.ffmpeg(None) == []
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ids(checks.ffmpeg(None)) == ["REPRISE.W001", "REPRISE.W001"]


def test_a_data_root_that_is_a_file_is_refused(settings: Settings, tmp_path: Path) -> None:
    settings.REPRISE_DATA = tmp_path
    assert "REPRISE.E001" not in ids(checks.data_root(None))
    settings.REPRISE_DATA = tmp_path / "not-yet" / "there"
    assert "REPRISE.E001" not in ids(checks.data_root(None))
    (tmp_path / "file").write_text("")
    settings.REPRISE_DATA = tmp_path / "file"
    assert ids(checks.data_root(None)) == ["REPRISE.E001"]


def test_a_disk_that_is_nearly_full_is_told(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path
) -> None:
    settings.REPRISE_DATA = tmp_path
    monkeypatch.setattr(checks, "NEARLY_FULL_BYTES", 10**18)
    assert ids(checks.data_root(None)) == ["REPRISE.W002"]


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("files://localhost", []),
        ("redis://localhost:6379/0", []),
        ("redis://", ["REPRISE.E002"]),
        ("localhost:6379", ["REPRISE.E002"]),
        ("http://localhost", ["REPRISE.E002"]),
    ],
)
def test_a_broker_that_is_none_is_refused(
    settings: Settings, address: str, found: list[str]
) -> None:
    settings.CELERY_BROKER_URL = address
    assert ids(checks.broker(None)) == found
