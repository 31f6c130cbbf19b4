"""The training of a camera's two encoders on its own footage (Wang et al. 2025, section 3).

The trunk is not trained: its kept features are the input, and E_v learns through its head.
"""

import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ml import batches, pairs, state
from ml.assembly import assemble
from ml.corpus import Corpus
from ml.distance import LAMBDA
from ml.encoders import EMBEDDING, VideoHead
from ml.footage import LEAST_CLIPS, TrainingError, fingerprint, trainable
from ml.inputs import Inputs, backgrounds, root_mean_square
from ml.method import Method
from ml.networks import AudioSide, VideoSide, open_layers, perturbed
from ml.objective import Generated, Objective, Step, View
from ml.schedule import Stage, plan
from ml.spread import effective_rank
from ml.trained import TrainedEncoder

__all__ = ["LEAST_CLIPS", "EpochReport", "Training", "TrainingError"]

# On one thread E_a learns 550-900 clips a second; on two, beside any other load, 30-70, because
# the threads wait for each other after each of many short loops. It also makes results repeatable.
THREADS = 1
# Clips on which the spread of the embedding is measured after each epoch.
MEASURED_CLIPS = 1000
COLLAPSED_RANK = 1.5
COLLAPSED_RATE = 0.9
BROKE_DOWN = (
    "The training broke down: its values are no longer numbers; lower the learning rates and "
    "begin again."
)

Arrays = Mapping[str, NDArray[np.generic]]
Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class EpochReport:
    """What one epoch did; NaN where there was nothing to measure."""

    epoch: int  # from 1
    stage: str  # what was trained, in words
    loss: float
    positive_rate: float  # part of the pairs of different clips that were labelled positive
    alignment: float  # chance that a clip's own sound is nearer than another clip's
    spread: float  # effective rank of the embeddings, of the modality that has less
    seconds: float
    warning: str = ""  # a sentence where the embedding has collapsed


