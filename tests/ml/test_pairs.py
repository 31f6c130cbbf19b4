from typing import Any

import numpy as np
import pytest
import torch

from ml import pairs
from ml.distance import eq5

LAM = 0.25


def batch(m: int = 14, d: int = 5, seed: int = 0) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    z_v = torch.randn(m, d, generator=generator)
    z_a = z_v + torch.randn(m, d, generator=generator) * 0.6 + 0.8
    at = torch.arange(m) * 2 + 100
    return z_v, z_a, at


@pytest.mark.parametrize("delta", [0, 1, 4])
def test_temporal_pairs_are_near_in_time(delta: int) -> None:
    at = torch.tensor([3, 4, 8, 9, 12])
    positive = pairs.temporal(at, delta)
    for i in range(5):
        for j in range(5):
            assert positive[i, j] == (abs(int(at[i]) - int(at[j])) <= delta)


@pytest.mark.parametrize("rule", ["or", "and"])
@pytest.mark.parametrize("tau", ["aligned", "centred"])
def test_embedded_pairs_are_equation_1(rule: Any, tau: Any) -> None:
    z_v, z_a, at = batch()
    positive = pairs.embedded(z_v, z_a, at, rule=rule, delta=2, lam=LAM, tau=tau)
    v, a = z_v.double().numpy(), z_a.double().numpy()
    if tau == "centred":
        v, a = v - v.mean(axis=0), a - a.mean(axis=0)
    for i in range(len(v)):
        threshold = eq5(v[i], a[i], LAM)
        for j in range(len(v)):
            seen, heard = eq5(v[i], v[j], LAM) < threshold, eq5(a[i], a[j], LAM) < threshold
            near = (seen or heard) if rule == "or" else (seen and heard)
            wanted = abs(int(at[i]) - int(at[j])) <= 2 or near
            # Two distances that are equal but for rounding may fall on either side.
            if i != j:
                assert bool(positive[i, j]) == bool(wanted)
    assert 0.05 < positive.float().mean() < 0.95


def test_a_share_of_the_pairs_is_positive_whatever_the_gap() -> None:
    z_v, z_a, at = batch(40)
    far = pairs.embedded(
        z_v, z_a + 1000, at, rule="and", delta=0, lam=LAM, tau="share", tau_share=0.3
    )
    near = pairs.embedded(z_v, z_a, at, rule="or", delta=0, lam=1.0, tau="share", tau_share=0.1)
    different = at[:, None] != at
    assert far[different].float().mean() <= 0.3
    assert 0.1 <= near[different].float().mean() <= 0.2


def test_labels_carry_no_gradient() -> None:
    z_v, z_a, at = batch()
    z_v.requires_grad_()
    assert not pairs.embedded(z_v, z_a, at, rule="or", delta=0, lam=LAM).requires_grad


def clips(n: int, d: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    z = random.normal(size=(n, d)).astype(np.float32)
    return z, np.cumsum(random.integers(1, 4, n))


def naive_nearest(z: np.ndarray, at: np.ndarray, k: int, gap: int) -> list[set[int]]:
    found = []
    for i in range(len(z)):
        others = [j for j in range(len(z)) if j != i and abs(int(at[i]) - int(at[j])) > gap]
        found.append(set(sorted(others, key=lambda j: float(eq5(z[i], z[j], LAM)))[:k]))
    return found


@pytest.mark.parametrize("gap", [0, 5, 60])
def test_nearest_is_a_plain_search(gap: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "BLOCK", 7)
    z, at = clips(30, 4, 1)
    graph = pairs.nearest(z, at, 5, LAM, gap)
    for i, wanted in enumerate(naive_nearest(z, at, 5, gap)):
        assert set(graph.indices[graph.indptr[i] : graph.indptr[i + 1]]) == wanted


def test_consensus_and_mutual_are_what_their_names_say() -> None:
    (seen, at), (heard, _) = clips(40, 3, 1), clips(40, 3, 2)
    graphs = [pairs.nearest(z, at, 9, LAM) for z in (seen, heard)]
    v, a = (naive_nearest(z, at, 9, 0) for z in (seen, heard))
    agreed = pairs.within_batch(pairs.consensus(*graphs), np.arange(40))
    mutual = pairs.within_batch(pairs.mutual(*graphs), np.arange(40))
    for i in range(40):
        for j in range(40):
            assert bool(agreed[i, j]) == (j in v[i] and j in a[i])
            both_ways = (j in v[i] and i in v[j]) or (j in a[i] and i in a[j])
            assert bool(mutual[i, j]) == both_ways
    assert agreed.any()
    assert mutual.any()


@pytest.mark.parametrize("agreed", [True, False])
def test_the_graphs_are_across_and_within_each_modality(agreed: bool) -> None:
    (seen, at), (heard, _) = clips(40, 3, 1), clips(40, 3, 2)
    v, a = (naive_nearest(z, at, 9, 5) for z in (seen, heard))
    made = pairs.graphs(seen, heard, at, 9, LAM, 5, agreed=agreed)
    across, pictures, sounds = (
        pairs.within_batch(graph, np.arange(40))
        for graph in (made.across, made.pictures, made.sounds)
    )
    for i in range(40):
        for j in range(40):
            alike_v, alike_a = j in v[i] and i in v[j], j in a[i] and i in a[j]
            assert bool(pictures[i, j]) == alike_v
            assert bool(sounds[i, j]) == alike_a
            wanted = (j in v[i] and j in a[i]) if agreed else (alike_v or alike_a)
            assert bool(across[i, j]) == wanted
    assert across.any()


def test_a_modality_that_is_not_trained_has_no_pairs() -> None:
    z, at = clips(40, 3, 1)
    alone = pairs.graphs(z, None, at, 9, LAM, 0, agreed=True)
    assert alone.pictures.nnz
    assert (alone.sounds.nnz, alone.across.nnz) == (0, 0)
    assert alone.sounds.shape == (40, 40)
    assert not pairs.within_batch(alone.sounds, np.array([3, 4])).any()


def test_a_batch_sees_its_own_part_of_the_graph() -> None:
    z, at = clips(30, 3, 4)
    graph = pairs.nearest(z, at, 6, LAM)
    some = np.array([4, 20, 4, 9])
    assert torch.equal(
        pairs.within_batch(graph, some), torch.from_numpy(graph.toarray()[some][:, some])
    )


def test_more_neighbours_than_clips_are_all_of_them() -> None:
    z, at = clips(4, 3, 0)
    assert pairs.nearest(z, at, 50, LAM).sum(axis=1).tolist() == [3, 3, 3, 3]
