"""The picture of a recording's sound: what it shows, what it refuses, how long it is kept."""

import io

import numpy as np
import pytest
from django.test import Client
from numpy.typing import NDArray
from PIL import Image

from indexing.files import absolute, publish
from indexing.footage import features as kept
from indexing.footage.features import Features
from indexing.models import Chunk, Recording
from ml.preprocess import MEL_BINS, MEL_FRAMES
from tests.footage import add_footage, drawn_features

pytestmark = pytest.mark.django_db


def sounding(mel: NDArray[np.float32], seed: int = 0) -> Recording:
    """Return a minute with these log-mels, dB (60, 128, 64)."""
    recording = add_footage(clips=60, seed=seed)
    drawn = drawn_features(60, np.random.default_rng(0), video=True, audio=True, varied=False)
    described = Features(**{**vars(drawn), "mel": mel})
    file = publish("features/x", ".safetensors", lambda path: kept.save(described, path))
    Chunk.objects.filter(recording=recording).update(features=file.file)
    return recording


def hum() -> NDArray[np.float32]:
    """A minute of quiet with a high tone in second 20 and a low one in second 40."""
    mel = np.full((60, MEL_BINS, MEL_FRAMES), -40, np.float32)
    mel[20, 100, :] = 20
    mel[40, 10, 32:] = 20
    return mel


def picture(client: Client, recording: Recording, **asked: int) -> NDArray[np.uint8]:
    asked = {"start": 0, "end": recording.duration_s, "width": 60, "height": 128} | asked
    answer = client.get(f"/recordings/{recording.pk}/spectrogram.png", asked)
    assert answer.status_code == 200, answer.content
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def test_tones_stand_where_and_as_high_as_they_sound(operator: Client) -> None:
    recording = sounding(hum())
    drawn = picture(operator, recording)
    assert drawn.shape == (128, 60)
    assert np.argwhere(drawn > 200).tolist() == [[27, 20], [117, 40]]
    near = picture(operator, recording, start=40, end=42, width=16, height=32)
    assert np.argwhere(near > 200).tolist() == [[29, column] for column in range(4, 8)]


def test_a_column_of_many_seconds_shows_the_loudest(operator: Client) -> None:
    drawn = picture(operator, sounding(hum()), width=3, height=1)
    assert (drawn > 200).tolist() == [[False, True, True]]


def test_the_picture_is_kept_for_good_once_all_is_described(operator: Client) -> None:
    recording = sounding(hum())
    address = f"/recordings/{recording.pk}/spectrogram.png?start=0&end=60&width=9&height=9"
    assert "immutable" in operator.get(address)["Cache-Control"]
    Recording.objects.filter(pk=recording.pk).update(state=Recording.State.INGESTING)
    assert operator.get(address)["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "asked", [{"start": -1}, {"end": 61}, {"start": 30, "end": 30}, {"width": 0}, {"height": 129}]
)
def test_what_cannot_be_drawn_is_refused_with_a_sentence(
    operator: Client, asked: dict[str, int]
) -> None:
    recording = add_footage(clips=60)
    wanted = {"start": 0, "end": 60, "width": 60, "height": 64} | asked
    answer = operator.get(f"/recordings/{recording.pk}/spectrogram.png", wanted)
    assert answer.status_code == 422
    assert answer.text.endswith(".")


def test_a_missing_file_leaves_no_hole_that_would_be_kept(operator: Client) -> None:
    recording = add_footage(clips=60)
    absolute(Chunk.objects.get(recording=recording).features).unlink()
    address = f"/recordings/{recording.pk}/spectrogram.png?start=0&end=60&width=60&height=9"
    answer = operator.get(address)
    assert answer.status_code == 503
    assert "Cache-Control" not in answer.headers


def test_the_strip_says_what_is_absent_or_silent(operator: Client) -> None:
    def said(recording: Recording) -> str:
        return operator.get(f"/recordings/{recording.pk}/sound").text

    assert "has no sound" in said(add_footage(clips=60, audio=False, seed=3))
    quiet = np.full((60, MEL_BINS, MEL_FRAMES), -100, np.float32)
    assert "silent throughout" in said(sounding(quiet))
    partly = hum()
    partly[:12] = -100
    page = said(sounding(partly, seed=1))
    assert "12 s of it silent" in page
    assert "<sound-strip" in page


def test_the_picture_is_for_accounts_with_a_role(nobody: Client) -> None:
    recording = add_footage(clips=60)
    assert nobody.get(f"/recordings/{recording.pk}/sound").status_code == 404
    asked = {"start": 0, "end": 60, "width": 9, "height": 9}
    assert nobody.get(f"/recordings/{recording.pk}/spectrogram.png", asked).status_code == 404
