import pytest
import torch

from ml.encoders import AUDIO_PARAMETERS, VIDEO_PARAMETERS, split, video_encoder
from ml.networks import AudioSide, VideoSide, open_layers, perturbed


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_without_a_descriptor_the_picture_is_the_papers_alone() -> None:
    trunk, _ = split(video_encoder())
    side = VideoSide(0, 256, 0.5)
    assert side.branch is None
    assert count(trunk) + count(side) == VIDEO_PARAMETERS


def test_without_a_descriptor_the_sound_is_the_papers_alone() -> None:
    side = AudioSide(0, 256)
    assert side.branch is None
    assert count(side) == AUDIO_PARAMETERS
    mel = torch.randn(3, 128, 64)
    side.eval()
    torch.testing.assert_close(side(mel, torch.randn(3, 9)), side.encoder(mel))


def test_the_branch_is_added_to_the_network() -> None:
    video, audio = VideoSide(9, 16, 0.0).eval(), AudioSide(7, 16).eval()
    trunk, seen = torch.randn(3, 432), torch.randn(3, 9)
    mel, heard = torch.randn(3, 128, 64), torch.randn(3, 7)
    assert video.branch is not None
    assert audio.branch is not None
    torch.testing.assert_close(video(trunk, seen), video.head(trunk) + video.branch(seen))
    torch.testing.assert_close(audio(mel, heard), audio.encoder(mel) + audio.branch(heard))


def test_without_a_trunk_there_is_the_branch_alone() -> None:
    video = VideoSide(9, 16, 0.5, trunk=False).eval()
    seen = torch.randn(3, 9)
    assert video.branch is not None
    expected = video.branch(seen) + video.head.embed.bias
    torch.testing.assert_close(video(torch.randn(3, 432), seen), expected)


@pytest.mark.parametrize("descriptor", [0, 9])
def test_the_layers_of_each_side_are_all_of_it_once(descriptor: int) -> None:
    for side in (VideoSide(descriptor, 16, 0.5), AudioSide(descriptor, 16)):
        listed = [id(p) for layer in side.layers() for p in layer.parameters()]
        assert len(listed) == len(set(listed))
        assert set(listed) == {id(p) for p in side.parameters()}


def test_closed_layers_neither_learn_nor_measure() -> None:
    audio = AudioSide(7, 16)
    open_layers(audio.layers(), 2)
    learning = {name for name, p in audio.named_parameters() if p.requires_grad}
    assert {name for name in learning if not name.startswith("encoder.stages.3.")} == {
        *("encoder.embed.weight", "encoder.embed.bias", "branch.3.weight", "branch.3.bias")
    }
    assert all(p.requires_grad for p in audio.encoder.stages[3].parameters())
    before = {name: b.clone() for name, b in audio.named_buffers()}
    audio(torch.randn(4, 128, 64), torch.randn(4, 7))
    moved = {n for n, b in audio.named_buffers() if not torch.equal(b, before[n])}
    assert moved
    assert all(name.startswith("encoder.stages.3") for name in moved)


def test_a_closed_branch_does_not_drop_at_random() -> None:
    audio = AudioSide(7, 16)
    mel, heard = torch.randn(4, 128, 64), torch.randn(4, 7)
    open_layers(audio.layers(), 0)
    assert torch.equal(audio(mel, heard), audio(mel, heard))
    open_layers(audio.layers(), 1)
    assert not torch.equal(audio(mel, heard), audio(mel, heard))


def test_perturbing_keeps_the_mean_and_adds_what_was_asked() -> None:
    torch.manual_seed(0)
    ones = torch.ones(100_000)
    dropped = perturbed(ones, 0.3, 0)
    assert abs(dropped.mean().item() - 1) < 0.02
    assert abs((dropped == 0).float().mean().item() - 0.3) < 0.01
    assert abs(perturbed(ones, 0, 0.5).std().item() - 0.5) < 0.01
    assert torch.equal(perturbed(ones, 0, 0), ones)
