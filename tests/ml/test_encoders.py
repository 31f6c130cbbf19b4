import torch

from ml.encoders import (
    AUDIO_PARAMETERS,
    VIDEO_PARAMETERS,
    VideoHead,
    VideoTrunk,
    audio_encoder,
    split,
    video_encoder,
)


def parameters(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_sizes_are_the_papers() -> None:
    assert parameters(video_encoder()) == VIDEO_PARAMETERS == 4_023_762
    assert parameters(audio_encoder()) == AUDIO_PARAMETERS == 4_163_456


def test_embeddings_have_512_values_and_are_not_normalised() -> None:
    with torch.inference_mode():
        z_a = audio_encoder()(torch.randn(3, 128, 64))
        z_v = video_encoder()(torch.randn(2, 3, 5, 224, 224))
    assert z_a.shape == (3, 512)
    assert z_v.shape == (2, 512)
    assert not torch.allclose(z_a.norm(dim=1), torch.ones(3), atol=1e-2)


def test_trunk_and_head_together_are_the_encoder() -> None:
    encoder = video_encoder(3)
    trunk, head = split(encoder)
    assert isinstance(trunk, VideoTrunk)
    assert isinstance(head, VideoHead)
    clips = torch.randn(2, 3, 5, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        features = trunk(clips)
        torch.testing.assert_close(head(features), encoder(clips), rtol=1e-5, atol=1e-6)
    assert features.shape == (2, 432)
    assert parameters(trunk) + parameters(head) == VIDEO_PARAMETERS


def test_the_seed_alone_decides_the_weights() -> None:
    before = torch.random.get_rng_state()
    for build in (video_encoder, audio_encoder):
        first, again, other = build(1).state_dict(), build(1).state_dict(), build(2).state_dict()
        assert all(torch.equal(first[name], again[name]) for name in first)
        assert any(not torch.equal(first[name], other[name]) for name in first)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_long_spectrogram_is_embedded_too() -> None:
    assert audio_encoder()(torch.randn(1, 128, 200)).shape == (1, 512)
