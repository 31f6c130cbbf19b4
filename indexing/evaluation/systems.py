"""The systems that are compared, and ours and EPG as printed with one thing changed."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from indexing.evaluation.frames import frame_network
from indexing.footage.weights import current_trunk_weights
from ml.baselines import pretrained, registry
from ml.baselines.descriptions import Starter, UntrainedDescriptions
from ml.baselines.learnt import NAMES, learnt
from ml.baselines.mavil import Mavil
from ml.baselines.system import System
from ml.baselines.trunks import ForegroundAlone, TrunkAlone, looks
from ml.method import METHODS, Method
from ml.weights import TrunkWeights, load_trunk_weights

MAIN = "Systems"
OURS, EPG, TPG = NAMES["consensus"], NAMES["epg"], NAMES["tpg"]
STARTER, DESCRIPTIONS = Starter.name, UntrainedDescriptions.name
AUDIO_VIDEO = pretrained.AudioVideo.name
# What takes long for what a first look is after.
_SLOW = {Mavil.name, pretrained.EfficientNet.name}
_UNSEEDED = {
    *(STARTER, DESCRIPTIONS, AUDIO_VIDEO),
    *(pretrained.EfficientNet.name, pretrained.X3D.name, pretrained.Adapa.name),
}


@dataclass(frozen=True)
class Row:
    """One row of a table: how its system is made, and what its results depend on."""

    name: str
    table: str
    make: Callable[[], System]
    modules: tuple[str, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    slow: bool = False  # left out of the small profile
    seeded: bool = True  # whether another seed gives another result


@dataclass(frozen=True)
class Weights:
    """The pretrained weights that are there; None where they are random."""

    trunk: TrunkWeights | None
    efficientnet: Path | None
    adapa: Path | None

    @classmethod
    def found(cls, efficientnet: Path | None = None, adapa: Path | None = None) -> "Weights":
        """Return the trunk's in use and these files; raises WeightsError for a damaged trunk."""
        trunk = current_trunk_weights()
        return cls(load_trunk_weights(trunk) if trunk else None, efficientnet, adapa)

    @property
    def trunk_name(self) -> str | None:
        """What results call the trunk's weights."""
        return self.trunk.name if self.trunk else None

    def settings(self) -> dict[str, str | None]:
        """What results depend on."""
        files = {"efficientnet": self.efficientnet, "adapa": self.adapa}
        sizes = {name: f"{path.name} {path.stat().st_size}" for name, path in files.items() if path}
        return {"trunk": self.trunk_name, **sizes}


def main_rows(weights: Weights) -> list[Row]:
    """Ours and every system of the paper, in the order of the tables."""
    makers: dict[str, Callable[[], System]] = {
        OURS: partial(learnt, "consensus", trunk_weights=weights.trunk_name)
    }
    # The network is only loaded when its row is computed.
    makers |= registry.systems(trunk=weights.trunk, frames="", adapa=weights.adapa)
    makers[pretrained.EfficientNet.name] = lambda: pretrained.EfficientNet(
        frame_network(weights.efficientnet).name
    )
    return [
        Row(
            name,
            MAIN,
            make,
            _modules(make),
            {"weights": weights.settings(), **_method(name)},
            name in _SLOW,
            name not in _UNSEEDED,
        )
        for name, make in makers.items()
    ]


def _method(name: str) -> dict[str, Any]:
    """The settings of the trainings among the systems."""
    methods = {shown: METHODS[method] for method, shown in NAMES.items()}
    return methods[name].to_json() if name in methods else {}


def _modules(make: Callable[[], System]) -> tuple[str, ...]:
    """The module of a system's class; those put together from others lie with the others."""
    module = (make.func if isinstance(make, partial) else make).__module__
    return (module if module not in {__name__, registry.__name__} else pretrained.__name__,)


