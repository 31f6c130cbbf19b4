"""The course of pretraining: steps, checkpoints and curves; it goes on where it was stopped."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.numpy import save_file
from torch import Tensor

from ml import state
from ml.preprocess import CLIP_FRAMES
from ml.pretrain.batches import BATCH, Batch, Size, batches
from ml.pretrain.network import Pupil, lesson

CHECKPOINT, CURVE, RECIPE = "checkpoint.safetensors", "curve.jsonl", "recipe.json"


@dataclass(frozen=True)
class Recipe:
    """All that determines the weights, but for the machine's rounding.

    The rate rises over `warm_up` steps, stays, and falls to nothing over the last `cool_down`,
    which are run at `last_size`: a course can be made longer at any time before they begin.
    """

    steps: int = 2000
    seed: int = 1
    size: int = 64
    frames: int = 3
    last_size: int = 128
    rate: float = 2e-3
    decay: float = 0.02
    warm_up: int = 60
    cool_down: int = 300
    temperature: float = 0.1
    answering: float = 30.0

    def size_at(self, step: int) -> Size:
        """The window of a step's clips, and how many frames they have."""
        if step < self.steps - self.cool_down:
            return self.size, self.frames
        return self.last_size, CLIP_FRAMES

    def rate_at(self, step: int) -> float:
        """The learning rate of a step."""
        falling = (self.steps - step) / max(self.cool_down, 1)
        return self.rate * min(1.0, (step + 1) / max(self.warm_up, 1), falling)


@dataclass(frozen=True)
class Report:
    """What one step did."""

    step: int
    clips: int  # seen so far
    size: int
    rate: float
    answering: float
    apart: float
    seconds: float  # it took, drawing included
    learning: float  # of which the network learnt


class Course:
    """A pupil, its optimiser and how far they are."""

    def __init__(self, recipe: Recipe, *, device: str = "cpu") -> None:
        self.recipe, self.device, self.step = recipe, device, 0
        # Depthwise convolutions learn twice as fast in this order.
        self.pupil = Pupil(recipe.seed).to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self.pupil.to(device).train()
        self.optimizer = torch.optim.AdamW(
            self.pupil.parameters(), lr=recipe.rate, weight_decay=recipe.decay
        )

    def run(
        self,
        folder: Path,
        *,
        processes: int,
        every: int,
        say: Callable[[Report], None],
        until_s: float = float("inf"),
    ) -> bool:
        """Run to the end; a checkpoint is left in `folder` every so many steps, and curves.

        Returns whether the end was reached, which it is not where `until_s` seconds were over.
        Raises FloatingPointError where a loss is no number.
        """
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(self.recipe), indent=1)
        (folder / RECIPE).write_text(text + "\n", encoding="utf-8")
        began = last = time.monotonic()
        sizes = [self.recipe.size_at(step) for step in range(self.step, self.recipe.steps)]
        drawn = batches(self.recipe.seed, sizes, first=self.step, processes=processes)
        with (folder / CURVE).open("a", encoding="utf-8") as curve:
            for size, batch in zip(sizes, drawn, strict=True):
                report = self._learn(batch, size, last)
                last = time.monotonic()
                curve.write(json.dumps(asdict(report)) + "\n")
                say(report)
                over = last - began > until_s
                if over or self.step % every == 0 or self.step == self.recipe.steps:
                    curve.flush()
                    self.save(folder / CHECKPOINT)
                if over:
                    break
        return self.step == self.recipe.steps

    def _learn(self, batch: Batch, size: Size, since: float) -> Report:
        recipe, began = self.recipe, time.monotonic()
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.rate_at(self.step)
        answering, apart = self._losses(batch)
        loss = recipe.answering * answering + apart
        if not torch.isfinite(loss):
            raise FloatingPointError(f"At step {self.step} the loss is no number.")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.pupil.parameters(), 5.0)
        self.optimizer.step()
        self.step += 1
        now = time.monotonic()
        return Report(
            self.step,
            self.step * BATCH,
            size[0],
            round(recipe.rate_at(self.step - 1), 7),
            round(float(answering.detach()), 5),
            round(float(apart.detach()), 5),
            round(now - since, 3),
            round(now - began, 3),
        )

    def _losses(self, batch: Batch) -> tuple[Tensor, Tensor]:
        device = torch.device(self.device)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            _, told, z = self.pupil(batch.frames.to(device))
        answers, design = batch.answers.to(device), batch.design.to(device)
        return lesson(told.float(), z.float(), answers, design, self.recipe.temperature)

    def save(self, path: Path) -> None:
        """Leave a checkpoint, whole or not at all."""
        arrays = state.of_module(self.pupil, "pupil")
        arrays |= state.of_optimizer(self.optimizer, "optimizer")
        temporary = path.with_name(f".{path.name}")
        save_file(arrays, temporary, {"step": str(self.step)})
        temporary.replace(path)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint."""
        with safe_open(str(path), framework="numpy") as file:
            self.step = int(file.metadata()["step"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        state.into_module(self.pupil, "pupil", arrays)
        state.into_optimizer(self.optimizer, "optimizer", arrays)
