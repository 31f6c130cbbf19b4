"""Every setting of a training, and the methods by name. No torch.

`epg` is Wang et al. (2025) as printed, `tpg` its baseline, `consensus` ours. Constants that the
available text has lost are readings, marked as such.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_type_hints

Number = int | float

# Least and greatest value of each numeric setting.
RANGES: dict[str, tuple[Number, Number]] = {
    "delta": (0, 3600),
    "tau_share": (0, 1),
    "neighbours": (1, 1000),
    "neighbour_gap_s": (0, 86_400),
    "pair_weight": (0, 1),
    "lam": (0, 1),
    "margin": (1e-6, 1e6),
    "temperature": (1e-3, 100),
    "within_weight": (0, 100),
    "within_s": (1, 60),
    "within_pictures_s": (1, 60),
    "ignore_s": (0, 3600),
    "views": (1, 2),
    "pretext_epochs": (0, 1000),
    "epochs": (1, 1000),
    "temporal_epochs": (0, 1000),
    "frozen_epochs": (0, 1000),
    "layer_epochs": (1, 1000),
    "video_depth": (1, 2),
    "audio_depth": (1, 6),
    "batch": (2, 8192),
    "lr_video": (0, 1e6),
    "lr_audio": (0, 1e6),
    "branch_rate": (0, 1e6),
    "weight_decay_video": (0, 100),
    "weight_decay_audio": (0, 100),
    "foreground_width": (1, 8192),
    "dropout": (0, 0.99),
    "noise": (0, 100),
    "head_dropout": (0, 0.99),
    "length_pictures": (1e-3, 1e3),
    "length_sounds": (1e-3, 1e3),
    "private_video": (0, 100),
    "private_audio": (0, 100),
}


@dataclass(frozen=True)
class Method:
    """How a camera's encoders are trained; raises ValueError with one sentence for nonsense."""

    name: str = "consensus"

    # Which pairs (v_i, a_j) are positive. "temporal": |i - j| <= delta (TPG). "or": also where the
    # pictures or the sounds are nearer than tau (EPG, Eq. 1-3); "and": pictures and sounds.
    # "mutual": also where i and j are among each other's k nearest in either modality.
    # "consensus": also where j is among the k nearest of i in both modalities.
    pairs: Literal["temporal", "or", "and", "mutual", "consensus"] = "consensus"
    delta: int = 0  # seconds
    # "aligned": D(z_vi, z_ai), the anchor's own (reading). "centred": the same once each
    # modality's mean over the batch is taken off, so that tau does not hold the modality gap.
    # "share": the distance under which `tau_share` of the batch's pairs lie, in each modality.
    tau: Literal["aligned", "centred", "share"] = "aligned"
    tau_share: float = 0.02
    neighbours: int = 8
    # Nearest by the starter encoder's embeddings, or by the current encoders', once an epoch.
    neighbours_of: Literal["descriptor", "encoder"] = "descriptor"
    neighbour_gap_s: int = 60  # neighbours nearer in time than this are passed over
    pair_weight: float = 1.0  # how much a generated positive counts beside a temporal one (InfoNCE)
    lam: float = 0.25  # lambda of Eq. 5; the text's "2.5", read as 0.25

    # "hinge": Eq. 4. "info_nce": multi-positive, by cosine.
    loss: Literal["hinge", "info_nce"] = "info_nce"
    margin: float | None = None  # None: the median misaligned distance at initialisation (reading)
    balanced: bool = False  # hinge: positives and negatives averaged apart
    temperature: float = 0.1
    # Positives within each modality: the generated pairs; seconds up to `within_s` apart
    # (`within_pictures_s` for pictures); or "mutual", both those seconds and the clips that are
    # among each other's nearest in that modality.
    within: Literal["none", "pairs", "seconds", "mutual"] = "mutual"
    within_weight: float = 4.0
    within_s: int = 6
    within_pictures_s: int = 2
    ignore_s: int = 60  # clips this near in time that are not positive are no negatives either
    views: int = 1  # how often a batch is embedded, each time perturbed anew (within: the other)

    # Epochs of E_a regressed onto the standardised sound statistics, before the others.
    pretext_epochs: int = 0
    epochs: int = 12
    temporal_epochs: int = 0  # of these, the first ones with temporal pairs only
    frozen_epochs: int = 0  # of these, the first ones with E_v frozen
    # Afterwards both at once, or E_v and E_a in turn, one more layer from the top each time.
    unfreezing: Literal["together", "alternating"] = "together"
    layer_epochs: int = 1  # how long a turn lasts
    video_depth: int = 2  # layers of E_v's head that are ever opened, from the top
    audio_depth: int = 6  # layers of E_a: the linear one, four stages, the stem

    batch: int = 384  # clips
    # "pairs": clips that are generated pairs meet in a batch; "seconds": neighbouring seconds do;
    # "partners": each of a random half meets one of its pairs, or one of those seconds.
    sampling: Literal["random", "pairs", "seconds", "partners"] = "partners"
    lr_video: float = 1e-4
    lr_audio: float = 1e-4
    branch_rate: float = 10.0  # of the branches beside the networks, as a multiple of those
    weight_decay_video: float = 1e-2
    weight_decay_audio: float = 1e-2
    cosine: bool = True  # learning rates fall along half a cosine to nothing

    crops: Literal["separate", "mean"] = "separate"
    trunk_input: Literal["raw", "standardised"] = "standardised"
    mel_input: Literal["above", "raw"] = "above"  # above the chunk's background, or as it is
    trunk: bool = True  # False: the foreground's descriptor alone feeds E_v
    foreground: bool = True  # the descriptor beside a trunk of random weights, or without one
    statistics: bool = True  # the sound statistics beside E_a
    # The descriptions, for branches, neighbours and what is kept, against what is ordinary here.
    whitened: bool = True
    foreground_width: int = 512  # of the branch for either
    dropout: float = 0.3  # of the inputs
    noise: float = 0.3  # on the inputs, in their standard deviations
    head_dropout: float = 0.5  # X3D's own, inside E_v's head

    # The shared embedding keeps its own lengths, or every one is centred and scaled to the same.
    lengths: Literal["kept", "unit"] = "unit"
    # Length of what is embedded of pictures and of sounds; None: as trained.
    length_pictures: float | None = 1.5
    length_sounds: float | None = 4.0
    # Length of the starter encoder's embedding beside the shared one, as a part of it; 0: none.
    private_video: float = 2.0
    private_audio: float = 3.0

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for field in dataclasses.fields(self):
            _check(field.name, getattr(self, field.name), hints[field.name])
        if self.unfreezing == "alternating" and not self.frozen_epochs:
            raise ValueError(
                "Layers are opened in turns only after epochs with E_v frozen: set “frozen_epochs”."
            )

        if not (self.trunk or self.foreground):
            raise ValueError(
                "Pictures need the trunk, the foreground or both: “trunk” and “foreground” cannot "
                "both be off."
            )

    @property
    def private(self) -> bool:
        """Whether anything of the starter encoder is kept beside the shared embedding."""
        return self.private_video > 0 or self.private_audio > 0

    @property
    def epochs_total(self) -> int:
        """All epochs of a training with picture and sound."""
        return self.pretext_epochs + self.epochs

    def to_json(self) -> dict[str, Any]:
        """Return the settings by name."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, settings: Any) -> "Method":
        """Make again what `to_json` gave out; raises ValueError for anything else."""
        known = {field.name for field in dataclasses.fields(cls)}
        if not (isinstance(settings, dict) and all(isinstance(name, str) for name in settings)):
            raise ValueError("The settings of a training are an object with names and values.")
        if unknown := sorted(settings.keys() - known):
            raise ValueError(f"A training has no setting “{unknown[0]}”.")
        return cls(**settings)


def _check(name: str, value: Any, hint: Any) -> None:
    """Raise ValueError where a setting is of another type or outside its range."""
    options = get_args(hint)
    if options and all(isinstance(option, str) for option in options):
        if value not in options:
            raise ValueError(f"“{name}” is one of {', '.join(options)}, not {value!r}.")
        return
    if hint in (bool, str):
        if not isinstance(value, hint):
            raise ValueError(f"“{name}” cannot be {value!r}.")
        return
    if value is None and type(None) in options:
        return
    if not _is_number(value, whole=hint is int):
        raise ValueError(f"“{name}” is a {'whole ' if hint is int else ''}number, not {value!r}.")
    least, most = RANGES[name]
    if not math.isfinite(value) or not least <= value <= most:
        raise ValueError(f"“{name}” lies between {least} and {most}, not at {value}.")


def _is_number(value: Any, *, whole: bool) -> bool:
    return isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)


_EPG = Method(
    name="epg",
    pairs="or",
    neighbour_gap_s=0,
    loss="hinge",
    within="none",
    ignore_s=0,
    views=1,
    epochs=20,
    temporal_epochs=1,
    sampling="random",
    batch=256,
    weight_decay_video=1e-4,
    weight_decay_audio=1e-4,
    statistics=False,
    whitened=False,
    foreground_width=256,
    frozen_epochs=5,
    unfreezing="alternating",
    trunk_input="raw",
    mel_input="raw",
    dropout=0,
    noise=0,
    cosine=False,
    lr_video=1e-4,
    lr_audio=1e-3,
    branch_rate=1.0,
    lengths="kept",
    length_pictures=None,
    length_sounds=None,
    private_video=0,
    private_audio=0,
)

METHODS: dict[str, Method] = {
    method.name: method
    for method in (Method(), _EPG, dataclasses.replace(_EPG, name="tpg", pairs="temporal"))
}
