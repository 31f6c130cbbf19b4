import numpy as np
from scipy import fft

from ml.soundstats import BLOCKS, COEFFICIENTS, SOUND_DIM, sound_statistics, tones


def street(clips: int = 20, seed: int = 0) -> np.ndarray:
    """Log-mels of a steady murmur, louder in the low bins."""
    murmur = np.random.default_rng(seed).normal(0, 2, (clips, 128, 64))
    return (murmur - 40 - 0.2 * np.arange(128)[:, None]).astype(np.float32)


def test_mean_variation_and_flux_of_cepstrum_and_tones_over_three_seconds() -> None:
    mel = street(5)
    mel[1, 40:60] += 25
    mel[2, 90] += 30
    statistics = sound_statistics(mel)
    assert statistics.shape == (5, SOUND_DIM)
    assert statistics.dtype == np.float32
    assert sum(BLOCKS.values()) == SOUND_DIM == 138
    background = np.median(np.median(mel, axis=2), axis=0)
    seconds = []
    for second in mel[1:4]:
        above = np.maximum(second - background[:, None], -6).astype(np.float64)
        cepstrum = fft.dct(above, axis=0, norm="ortho")[:COEFFICIENTS]
        seconds.append(np.concatenate([moments(cepstrum), moments(loop_tones(above))]))
    np.testing.assert_allclose(
        statistics[2], np.average(seconds, axis=0, weights=(1, 2, 1)), rtol=1e-3, atol=1e-3
    )


def moments(tracks: np.ndarray) -> np.ndarray:
    change = np.abs(tracks[:, 1:] - tracks[:, :-1]).mean(axis=1)
    return np.concatenate([tracks.mean(axis=1), tracks.std(axis=1), change])


def loop_tones(above: np.ndarray) -> np.ndarray:
    """One bin after another: what it has above the thirteen around it, mirrored at the ends."""
    heard = np.maximum(above, 0)
    padded = np.concatenate([heard[5::-1], heard, heard[:-7:-1]])
    stands = [np.maximum(heard[b] - padded[b : b + 13].mean(axis=0), 0) for b in range(128)]
    return np.stack([np.max(stands[8 * band : 8 * band + 8], axis=0) for band in range(16)])


def test_a_tone_is_told_from_noise_of_the_same_colour() -> None:
    above = np.zeros((2, 128, 64), np.float32)
    above[0, 60:68] = 20
    above[1, 64] = 20
    noise, tone = tones(above)[:, 8].mean(axis=1)
    assert tone > 18
    assert noise < 10


def test_a_quieter_recording_has_the_same_statistics() -> None:
    mel = street()
    mel[4, 30:50] += 20
    np.testing.assert_allclose(sound_statistics(mel), sound_statistics(mel - 12), atol=1e-3)


def test_what_sounds_all_the_time_is_background() -> None:
    plain, humming = street(), street()
    humming[:, 20] += 30
    for mel in (plain, humming):
        mel[7, 60:80] += 25
    np.testing.assert_allclose(sound_statistics(plain), sound_statistics(humming), atol=1e-3)


def test_a_sound_is_known_again_in_another_ambience() -> None:
    day, night = street(seed=1), street(seed=2)
    night[:, :40] -= 15
    day[3, 60:80] += 25
    night[11, 60:80] += 25
    by_day, by_night = sound_statistics(day), sound_statistics(night)
    assert np.linalg.norm(by_night - by_day[3], axis=1).argmin() == 11


def test_one_clip_and_digital_silence_are_finite() -> None:
    assert np.isfinite(sound_statistics(street(1))).all()
    assert not sound_statistics(np.full((2, 128, 64), -100, np.float32)).any()


def test_no_clips_have_no_statistics() -> None:
    assert sound_statistics(np.zeros((0, 128, 64), np.float32)).shape == (0, SOUND_DIM)
