import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from ml import runtime
from ml.runtime import OpenVinoTrunk, TorchTrunk, TrunkIdentity, load_trunk


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trunk")


@pytest.fixture(scope="module")
def trunk(cache: Path) -> runtime.Trunk:
    return load_trunk(None, device="cpu", cache_dir=cache)


@pytest.fixture(scope="module")
def graph(trunk: runtime.Trunk, cache: Path) -> Path:
    """Where the trunk's converted graph was kept."""
    return next(cache.iterdir())


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (15, 224, 398, 3), np.uint8)


@pytest.fixture(scope="module")
def eager() -> TorchTrunk:
    return TorchTrunk(*runtime._torch_trunk(None))


def test_openvino_gives_eager_pytorchs_numbers(
    trunk: runtime.Trunk, eager: TorchTrunk, frames: np.ndarray
) -> None:
    features = trunk.features(frames)
    assert features.shape == (3, 2, 432)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, eager.features(frames), rtol=1e-4, atol=1e-6)


def test_a_clip_has_the_same_features_in_any_company(
    trunk: runtime.Trunk, frames: np.ndarray
) -> None:
    together = trunk.features(frames)
    alone = np.concatenate([trunk.features(frames[i : i + 5]) for i in (0, 5, 10)])
    np.testing.assert_array_equal(together, alone)


def test_random_weights_say_so(trunk: runtime.Trunk) -> None:
    assert trunk.name == "x3d-m random (seed 0)"
    assert not trunk.pretrained


def test_the_kept_graph_is_used_without_converting_again(
    trunk: runtime.Trunk, cache: Path, frames: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "_convert", lambda trunk: pytest.fail("converted again"))
    again = load_trunk(None, device="cpu", threads=1, cache_dir=cache)
    assert again.name == trunk.name
    np.testing.assert_allclose(
        again.features(frames[:5]), trunk.features(frames[:5]), rtol=1e-4, atol=1e-6
    )
    assert [path.name for path in cache.iterdir() if path.name.startswith(".")] == []


def test_a_damaged_kept_graph_is_replaced(
    trunk: runtime.Trunk, graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = runtime._read_graph(graph)
    assert whole is not None
    monkeypatch.setattr(runtime, "_convert", lambda trunk: whole[0])
    damaged = tmp_path / graph.name
    damaged.mkdir()
    (damaged / "identity.json").write_text('{"name": "x", "pretrained": false}')
    (damaged / "trunk.xml").write_text("<net")
    assert load_trunk(None, device="cpu", cache_dir=tmp_path).name == trunk.name
    assert runtime._read_graph(damaged) is not None


def test_workers_may_keep_the_same_graph_at_the_same_time(graph: Path, tmp_path: Path) -> None:
    whole = runtime._read_graph(graph)
    assert whole is not None
    model, identity = whole
    folder = tmp_path / "trunk"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: runtime._write_graph(folder, model, identity), range(16)))
    assert list(tmp_path.iterdir()) == [folder]
    assert runtime._read_graph(folder) is not None


def test_a_worker_hears_of_every_batch(trunk: runtime.Trunk, eager: TorchTrunk) -> None:
    frames = np.zeros((5 * 9, 224, 224, 3), np.uint8)
    for one in (trunk, eager):
        calls: list[int] = []
        one.features(frames, on_batch=lambda calls=calls: calls.append(1))  # type: ignore[misc]
        assert len(calls) == 2


def test_no_frames_have_no_features(trunk: runtime.Trunk) -> None:
    assert trunk.features(np.zeros((0, 224, 398, 3), np.uint8)).shape == (0, 2, 432)


def test_broken_clips_are_refused(trunk: runtime.Trunk) -> None:
    with pytest.raises(ValueError, match="whole clips"):
        trunk.features(np.zeros((7, 224, 398, 3), np.uint8))


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(ValueError, match="tpu"):
        load_trunk(None, device="tpu")


def test_nothing_calls_home(trunk: runtime.Trunk) -> None:
    assert isinstance(trunk, OpenVinoTrunk)
    assert sys.modules.get("openvino_telemetry") is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_gives_the_same_numbers(eager: TorchTrunk, frames: np.ndarray) -> None:
    expected = eager.features(frames)
    on_gpu = load_trunk(None, device="cuda").features(frames)
    np.testing.assert_allclose(on_gpu, expected, rtol=1e-2, atol=1e-4)
    trunk, _ = runtime._torch_trunk(None)
    coarse = TorchTrunk(trunk, TrunkIdentity("x", False), device="cuda", bfloat16=True)
    np.testing.assert_allclose(coarse.features(frames), expected, rtol=0.1, atol=2e-3)
