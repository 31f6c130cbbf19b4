from pathlib import Path

import numpy as np
import pytest
import torch

from ml.baselines import adapa
from ml.baselines.pretrained import X3D, Adapa, AudioVideo, EfficientNet
from ml.encoders import video_encoder
from ml.weights import KINETICS, TrunkWeights, WeightsError
from tests.ml.baselines.planted import planted


def test_x3d_runs_its_own_layer_on_the_kept_features() -> None:
    footage = planted(120)
    corpus = footage.corpus
    system = X3D()
    weight = video_encoder(0).state_dict()["blocks.5.pool.post_conv.weight"].flatten(1).numpy()
    trunk = corpus.trunk.astype(np.float32)
    expected = np.maximum(trunk @ weight.T, 0).mean(axis=1)
    np.testing.assert_allclose(system.features(corpus), expected, rtol=1e-3, atol=1e-4)
    system.fit(corpus, 0)
    z = system.embed(corpus)
    assert z.z_v.shape == (120, 2048)
    assert not z.has_audio.any()
    assert footage.search(z.z_v) > 0.9
    assert system.weights == "x3d-m random (seed 0)"


def test_x3d_takes_imported_weights() -> None:
    state = {
        name: tensor * 2
        for name, tensor in video_encoder(3).state_dict().items()
        if not name.startswith("blocks.5.proj.")
    }
    system = X3D(TrunkWeights(state, KINETICS, "ab" * 32))
    assert system.weights == "x3d-m kinetics-400 abababab"
    expected = state["blocks.5.pool.post_conv.weight"].flatten(1)
    torch.testing.assert_close(system._project.weight.detach(), expected, rtol=0, atol=0)


def test_adapa_tells_sounds_apart_even_with_random_weights() -> None:
    footage = planted(120, noise=0.01)
    system = Adapa()
    system.fit(footage.corpus, 0)
    z = system.embed(footage.corpus)
    assert z.z_a.shape == (120, 512)
    assert not z.has_video.any()
    assert system.weights == "random (seed 0)"
    assert footage.search(z.z_a) > 0.8


def test_adapas_published_layout_is_imported(tmp_path: Path) -> None:
    net = adapa.Tagger()
    names = net.state_dict().keys()
    assert {
        "bw2col.0.running_mean",
        "bw2col.1.weight",
        "bw2col.3.bias",
        "mv2.features.18.0.weight",
        "mv2.classifier.1.weight",
        "final.0.weight",
        "final.2.running_var",
        "final.3.bias",
    } <= names
    torch.save(net.state_dict(), tmp_path / "model_system1")
    extractor = adapa.load(tmp_path / "model_system1")
    assert extractor.name.startswith("DCASE 2019 ")
    mel = np.random.default_rng(0).normal(-50, 9, (6, 128, 64)).astype(np.float32)
    extractor.settle(mel)
    standard = (mel - mel.mean((0, 2))[:, None]) / mel.std((0, 2))[:, None]
    with torch.inference_mode():
        logits = net.eval()(torch.from_numpy(standard.swapaxes(1, 2)[:, None].copy()))
    tags = net.final[3]
    assert isinstance(tags, torch.nn.Linear)
    features = torch.from_numpy(extractor.features(mel))
    torch.testing.assert_close(tags(features), logits, rtol=1e-4, atol=1e-6)
    torch.save({"final.0.weight": 1}, tmp_path / "other")
    with pytest.raises(WeightsError, match="DCASE 2019"):
        Adapa(tmp_path / "other")


def test_a_v_is_both_side_by_side() -> None:
    corpus = planted(30).corpus
    system = AudioVideo(X3D(), Adapa())
    system.fit(corpus, 0)
    z = system.embed(corpus)
    assert z.joint.shape == (30, 2048 + 512)
    assert z.concatenated
    assert z.common is None
    for block in (z.z_v, z.z_a):
        assert np.median(np.linalg.norm(block, axis=1)) == pytest.approx(1, rel=0.05)
    assert system.weights == "x3d-m random (seed 0); random (seed 0)"


def test_efficientnet_needs_frames() -> None:
    corpus = planted(30).corpus
    features = np.random.default_rng(0).normal(5, 2, (30, 1280)).astype(np.float32)
    system = EfficientNet("ImageNet 12345678")
    with pytest.raises(ValueError, match="none were kept"):
        system.fit(corpus, 0)
    with pytest.raises(ValueError, match="1280"):
        system.fit(corpus, 0, frame_features=features[:, :3])
    system.fit(corpus, 0, frame_features=features)
    z = system.embed(corpus, frame_features=features)
    np.testing.assert_allclose(z.z_v.mean(axis=0), 0, atol=1e-3)
    assert z.z_a.shape == (30, 0)


def test_footage_without_sound_is_embedded() -> None:
    silent = planted(30).without(has_audio=np.zeros(30, bool))
    system = AudioVideo(X3D(), Adapa())
    system.fit(silent, 0)
    z = system.embed(silent)
    assert not z.z_a.any()
    assert np.isfinite(z.z_v).all()
