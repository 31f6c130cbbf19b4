"""The course of pretraining: losses, checkpoints, and the trunk that remains."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ml.encoders import VIDEO_PARAMETERS, Peaks, VideoTrunk, video_encoder
from ml.pretrain import batches
from ml.pretrain.answers import ANSWERS
from ml.pretrain.course import CHECKPOINT, CURVE, Course, Recipe
from ml.pretrain.graduate import graduate
from ml.pretrain.network import Pupil, lesson
from ml.runtime import load_trunk
from ml.weights import load_trunk_weights

SHORT = Recipe(steps=2, size=32, last_size=32, frames=3, cool_down=1, warm_up=1)
ROOT = Path(__file__).resolve().parents[3]


def naive_apart(z: np.ndarray, design: list[int], temperature: float) -> float:
    """Khosla et al. (2020), Eq. 2, sum by sum."""
    total = 0.0
    for i in range(len(z)):
        others = [a for a in range(len(z)) if a != i]
        below = math.fsum(math.exp(z[i] @ z[a] / temperature) for a in others)
        same = [p for p in others if design[p] == design[i]]
        total += -sum(math.log(math.exp(z[i] @ z[p] / temperature) / below) for p in same) / len(
            same
        )
    return total / len(z)


def test_telling_apart_is_the_equation() -> None:
    generator = torch.Generator().manual_seed(1)
    z = torch.nn.functional.normalize(torch.randn(6, 5, generator=generator, dtype=torch.float64))
    told, asked = torch.zeros(6, ANSWERS), torch.zeros(6, ANSWERS)
    design = [0, 0, 1, 1, 2, 2]
    answering, apart = lesson(told, z, asked, torch.tensor(design), 0.3)
    assert float(apart) == pytest.approx(naive_apart(z.numpy(), design, 0.3), rel=1e-9)
    assert float(answering) == pytest.approx(math.log(2), rel=1e-6)


def test_the_trunk_keeps_the_papers_size_and_432_features() -> None:
    pupil = Pupil()
    assert sum(p.numel() for p in pupil.encoder.parameters()) == VIDEO_PARAMETERS
    features, told, z = pupil.eval()(torch.zeros(2, 5, 64, 64, 3, dtype=torch.uint8))
    assert features.shape == (2, 432)
    assert told.shape == (2, ANSWERS)
    torch.testing.assert_close(z.norm(dim=1), torch.ones(2))


def test_peaks_are_the_strongest_place_of_the_mean_over_time() -> None:
    maps = torch.rand(2, 3, 5, 4, 4)
    np.testing.assert_allclose(
        Peaks()(maps).flatten(1).numpy(),
        maps.numpy().mean(axis=2).reshape(2, 3, -1).max(axis=2),
        rtol=1e-6,
    )


def test_a_course_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "PLACES", 1)
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    told: list[int] = []
    course = Course(SHORT)
    assert course.run(whole, processes=0, every=1, say=lambda r: told.append(r.step))
    assert told == [1, 2]

    first = Course(SHORT)
    assert not first.run(stopped, processes=0, every=9, say=lambda r: None, until_s=0)
    second = Course(SHORT)
    second.resume(stopped / CHECKPOINT)
    assert second.step == 1
    assert second.run(stopped, processes=0, every=9, say=lambda r: None)

    for name, tensor in course.pupil.state_dict().items():
        torch.testing.assert_close(second.pupil.state_dict()[name], tensor, msg=name)
    curve = [json.loads(line) for line in (stopped / CURVE).read_text().splitlines()]
    assert [line["step"] for line in curve] == [1, 2]
    assert all(math.isfinite(line["apart"]) for line in curve)


def test_what_remains_is_a_trunk_that_runs(tmp_path: Path) -> None:
    pupil, checkpoint, file = Pupil(), tmp_path / "c", tmp_path / "own.safetensors"
    checkpoint.write_bytes(b"a checkpoint")
    weights = graduate(pupil, checkpoint, file, settling=0)
    assert file.stat().st_size < 15e6
    assert weights.name.startswith("x3d-m own ")
    assert load_trunk_weights(file).cut_out

    trunk = load_trunk(file, device="cpu", threads=1)
    assert trunk.cut_out
    assert trunk.pretrained
    frames = np.random.default_rng(1).integers(0, 256, (5, 224, 398, 3)).astype(np.uint8)
    found = trunk.features(frames)
    assert found.shape == (1, 2, 432)
    net = VideoTrunk(video_encoder(), peaks=True).eval()
    net.load_state_dict(pupil.trunk.state_dict())
    from ml.preprocess import clip_tensor, two_crops

    with torch.no_grad():
        wanted = net(clip_tensor(two_crops(frames))).numpy()
    # Half precision keeps three digits of every weight.
    np.testing.assert_allclose(found[0], wanted, rtol=0.02, atol=0.02 * wanted.std())


def test_the_command_runs_through_in_a_minute(tmp_path: Path) -> None:
    file = tmp_path / "own.safetensors"
    command = [
        sys.executable,
        "-m",
        "ml.pretrain",
        str(tmp_path / "c"),
        "--smoke",
        "--processes",
        "0",
    ]
    done = subprocess.run(
        [*command, "--write", str(file)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "2 of 2 · answering" in done.stderr
    assert f"Wrote {file}: x3d-m own " in done.stderr
    assert load_trunk_weights(file).cut_out
