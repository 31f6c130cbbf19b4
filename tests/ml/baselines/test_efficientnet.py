from pathlib import Path

import numpy as np
import pytest
import torch

from ml.baselines.convolutions import EfficientNetB0
from ml.baselines.efficientnet import MEAN, STD, FrameNetwork


@pytest.fixture(scope="module")
def network() -> FrameNetwork:
    return FrameNetwork()


def frames(clips: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (5 * clips, 28, 30, 3)).astype(np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


def test_random_weights_see_differences_and_say_so(network: FrameNetwork) -> None:
    features = network.features(frames(4))
    assert features.shape == (4, 1280)
    assert network.name == "random (seed 0)"
    assert np.isfinite(features).all()
    assert (features.std(axis=0) > 1e-3).mean() > 0.5
    np.testing.assert_array_equal(features, FrameNetwork().features(frames(4)))


def test_the_middle_frame_alone_counts(network: FrameNetwork) -> None:
    some = frames(2)
    others = some.copy()
    others[[0, 1, 3, 4, 5, 6, 8, 9]] = 0
    np.testing.assert_array_equal(network.features(some), network.features(others))
    np.testing.assert_allclose(network.features(some)[1:], network.features(some[5:]), rtol=1e-3)
    with pytest.raises(ValueError, match="whole clips"):
        network.features(some[:7])


def test_imported_weights_are_used(tmp_path: Path) -> None:
    net = EfficientNetB0(classes=10).eval()
    torch.save(net.state_dict(), tmp_path / "efficientnet_b0.pth")
    imported = FrameNetwork(tmp_path / "efficientnet_b0.pth")
    assert imported.name.startswith("ImageNet ")
    clip = frames(1)
    middle = clip[2]
    crops = torch.from_numpy(np.stack([middle[:, :224], middle[:, -224:]])).permute(0, 3, 1, 2)
    normal = (crops / 255 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    with torch.inference_mode():
        expected = net(normal).mean(dim=0)
    np.testing.assert_allclose(imported.features(clip)[0], expected.numpy(), rtol=1e-3, atol=1e-12)
