"""When a recording began, read from its metadata or its name."""

import pytest

from indexing.arrivals.times import told
from indexing.media.header import created


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("20260314_081500.mp4", "2026-03-14T08:15:00"),
        ("2026-03-14T08-15-00Z.mkv", "2026-03-14T08:15:00+00:00"),
        ("20260314T081500+0100.ts", "2026-03-14T08:15:00+01:00"),
        ("NVR_ch2_main_20260314081500_20260314083000.mp4", "2026-03-14T08:15:00"),
        ("VID_20260314_081500.mp4", "2026-03-14T08:15:00"),
        ("PXL_20260314_081500123.mp4", "2026-03-14T08:15:00"),
        ("192.168.1.64_01_20260314081500123.mp4", "2026-03-14T08:15:00"),
        ("RecS02_20260314_081500_083000_0_11D2F.mp4", "2026-03-14T08:15:00"),
        ("2026-03-14 08.15.00.mp4", "2026-03-14T08:15:00"),
        ("2026_03_14_08_15.mp4", "2026-03-14T08:15:00"),
        ("20260314_081500-0830.mp4", "2026-03-14T08:15:00"),
    ],
)
def test_a_name_tells_the_start(name: str, moment: str) -> None:
    assert [(each.by, each.moment.isoformat()) for each in told("", name)] == [("name", moment)]


@pytest.mark.parametrize(
    "name",
    [
        "GX010123.MP4",
        "20260314.mp4",
        "20261399_081500.mp4",
        "18991231_000000.mp4",
        "21990101_000000.mp4",
        "1234202603140815001234.mp4",
        "x" * 250,
        "0" * 250,
    ],
)
def test_other_names_tell_nothing(name: str) -> None:
    assert told("", name) == []


@pytest.mark.parametrize(
    "tag", ["1904-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "yesterday", "", "2026", "2026-03-14"]
)
def test_an_implausible_creation_tag_is_ignored(tag: str) -> None:
    assert told(tag, "a.mp4") == []


def test_a_creation_tag_is_read_as_utc_and_comes_before_the_name() -> None:
    found = told("2026-03-14T08:30:00", "20260314_081500.mp4")
    assert [each.moment.isoformat() for each in found] == [
        "2026-03-14T08:30:00+00:00",
        "2026-03-14T08:15:00",
    ]


def test_apples_tag_comes_before_the_container_s() -> None:
    tags = {
        "creation_time": "2026-03-14T07:15:00.000000Z",
        "com.apple.quicktime.creationdate": "2026-03-14T08:15:00+0100",
    }
    assert created({"format": {"tags": tags}, "streams": []}) == "2026-03-14T08:15:00+0100"
    assert created({"format": {}, "streams": [{"tags": {"DATE": "2026"}}]}) == "2026"
    assert created({"format": {}, "streams": []}) == ""
