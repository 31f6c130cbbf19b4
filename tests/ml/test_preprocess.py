import librosa
import numpy as np
import pytest

from ml import preprocess
from ml.preprocess import CROP, SAMPLE_RATE, log_mel, two_crops


def librosa_log_mel(second: np.ndarray) -> np.ndarray:
    power = librosa.feature.melspectrogram(
        y=second,
        sr=SAMPLE_RATE,
        n_fft=2560,
        hop_length=694,
        n_mels=128,
        fmin=20,
        fmax=22050,
        window="hann",
        power=2.0,
        norm="slaney",
        htk=False,
        pad_mode="reflect",
    )
    return np.asarray(librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=80))


@pytest.fixture(scope="module")
def seconds() -> np.ndarray:
    random = np.random.default_rng(0)
    t = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    noise = random.normal(0, 0.1, SAMPLE_RATE)
    tone = 0.5 * np.sin(2 * np.pi * 440 * t)
    sweep = 0.3 * np.sin(2 * np.pi * (200 + 4000 * t) * t)
    click = np.zeros(SAMPLE_RATE)
    click[20_000] = 1
    quiet = noise * 1e-6
    return np.stack([noise, tone, sweep + noise * 0.01, click, quiet]).astype(np.float32)


def test_log_mel_agrees_with_librosa(seconds: np.ndarray) -> None:
    ours = log_mel(seconds.ravel())
    assert ours.shape == (5, 128, 64)
    assert ours.dtype == np.float32
    for mel, second in zip(ours, seconds, strict=True):
        np.testing.assert_allclose(mel, librosa_log_mel(second), atol=1e-4, rtol=0)


def test_a_clip_does_not_hear_its_neighbours(seconds: np.ndarray) -> None:
    together = log_mel(seconds.ravel())
    for mel, second in zip(together, seconds, strict=True):
        np.testing.assert_array_equal(mel, log_mel(second)[0])


def test_silence_is_finite() -> None:
    assert np.all(log_mel(np.zeros(SAMPLE_RATE, np.float32)) == -100)


def test_no_seconds_give_no_spectrogram() -> None:
    assert log_mel(np.zeros(0, np.float32)).shape == (0, 128, 64)


def test_part_of_a_second_is_refused() -> None:
    with pytest.raises(ValueError, match="whole seconds"):
        log_mel(np.zeros(SAMPLE_RATE + 1, np.float32))


@pytest.mark.parametrize(("height", "width"), [(224, 398), (398, 224), (224, 224), (224, 448)])
def test_two_crops_are_the_two_ends_and_cover_the_frame(height: int, width: int) -> None:
    frames = np.random.default_rng(1).integers(0, 256, (5, height, width, 3), np.uint8)
    first, last = two_crops(frames)
    assert first.shape == last.shape == (5, CROP, CROP, 3)
    np.testing.assert_array_equal(first, frames[:, :CROP, :CROP])
    np.testing.assert_array_equal(last, frames[:, -CROP:, -CROP:])


@pytest.mark.parametrize(("height", "width"), [(224, 450), (200, 398), (300, 300)])
def test_frames_that_two_crops_cannot_cover_are_refused(height: int, width: int) -> None:
    with pytest.raises(ValueError, match="two crops"):
        two_crops(np.zeros((5, height, width, 3), np.uint8))


def test_clip_tensor_is_normalised_channels_first() -> None:
    crops = np.random.default_rng(2).integers(0, 256, (3, 5, CROP, CROP, 3), np.uint8)
    tensor = preprocess.clip_tensor(crops).numpy()
    expected = (crops.transpose(0, 4, 1, 2, 3) / 255 - 0.45) / 0.225
    assert tensor.shape == (3, 3, 5, CROP, CROP)
    np.testing.assert_allclose(tensor, expected, atol=1e-6)
