"""The compared systems by name, in the order of the tables (Wang et al. 2025, section 4)."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from ml.baselines.descriptions import Starter, UntrainedDescriptions
from ml.baselines.fusion import Fusion
from ml.baselines.learnt import NAMES, Learnt
from ml.baselines.mavil import Mavil
from ml.baselines.pretrained import X3D, Adapa, AudioVideo, EfficientNet
from ml.baselines.system import System
from ml.baselines.tacma import Tacma
from ml.encoders import split
from ml.weights import TrunkWeights, pretrained_encoder


def systems(
    *,
    trunk: TrunkWeights | None = None,
    frames: str | None = None,
    adapa: Path | None = None,
) -> dict[str, Callable[[], System]]:
    """Return what makes each system anew, by its name.

    `trunk` are the weights that the corpus's trunk features were made with, None for random ones;
    `frames` the `name` of the `FrameNetwork` whose features will be handed over, None where there
    are none, which leaves EfficientNet-B0 out; `adapa` the tagger's checkpoint. WeightsError comes
    when the system is made.
    """
    name = None if trunk is None else trunk.name
    single: dict[str, Callable[[], System]] = {}
    if frames is not None:
        single[EfficientNet.name] = partial(EfficientNet, frames)
    return {
        NAMES["epg"]: partial(_learnt, "epg", trunk),
        NAMES["tpg"]: partial(_learnt, "tpg", trunk),
        Tacma.name: Tacma,
        Mavil.name: Mavil,
        **single,
        X3D.name: partial(X3D, trunk),
        Adapa.name: partial(Adapa, adapa),
        AudioVideo.name: lambda: AudioVideo(X3D(trunk), Adapa(adapa)),
        Fusion.name: partial(Fusion, trunk_weights=name),
        Starter.name: partial(Starter, name),
        UntrainedDescriptions.name: UntrainedDescriptions,
    }


def _learnt(method: str, trunk: TrunkWeights | None) -> Learnt:
    if trunk is None:
        return Learnt(method)
    return Learnt(method, trunk_weights=trunk.name, head=split(pretrained_encoder(trunk))[1])