# Each changes one thing; the row without a change is `OURS`.
_OURS_CHANGED: dict[str, dict[str, Any]] = {
    "pairs: temporal": {"pairs": "temporal"},
    "pairs: or (Eq. 1)": {"pairs": "or"},
    "pairs: and": {"pairs": "and"},
    "pairs: mutual": {"pairs": "mutual"},
    "pairs: consensus": {"pairs": "consensus"},
    "loss: hinge (Eq. 4)": {"loss": "hinge"},
    "loss: InfoNCE": {"loss": "info_nce"},
    "pooling: crops averaged before the head": {"crops": "mean"},
    "pooling: crops averaged after the head": {"crops": "separate"},
    "pooling: the trunk's mean alone, no foreground": {"foreground": False},
    "pooling: the foreground alone, no trunk": {"trunk": False},
    "no dropout, no noise": {"dropout": 0, "noise": 0, "head_dropout": 0},
    "no private part": {"private_video": 0, "private_audio": 0},
    "descriptions not whitened": {"whitened": False},
    "no sound statistics beside E_a": {"statistics": False},
    "networks learn as fast as branches": {"branch_rate": 1.0, "lr_video": 1e-3, "lr_audio": 1e-3},
    "pairs meet by chance": {"sampling": "random"},
    "near seconds are negatives": {"ignore_s": 0},
    "no positives within a modality": {"within": "none"},
    "lengths as they come": {"lengths": "kept"},
    "sound as it is": {"mel_input": "raw"},
    "no pretext for the sound": {"pretext_epochs": 0},
}
CHANGED = "Reprise with one thing changed"
DELTA, LAMBDA = "δ, the temporal constraint (Table 2)", "λ, the weight in Eq. 5 (Table 3)"
DELTAS, LAMBDAS = (0, 1, 2, 5, 10), (0.0, 0.25, 0.5, 0.75, 1.0)


RUINED = "Ruined on purpose, for the gate"
TRUNKS = "Trunks by themselves, by the picture alone"
_RUINED: dict[str, dict[str, Any]] = {
    "learning rates of 1": {"lr_video": 1.0, "lr_audio": 1.0},
    "temperature 20": {"temperature": 20.0},
    "noise of 20 deviations": {"noise": 20.0},
    "dropout .95": {"dropout": 0.95},
    "one epoch": {"epochs": 1},
    "or pairs, hinge, no private part": {
        "pairs": "or",
        "loss": "hinge",
        "private_video": 0,
        "private_audio": 0,
    },
}


def ablation_rows(weights: Weights) -> list[Row]:
    """Variations of ours and of EPG as printed, table by table; each changes something."""
    ours, epg = METHODS["consensus"], METHODS["epg"]
    changed = [
        _row(name, CHANGED, replace(ours, **changes), weights)
        for name, changes in _OURS_CHANGED.items()
        if replace(ours, **changes) != ours
    ]
    deltas = [_row(f"δ = {d} s", DELTA, replace(epg, delta=d), weights) for d in DELTAS]
    lambdas = [_row(f"λ = {x:g}", LAMBDA, replace(epg, lam=x), weights) for x in LAMBDAS]
    ruined = [_row(name, RUINED, replace(ours, **x), weights) for name, x in _RUINED.items()]
    return changed + deltas + lambdas + ruined + trunk_rows()


def trunk_rows() -> list[Row]:
    """What trunks see by themselves, and the foreground's description."""
    own = current_trunk_weights()
    alone = [
        Row(
            look.name,
            TRUNKS,
            partial(TrunkAlone, look),
            (TrunkAlone.__module__,),
            {"weights": look.weights.name if look.weights else None},
            seeded=False,
        )
        for look in looks(own)
    ]
    name, module = ForegroundAlone.name, ForegroundAlone.__module__
    return [*alone, Row(name, TRUNKS, ForegroundAlone, (module,), seeded=False)]


def _row(name: str, table: str, method: Method, weights: Weights) -> Row:
    make = partial(learnt, method, trunk_weights=weights.trunk_name, name=name)
    settings = {"weights": weights.settings(), **method.to_json()}
    return Row(name, table, make, _modules(make), settings)
