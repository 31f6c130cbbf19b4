import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from ml.inputs import backgrounds
from ml.method import Method
from ml.starter import StarterEncoder
from ml.trained import EncoderError, TrainedEncoder
from ml.training import Training
from tests.ml.planted import planted

ROOT = Path(__file__).resolve().parents[2]
CORPUS, _ = planted(300, 1)
METHOD = Method(epochs=1, lengths="kept", length_pictures=None, length_sounds=None, whitened=False)
UNIT = Method(epochs=1, private_video=0.5, private_audio=2.0)


def training(method: Method = METHOD, *, pretrained: bool = False) -> Training:
    """One whose every weight, batch norms' included, is far from what it began with."""
    made = Training(CORPUS, method, 0, pretrained=pretrained)
    generator = torch.Generator().manual_seed(1)
    for module in (made.video, made.audio):
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                noise = torch.rand(tensor.shape, generator=generator)
                tensor.mul_(0.7 + 0.6 * noise)
                if name.endswith(("running_mean", "bias")):
                    tensor.add_(0.2 * noise - 0.1)
    return made


def by_torch(made: Training, method: Method) -> tuple[np.ndarray, np.ndarray]:
    """What the torch modules make of the corpus, step by step."""
    inputs = made.encoder().inputs
    crops = torch.from_numpy(inputs.crops(CORPUS.trunk))
    seen, heard = (torch.from_numpy(rows) for rows in inputs.describe(CORPUS).beside)
    mel = torch.from_numpy(inputs.spectrogram(CORPUS.mel, backgrounds(CORPUS)))
    made.video.eval()
    made.audio.eval()
    with torch.inference_mode():
        if method.crops == "mean":
            z_v = made.video(crops.mean(dim=1), seen)
        else:
            z_v = (made.video(crops[:, 0], seen) + made.video(crops[:, 1], seen)) / 2
        return z_v.numpy(), made.audio(mel, heard).numpy()


@pytest.mark.parametrize(
    ("method", "pretrained"),
    [
        (METHOD, False),
        (METHOD, True),
        (replace(METHOD, crops="mean", mel_input="raw", trunk_input="raw"), False),
        (replace(METHOD, foreground=False), False),
        (replace(METHOD, statistics=False), False),
        (replace(METHOD, whitened=True, foreground_width=40), False),
    ],
)
def test_it_is_the_torch_modules(method: Method, pretrained: bool) -> None:
    made = training(method, pretrained=pretrained)
    z_v, z_a = made.encoder().embed(CORPUS)
    wanted_v, wanted_a = by_torch(made, method)
    np.testing.assert_allclose(z_v[:, :512], wanted_v, atol=1e-4)
    np.testing.assert_allclose(z_a[:, :512], wanted_a, atol=1e-4)
    assert wanted_v.std() > 0.05
    assert wanted_a.std() > 0.05
    assert (made.video.branch is not None) == (method.foreground and not pretrained)
    assert (made.audio.branch is not None) == method.statistics


def test_of_one_length_in_numpy_as_by_hand() -> None:
    """The torch modules' embeddings about their mean, of length one, beside the starter's."""
    made = training(UNIT)
    encoder = made.encoder()
    masks = {"has_video": CORPUS.has_video, "has_audio": CORPUS.has_audio}
    starter = StarterEncoder.fit(CORPUS.foreground, CORPUS.sound, None, **masks)
    found = starter.describe(CORPUS.foreground, CORPUS.sound, None, **masks)
    numbers = ((1.5, UNIT.private_video), (4.0, UNIT.private_audio))
    embedded, novelty = encoder.embed_with_novelty(CORPUS)
    for i, (z, network) in enumerate(zip(embedded, by_torch(made, UNIT), strict=True)):
        length, weight = numbers[i]
        shared, private = (
            rows / np.linalg.norm(rows, axis=1, keepdims=True)
            for rows in (network - network.mean(axis=0), found.embedded[i])
        )
        both = np.concatenate([shared, weight * private], axis=1) / np.sqrt(1 + weight**2)
        np.testing.assert_allclose(z, length * both, atol=1e-4 * length)
        np.testing.assert_array_equal(novelty[i], found.novelty[i])


def test_lengths_kept_are_of_the_mean_asked_for_and_of_one_scale() -> None:
    asked = replace(
        METHOD, length_pictures=5.0, length_sounds=7.0, private_video=0, private_audio=0
    )
    pairs = zip(
        training().encoder().embed(CORPUS), training(asked).encoder().embed(CORPUS), strict=True
    )
    for (before, after), length in zip(pairs, (5, 7), strict=True):
        assert np.sqrt(np.square(after).sum(axis=1).mean()) == pytest.approx(length, rel=1e-3)
        factor = length / np.sqrt(np.square(before[:, :512]).sum(axis=1).mean())
        np.testing.assert_allclose(after, before[:, :512] * factor, atol=1e-4 * length)


