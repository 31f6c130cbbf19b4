"""How the baselines' small networks are trained: AdamW along half a cosine, from one seed."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ml.encoders import seeded

__all__ = ["descend", "info_nce", "seeded"]


def descend(
    net: nn.Module,
    loss: Callable[[Tensor], Tensor],
    samples: int,
    *,
    epochs: int,
    batch: int,
    rate: float = 1e-3,
    weight_decay: float = 1e-4,
) -> list[float]:
    """Minimise `loss(index)` over batches of an index into the samples; mean loss of each epoch.

    Draws from torch's generator: call it under `seeded`. The last batch of an epoch is dropped
    where it is smaller, since the losses compare the samples of a batch with each other. Leaves the
    network in eval mode. Raises ValueError for fewer than two samples or a loss that is no number.
    """
    if samples < 2:
        raise ValueError("There is too little footage with picture and sound to train on.")
    batch = min(batch, samples)
    steps = samples // batch
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(1, epochs * steps))
    history = []
    net.train()
    for _epoch in range(epochs):
        total = 0.0
        for index in torch.randperm(samples)[: steps * batch].view(steps, batch):
            value = loss(index)
            optimiser.zero_grad()
            value.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            total += float(value.detach())
        history.append(total / steps)
        if total != total:
            raise ValueError("The training diverged: its loss is no longer a number.")
    net.eval()
    return history


def info_nce(x: Tensor, y: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of finding each row's partner among all, both ways: (b, d), (b, d) -> ().

    By cosine (van den Oord et al., 2018); row i of one belongs to row i of the other.
    """
    logits = nn.functional.normalize(x) @ nn.functional.normalize(y).T / temperature
    own = torch.arange(len(x))
    there = nn.functional.cross_entropy(logits, own)
    back = nn.functional.cross_entropy(logits.T, own)
    return (there + back) / 2