class Training:
    """One training: `run_epoch` until `finished`, then `encoder`.

    The same corpus, method and seed give the same weights. `notes` says in sentences what cannot
    be trained on this footage.
    """

    def __init__(
        self,
        corpus: Corpus,
        method: Method,
        seed: int,
        *,
        pretrained: bool,
        head: VideoHead | None = None,
    ) -> None:
        """Make ready; `head` is the pretrained rest of E_v after the trunk, where there is one.

        Raises TrainingError where there is too little footage or it holds values that are no
        numbers.
        """
        self.corpus, self.method, self.seed, self.pretrained = corpus, method, seed, pretrained
        found = trainable(corpus)
        self.sides, self.clips, self.notes = found.sides, found.clips, found.notes
        self.plan = plan(method, self.sides)
        self.epochs_done = 0
        learnt = pretrained and method.trunk
        self._inputs = Inputs.fit(corpus, method, pretrained=learnt)
        self._described = self._inputs.describe(corpus)
        self._background = backgrounds(corpus)
        self._descriptor_graphs: pairs.Graphs | None = None
        self._objective = Objective(method, self.sides)
        seen = self._described.beside[0].shape[1] if method.foreground and not learnt else 0
        heard = self._described.beside[1].shape[1] if method.statistics else 0
        with _reproducible(seed, 0):
            self.video = VideoSide(
                seen, method.foreground_width, method.head_dropout, trunk=method.trunk
            )
            self.audio = AudioSide(heard, method.foreground_width)
        if head is not None and method.trunk:
            self.video.head.load_state_dict(head.state_dict())
        self._optimizer = _optimizer(method, self.video, self.audio)

    @property
    def epochs_total(self) -> int:
        """How many epochs there are in all."""
        return len(self.plan)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return self.epochs_done >= self.epochs_total

    def run_epoch(self, on_step: Callable[[float], None] = lambda part: None) -> EpochReport:
        """Train one epoch; `on_step` is told the part of it that is done, in (0, 1].

        Raises TrainingError where the loss is no longer a number; this training is lost then.
        """
        if self.finished:
            raise TrainingError("This training is finished; begin another one.")
        began, stage = time.perf_counter(), self.plan[self.epochs_done]
        with _reproducible(self.seed, self.epochs_done + 1):
            steps = self._train(stage, on_step)
            spread = self._spread()
        self.epochs_done += 1
        rate = _mean(step.positive_rate for step in steps)
        return EpochReport(
            epoch=self.epochs_done,
            stage=stage.name,
            loss=_mean(float(step.loss.detach()) for step in steps),
            positive_rate=rate,
            alignment=_mean(step.alignment for step in steps),
            spread=spread,
            seconds=time.perf_counter() - began,
            warning=_collapse(rate, spread),
        )

    def _train(self, stage: Stage, on_step: Callable[[float], None]) -> list[Step]:
        graphs = None if stage.temporal or stage.pretext else self._graphs()
        open_layers(self.video.layers(), stage.video_layers)
        open_layers(self.audio.layers(), stage.audio_layers)
        order = batches.batches(
            len(self.clips),
            self.method.batch,
            np.random.default_rng([self.seed, self.epochs_done]),
            sampling=self._sampling(),
            graph=None if graphs is None else self._partners(graphs),
            run=self.method.within_s + 1,
        )
        steps = []
        for number, batch in enumerate(order):
            self._set_rates((self.epochs_done + number / len(order)) / self.epochs_total)
            if stage.pretext:
                step = self._regress(batch)
            else:
                at = torch.from_numpy(self.corpus.at[self.clips[batch]])
                views = [self._view(batch) for _ in range(self._views)]
                generated = _generated(graphs, batch)
                step = self._objective(views, at, generated, temporal=stage.temporal)
            self._descend(step.loss)
            steps.append(step)
            on_step((number + 1) / len(order))
        return steps

    @property
    def _views(self) -> int:
        """A second view is only ever compared within a modality."""
        within = self.method.within != "none" or self.sides != "both"
        return self.method.views if within else 1

    def _view(self, batch: Rows) -> View:
        return View(*self._embed(batch, learning=True))

    def _embed(self, batch: Rows, *, learning: bool) -> tuple[Tensor, Tensor]:
        """Embed a batch of m clips: pictures crop after crop (c * m, 512) and sounds (m, 512)."""
        rows, method = self.clips[batch], self.method
        dropout, noise = (method.dropout, method.noise) if learning else (0.0, 0.0)
        z_v = z_a = torch.zeros(0, EMBEDDING)
        if self.sides != "audio":
            crops = self._inputs.crops(self.corpus.trunk[rows])
            if method.crops == "mean":
                crops = crops.mean(axis=1, keepdims=True)
            deviation = 1.0 if self._inputs.trunk else root_mean_square(crops)
            seen = torch.from_numpy(np.concatenate(list(crops.swapaxes(0, 1))))
            beside = torch.from_numpy(self._described.beside[0][rows])
            z_v = self.video(
                perturbed(seen, dropout, noise * deviation),
                perturbed(beside.repeat(crops.shape[1], 1), dropout, noise),
            )
        if self.sides != "video":
            mel = self._inputs.spectrogram(self.corpus.mel[rows], self._background[rows])
            beside = torch.from_numpy(self._described.beside[1][rows])
            z_a = self.audio(
                perturbed(torch.from_numpy(mel), dropout, noise),
                perturbed(beside, dropout, noise),
            )
        return z_v, z_a

    def _regress(self, batch: Rows) -> Step:
        """Regress E_a onto the descriptions of sounds, turned into 512 columns with lengths kept.

        E_a then begins where the sound statistics are, instead of at random.
        """
        _, z_a = self._embed(batch, learning=True)
        target = torch.from_numpy(self._described.private[1][self.clips[batch]] @ self._rotation())
        loss = nn.functional.mse_loss(z_a, target) / target.square().mean().clamp_min(1e-9)
        return Step(loss, float("nan"), float("nan"))

    def _rotation(self) -> Floats:
        """Return a fixed matrix (Da, 512) with orthonormal rows, drawn from the seed."""
        width = self._described.private[1].shape[1]
        shape = (max(width, EMBEDDING), min(width, EMBEDDING))
        matrix = np.linalg.qr(np.random.default_rng(self.seed).normal(size=shape))[0]
        return np.asarray(matrix if width > EMBEDDING else matrix.T, np.float32)

    def _descend(self, loss: Tensor) -> None:
        if not math.isfinite(loss.item()):
            raise TrainingError(BROKE_DOWN)
        self._optimizer.zero_grad(set_to_none=True)
        if loss.requires_grad:
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()

    def _set_rates(self, progress: float) -> None:
        factor = (1 + math.cos(math.pi * progress)) / 2 if self.method.cosine else 1.0
        for group in self._optimizer.param_groups:
            group["lr"] = group["full_lr"] * factor

    def _sampling(self) -> batches.Sampling:
        """With one modality a positive is another clip, so it has to be in the batch."""
        if self.sides == "both":
            return self.method.sampling
        if self.method.sampling == "partners":
            return "partners"
        return "pairs" if self.method.within == "pairs" else "seconds"

    def _graphs(self) -> pairs.Graphs | None:
        """Return the generated pairs of the whole corpus; None where they are not asked for.

        Pairs by Eq. 1 are the batch's own, and with one modality only pairs within it count.
        """
        method = self.method
        alone = self.sides != "both" and method.within not in ("pairs", "mutual")
        if method.pairs not in ("consensus", "mutual") or alone:
            return None
        if method.neighbours_of == "encoder":
            seen, heard = self._embed_all(np.arange(len(self.clips)))
            return self._neighbours(seen, heard, method.lam)
        if self._descriptor_graphs is None:
            seen, heard = (z[self.clips] for z in self._described.private)
            self._descriptor_graphs = self._neighbours(seen, heard, LAMBDA)
        return self._descriptor_graphs

    def _neighbours(self, seen: Floats, heard: Floats, lam: float) -> pairs.Graphs:
        return pairs.graphs(
            seen if self.sides != "audio" else None,
            heard if self.sides != "video" else None,
            self.corpus.at[self.clips],
            self.method.neighbours,
            lam,
            self.method.neighbour_gap_s,
            agreed=self.method.pairs == "consensus",
        )

    def _partners(self, graphs: pairs.Graphs) -> pairs.Graph:
        """Return the pairs that should meet in a batch."""
        if self.sides == "video":
            return graphs.pictures
        if self.sides == "audio" or self.method.within == "mutual":
            return graphs.sounds
        return graphs.across

    def _embed_all(self, clips: Rows) -> tuple[Floats, Floats]:
        """Embed these of the clips that are trained on, as they will be: (m, 512) each.

        What is not trained stays empty, (0, 512).
        """
        self.video.eval()
        self.audio.eval()
        pictures, sounds = [], []
        with torch.inference_mode():
            for batch in np.array_split(clips, max(1, len(clips) // self.method.batch)):
                z_v, z_a = self._embed(batch, learning=False)
                crops = z_v.view(-1, len(batch), EMBEDDING)
                pictures.append(crops.mean(dim=0).numpy() if len(crops) else z_v.numpy())
                sounds.append(z_a.numpy())
        shared = np.concatenate(pictures), np.concatenate(sounds)
        if not all(np.isfinite(z).all() for z in shared):
            raise TrainingError(BROKE_DOWN)
        return shared

    def _spread(self) -> float:
        number = min(len(self.clips), MEASURED_CLIPS)
        some = np.linspace(0, len(self.clips) - 1, number).astype(np.int64)
        return min(effective_rank(z) for z in self._embed_all(some) if len(z))

    def checkpoint(self) -> dict[str, NDArray[np.generic]]:
        """Return everything needed to go on, as named arrays: between epochs no state is random."""
        settings = {
            "method": self.method.to_json(),
            "seed": self.seed,
            "pretrained": self.pretrained,
            "epochs_done": self.epochs_done,
            "margin": self._objective.margin,
            "corpus": fingerprint(self.corpus),
        }
        return {
            "settings": np.frombuffer(json.dumps(settings).encode(), np.uint8).copy(),
            **state.of_module(self.video, "video"),
            **state.of_module(self.audio, "audio"),
            **state.of_optimizer(self._optimizer, "optimizer"),
        }

    @classmethod
    def resume(cls, corpus: Corpus, arrays: Arrays) -> "Training":
        """Go on from a checkpoint to the identical result.

        Raises TrainingError where it is no checkpoint of a training on this corpus.
        """
        try:
            settings = json.loads(arrays["settings"].tobytes())
            method = Method.from_json(settings["method"])
            same = settings["corpus"] == fingerprint(corpus)
            training = cls(
                corpus, method, int(settings["seed"]), pretrained=bool(settings["pretrained"])
            )
            training.epochs_done = int(settings["epochs_done"])
            training._objective.margin = settings["margin"]
            state.into_module(training.video, "video", arrays)
            state.into_module(training.audio, "audio", arrays)
            state.into_optimizer(training._optimizer, "optimizer", arrays)
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise TrainingError(
                f"This is no checkpoint of a training ({error}); begin the training again."
            ) from error
        if not same:
            raise TrainingError(
                "The footage is not what this training began on; begin the training again."
            )
        return training

    def encoder(self) -> TrainedEncoder:
        """Return the encoder as trained so far, scaled on the footage it was trained on.

        Raises TrainingError where a weight is no longer a number.
        """
        some = np.linspace(0, len(self.clips) - 1, min(len(self.clips), MEASURED_CLIPS))
        with _reproducible(self.seed, 0):
            shared = self._embed_all(some.astype(np.int64))
        networks = (
            self.video if self.sides != "audio" else None,
            self.audio if self.sides != "video" else None,
        )
        return assemble(self.corpus, self.method, self._inputs, self._described, networks, shared)


def _generated(graphs: pairs.Graphs | None, batch: Rows) -> Generated:
    if graphs is None:
        return Generated()
    three = (graphs.across, graphs.pictures, graphs.sounds)
    return Generated(*(pairs.within_batch(graph, batch) for graph in three))


def _optimizer(method: Method, video: VideoSide, audio: AudioSide) -> torch.optim.Optimizer:
    """Let the branches learn faster than the networks, which have millions of weights to fit."""
    sides = (
        (video.head, video.branch, method.lr_video, method.weight_decay_video),
        (audio.encoder, audio.branch, method.lr_audio, method.weight_decay_audio),
    )
    groups: list[dict[str, Any]] = []
    for network, branch, rate, decay in sides:
        faster = rate * method.branch_rate
        groups.append(
            {"params": list(network.parameters()), "full_lr": rate, "weight_decay": decay}
        )
        if branch is not None:
            own = list(branch.parameters())
            groups.append({"params": own, "full_lr": faster, "weight_decay": decay})
    return torch.optim.AdamW(groups)


def _collapse(positive_rate: float, spread: float) -> str:
    if spread < COLLAPSED_RANK:
        return "The embedding has collapsed: all moments look alike to it."
    if positive_rate > COLLAPSED_RATE:
        return "Nearly all pairs count as the same event, so there is little left to tell apart."
    return ""


def _mean(values: Iterable[float]) -> float:
    """Mean of what could be measured."""
    measured = [value for value in values if not math.isnan(value)]
    return float(np.mean(measured)) if measured else float("nan")


@contextmanager
def _reproducible(seed: int, part: int) -> Iterator[None]:
    """Draw from a seed of this part's own inside, on as many threads as anywhere else.

    Leaves torch's generator and threads as they were.
    """
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(np.random.SeedSequence([seed, part]).generate_state(1)[0]))
        torch.set_num_threads(THREADS)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
