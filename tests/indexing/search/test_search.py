"""The door to search: filters inside it, cameras with encoders of their own, refusals."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from indexing.encoders import snapshots
from indexing.models import Encoder, Recording
from indexing.search.query import Clip, SearchError, SearchQuery, With
from indexing.search.ranking import search
from ml.distance import directions, eq5
from tests.footage import add_footage

pytestmark = pytest.mark.django_db

START = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)


@pytest.fixture
def recordings() -> list[Recording]:
    """Two recordings of the north gate, five seconds apart, and one of the south gate."""
    found = []
    for seed, (clips, camera, after) in enumerate(
        ((10, "North gate", 0), (12, "North gate", 15), (14, "South gate", 0))
    ):
        recording = add_footage(camera, clips, seed=seed)
        recording.start = START + timedelta(seconds=after)
        recording.save()
        found.append(recording)
    return found


def test_the_window_reaches_across_recordings(recordings: list[Recording]) -> None:
    first, second, _ = recordings
    result = search(SearchQuery(first.pk, 9, exclusion_s=8))

    assert result.hits
    for hit in result.hits:
        apart = abs((hit.at - first.at(9)).total_seconds())
        assert apart > 8
    # The second recording begins six seconds after the query: its first three seconds are taken.
    near = {clip.second for clip in result.around_query if clip.recording_id == second.pk}
    assert near == {0, 1, 2}


def test_filters_never_cost_a_hit(recordings: list[Recording]) -> None:
    first, second, _ = recordings
    query = SearchQuery(first.pk, 0, exclusion_s=0, k=8)

    within = search(replace(query, recordings=(second.pk,)))
    later = search(replace(query, since=START + timedelta(seconds=19)))
    early = search(replace(query, until=START + timedelta(seconds=5)))

    assert [hit.recording_id for hit in within.hits] == [second.pk] * 8
    assert len(later.hits) == 8
    assert min(hit.at for hit in later.hits) >= START + timedelta(seconds=19)
    assert sorted(hit.second for hit in early.hits) == [1, 2, 3, 4]
    assert any("Only 4 of 8 hits exist" in note for note in early.notes)


def test_the_queries_own_camera_is_searched_unless_others_are_named(
    recordings: list[Recording],
) -> None:
    own = search(SearchQuery(recordings[0].pk, 2, exclusion_s=1, k=50))
    both = search(
        SearchQuery(recordings[0].pk, 2, exclusion_s=1, k=50, cameras=("North gate", "South gate"))
    )

    assert {hit.camera for hit in own.hits} == {"North gate"}
    assert {hit.camera for hit in both.hits} == {"North gate", "South gate"}
    percentiles = [hit.percentile for hit in both.hits]
    assert percentiles == sorted(percentiles, reverse=True)
    assert both.clips_searched == 36
    assert any("encoders of their own" in note for note in both.notes)


@pytest.mark.parametrize("modality", [With.VIDEO_TO_AUDIO, With.AUDIO_TO_VIDEO])
def test_crossings_are_by_direction_and_leave_untrained_cameras_out(
    recordings: list[Recording], modality: With
) -> None:
    shared = 8
    encoder = Encoder.objects.get(serving__name="North gate")
    Encoder.objects.filter(pk=encoder.pk).update(crossable=True, shared=shared)
    query = SearchQuery(recordings[0].pk, 2, modality, exclusion_s=0, k=50)

    own = search(query)
    both = search(replace(query, cameras=("North gate", "South gate")))

    snapshot = snapshots.current(encoder)
    z = {name: directions(snapshot.vectors(name).rows, shared) for name in ("video", "audio")}
    mine, others = modality.value.split("-to-")
    row = snapshot.row(recordings[0].pk, 2)
    for hit in own.hits:
        other = snapshot.row(hit.recording_id, hit.second)
        assert hit.distance == pytest.approx(float(eq5(z[mine][row], z[others][other])), abs=1e-12)
    assert len(own.hits) == 21
    assert not any("left out" in note for note in own.notes)
    assert [(hit.recording_id, hit.second) for hit in both.hits] == [
        (hit.recording_id, hit.second) for hit in own.hits
    ]
    assert both.clips_searched == 22
    assert any("left out: South gate." in note for note in both.notes)


def test_the_percentile_is_the_share_that_ranks_behind(recordings: list[Recording]) -> None:
    result = search(SearchQuery(recordings[0].pk, 2, exclusion_s=0, k=21))

    assert len(result.hits) == 21
    # The query itself is the nearest of the 22 clips; the last hit has none behind it.
    expected = [100 * (22 - place) / 22 for place in range(2, 23)]
    assert [hit.percentile for hit in result.hits] == pytest.approx(expected)


REFUSED: list[tuple[dict[str, object], str]] = [
    ({"second": 10}, "has seconds 0 to 9; second 10 is outside"),
    ({"second": -1}, "is outside"),
    ({"recording_id": 999}, "There is no recording 999."),
    ({"encoder_id": 999}, "There is no encoder 999."),
    ({"cameras": ("Attic",)}, "There is no camera named Attic."),
    ({"k": 0}, "Ask for 1 to 500 hits"),
    ({"exclusion_s": -1}, "The exclusion window is"),
    ({"audio_weight": 1.5}, "The weight of sound is 0 to 1"),
    ({"since": START, "until": START}, "ends before it starts"),
    ({"modality": With.AUDIO_TO_VIDEO}, "only after this camera has been trained"),
]


def test_what_cannot_be_answered_is_refused(recordings: list[Recording]) -> None:
    for change, sentence in REFUSED:
        query = replace(SearchQuery(recordings[0].pk, 2), **change)  # type: ignore[arg-type]
        with pytest.raises(SearchError, match=sentence):
            search(query)


def test_an_encoder_of_another_camera_is_refused(recordings: list[Recording]) -> None:
    recordings[2].camera.refresh_from_db()
    with pytest.raises(SearchError, match="its own camera"):
        search(SearchQuery(recordings[0].pk, 2, encoder_id=recordings[2].camera.encoder_id))


def test_judged_hits_rank_all_others_anew(recordings: list[Recording]) -> None:
    first, second, _ = recordings
    query = SearchQuery(first.pk, 0, exclusion_s=1, k=6)
    before = search(query)
    this, unwanted = before.hits[2], before.hits[0]

    after = search(
        replace(
            query,
            this=(Clip(this.recording_id, this.second),),
            not_this=(Clip(unwanted.recording_id, unwanted.second),),
        )
    )

    places = [(hit.recording_id, hit.second) for hit in after.hits]
    assert (unwanted.recording_id, unwanted.second) not in places
    for hit in after.hits:
        assert abs((hit.at - this.at).total_seconds()) > 1
        assert abs((hit.at - first.at(0)).total_seconds()) > 1
    chances = [hit.chance for hit in after.hits if hit.chance is not None]
    assert len(chances) == len(after.hits)
    assert chances == sorted(chances, reverse=True)
    assert all(hit.chance is None for hit in before.hits)
    assert {hit.recording_id for hit in after.hits} <= {first.pk, second.pk}


def test_marks_and_moments_of_another_cameras_encoder_count_too(
    recordings: list[Recording],
) -> None:
    first, _, south = recordings
    found = search(
        SearchQuery(
            first.pk,
            2,
            exclusion_s=1,
            k=8,
            cameras=("North gate", "South gate"),
            also=(Clip(south.pk, 4),),
            this=(Clip(south.pk, 9),),
            not_this=(Clip(first.pk, 7),),
        )
    )

    percentiles = [hit.percentile for hit in found.hits]
    assert percentiles == sorted(percentiles, reverse=True)
    south_hits = [hit.second for hit in found.hits if hit.recording_id == south.pk]
    assert south_hits
    assert not {3, 4, 5, 8, 9, 10} & {*south_hits}
    assert any("The query is 2 moments" in note for note in found.notes)


def test_the_command_takes_moments_and_marks(
    recordings: list[Recording], capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, _ = recordings
    call_command(
        "search",
        str(first.pk),
        "2",
        "--json",
        "--exclusion=1",
        f"--also={second.pk}:1",
        f"--this={second.pk}:0:00:05",
        f"--not={first.pk}:7",
    )
    answer = json.loads(capsys.readouterr().out)
    assert answer["also"] == [{"recording": second.pk, "second": 1}]
    assert answer["this"] == [{"recording": second.pk, "second": 5}]
    assert answer["not"] == [{"recording": first.pk, "second": 7}]
    chances = [hit["chance"] for hit in answer["hits"]]
    assert chances == sorted(chances, reverse=True)
    with pytest.raises(CommandError, match="is not a moment; write RECORDING:SECOND"):
        call_command("search", str(first.pk), "2", "--this=7")


def test_a_joint_search_is_weighed_by_what_the_query_stands_out_in() -> None:
    recording = add_footage("north", 300, seed=1)
    snapshot = snapshots.current(Encoder.objects.get())
    seen, heard = snapshot.video_novelty, snapshot.audio_novelty
    for row in (int(np.argmax(heard / seen)), int(np.argmax(seen / heard))):
        query = SearchQuery(recording.pk, int(snapshot.second[row]), k=3)
        found = search(query)
        wanted = heard[row] ** 2 / (heard[row] ** 2 + seen[row] ** 2)
        assert found.audio_weight == pytest.approx(wanted, rel=1e-4)
        for hit in found.hits:
            assert hit.video_distance is not None
            assert hit.audio_distance is not None
            mean = (1 - wanted) * hit.video_distance + wanted * hit.audio_distance
            assert hit.distance == pytest.approx(mean, rel=1e-4)
        said = [note for note in found.notes if note.startswith("Sound counts")]
        assert len(said) == (abs(wanted - 0.5) >= 0.05)
        assert search(replace(query, audio_weight=1.0)).audio_weight == 1
        assert search(replace(query, modality=With.AUDIO)).audio_weight is None
