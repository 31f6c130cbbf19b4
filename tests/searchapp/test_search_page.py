"""The search page: one link, one answer, whole or as a fragment."""

from datetime import timedelta

import pytest
from django.test import Client

from indexing.models import Encoder, Recording
from tests.searchapp.conftest import START, Footage

pytestmark = pytest.mark.django_db


def test_hits_carry_what_is_needed_to_judge_them(operator: Client, footage: Footage) -> None:
    recording = footage()
    page = operator.get(f"/search?recording={recording.pk}&second=40&exclusion=10&k=10").text
    assert page.count('<article class="hit"') == 10
    assert "10 other times" in page
    assert "among 150 clips of one second, each at least 10 s from the next" in page
    assert "closer than" in page
    assert "This camera has not been trained yet" in page
    assert "12:00:40" in page
    assert "left out" in page


def test_every_hit_links_to_the_same_search_from_there(operator: Client, footage: Footage) -> None:
    recording = footage()
    link = f"/search?recording={recording.pk}&second=40&exclusion=10&weight=0.25"
    page = operator.get(link).text
    assert f'href="?recording={recording.pk}&amp;second=' in page
    assert "&amp;exclusion=10&amp;weight=0.25" in page


def test_htmx_gets_the_results_alone(operator: Client, footage: Footage) -> None:
    link = f"/search?recording={footage().pk}&second=40&exclusion=10"
    whole = operator.get(link)
    fragment = operator.get(link, headers={"HX-Request": "true"})
    assert "<html" in whole.text
    assert "<html" not in fragment.text
    assert '<article class="hit"' in fragment.text
    assert "HX-Request" in fragment["Vary"]


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ("second=150", "has seconds 0 to 149; second 150 is outside."),
        ("second=soon", "is not a second; write 75 or 0:01:15."),
        ("", "Say which second to search for."),
        ("second=1&k=0", "The number of hits must be a whole number from 1 to 100."),
        ("second=1&k=many", "The number of hits must be a whole number from 1 to 100."),
        ("second=1&weight=2", "The weight of the sound must be a number from 0 to 1."),
        ("second=1&exclusion=-1", "The exclusion window must be a whole number from 0 to 86,400."),
        ("second=1&with=smell", "smell is no way to compare clips"),
        ("second=1&with=audio-to-video", "only after this camera has been trained"),
        ("second=1&camera=Nowhere", "There is no camera called Nowhere."),
        ("second=1&within=777", "Recording 777 is not in the library"),
        ("second=1&since=today", "is not a moment"),
        ("second=1&since=0001-01-01T00:00:00%2B14:00", "is not between the years"),
        ("second=1&since=2026-07-02T00:00&until=2026-07-01T00:00", "ends before it begins"),
    ],
)
def test_wrong_parameters_get_a_sentence(
    operator: Client, footage: Footage, parameters: str, sentence: str
) -> None:
    response = operator.get(f"/search?recording={footage().pk}&{parameters}")
    assert response.status_code == 422
    assert "This search has no answer." in response.text
    assert sentence in response.text.replace("&#x27;", "'")


@pytest.mark.parametrize("number", ["777", "x", "9" * 30])
def test_an_unknown_recording_is_not_found(operator: Client, number: str) -> None:
    assert operator.get(f"/search?recording={number}&second=1").status_code == 404


def test_a_search_begins_with_a_moment(operator: Client, footage: Footage) -> None:
    recording = footage()
    page = operator.get("/search").text
    assert "A search begins with a moment." in page
    assert f"/recordings/{recording.pk}" in page


def test_filters_act_on_the_cameras_clock(operator: Client, footage: Footage) -> None:
    recording = footage()
    link = f"/search?recording={recording.pk}&second=0&exclusion=0&k=100"
    page = operator.get(f"{link}&since=2026-07-01T12:02:00&until=2026-07-01T12:02:10").text
    assert page.count('<article class="hit"') == 10
    assert 'value="2026-07-01T12:02:00"' in page


def test_a_search_can_be_kept_to_some_recordings(operator: Client, footage: Footage) -> None:
    first = footage("one.mp4")
    second = footage("two.mp4", start=START + timedelta(hours=1))
    link = f"/search?recording={first.pk}&second=5&exclusion=0&within={second.pk}"
    page = operator.get(link).text
    assert page.count(f'data-open="/recordings/{second.pk}?t=') == 20
    assert f'data-open="/recordings/{first.pk}?t=' not in page


def test_long_lists_of_neighbours_are_cut_short(operator: Client, footage: Footage) -> None:
    page = operator.get(f"/search?recording={footage().pk}&second=40").text
    assert "more, farther than these" in page


def test_a_recording_without_sound_offers_no_sound(operator: Client, footage: Footage) -> None:
    page = operator.get(f"/search?recording={footage(audio=False).pk}&second=4").text
    assert "This recording has no sound." in page
    assert 'name="weight"' not in page
    assert "only its other half was compared" in page


def test_crossings_are_offered_once_the_encoder_allows_them(
    operator: Client, footage: Footage
) -> None:
    link = f"/search?recording={footage().pk}&second=4"
    assert "Picture finds sound" not in operator.get(link).text
    Encoder.objects.update(crossable=True)
    assert "Picture finds sound" in operator.get(link).text


def test_numbers_of_the_link_are_among_the_choices(operator: Client, footage: Footage) -> None:
    page = operator.get(f"/search?recording={footage().pk}&second=4&exclusion=45&k=7").text
    flat = " ".join(page.split())
    assert '<option value="45" selected' in flat
    assert '<option value="7" selected' in flat


def test_a_recording_that_is_not_searchable_yet_says_so(operator: Client, footage: Footage) -> None:
    recording = footage(state=Recording.State.INGESTING)
    recording.chunks.filter(start_s=50).delete()
    response = operator.get(f"/search?recording={recording.pk}&second=60")
    assert response.status_code == 422
    assert "not searchable yet" in response.text
