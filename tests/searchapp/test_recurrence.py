"""When it happened: counts by day, hour and camera, on one clock, and links to each."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from django.test import Client

from indexing.models import Recording
from indexing.search.query import SearchQuery
from indexing.search.ranking import search
from indexing.search.recurrence import nearest_share
from searchapp.recurrence import MOST_DAYS, calendar
from tests.searchapp.conftest import START, Footage

BRUSSELS = ZoneInfo("Europe/Brussels")


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_hours_are_those_of_the_clock_also_where_it_is_set_back() -> None:
    # In the night to 29 March there is no hour 2; in that to 25 October there are two.
    moments = [("gate", at("2026-03-29T00:30:00")), ("gate", at("2026-03-29T01:30:00"))]
    moments += [("gate", at(f"2026-10-25T0{hour}:30:00")) for hour in (0, 1)]
    found = calendar(moments, [], ["gate"], BRUSSELS, QueryDict(""))
    counts = {(d.day, c.hour): c.count for d in found.days for c in d.cells if c.count}
    assert counts == {
        (date(2026, 3, 29), 1): 1,
        (date(2026, 3, 29), 3): 1,
        (date(2026, 10, 25), 2): 2,
    }
    assert [day.skipped for day in found.days] == [0, 209, 0]


def test_shades_grow_with_the_count_and_days_are_limited() -> None:
    moments = [("gate", at("2026-03-01T10:00:00") + i) for i in range(100)]
    moments += [("attic", at("2026-03-01T12:00:00"))]
    moments += [("gate", at("2026-01-01T12:00:00") - 86_400 * n) for n in range(MOST_DAYS)]
    found = calendar(moments, [], ["gate", "attic", "yard"], ZoneInfo("UTC"), QueryDict("k=5"))
    last = found.days[-1].cells
    assert (last[10].count, last[10].shade, last[12].shade, last[11].shade) == (100, 5, 1, 0)
    assert found.earlier == 1
    assert [(s.camera, s.count) for s in found.cameras] == [
        ("gate", 100 + MOST_DAYS),
        ("attic", 1),
        ("yard", 0),
    ]
    assert last[10].link == "?k=5&since=2026-03-01T10:00:00&until=2026-03-01T11:00:00"
    assert found.cameras[1].link == "?k=5&camera=attic"


@pytest.mark.django_db
def test_the_nearest_share_is_that_of_the_ranking(footage: Footage) -> None:
    recording = footage()
    query = SearchQuery(recording.pk, 40, exclusion_s=0, k=20)
    times = nearest_share(query, 0.1)
    ranked = [hit.at for hit in search(query).hits]
    assert len(times.moments) == 15
    moments = {datetime.fromtimestamp(at, UTC) for _, at in times.moments}
    assert moments == {recording.at(40), *ranked[:14]}
    assert times.complete


@pytest.mark.django_db
def test_the_page_shows_hits_and_near_seconds_by_hour(operator: Client, footage: Footage) -> None:
    recording = footage()
    footage("later.mp4", start=START + timedelta(days=1, hours=3))
    link = f"/search?recording={recording.pk}&second=40&exclusion=10&view=when"
    page = operator.get(link).text
    assert "by day and hour on the clock of North gate" in page
    assert "on Wed 1 Jul, 12 to 13 h" in page
    assert "on Thu 2 Jul, 15 to 16 h" in page
    assert "no footage" in page
    assert '<article class="hit"' not in page
    near = operator.get(f"{link}&near=1").text
    assert "30 seconds closer than 90.0 % of all" in near
    hour = "since=2026-07-02T15:00:00&amp;until=2026-07-02T16:00:00"
    assert hour in near
    hits = operator.get(
        f"/search?recording={recording.pk}&second=40&exclusion=10&k=100&{hour}".replace(
            "&amp;", "&"
        )
    ).text
    assert "data-open" in hits
    assert f'data-open="/recordings/{recording.pk}?' not in hits


@pytest.mark.django_db
def test_footage_that_may_not_be_seen_is_not_counted_as_recorded(
    nobody: Client, footage: Footage
) -> None:
    recording: Recording = footage()
    link = f"/search?recording={recording.pk}&second=40&view=when"
    assert nobody.get(link).status_code == 404
