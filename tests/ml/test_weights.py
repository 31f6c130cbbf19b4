import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ml import thirdparty
from ml.encoders import split, video_encoder
from ml.runtime import load_trunk
from ml.weights import (
    KINETICS,
    TrunkWeights,
    WeightsError,
    file_sha256,
    import_kinetics,
    load_trunk_weights,
    pretrained_encoder,
    save_trunk_weights,
)


def kinetics_state(seed: int = 7) -> dict[str, torch.Tensor]:
    """The weights of a network of the published one's shape: 16 frames, 400 classes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = thirdparty.x3d().create_x3d(
            input_clip_length=16, input_crop_size=224, model_num_class=400
        )
    return dict(net.state_dict())


def saved(tmp_path: Path, checkpoint: Any) -> Path:
    path = tmp_path / "X3D_M.pyth"
    torch.save(checkpoint, path)
    return path


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    return kinetics_state()


def test_a_published_checkpoint_becomes_the_trunk(
    tmp_path: Path, state: dict[str, torch.Tensor]
) -> None:
    path = saved(tmp_path, {"model_state": state, "epoch": 3})
    weights = TrunkWeights(import_kinetics(path), KINETICS, file_sha256(path))
    kept = tmp_path / "trunk.safetensors"
    save_trunk_weights(kept, weights)
    again = load_trunk_weights(kept)
    assert again.name == weights.name == f"x3d-m kinetics-400 {file_sha256(path)[:8]}"

    encoder = pretrained_encoder(again)
    for name, tensor in encoder.state_dict().items():
        if not name.startswith("blocks.5.proj."):
            torch.testing.assert_close(tensor, state[name], rtol=0, atol=0)
    trunk, _head = split(encoder)
    clips = torch.ones(1, 3, 5, 224, 224)
    with torch.inference_mode():
        assert not torch.allclose(trunk(clips), split(video_encoder())[0](clips))


def test_the_runtime_says_which_weights_it_uses(
    tmp_path: Path, state: dict[str, torch.Tensor]
) -> None:
    path = saved(tmp_path, {"model_state": state})
    kept = tmp_path / "trunk.safetensors"
    save_trunk_weights(kept, TrunkWeights(import_kinetics(path), KINETICS, "ab" * 32))
    for _start in range(2):
        trunk = load_trunk(kept, device="cpu", cache_dir=tmp_path / "graphs")
        assert trunk.name == "x3d-m kinetics-400 abababab"
        assert trunk.pretrained


def test_what_is_not_a_checkpoint_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "X3D_M.pyth"
    text.write_text("<html>not found</html>")
    with pytest.raises(WeightsError, match="not a readable PyTorch checkpoint"):
        import_kinetics(text)
    with pytest.raises(WeightsError, match="no file"):
        import_kinetics(tmp_path / "absent.pyth")


def test_a_truncated_checkpoint_is_refused(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    path = saved(tmp_path, {"model_state": state})
    path.write_bytes(path.read_bytes()[:-100_000])
    with pytest.raises(WeightsError, match="truncated"):
        import_kinetics(path)


class Exploit:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("exploited"),))


def test_pickled_code_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError):
        import_kinetics(saved(tmp_path, {"model_state": Exploit()}))
    plain = tmp_path / "plain.pyth"  # by a protocol of which torch warns
    plain.write_bytes(pickle.dumps(Exploit()))
    with pytest.raises(WeightsError, match="not a readable PyTorch checkpoint"):
        import_kinetics(plain)
    assert not (tmp_path / "exploited").exists()


def test_a_checkpoint_without_its_weights_is_refused(tmp_path: Path) -> None:
    checkpoints: list[object] = [{"state_dict": {}}, [1, 2], {"model_state": 3}]
    for checkpoint in checkpoints:
        with pytest.raises(WeightsError, match="model_state"):
            import_kinetics(saved(tmp_path, checkpoint))


def test_another_networks_weights_are_refused(
    tmp_path: Path, state: dict[str, torch.Tensor]
) -> None:
    name = "blocks.0.conv.conv_t.weight"
    fewer = {key: tensor for key, tensor in state.items() if key != name}
    with pytest.raises(WeightsError, match=f"lacks “{name}”"):
        import_kinetics(saved(tmp_path, {"model_state": fewer}))
    with pytest.raises(WeightsError, match="X3D-M has not"):
        import_kinetics(saved(tmp_path, {"model_state": {**state, "extra": torch.zeros(1)}}))
    with pytest.raises(WeightsError, match="of another size"):
        import_kinetics(saved(tmp_path, {"model_state": {**state, name: torch.zeros(2)}}))
    with pytest.raises(WeightsError, match="of another size"):
        import_kinetics(saved(tmp_path, {"model_state": {**state, name: "text"}}))


def test_weights_that_are_not_numbers_are_refused(
    tmp_path: Path, state: dict[str, torch.Tensor]
) -> None:
    name = "blocks.4.res_blocks.0.branch2.conv_a.weight"
    broken = state[name].clone()
    broken[0] = torch.nan
    with pytest.raises(WeightsError, match="not finite"):
        import_kinetics(saved(tmp_path, {"model_state": {**state, name: broken}}))


def test_a_file_of_other_tensors_is_not_taken_for_weights(
    tmp_path: Path, state: dict[str, torch.Tensor]
) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(1)}, str(path))
    with pytest.raises(WeightsError, match="not a file of trunk weights"):
        load_trunk_weights(path)
    path.write_bytes(b"\0" * 10)
    with pytest.raises(WeightsError, match="cannot be read"):
        load_trunk_weights(path)


def test_the_classifier_of_kinetics_is_not_kept(
    tmp_path: Path, state: dict[str, torch.Tensor]
) -> None:
    kept = import_kinetics(saved(tmp_path, {"model_state": state}))
    path = tmp_path / "trunk.safetensors"
    save_trunk_weights(path, TrunkWeights(kept, KINETICS, "0" * 64))
    assert not [name for name in load_file(str(path)) if name.startswith("blocks.5.proj")]
