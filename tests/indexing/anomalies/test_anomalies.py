"""The door to anomalies and its command: planted oddities are found where they are, and why."""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from indexing.anomalies import normal
from indexing.anomalies.normal import Score
from indexing.anomalies.recording_scores import AnomalyError, AnomalyQuery, find_anomalies
from indexing.encoders import snapshots
from indexing.encoders.publishing import read_features, record_shard
from indexing.files import absolute, publish
from indexing.models import Camera, Chunk, Encoder, Recording, Shard
from indexing.vectors import shards
from indexing.vectors.shards import Embeddings
from indexing.work.jobs import do_again
from ml.anomaly import NEIGHBOURS, cross
from ml.distance import eq5
from ml.ordinary import Ordinary
from tests.footage import add_chunk, add_footage
from tests.installation import ROOT

pytestmark = pytest.mark.django_db

Ingest = Callable[..., Recording]
Make = Callable[..., Path]
SHARED = 8


def chunk_of(recording: Recording, second: int) -> Chunk:
    return recording.chunks.filter(start_s__lte=second).order_by("-start_s")[0]


def plant(recording: Recording, second: int, *fields: str, value: float = 12.0) -> None:
    """Make features of one second unlike any other, and embed its chunk again."""
    chunk = chunk_of(recording, second)
    features = read_features(chunk, mel=True)
    row = second - chunk.start_s
    noise = np.random.default_rng(7)
    for name in fields:
        array = getattr(features, name).copy()
        array[row] = value * noise.choice([-1, 1], array.shape[1:])
        features = replace(features, **{name: array})
    do_again(chunk)
    add_chunk(recording, chunk.start_s, features)


def forget_novelty() -> None:
    """Leave shards as they were before clips were said to stand out."""
    for shard in Shard.objects.all():
        older = replace(shards.load(absolute(shard.file)), video_novelty=None, audio_novelty=None)
        file = publish("shards/older", ".safetensors", partial(shards.save, older))
        Shard.objects.filter(pk=shard.pk).update(file=file.file, sha256=file.sha256)
    snapshots.forget()


def lacks(recording: Recording, start: int, end: int, modality: str) -> None:
    """Take a modality away from seconds of one chunk."""
    chunk = chunk_of(recording, start)
    features = read_features(chunk, mel=True)
    present = getattr(features, modality).copy()
    present[start - chunk.start_s : end - chunk.start_s] = False
    do_again(chunk)
    add_chunk(recording, chunk.start_s, replace(features, **{modality: present}))


def trained(recording: Recording, odd: set[int]) -> Encoder:
    """Put an encoder in use by which picture and sound agree, except in some seconds."""
    camera = Camera.objects.get(pk=recording.camera_id)
    noise = np.random.default_rng(3)
    encoder = Encoder.objects.create(
        camera=camera,
        kind=Encoder.Kind.EPG,
        version=camera.next_version(),
        state=Encoder.State.BUILT,
        crossable=True,
        shared=SHARED,
        has_video=True,
        has_audio=True,
        size=0,
    )
    for chunk in recording.chunks.all():
        both = noise.normal(size=(chunk.clips, SHARED)).astype(np.float32)
        private = noise.normal(size=(2, chunk.clips, 3)).astype(np.float32)
        heard = both + 0.1 * noise.normal(size=both.shape).astype(np.float32)
        for row in odd & set(range(chunk.start_s, chunk.start_s + chunk.clips)):
            heard[row - chunk.start_s] *= -1
        here = np.ones(chunk.clips, bool)
        made = Embeddings(np.hstack([both, private[0]]), np.hstack([heard, private[1]]), here, here)

        def write(path: Path, made: Embeddings = made) -> None:
            shards.save(made, path)

        record_shard(chunk, encoder, publish(f"shards/{encoder.pk}", ".safetensors", write))
    Camera.objects.filter(pk=camera.pk).update(encoder=encoder)
    return encoder


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    call_command("anomalies", *arguments, "--json")
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as end:
        call_command("anomalies", *arguments)
    assert end.value.code == 1
    said = capsys.readouterr()
    (sentence,) = said.err.strip().splitlines()
    assert said.out == ""
    assert sentence.endswith(".")
    return str(sentence)


def test_a_strange_sound_is_found_in_a_real_recording(
    ingest_file: Ingest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "hum.wav"
    hum = "0.2*sin(2*PI*300*t+60*sin(t/3))+0.05*random(0)"
    whistle = "between(t\\,150\\,153)*0.6*sin(2*PI*3000*t)"
    source = f"aevalsrc={hum}+{whistle}:sample_rate=8000:duration=600"
    made = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, str(path)]
    subprocess.run(made, check=True)
    recording = ingest_file(path)
    assert recording.state == Recording.State.READY, recording.reason

    found = document(capsys, str(recording.pk))

    scores = np.array(found["scores"], float)
    assert len(scores) == recording.duration_s == 600
    assert found["sigma"] == 3.0
    assert found["mean"] == pytest.approx(scores.mean())
    assert found["std"] == pytest.approx(scores.std())
    assert found["threshold"] == pytest.approx(found["mean"] + 3 * found["std"])
    top = max(found["peaks"], key=lambda peak: float(peak["score"]))
    assert 149 <= top["start"] <= top["peak"] < top["end"] <= 154
    assert top["score"] == scores.max()
    assert top["because"] == "audio"
    assert set(np.argsort(scores)[-3:]) == {150, 151, 152}


