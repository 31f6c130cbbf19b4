"""Media over HTTP: whole, in ranges, and handed to nginx."""

import pytest
from django.http import HttpResponseBase, StreamingHttpResponse
from django.test import Client
from pytest_django.fixtures import Settings

from searchapp.views.media import RangeError, Span, parse_range
from tests.searchapp.conftest import Footage


def body(response: HttpResponseBase) -> bytes:
    assert isinstance(response, StreamingHttpResponse)
    return response.getvalue()


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-", Span(0, 100)),
        ("bytes=10-19", Span(10, 20)),
        ("bytes=90-500", Span(90, 100)),
        ("bytes=-5", Span(95, 100)),
        ("bytes=-500", Span(0, 100)),
        ("bytes=5-4", None),
        ("bytes=0-1,5-6", None),
        ("bytes=-", None),
        ("lines=1-2", None),
    ],
)
def test_ranges_are_read_as_the_rfc_says(header: str, span: Span | None) -> None:
    assert parse_range(header, 100) == span


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=200-300", "bytes=-0"])
def test_ranges_outside_the_file_are_unsatisfiable(header: str) -> None:
    with pytest.raises(RangeError):
        parse_range(header, 100)


def test_the_whole_file(operator: Client, footage: Footage) -> None:
    recording = footage()
    response = operator.get(f"/recordings/{recording.pk}/media")
    assert response.status_code == 200
    assert response["Accept-Ranges"] == "bytes"
    assert response["Content-Type"] == "video/mp4"
    assert response["ETag"] == f'"{recording.sha256}"'
    assert body(response) == recording.original_path.read_bytes()


def test_a_part_of_it(operator: Client, footage: Footage) -> None:
    recording = footage()
    whole = recording.original_path.read_bytes()
    response = operator.get(f"/recordings/{recording.pk}/media", headers={"Range": "bytes=5-14"})
    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes 5-14/{len(whole)}"
    assert response["Content-Length"] == "10"
    assert body(response) == whole[5:15]


def test_a_part_of_another_version_is_never_mixed_in(operator: Client, footage: Footage) -> None:
    address = f"/recordings/{footage().pk}/media"
    etag = operator.get(address)["ETag"]
    same = operator.get(address, headers={"Range": "bytes=0-1", "If-Range": etag})
    other = operator.get(address, headers={"Range": "bytes=0-1", "If-Range": '"another"'})
    assert (same.status_code, other.status_code) == (206, 200)
    same.close()
    other.close()


def test_a_range_outside_is_416(operator: Client, footage: Footage) -> None:
    recording = footage()
    response = operator.get(f"/recordings/{recording.pk}/media", headers={"Range": "bytes=999999-"})
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{recording.size}"


def test_head_has_no_body(operator: Client, footage: Footage) -> None:
    recording = footage()
    response = operator.head(f"/recordings/{recording.pk}/media")
    assert (response["Content-Length"], response.content) == (str(recording.size), b"")


def test_nginx_sends_it_where_it_stands_in_front(
    operator: Client, footage: Footage, settings: Settings
) -> None:
    settings.MEDIA_ACCEL_PREFIX = "/inside/"
    recording = footage("street one.mp4")
    response = operator.get(f"/recordings/{recording.pk}/media")
    assert response["X-Accel-Redirect"] == "/inside/originals/street%20one.mp4"
    assert response.content == b""


def test_the_original_is_a_download_under_its_own_name(operator: Client, footage: Footage) -> None:
    recording = footage("büro.mp4")
    response = operator.get(f"/recordings/{recording.pk}/original")
    assert response["Content-Disposition"] == "attachment; filename*=utf-8''b%C3%BCro.mp4"
    assert body(response) == recording.original_path.read_bytes()


def test_a_file_that_is_gone_is_not_found(operator: Client, footage: Footage) -> None:
    recording = footage()
    recording.original_path.unlink()
    assert operator.get(f"/recordings/{recording.pk}/media").status_code == 404


def test_thumbnails_never_change(operator: Client, footage: Footage) -> None:
    response = operator.get(f"/recordings/{footage().pk}/thumbnails/73.jpg")
    assert response["Content-Type"] == "image/jpeg"
    assert "immutable" in response["Cache-Control"]
    assert response.content.startswith(b"\xff\xd8")


def test_a_thumbnail_that_is_not_there_is_not_kept_as_missing(
    operator: Client, footage: Footage
) -> None:
    recording = footage()
    for second in (150, 10**6, 10**30):
        response = operator.get(f"/recordings/{recording.pk}/thumbnails/{second}.jpg")
        assert response.status_code == 404
        assert "Cache-Control" not in response
