import subprocess
import sys
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
METHOD = Method(epochs=1, lengths="kept", length=None)


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
    descriptor = torch.from_numpy(inputs.descriptor(inputs.describe(CORPUS)[0]))
    mel = torch.from_numpy(inputs.spectrogram(CORPUS.mel, backgrounds(CORPUS)))
    made.video.eval()
    made.audio.eval()
    with torch.inference_mode():
        if method.crops == "mean":
            z_v = made.video(crops.mean(dim=1), descriptor)
        else:
            z_v = (made.video(crops[:, 0], descriptor) + made.video(crops[:, 1], descriptor)) / 2
        return z_v.numpy(), made.audio(mel).numpy()


@pytest.mark.parametrize(
    ("method", "pretrained"),
    [
        (METHOD, False),
        (METHOD, True),
        (replace(METHOD, crops="mean", mel_input="raw", trunk_input="raw"), False),
        (replace(METHOD, foreground=False), False),
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


def test_the_private_part_is_the_starter_encoders() -> None:
    method = replace(METHOD, lengths="unit", length=3.0, private_video=0.5, private_audio=2.0)
    encoder = training(method).encoder()
    z_v, z_a = encoder.embed(CORPUS)
    masks = {"has_video": CORPUS.has_video, "has_audio": CORPUS.has_audio}
    starter = StarterEncoder.fit(CORPUS.foreground, CORPUS.sound, None, **masks)
    plain = starter.embed(CORPUS.foreground, CORPUS.sound, None, **masks)
    for z, private, weight in ((z_v, plain[0], 0.5), (z_a, plain[1], 2.0)):
        np.testing.assert_allclose(np.linalg.norm(z[:, :512], axis=1), 3, rtol=1e-4)
        lengths = np.linalg.norm(z[:, 512:], axis=1)
        assert np.sqrt(np.square(lengths).mean()) == pytest.approx(3 * weight, rel=1e-3)
        factor = z[:, 512:] / np.where(private == 0, 1, private)
        np.testing.assert_allclose(factor[private != 0], factor.max(), rtol=1e-3)


def test_lengths_kept_are_of_the_mean_asked_for_and_of_one_scale() -> None:
    plain, scaled = training(), training(replace(METHOD, length=5.0))
    before = np.concatenate([z[:, :512] for z in plain.encoder().embed(CORPUS)])
    after = np.concatenate([z[:, :512] for z in scaled.encoder().embed(CORPUS)])
    assert np.sqrt(np.square(after).sum(axis=1).mean()) == pytest.approx(5, rel=1e-3)
    np.testing.assert_allclose(
        after / np.sqrt(np.square(after).mean()) * np.sqrt(np.square(before).mean()),
        before,
        atol=1e-4,
    )


def test_a_weight_of_nothing_leaves_the_private_part_out() -> None:
    encoder = training(replace(METHOD, private_video=0, private_audio=0)).encoder()
    assert [z.shape for z in encoder.embed(CORPUS)] == [(300, 512)] * 2
    assert encoder.shared == 512


def test_absent_modalities_are_zero_and_unread() -> None:
    encoder = training().encoder()
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


def test_it_survives_a_file(tmp_path: Path) -> None:
    encoder = training().encoder()
    save_file(encoder.arrays(), tmp_path / "encoder.safetensors")
    again = TrainedEncoder.from_arrays(load_file(tmp_path / "encoder.safetensors"))
    assert again.shared == encoder.shared
    for one, other in zip(encoder.embed(CORPUS), again.embed(CORPUS), strict=True):
        np.testing.assert_array_equal(one, other)


def broken(name: str, arrays: dict[str, Any]) -> None:
    if name == "missing":
        del arrays["audio.2.1.conv2"]
    elif name == "shape":
        arrays["video.embed"] = arrays["video.embed"][:7]
    elif name == "numbers":
        arrays["audio.stem"] = arrays["audio.stem"] * np.float32("nan")
    elif name == "scales":
        arrays["scales"] = np.ones(2, np.float32)
    elif name == "text":
        arrays["audio.stem"] = np.array(["a"])
    elif name == "branch":
        arrays["video.branch.0"] = np.ones(3, np.float32)
    elif name == "mel":
        arrays["inputs.mel_mean"] = np.ones(3, np.float32)
    elif name == "starter":
        del arrays["inputs.starter.uses_trunk"]
    else:
        arrays.clear()


@pytest.mark.parametrize(
    "name", ["missing", "shape", "numbers", "scales", "text", "branch", "mel", "starter", "empty"]
)
def test_other_arrays_are_refused_with_a_sentence(name: str) -> None:
    arrays: dict[str, Any] = training().encoder().arrays()
    broken(name, arrays)
    with pytest.raises(EncoderError, match=r"^This .*encoder.*\.$"):
        TrainedEncoder.from_arrays(arrays)


def test_embedding_needs_no_torch() -> None:
    code = "import sys, ml.trained, ml.gate, ml.method, ml.corpus; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
