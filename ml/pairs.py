"""Which pairs of clips are positive (Wang et al. 2025, Eq. 1-3), and our safer rules.

Rules within a batch give y, bool (m, m): y_ij says that v_i and a_j belong together. Rules of
neighbourhood look at the whole training corpus and give a sparse graph of it.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from ml.losses import pairwise

BLOCK = 1024

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Graph = Any  # scipy.sparse.csr_array of bool (n, n); scipy brings no types
Tau = Literal["aligned", "centred", "share"]


@dataclass(frozen=True)
class Graphs:
    """Generated pairs of the whole corpus: across the modalities, and within each of them."""

    across: Graph
    pictures: Graph
    sounds: Graph


def temporal(at: Tensor, delta: int) -> Tensor:
    """TPG: |i - j| <= delta, in seconds `at` (m,)."""
    return (at[:, None] - at).abs() <= delta


def embedded(
    z_v: Tensor,
    z_a: Tensor,
    at: Tensor,
    *,
    rule: Literal["or", "and"],
    delta: int,
    lam: float,
    tau: Tau = "aligned",
    tau_share: float = 0.02,
) -> Tensor:
    """EPG from the batch's own embeddings (m, d), row i of both being clip i's.

    "or" is Eq. 1: |i - j| <= delta, or D(z_vi, z_vj) < tau_i, or D(z_ai, z_aj) < tau_i; "and"
    wants the pictures and the sounds near. tau "aligned" is D(z_vi, z_ai), anchor i's own pair:
    our reading. That distance holds the gap between the modalities, which the other two do not:
    "centred" takes each modality's mean over the batch off first, and "share" is, in each
    modality, the distance under which that share of the pairs of different clips lie.
    """
    z_v, z_a = z_v.detach(), z_a.detach()
    if tau == "centred":
        z_v, z_a = z_v - z_v.mean(dim=0), z_a - z_a.mean(dim=0)
    pictures, sounds = pairwise(z_v, z_v, lam), pairwise(z_a, z_a, lam)
    if tau == "share":
        different = at[:, None] != at
        seen = pictures < _quantile(pictures[different], tau_share)
        heard = sounds < _quantile(sounds[different], tau_share)
    else:
        own = pairwise(z_v, z_a, lam).diagonal()[:, None]
        seen, heard = pictures < own, sounds < own
    near = seen | heard if rule == "or" else seen & heard
    return temporal(at, delta) | near


def nearest(z: Floats, at: Integers, k: int, lam: float, gap_s: int = 0) -> Graph:
    """The k nearest of each clip by Eq. 5, from embeddings (n, d): a graph (n, n), row i's are i's.

    No clip is its own neighbour, nor are clips up to `gap_s` seconds away at `at` (n,).
    """
    rows, seconds = torch.from_numpy(z), torch.from_numpy(at)
    k = min(k, len(z))
    starts, ends = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for start in range(0, len(z), BLOCK):
        block = slice(start, start + BLOCK)
        distance = pairwise(rows[block], rows, lam)
        near = (seconds[block, None] - seconds).abs() <= gap_s
        near[torch.arange(len(near)), torch.arange(start, start + len(near))] = True
        values, columns = distance.masked_fill_(near, float("inf")).topk(k, largest=False)
        found = values.isfinite().numpy()
        starts.append(np.nonzero(found)[0] + start)
        ends.append(columns.numpy()[found])
    i, j = np.concatenate(starts), np.concatenate(ends)
    return sparse.csr_array((np.ones(len(i), bool), (i, j)), shape=(len(z), len(z)))


def consensus(pictures: Graph, sounds: Graph) -> Graph:
    """Pairs in which j is among the nearest of i in both modalities, from `nearest` of each."""
    return sparse.csr_array(pictures.multiply(sounds))


def mutual(pictures: Graph, sounds: Graph) -> Graph:
    """Pairs that are among each other's nearest in at least one modality."""
    return sparse.csr_array(both_ways(pictures) + both_ways(sounds))


def both_ways(near: Graph) -> Graph:
    """Pairs that are among each other's nearest, from `nearest` of one modality."""
    return sparse.csr_array(near.multiply(near.T))


def graphs(
    seen: Floats | None,
    heard: Floats | None,
    at: Integers,
    k: int,
    lam: float,
    gap_s: int,
    *,
    agreed: bool,
) -> Graphs:
    """Generated pairs of n clips at `at` (n,) from embeddings (n, d) of pictures and of sounds.

    Across the modalities `consensus` (`agreed`) or `mutual`, within each `both_ways`; the rest is
    `nearest`'s. A modality that is not trained is None and has no pairs.
    """
    none = sparse.csr_array((len(at), len(at)), dtype=bool)
    pictures, sounds = (none if z is None else nearest(z, at, k, lam, gap_s) for z in (seen, heard))
    across = consensus(pictures, sounds) if agreed else mutual(pictures, sounds)
    return Graphs(across, both_ways(pictures), both_ways(sounds))


def within_batch(graph: Graph, clips: Integers) -> Tensor:
    """Pairs of a graph among these clips (m,) -> bool (m, m); a clip may be there twice."""
    return torch.from_numpy(graph[clips][:, clips].toarray().astype(bool))


def _quantile(values: Tensor, share: float) -> Tensor:
    if not len(values):
        return torch.tensor(0.0)
    return values.sort().values[min(int(share * len(values)), len(values) - 1)]