def test_what_is_odd_is_named_and_neighbouring_seconds_are_one_peak() -> None:
    add_footage("north", 300, seed=1)
    recording = add_footage("north", 420, seed=2)
    plant(recording, 100, "foreground")
    plant(recording, 105, "foreground")
    plant(recording, 200, "sound")
    plant(recording, 300, "foreground", "sound")
    plant(recording, 306, "foreground", "sound")

    found = find_anomalies(AnomalyQuery(recording.pk, sigma=2.5))

    peaks = [(peak.start, peak.end, peak.because) for peak in found.peaks]
    assert peaks == [
        (100, 106, ("video",)),
        (200, 201, ("audio",)),
        (300, 301, ("video", "audio")),
        (306, 307, ("video", "audio")),
    ]
    for peak in found.peaks:
        assert peak.start <= peak.peak < peak.end
        assert peak.at == recording.start + timedelta(seconds=peak.peak)
        assert peak.score == found.scores[peak.peak]
        assert peak.score > found.threshold == found.mean + 2.5 * found.std
    flagged = {s for s, score in enumerate(found.scores) if score and score > found.threshold}
    assert flagged == {100, 105, 200, 300, 306}
    assert found.clips_known == 720
    assert find_anomalies(AnomalyQuery(recording.pk, sigma=1e6)).peaks == ()
    more = find_anomalies(AnomalyQuery(recording.pk, sigma=1.0))
    assert len(more.peaks) > 4
    assert more.scores == found.scores


def test_the_neighbour_score_is_the_distance_of_a_plain_loop() -> None:
    recording = add_footage("north", 660)
    plant(recording, 200, "sound")
    lacks(recording, 20, 21, "has_audio")
    forget_novelty()

    found = find_anomalies(AnomalyQuery(recording.pk, Score.NEIGHBOUR))

    encoder = Camera.objects.get().encoder
    assert encoder is not None
    snapshot = snapshots.current(encoder)
    order = np.lexsort((snapshot.second, snapshot.recording))
    video, audio = snapshot.video.rows[order], snapshot.audio.rows[order]
    for second in (0, 20, 77, 200):
        parts = []
        for z, without in ((video, []), (audio, [20])):
            far = [s for s in range(660) if abs(s - second) > 60 and s not in without]
            if second not in without:
                parts.append(sorted(eq5(z[second], z[far]))[NEIGHBOURS - 1])
        assert found.scores[second] == pytest.approx(np.mean(parts), rel=1e-5)
    scores = np.array(found.scores, float)
    assert found.mean == pytest.approx(scores.mean())
    assert found.std == pytest.approx(scores.std())


def test_a_wrong_sound_is_found_across_modalities_once_trained(
    capsys: pytest.CaptureFixture[str],
) -> None:
    recording = add_footage("north", 300)
    number = str(recording.pk)
    assert "only after this camera has been trained" in refused(capsys, number, "--score", "cross")
    encoder = trained(recording, {80, 81, 250})

    found = document(capsys, number, "--score", "cross")

    assert (found["encoder"], found["score"]) == (encoder.pk, "cross")
    assert [(p["start"], p["end"], p["because"]) for p in found["peaks"]] == [
        (80, 82, "cross"),
        (250, 251, "cross"),
    ]
    snapshot = snapshots.current(encoder)
    order = np.lexsort((snapshot.second, snapshot.recording))
    video, audio = snapshot.video.rows[order], snapshot.audio.rows[order]
    assert found["scores"] == pytest.approx(cross(video, audio, SHARED))


def test_a_camera_is_fitted_once_and_again_when_it_has_seen_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fits = []
    fit = Ordinary.of

    def counted(*args: Any) -> Ordinary | None:
        fits.append(args)
        return fit(*args)

    monkeypatch.setattr(Ordinary, "of", counted)
    first, second = (add_footage("north", 300, seed=seed) for seed in (1, 2))
    here = find_anomalies(AnomalyQuery(first.pk))
    there = find_anomalies(AnomalyQuery(second.pk, Score.NEIGHBOUR))
    again = find_anomalies(AnomalyQuery(first.pk, sigma=2.0))
    assert len(fits) == 1
    assert again.scores == here.scores
    assert there.clips_known == 600

    add_footage("north", 120, seed=3)
    assert find_anomalies(AnomalyQuery(first.pk)).clips_known == 720
    assert len(fits) == 2
    for other in range(normal.MOST_HELD + 1):
        find_anomalies(AnomalyQuery(add_footage(f"gate {other}", 240).pk))
    assert len(normal._cache.held) == normal.MOST_HELD


