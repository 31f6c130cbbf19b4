"""Our own training, TPG and EPG as printed, as systems of the comparison (`ml.training`)."""

from ml.baselines.descriptions import surprise
from ml.baselines.system import AnomalyScore, Doubles, Embedded, Floats, embedded
from ml.corpus import Corpus
from ml.distance import directions
from ml.encoders import VideoHead
from ml.method import METHODS, Method
from ml.training import EpochReport, Training

NAMES = {"tpg": "TPG", "epg": "EPG as printed", "consensus": "Reprise"}


class Learnt:
    """One method's encoders, trained on the camera's own footage."""

    wants_frames = False

    def __init__(
        self,
        method: Method | str,
        *,
        trunk_weights: str | None = None,
        head: VideoHead | None = None,
        name: str | None = None,
    ) -> None:
        """Take a method by name or as it is.

        `trunk_weights` names the trunk's learnt weights, None for random ones; `head` is the rest
        of E_v that was learnt with them.
        """
        self._method = METHODS[method] if isinstance(method, str) else method
        self._pretrained, self._head = trunk_weights is not None, head
        self.name = name or NAMES.get(self._method.name, self._method.name)
        trunk = f"on a trunk of {trunk_weights or 'random weights'}"
        self.weights = f"own, {trunk if self._method.trunk else 'without a trunk'}"
        # The paper's own score, or how far a clip is from the ordinary.
        self.anomaly: AnomalyScore = "cross" if printed(self._method) else "own"
        self.reports: list[EpochReport] = []

    def fit(self, train: Corpus, seed: int, *, frame_features: Floats | None = None) -> None:
        """See `System.fit`; raises TrainingError where the training cannot begin or go on."""
        training = Training(train, self._method, seed, pretrained=self._pretrained, head=self._head)
        self.reports = []
        while not training.finished:
            self.reports.append(training.run_epoch())
        self._encoder = training.encoder()

    def embed(self, corpus: Corpus, *, frame_features: Floats | None = None) -> Embedded:
        """See `System.embed`."""
        (z_v, z_a), novelty = self._encoder.embed_with_novelty(corpus)
        shared = self._encoder.shared
        # As printed, lengths are compared too.
        kept = self._method.lengths == "kept"
        pictures, sounds = (z[:, :shared] if kept else directions(z, shared) for z in (z_v, z_a))
        return embedded(
            corpus,
            z_v,
            z_a,
            common=(pictures, sounds) if shared else None,
            novelty=None if printed(self._method) else novelty,
        )


class Own(Learnt):
    """Ours: it also tells how far a clip is from the ordinary."""

    def surprise(self, corpus: Corpus, *, frame_features: Floats | None = None) -> Doubles:
        """See `ScoresAnomalies.surprise`."""
        novelty = self._encoder.inputs.describe(corpus).novelty
        return surprise(self._encoder.ordinary, novelty)


def printed(method: Method) -> bool:
    """Whether this is one of the paper's own, which has no novelty."""
    return method.name in ("tpg", "epg")


def learnt(
    method: Method | str, *, trunk_weights: str | None = None, name: str | None = None
) -> Learnt:
    """Make the system that belongs to a method."""
    chosen = METHODS[method] if isinstance(method, str) else method
    kind = Learnt if printed(chosen) else Own
    return kind(chosen, trunk_weights=trunk_weights, name=name)
