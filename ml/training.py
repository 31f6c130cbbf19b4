"""The training of a camera's two encoders on its own footage (Wang et al. 2025, section 3).

The trunk is not trained: its kept features are the input, and E_v learns through its head.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ml import batches, pairs, state
from ml.corpus import Corpus
from ml.distance import LAMBDA
from ml.encoders import EMBEDDING, VideoHead
from ml.inputs import Inputs, backgrounds, root_mean_square
from ml.method import Method
from ml.networks import (
    AudioSide,
    VideoSide,
    audio_weights,
    open_layers,
    perturbed,
    video_weights,
)
from ml.objective import Generated, Objective, Step, View
from ml.salience import Outlet, Salience
from ml.schedule import Sides, Stage, plan
from ml.spread import effective_rank
from ml.trained import TrainedEncoder

# Five minutes of clips: with less, nothing comes back often enough to be told from chance.
LEAST_CLIPS = 300
# On one thread E_a learns 550-900 clips a second; on two, beside any other load, 30-70, because
# the threads wait for each other after each of many short loops. It also makes results repeatable.
THREADS = 1
# Clips on which the spread of the embedding is measured after each epoch.
MEASURED_CLIPS = 1000
COLLAPSED_RANK = 1.5
COLLAPSED_RATE = 0.9
# A description whose every column deviates less than this says the same of all clips.
UNCHANGING = 1e-6

BROKE_DOWN = (
    "The training broke down: its values are no longer numbers; lower the learning rates and "
    "begin again."
)

Arrays = Mapping[str, NDArray[np.generic]]
Floats = NDArray[np.float32]
Rows = NDArray[np.int64]


class TrainingError(Exception):
    """A training that cannot begin or go on; `sentence` says why."""

    @property
    def sentence(self) -> str:
        """One plain sentence: what is wrong and what to do."""
        return str(self)


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
        _refuse_broken(corpus)
        self.corpus, self.method, self.seed, self.pretrained = corpus, method, seed, pretrained
        self.sides, self.clips, self.notes = _trainable(corpus)
        self.plan = plan(method, self.sides)
        self.epochs_done = 0
        self._inputs = Inputs.fit(corpus, method, pretrained=pretrained)
        self._described = self._inputs.describe(corpus)
        self._beside = self._inputs.beside(corpus)
        self._background = backgrounds(corpus)
        self._descriptor_graphs: pairs.Graphs | None = None
        self._objective = Objective(method, self.sides)
        seen = self._beside[0].shape[1] if method.foreground and not pretrained else 0
        heard = self._beside[1].shape[1] if method.statistics else 0
        with _reproducible(seed, 0):
            self.video = VideoSide(seen, method.foreground_width, method.head_dropout)
            self.audio = AudioSide(heard, method.foreground_width)
        if head is not None:
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
            beside = torch.from_numpy(self._beside[0][rows])
            z_v = self.video(
                perturbed(seen, dropout, noise * deviation),
                perturbed(beside.repeat(crops.shape[1], 1), dropout, noise),
            )
        if self.sides != "video":
            mel = self._inputs.spectrogram(self.corpus.mel[rows], self._background[rows])
            beside = torch.from_numpy(self._beside[1][rows])
            z_a = self.audio(
                perturbed(torch.from_numpy(mel), dropout, noise),
                perturbed(beside, dropout, noise),
            )
        return z_v, z_a

    def _regress(self, batch: Rows) -> Step:
        """Regress E_a onto the starter's sounds, turned into 512 columns with lengths kept.

        E_a then begins where the sound statistics are, instead of at random.
        """
        _, z_a = self._embed(batch, learning=True)
        target = torch.from_numpy(self._described[1][self.clips[batch]] @ self._rotation())
        loss = nn.functional.mse_loss(z_a, target) / target.square().mean().clamp_min(1e-9)
        return Step(loss, float("nan"), float("nan"))

    def _rotation(self) -> Floats:
        """Return a fixed matrix (Da, 512) with orthonormal rows, drawn from the seed."""
        width = self._described[1].shape[1]
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
        rates = (self.method.lr_video, self.method.lr_audio)
        for group, rate in zip(self._optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * factor

    def _sampling(self) -> batches.Sampling:
        """With one modality a positive is another clip, so it has to be in the batch."""
        if self.sides == "both":
            return self.method.sampling
        if self.method.sampling == "partners":
            return "partners"
        return "pairs" if self.method.within == "pairs" else "seconds"

    def _graphs(self) -> pairs.Graphs | None:
        """Return the generated pairs of the whole corpus; None where the batch has them."""
        method = self.method
        if method.pairs not in ("consensus", "mutual"):
            return None
        if method.neighbours_of == "encoder":
            return self._neighbours(*self._embed_all(np.arange(len(self.clips))), method.lam)
        if self._descriptor_graphs is None:
            seen, heard = (z[self.clips] for z in self._described)
            self._descriptor_graphs = self._neighbours(seen, heard, LAMBDA)
        return self._descriptor_graphs

    def _neighbours(self, seen: Floats, heard: Floats, lam: float) -> pairs.Graphs:
        at, k, gap = self.corpus.at[self.clips], self.method.neighbours, self.method.neighbour_gap_s
        pictures, sounds = (pairs.nearest(z, at, k, lam, gap) for z in (seen, heard))
        rule = pairs.consensus if self.method.pairs == "consensus" else pairs.mutual
        across = rule(pictures, sounds)
        return pairs.Graphs(across, pairs.both_ways(pictures), pairs.both_ways(sounds))

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
            "corpus": _fingerprint(self.corpus),
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
            same = settings["corpus"] == _fingerprint(corpus)
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
        return TrainedEncoder(
            self._inputs,
            video_weights(self.video) if self.sides != "audio" else None,
            audio_weights(self.audio) if self.sides != "video" else None,
            self.method.crops == "mean",
            self.method.lengths == "unit",
            self._scales(shared),
            self._outlets(shared) if self.method.lengths == "salient" else None,
        )

    def _outlets(self, shared: tuple[Floats, Floats]) -> tuple[Outlet | None, Outlet | None]:
        """Measure what stands out, and the middle of what was embedded, in either modality."""
        method, corpus = self.method, self.corpus
        heard = self._inputs.starter.plain_sound(corpus.sound, corpus.has_audio)
        numbers = (
            (method.length_pictures, method.private_video, method.anchor_pictures),
            (method.length_sounds, method.private_audio, method.anchor_sounds),
        )
        louds = (method.loud_pictures, method.loud_sounds)
        outlets: list[Outlet | None] = []
        for z, rows, present, three, loud in zip(
            shared,
            (self._described[0], heard),
            (corpus.has_video, corpus.has_audio),
            numbers,
            louds,
            strict=True,
        ):
            if not present.any():
                outlets.append(None)
                continue
            centre = z.mean(axis=0) if len(z) else np.zeros(EMBEDDING, np.float32)
            # What is not trained has nothing but the starter's embedding.
            five = np.array([*three, method.quiet, loud], np.float32)
            five[1] = max(five[1], float(not len(z)))
            outlets.append(Outlet(Salience.fit(rows[present], corpus.at[present]), centre, five))
        return outlets[0], outlets[1]

    def _scales(self, shared: tuple[Floats, Floats]) -> Floats:
        """Scale of shared pictures and sounds, which is one, and of private pictures and sounds.

        The private part of a modality whose shared part is not trained is all that it has.
        """
        method = self.method
        typical = 1.0 if method.lengths == "unit" else _typical_length(np.concatenate(shared))
        scale = 1.0 if method.length is None else method.length / max(typical, 1e-6)
        present = (self.corpus.has_video, self.corpus.has_audio)
        weights = (
            method.private_video if self.sides != "audio" else 1.0,
            method.private_audio if self.sides != "video" else 1.0,
        )
        private = [
            weight * scale * typical / max(_typical_length(rows[mask]), 1e-6)
            for weight, rows, mask in zip(weights, self._described, present, strict=True)
        ]
        return np.array([scale, scale, *private], np.float32)


def _generated(graphs: pairs.Graphs | None, batch: Rows) -> Generated:
    if graphs is None:
        return Generated()
    three = (graphs.across, graphs.pictures, graphs.sounds)
    return Generated(*(pairs.within_batch(graph, batch) for graph in three))


def _optimizer(method: Method, video: nn.Module, audio: nn.Module) -> torch.optim.Optimizer:
    sides = (
        (video, method.lr_video, method.weight_decay_video),
        (audio, method.lr_audio, method.weight_decay_audio),
    )
    return torch.optim.AdamW(
        [{"params": list(m.parameters()), "lr": lr, "weight_decay": wd} for m, lr, wd in sides]
    )


def _refuse_broken(corpus: Corpus) -> None:
    columns = {
        "pictures": (corpus.has_video, (corpus.foreground, corpus.trunk)),
        "sounds": (corpus.has_audio, (corpus.sound, corpus.mel)),
    }
    for what, (present, arrays) in columns.items():
        fine = np.ones(len(corpus), bool)
        for array in arrays:
            fine &= np.isfinite(array.reshape(len(array), -1).sum(axis=1, dtype=np.float32))
        if broken := int((present & ~fine).sum()):
            raise TrainingError(
                f"What was kept of the {what} of {broken} of {len(corpus)} seconds is damaged; "
                "have the recordings of this camera read anew."
            )


def _trainable(corpus: Corpus) -> tuple[Sides, Rows, tuple[str, ...]]:
    """Return what can be trained, on which clips, and in sentences what cannot."""
    seen, heard = corpus.has_video, corpus.has_audio
    both = seen & heard
    if both.sum() >= LEAST_CLIPS:
        notes = [*_unchanging(corpus, both)]
        if left := int((seen ^ heard).sum()):
            notes.append(f"{left} seconds lack picture or sound and are not trained on.")
        return "both", np.flatnonzero(both), tuple(notes)
    if max(seen.sum(), heard.sum()) < LEAST_CLIPS:
        there = int(max(seen.sum(), heard.sum()))
        raise TrainingError(
            f"There are {there} seconds to train on, and at least {LEAST_CLIPS} are needed: "
            f"{LEAST_CLIPS - there} more."
        )
    if seen.sum() >= heard.sum():
        sides, present, missing = "video", seen, "sound"
    else:
        sides, present, missing = "audio", heard, "pictures"
    note = (
        f"Only {int(both.sum())} seconds have picture and sound, and at least {LEAST_CLIPS} are "
        f"needed: the {missing} cannot be trained, nor search from one to the other."
    )
    return cast(Sides, sides), np.flatnonzero(present), (note, *_unchanging(corpus, present))


def _unchanging(corpus: Corpus, rows: NDArray[np.bool_]) -> Iterator[str]:
    for what, array, mask in (
        ("picture", corpus.foreground, corpus.has_video),
        ("sound", corpus.sound, corpus.has_audio),
    ):
        if (rows & mask).any() and array[rows & mask].std(axis=0).max() < UNCHANGING:
            yield f"The {what} never changes, so there is nothing to learn from it."


def _collapse(positive_rate: float, spread: float) -> str:
    if spread < COLLAPSED_RANK:
        return "The embedding has collapsed: all moments look alike to it."
    if positive_rate > COLLAPSED_RATE:
        return "Nearly all pairs count as the same event, so there is little left to tell apart."
    return ""


def _typical_length(rows: Floats) -> float:
    """Root mean square of the lengths of rows (m, d); 0 without any."""
    return root_mean_square(rows) * math.sqrt(rows.shape[1]) if rows.size else 0.0


def _mean(values: Iterable[float]) -> float:
    """Mean of what could be measured."""
    measured = [value for value in values if not math.isnan(value)]
    return float(np.mean(measured)) if measured else float("nan")


def _fingerprint(corpus: Corpus) -> str:
    """SHA-256 of what a training reads of every clip but the two largest parts."""
    digest = hashlib.sha256()
    columns: tuple[NDArray[np.generic], ...] = (
        *(corpus.at, corpus.chunk, corpus.has_video, corpus.has_audio),
        *(corpus.foreground, corpus.sound),
    )
    for column in columns:
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


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
