"""Marks and added moments: in the link, in the ranking, and made into an event."""

import html
import re

import pytest
from django.test import Client

from indexing.models import Encoder, Label, Location, Recording
from tests.searchapp.conftest import Footage

pytestmark = pytest.mark.django_db


def first(recording: Recording, more: str = "") -> str:
    return f"/search?recording={recording.pk}&second=40&exclusion=10&k=5{more}"


def links(page: str, name: str) -> list[str]:
    """Return the links of the hits' buttons of one kind, in order of rank."""
    found = re.findall(rf'<a [^>]*?href="([^"]*)"[^>]*?{name}', page, re.DOTALL)
    return [html.unescape(link) for link in found]


def named(page: str, words: str) -> str:
    """Return the first link of these words."""
    found = re.search(rf'href="([^"]*)"[^>]*>(?:<svg.*?</svg>)?\s*{words}', page)
    assert found
    return html.unescape(found[1])


def opened(page: str) -> list[str]:
    return re.findall(r'data-open="/recordings/(\d+\?t=\d+)"', page)


def test_a_mark_goes_into_the_link_and_out_of_the_hits(operator: Client, footage: Footage) -> None:
    recording = footage()
    page = operator.get(first(recording)).text
    best = opened(page)[0].replace("?t=", ":")
    marked = operator.get("/search" + links(page, "data-this")[0])
    assert f"this={best}" in marked.request["QUERY_STRING"]
    assert "Refined by 1 mark" in marked.text
    assert f'name="this" value="{best}"' in marked.text
    assert best.replace(":", "?t=") not in opened(marked.text)
    assert "<dt>likely</dt>" in marked.text
    assert len(opened(marked.text)) == 5

    refused = operator.get("/search" + links(marked.text, "data-not")[0])
    assert "Refined by 2 marks" in refused.text
    back = operator.get("/search" + named(refused.text, "Clear marks"))
    assert opened(back.text) == opened(page)
    assert "Refined by" not in back.text


def test_marking_the_other_way_replaces_the_mark(operator: Client, footage: Footage) -> None:
    recording = footage()
    page = operator.get(first(recording, f"&not={recording.pk}:90")).text
    for link in links(page, "data-this"):
        assert "not=" in link
    clip = opened(page)[0].replace("?t=", ":")
    page = operator.get(first(recording, f"&this={clip}&this={recording.pk}:0:02:00")).text
    assert page.count('<figure class="mark mark-this"') == 2
    assert f'name="this" value="{recording.pk}:120"' in page


def test_several_moments_make_a_query(operator: Client, footage: Footage) -> None:
    recording = footage()
    page = operator.get(first(recording)).text
    added = operator.get("/search" + links(page, "data-also")[0])
    assert "The query is 2 moments" in added.text
    assert "Also in the query" in added.text
    assert "<dt>likely</dt>" not in added.text
    # A new search from a hit begins without what was added or marked.
    assert "also" not in named(added.text, "Similar")


def test_the_recording_page_adds_to_the_query_it_was_opened_from(
    operator: Client, footage: Footage
) -> None:
    recording = footage()
    search = f"recording%3D{recording.pk}%26second%3D40%26k%3D5"
    page = operator.get(f"/recordings/{recording.pk}?t=90&search={search}").text
    link = f"/search?recording={recording.pk}&amp;second=40&amp;k=5&amp;also={recording.pk}:90"
    assert f'href="{link}"' in page
    assert "Add to the query" not in operator.get(f"/recordings/{recording.pk}?search=x").text
    assert "Also in the query" in operator.get(html.unescape(link)).text


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ("&this=1", "is not a moment; write RECORDING:SECOND"),
        ("&not=x:4", "is not a moment; write RECORDING:SECOND"),
        ("&also=777:4", "Recording 777 is not in the library"),
        ("&this={pk}:soon", "is not a second"),
        ("&this={pk}:150", "has seconds 0 to 149; second 150 is outside."),
        ("&this={pk}:9&not={pk}:9", "is marked as both wanted and unwanted"),
        ("&not={pk}:40", "is marked as both wanted and unwanted"),
        ("&view=map", "map is not one of the available choices"),
        ("&view=when&near=9", "How near clips must be to count must be a number from 0.5 to 4."),
        ("".join(f"&this={{pk}}:{n}" for n in range(101)), "up to 100 marked and added moments"),
    ],
)
def test_wrong_marks_get_a_sentence(
    operator: Client, footage: Footage, more: str, sentence: str
) -> None:
    recording = footage()
    response = operator.get(first(recording, more.format(pk=recording.pk)))
    assert response.status_code == 422
    assert sentence in response.text.replace("&#x27;", "'")


def test_marks_become_an_event(operator: Client, footage: Footage) -> None:
    recording = footage()
    pk = recording.pk
    asked = {"recording": pk, "second": 40, "also": [f"{pk}:5"], "this": [f"{pk}:90"]}
    response = operator.post(
        "/search/event", {**asked, "not": [f"{pk}:120"], "event": "Siren"}, follow=True
    )
    location = Location.objects.get()
    assert response.redirect_chain == [(f"/events/{location.pk}", 302)]
    assert "Siren is labelled at 3 moments, and 1 moment without it." in response.text
    found = set(Label.objects.values_list("event", "absent", "start_s", "end_s"))
    assert found == {
        ("Siren", False, 40, 41),
        ("Siren", False, 5, 6),
        ("Siren", False, 90, 91),
        ("Siren", True, 120, 121),
    }


def test_an_event_without_a_name_leads_back_to_the_search(
    operator: Client, footage: Footage
) -> None:
    pk = footage().pk
    asked = {"recording": pk, "second": 40, "this": [f"{pk}:90"], "event": " "}
    response = operator.post("/search/event", asked, follow=True)
    assert "The event has no name" in response.text
    assert "Refined by 1 mark" in response.text
    assert not Label.objects.exists()


def test_nobody_without_a_role_makes_events(nobody: Client, footage: Footage) -> None:
    pk = footage().pk
    asked = {"recording": pk, "second": 40, "event": "Siren"}
    assert nobody.post("/search/event", asked).status_code == 404
    assert not Label.objects.exists()


def test_every_way_to_compare_says_what_it_finds(operator: Client, footage: Footage) -> None:
    link = first(footage())
    page = operator.get(link).text
    assert "whatever it sounds like" in page
    assert "pictures can find sounds here, and sounds pictures" in page
    Encoder.objects.update(crossable=True)
    page = operator.get(link).text
    assert "sound as what is seen in the query usually does" in page
    assert "look as what is heard in the query usually does" in page
    assert "is trained</a>" not in page
