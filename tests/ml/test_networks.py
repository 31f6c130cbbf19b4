import torch

from ml.encoders import VIDEO_PARAMETERS, AudioEncoder, split, video_encoder
from ml.networks import VideoSide, audio_layers, open_layers, perturbed


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_without_a_descriptor_the_picture_is_the_papers_alone() -> None:
    trunk, _ = split(video_encoder())
    side = VideoSide(0, 256, 0.5)
    assert side.branch is None
    assert count(trunk) + count(side) == VIDEO_PARAMETERS


def test_the_branch_is_added_to_the_head() -> None:
    side = VideoSide(9, 16, 0.0)
    trunk, descriptor = torch.randn(3, 432), torch.randn(3, 9)
    assert side.branch is not None
    torch.testing.assert_close(side(trunk, descriptor), side.head(trunk) + side.branch(descriptor))


def test_the_layers_of_each_side_are_all_of_it_once() -> None:
    side, audio = VideoSide(9, 16, 0.5), AudioEncoder()
    for module, layers in ((side, side.layers()), (audio, audio_layers(audio))):
        listed = [id(p) for layer in layers for p in layer.parameters()]
        assert len(listed) == len(set(listed))
        assert set(listed) == {id(p) for p in module.parameters()}


def test_closed_layers_neither_learn_nor_measure() -> None:
    audio = AudioEncoder()
    open_layers(audio_layers(audio), 2)
    open_names = {name.split(".")[0] for name, p in audio.named_parameters() if p.requires_grad}
    assert open_names == {"embed", "stages"}
    assert not any(p.requires_grad for p in audio.stages[2].parameters())
    assert all(p.requires_grad for p in audio.stages[3].parameters())
    before = {name: b.clone() for name, b in audio.named_buffers()}
    audio(torch.randn(4, 128, 64))
    moved = {n for n, b in audio.named_buffers() if not torch.equal(b, before[n])}
    assert moved
    assert all(name.startswith("stages.3") for name in moved)


def test_perturbing_keeps_the_mean_and_adds_what_was_asked() -> None:
    torch.manual_seed(0)
    ones = torch.ones(100_000)
    dropped = perturbed(ones, 0.3, 0)
    assert abs(dropped.mean().item() - 1) < 0.02
    assert abs((dropped == 0).float().mean().item() - 0.3) < 0.01
    assert abs(perturbed(ones, 0, 0.5).std().item() - 0.5) < 0.01
    assert torch.equal(perturbed(ones, 0, 0), ones)
