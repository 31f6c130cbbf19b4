"""Two image networks in torchvision's layout: MobileNetV2 and EfficientNet-B0.

Written out in plain torch because torchvision's compiled part does not load beside a CPU build of
torch. Module names are torchvision's, so that `state_dict` takes its published weights.
"""

import torch
from torch import Tensor, nn

FEATURES = 1280


def conv_norm(
    width_in: int,
    width: int,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    activation: type[nn.Module] | None = None,
) -> nn.Sequential:
    """Convolution, batch norm and, where one is given, an activation."""
    layers: list[nn.Module] = [
        nn.Conv2d(width_in, width, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(width),
    ]
    if activation is not None:
        layers.append(activation())
    return nn.Sequential(*layers)


class InvertedResidual(nn.Module):
    """MobileNetV2's block (Sandler et al., 2018): expand, filter each channel, project."""

    def __init__(self, width_in: int, width: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = width_in * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers.append(conv_norm(width_in, hidden, activation=nn.ReLU6))
        layers.append(conv_norm(hidden, hidden, 3, stride, hidden, nn.ReLU6))
        layers += [nn.Conv2d(hidden, width, 1, bias=False), nn.BatchNorm2d(width)]
        self.conv = nn.Sequential(*layers)
        self.residual = stride == 1 and width_in == width

    def forward(self, x: Tensor) -> Tensor:
        """(n, width_in, h, w) -> (n, width, h / stride, w / stride)."""
        y: Tensor = self.conv(x)
        return x + y if self.residual else y


class MobileNetV2(nn.Module):
    """MobileNetV2 of width 1 (Sandler et al., 2018): `features` (n, 3, h, w) -> (n, 1280, ., .)."""

    # expansion, width, blocks, stride of the first
    STAGES = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv_norm(3, 32, 3, 2, activation=nn.ReLU6)]
        width_in = 32
        for expansion, width, blocks, stride in self.STAGES:
            for block in range(blocks):
                first = stride if block == 0 else 1
                layers.append(InvertedResidual(width_in, width, first, expansion))
                width_in = width
        layers.append(conv_norm(width_in, FEATURES, activation=nn.ReLU6))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(FEATURES, classes))
        initialise(self)


class SqueezeExcitation(nn.Module):
    """Weigh channels by what the whole picture holds (Hu et al., 2018)."""

    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(width, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, width, h, w) -> the same."""
        pooled = nn.functional.silu(self.fc1(x.mean(dim=(2, 3), keepdim=True)))
        return x * torch.sigmoid(self.fc2(pooled))


class MBConv(nn.Module):
    """EfficientNet's block (Tan and Le, 2019); stochastic depth is off outside of training."""

    def __init__(self, width_in: int, width: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = width_in * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers.append(conv_norm(width_in, hidden, activation=nn.SiLU))
        layers.append(conv_norm(hidden, hidden, kernel, stride, hidden, nn.SiLU))
        layers.append(SqueezeExcitation(hidden, max(1, width_in // 4)))
        layers.append(conv_norm(hidden, width))
        self.block = nn.Sequential(*layers)
        self.residual = stride == 1 and width_in == width

    def forward(self, x: Tensor) -> Tensor:
        """(n, width_in, h, w) -> (n, width, h / stride, w / stride)."""
        y: Tensor = self.block(x)
        return x + y if self.residual else y


class EfficientNetB0(nn.Module):
    """EfficientNet-B0 (Tan and Le, 2019) without its classifier's output: 1280 features a picture.

    5,288,548 parameters with ImageNet's 1,000 classes, 4,007,548 without; the paper counts 4.03
    million.
    """

    # expansion, kernel, stride of the first, width, blocks
    STAGES = (
        (1, 3, 1, 16, 1),
        (6, 3, 2, 24, 2),
        (6, 5, 2, 40, 2),
        (6, 3, 2, 80, 3),
        (6, 5, 1, 112, 3),
        (6, 5, 2, 192, 4),
        (6, 3, 1, 320, 1),
    )

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv_norm(3, 32, 3, 2, activation=nn.SiLU)]
        width_in = 32
        for expansion, kernel, stride, width, blocks in self.STAGES:
            stage = [
                MBConv(
                    width_in if b == 0 else width, width, kernel, stride if b == 0 else 1, expansion
                )
                for b in range(blocks)
            ]
            layers.append(nn.Sequential(*stage))
            width_in = width
        layers.append(conv_norm(width_in, FEATURES, activation=nn.SiLU))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(FEATURES, classes))
        initialise(self)

    def forward(self, pictures: Tensor) -> Tensor:
        """Features of pictures (n, 3, 224, 224), normalised as for ImageNet -> (n, 1280)."""
        maps: Tensor = self.features(pictures)
        return maps.mean(dim=(2, 3))


def initialise(net: nn.Module) -> None:
    """Draw a network's weights as torchvision does."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.01)
            nn.init.zeros_(module.bias)