def test_months_are_thinned_out_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normal, "MOST_CLIPS", 240)
    recording = add_footage("north", 660)
    plant(recording, 333, "foreground")
    found = find_anomalies(AnomalyQuery(recording.pk))
    encoder = Camera.objects.get().encoder
    assert encoder is not None
    known = normal.current(encoder)
    assert len(known.sample) == 240
    assert set(np.diff(known.snapshot.at[known.sample])) == {2, 3}
    assert 333 in {peak.peak for peak in found.peaks}


def test_seconds_that_cannot_be_scored_are_null(capsys: pytest.CaptureFixture[str]) -> None:
    recording = add_footage("north", 300)
    for modality in ("has_video", "has_audio"):
        lacks(recording, 10, 12, modality)
    lacks(recording, 30, 31, "has_audio")
    Shard.objects.filter(chunk=recording.chunks.get(start_s=120)).delete()

    call_command("anomalies", str(recording.pk), "--json")
    said = capsys.readouterr()

    scores = json.loads(said.out)["scores"]
    assert len(scores) == 300
    nothing = {second for second, score in enumerate(scores) if score is None}
    assert nothing == {10, 11, *range(120, 180)}
    assert "known from 3 min 58 s only" in said.err
    assert "60 seconds are not embedded yet" in said.err
    assert "2 seconds have no score" in said.err


def test_a_modality_of_which_there_is_too_little_is_left_out() -> None:
    add_footage("north", 100, seed=2)
    silent = add_footage("north", 300, audio=False, seed=1)
    plant(silent, 50, "foreground")
    found = find_anomalies(AnomalyQuery(silent.pk))
    assert [(peak.peak, peak.because) for peak in found.peaks] == [(50, ("video",))]
    assert found.clips_known == 400
    assert "The sound is left out: 1 min 40 s of it are too little to compare with." in found.notes


@pytest.mark.parametrize("score", [Score.COMBINED, Score.NEIGHBOUR])
def test_where_nothing_ever_happens_nothing_is_odd(score: Score) -> None:
    recording = add_footage("north", 300, varied=False)
    found = find_anomalies(AnomalyQuery(recording.pk, score))
    assert found.peaks == ()
    assert all(one is not None and math.isfinite(one) for one in found.scores)


def test_people_get_a_list_and_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    recording = add_footage("north", 660)
    number = str(recording.pk)
    call_command("anomalies", number, "--sigma", "50")
    (nothing,) = capsys.readouterr().out.strip().splitlines()
    assert nothing.startswith("No unusual moments above ")
    plant(recording, 100, "foreground", "sound")
    call_command("anomalies", number)
    head, columns, line = capsys.readouterr().out.strip().splitlines()
    assert head.startswith("1 unusual moment above ")
    assert "the mean of 11 min 00 s of this camera" in head
    assert columns.split() == ["oddest", "at", "second", "from", "before", "score", "because"]
    moment, peak, start, end, _, *because = line.split()
    assert moment == recording.at(100).isoformat()
    assert (peak, start, end) == ("100", "100", "101")
    assert because == ["video", "and", "audio"]


def test_what_cannot_be_told_gets_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "999") == "There is no recording 999."
    short = add_footage("north", 100, seed=1)
    assert refused(capsys, str(short.pk)) == (
        "north has 1 min 40 s of embedded footage; telling what is normal takes at least "
        "3 min 00 s, so 1 min 20 s more are needed."
    )
    waiting = add_footage("north", 300, seed=2)
    Shard.objects.filter(chunk__recording=waiting).delete()
    assert "has been embedded yet" in refused(capsys, str(waiting.pk))
    Recording.objects.filter(pk=waiting.pk).update(state="refused", reason="It is a song.")
    assert refused(capsys, str(waiting.pk)).endswith("was refused: It is a song.")
    Camera.objects.update(encoder=None)
    assert "has been embedded yet" in refused(capsys, str(short.pk))


def test_clips_of_the_same_minute_tell_nothing() -> None:
    found = [add_footage("north", 50, seed=seed) for seed in range(4)]
    Recording.objects.update(start=found[0].start)
    forget_novelty()
    with pytest.raises(AnomalyError, match="more than a minute apart"):
        find_anomalies(AnomalyQuery(found[0].pk))


def test_a_small_real_video_is_too_little(
    ingest_file: Ingest, make_video: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = ingest_file(make_video(8))
    assert "has 8 s of embedded footage" in refused(capsys, str(recording.pk))


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan, math.inf])
def test_sigma_is_a_positive_number(sigma: float) -> None:
    recording = add_footage("north", 60)
    with pytest.raises(AnomalyError, match="Sigma is a number greater than 0"):
        find_anomalies(AnomalyQuery(recording.pk, sigma=sigma))
    with pytest.raises(CommandError, match="is not a number greater than 0"):
        call_command("anomalies", str(recording.pk), f"--sigma={sigma}")


def test_a_page_may_ask_without_torch() -> None:
    code = (
        "import sys, django; django.setup()\n"
        "import indexing.anomalies.recording_scores\n"
        "print(sorted({'torch', 'torchaudio', 'openvino'} & set(sys.modules)))"
    )
    environment = {
        "DJANGO_SETTINGS_MODULE": "searchapp.settings",
        "REPRISE_SECRET_KEY": "for this test",
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert done.stdout.strip() == "[]"
