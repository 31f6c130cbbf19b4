import numpy as np
import pytest
import torch

from ml.baselines.descent import info_nce
from ml.baselines.masked import Decoder, MaskedNetwork, masked_error, random_places
from ml.baselines.mavil import Mavil
from tests.ml.baselines.planted import planted


def test_info_nce_is_that_of_a_plain_loop() -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(5, 3, generator=generator) for _ in range(2))
    a, b = ((z / z.norm(dim=1, keepdim=True)).numpy().astype(float) for z in (x, y))
    expected = 0.0
    for i in range(5):
        there = [np.exp(a[i] @ b[j] / 0.1) for j in range(5)]
        back = [np.exp(a[j] @ b[i] / 0.1) for j in range(5)]
        expected -= (np.log(there[i] / sum(there)) + np.log(back[i] / sum(back))) / 10
    assert float(info_nce(x, y, 0.1)) == pytest.approx(expected, rel=1e-5)


def test_a_fifth_of_the_tokens_is_seen_and_the_rest_is_judged() -> None:
    torch.manual_seed(0)
    kept = random_places(torch.zeros(7, 30, 4), 0.8)
    assert kept.shape == (7, 6)
    assert all(len(set(row.tolist())) == 6 for row in kept)
    # Two kinds of ten seconds: place 2 * second + kind.
    decoded = [torch.zeros(1, 10, 3), torch.zeros(1, 10, 5)]
    targets = [torch.ones(1, 10, 3), 2 * torch.ones(1, 10, 5)]
    targets[0][0, 4] = 100.0
    everything_but_one = torch.tensor([[p for p in range(20) if p != 9]])
    assert float(masked_error(decoded, targets, everything_but_one)) == 4.0
    none_of_the_outlier = torch.tensor([[8]])
    assert float(masked_error(decoded, targets, none_of_the_outlier)) == pytest.approx(49 / 19)


def test_decoded_tokens_stand_where_they_were_taken_from() -> None:
    torch.manual_seed(0)
    decoder = Decoder([2, 3], 8, 1)
    decoder.layers = torch.nn.Sequential()
    with torch.no_grad():
        decoder.places.zero_()
        decoder.masked.zero_()
        fused = torch.randn(2, 3, 8)
        kept = torch.tensor([[5, 0, 19], [2, 3, 4]])
        decoded = decoder(fused, kept)
        expected = decoder.outputs[1](fused[0, 0])  # place 5: second 2, kind 1
    torch.testing.assert_close(decoded[1][0, 2], expected)
    assert decoded[0].shape == (2, 10, 2)


def test_the_masked_cannot_be_seen() -> None:
    torch.manual_seed(0)
    net = MaskedNetwork([[4]], [[4]], 8, 1).eval()
    clip = torch.randn(1, 10, 4)
    torch.manual_seed(1)
    seen = net([[clip]], 0.8)
    other = torch.randn(1, 10, 4)
    other[0, seen.kept[0][0]] = clip[0, seen.kept[0][0]]
    torch.manual_seed(1)
    again = net([[other]], 0.8)
    torch.testing.assert_close(seen.decoded[0][0], again.decoded[0][0])


def test_it_learns_which_sound_belongs_to_which_picture() -> None:
    system = Mavil(epochs=20, width=32, depth=1)
    system.fit(planted(600).corpus, 0)
    other = planted(120, seed=1)
    z = system.embed(other.corpus)
    assert z.common is not None
    assert other.crossing(*z.common) > 0.5
    assert other.search(z.z_v) > 0.8
    assert other.search(z.z_a) > 0.8
    assert [len(stage) for stage in system.losses] == [20, 20]
    assert all(stage[-1] < stage[0] for stage in system.losses)


def test_the_seed_alone_decides() -> None:
    corpus = planted(120).corpus

    def trained(seed: int) -> np.ndarray:
        system = Mavil(epochs=1, width=16, depth=1)
        system.fit(corpus, seed)
        return system.embed(corpus).z_a

    np.testing.assert_array_equal(trained(1), trained(1))
    assert (trained(1) != trained(2)).any()


def test_absent_modalities_are_never_read() -> None:
    footage = planted(120)
    masks = {"has_video": np.arange(120) >= 30, "has_audio": np.arange(120) < 90}
    corpus = footage.without(**masks)
    system = Mavil(epochs=1, width=16, depth=1)
    system.fit(corpus, 0)
    z = system.embed(corpus)
    assert not z.z_v[:30].any()
    assert not z.z_a[90:].any()
    assert np.isfinite(z.joint).all()
