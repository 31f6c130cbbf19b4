import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ml.baselines.checkpoints import load_into, settle
from ml.baselines.convolutions import EfficientNetB0, MobileNetV2
from ml.weights import WeightsError

# From torchvision's published files: names, shapes, and the number of parameters it documents.
LAYOUTS: dict[type[nn.Module], tuple[int, dict[str, tuple[int, ...]]]] = {
    MobileNetV2: (
        3_504_872,
        {
            "features.0.0.weight": (32, 3, 3, 3),
            "features.1.conv.0.0.weight": (32, 1, 3, 3),
            "features.1.conv.1.weight": (16, 32, 1, 1),
            "features.1.conv.2.running_var": (16,),
            "features.2.conv.0.0.weight": (96, 16, 1, 1),
            "features.17.conv.2.weight": (320, 960, 1, 1),
            "features.18.1.bias": (1280,),
            "classifier.1.weight": (1000, 1280),
        },
    ),
    EfficientNetB0: (
        5_288_548,
        {
            "features.0.1.weight": (32,),
            "features.1.0.block.0.0.weight": (32, 1, 3, 3),
            "features.1.0.block.1.fc1.weight": (8, 32, 1, 1),
            "features.1.0.block.2.0.weight": (16, 32, 1, 1),
            "features.2.1.block.2.fc2.bias": (144,),
            "features.6.3.block.1.0.weight": (1152, 1, 5, 5),
            "features.7.0.block.3.1.running_mean": (320,),
            "features.8.0.weight": (1280, 320, 1, 1),
            "classifier.1.bias": (1000,),
        },
    ),
}


@pytest.mark.parametrize("network", LAYOUTS)
def test_the_layout_is_torchvisions(network: type[nn.Module]) -> None:
    parameters, shapes = LAYOUTS[network]
    net = network()
    assert sum(p.numel() for p in net.parameters()) == parameters
    state = net.state_dict()
    assert {name: tuple(state[name].shape) for name in shapes} == shapes


def saved(tmp_path: Path, checkpoint: object) -> Path:
    path = tmp_path / "weights.pth"
    torch.save(checkpoint, path)
    return path


def load(net: nn.Module, path: Path) -> str:
    return load_into(net, path, without=("classifier.",), origin="ImageNet")


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    return dict(MobileNetV2(classes=7).state_dict())


def test_a_checkpoint_of_any_number_of_classes_is_taken(
    tmp_path: Path, state: dict[str, torch.Tensor]
) -> None:
    old = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    for checkpoint in (state, {"state_dict": state}, old):
        net = MobileNetV2()
        assert re.fullmatch("ImageNet [0-9a-f]{8}", load(net, saved(tmp_path, checkpoint)))
        for name, tensor in net.features.state_dict().items():
            if name.endswith("weight"):
                torch.testing.assert_close(tensor, state[f"features.{name}"], rtol=0, atol=0)


class Exploit:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("exploited"),))


def test_what_does_not_fit_is_refused(
    tmp_path: Path, state: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "features.0.0.weight"
    less = {key: tensor for key, tensor in state.items() if key != name}
    wrong: list[tuple[object, str]] = [
        (less, "lacks"),
        ({**state, "features.x": torch.zeros(1)}, "has not"),
        ({**state, name: torch.zeros(2)}, "is expected"),
        ({**state, name: state[name] * torch.nan}, "not finite"),
        ([1, 2], "no weights by name"),
        (Exploit(), "not a readable"),
    ]
    for checkpoint, sentence in wrong:
        with pytest.raises(WeightsError, match=sentence):
            load(MobileNetV2(), saved(tmp_path, checkpoint))
    with pytest.raises(WeightsError, match="no file"):
        load(MobileNetV2(), tmp_path / "absent.pth")
    assert not (tmp_path / "exploited").exists()


def test_settled_statistics_are_those_of_the_batch() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    batch = torch.randn(8, 3, 5, 5) * 1e-6
    settle(net, net, batch)
    assert not net.training
    out = net(batch)
    norm = net[1]
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.momentum == 0.1
    torch.testing.assert_close(norm.running_mean, net[0](batch).mean(dim=(0, 2, 3)))
    assert out.mean().abs() < 1e-5