def test_a_weight_of_nothing_leaves_the_private_part_out() -> None:
    encoder = training(replace(METHOD, private_video=0, private_audio=0)).encoder()
    assert [z.shape for z in encoder.embed(CORPUS)] == [(300, 512)] * 2
    assert encoder.shared == 512


@pytest.mark.parametrize("method", [METHOD, UNIT], ids=["kept", "unit"])
def test_absent_modalities_are_zero_and_unread(method: Method) -> None:
    encoder = training(method).encoder()
    mel, trunk = CORPUS.mel.copy(), CORPUS.trunk.copy()
    mel[:60], trunk[60:120] = np.nan, np.nan
    place = np.arange(300)
    some = replace(CORPUS, mel=mel, trunk=trunk, has_audio=place >= 60, has_video=place // 60 != 1)
    z_v, z_a = encoder.embed(some)
    whole_v, whole_a = encoder.embed(CORPUS)
    assert not z_a[:60].any()
    assert not z_v[60:120].any()
    np.testing.assert_allclose(z_a[60:], whole_a[60:], atol=1e-5)
    np.testing.assert_allclose(z_v[120:], whole_v[120:], atol=1e-5)


def test_a_chunk_is_embedded_the_same_in_any_company() -> None:
    encoder = training().encoder()
    for whole, alone in zip(
        encoder.embed(CORPUS), encoder.embed(CORPUS.rows(CORPUS.chunk == 2)), strict=True
    ):
        np.testing.assert_allclose(alone, whole[CORPUS.chunk == 2], atol=1e-5)
    assert all(len(z) == 0 for z in encoder.embed(CORPUS.rows(slice(0, 0))))


@pytest.mark.parametrize("method", [METHOD, UNIT], ids=["kept", "unit"])
def test_it_survives_a_file(method: Method, tmp_path: Path) -> None:
    encoder = training(method).encoder()
    save_file(encoder.arrays(), tmp_path / "encoder.safetensors")
    again = TrainedEncoder.from_arrays(load_file(tmp_path / "encoder.safetensors"))
    assert again.shared == encoder.shared
    for one, other in zip(encoder.embed(CORPUS), again.embed(CORPUS), strict=True):
        np.testing.assert_array_equal(one, other)


# Arrays of an encoder, and what becomes of them; None where they are left out.
BROKEN: dict[str, Callable[[Any], Any] | None] = {
    "audio.2.1.conv2": None,
    "inputs.starter.uses_trunk": None,
    "video.embed": lambda array: array[:7],
    "video.branch.0": lambda array: np.ones(3, np.float32),
    "audio.branch.0": lambda array: array[:1],
    "audio.stem": lambda array: np.array(["a"]),
    "audio.embed": lambda array: array * np.float32("nan"),
    "audio.embed.bias": lambda array: np.full(512, 1e300),
    "scales": lambda array: np.ones(5, np.float32),
    "centres": lambda array: np.ones(2, np.float32),
    "inputs.starter.typical": lambda array: np.zeros(2, np.float32),
    "inputs.starter.known": lambda array: array[:1],
    "inputs.whitened": None,
    "inputs.mel_mean": lambda array: np.ones(1, np.float32),
}


@pytest.fixture(scope="module")
def plain() -> dict[str, Any]:
    """The arrays of an encoder whose lengths are its own."""
    return training().encoder().arrays()


@pytest.mark.parametrize("name", BROKEN)
def test_other_arrays_are_refused_with_a_sentence(name: str, plain: dict[str, Any]) -> None:
    arrays, change = dict(plain), BROKEN[name]
    array = arrays.pop(name)
    if change is not None:
        arrays[name] = change(array)
    with pytest.raises(EncoderError, match=r"^This .*encoder.*\.$"):
        TrainedEncoder.from_arrays(arrays)


def test_an_empty_file_is_refused_with_a_sentence() -> None:
    with pytest.raises(EncoderError, match=r"^This .*encoder.*\.$"):
        TrainedEncoder.from_arrays({})


@pytest.fixture(scope="module")
def unit() -> dict[str, Any]:
    """The arrays of an encoder whose embeddings are of one length."""
    return training(UNIT).encoder().arrays()


@pytest.mark.parametrize("name", ["mean", "matrix"])
@pytest.mark.parametrize("array", [np.ones((1, 1)), np.ones(1), np.full((90, 90), np.nan)])
def test_a_whitening_that_does_not_fit_is_refused(
    name: str, array: Any, unit: dict[str, Any]
) -> None:
    full = f"inputs.starter.whitening.sound.{name}"
    assert full in unit
    with pytest.raises(EncoderError, match=r"^This .*encoder.*\.$"):
        TrainedEncoder.from_arrays({**unit, full: array.astype(np.float32)})


def test_embedding_needs_no_torch() -> None:
    code = "import sys, ml.trained, ml.gate, ml.method, ml.corpus; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
