"""Score how unusual every second of a recording is for its camera."""

import math
from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import CommandParser

from indexing.anomalies.normal import Score
from indexing.anomalies.recording_scores import Anomalies, AnomalyQuery, Peak, find_anomalies
from indexing.management.base import Command as BaseCommand
from indexing.work.progress import duration
from ml.anomaly import SIGMA


class Command(BaseCommand):
    help = (
        "Score how unusual every second of a recording is for its camera, and list the peaks above "
        "mean + sigma * std. A peak is start <= second < end."
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("recording", type=int)
        parser.add_argument(
            "--score",
            choices=[str(score) for score in Score],
            default=str(Score.COMBINED),
            help="combined: how rare picture and sound are at this camera (default); neighbour: "
            "their distance to the nearest others; cross: picture against sound, after training",
        )
        parser.add_argument(
            "--sigma", type=deviations, default=SIGMA, help="deviations above the mean (default 3)"
        )

    def handle(self, *, recording: int, score: str, sigma: float, **options: Any) -> None:
        found = find_anomalies(AnomalyQuery(recording, Score(score), sigma))
        for note in found.notes:
            self.say(note)
        self.answer(document(found), lines(found), as_json=bool(options["json"]))


def deviations(text: str) -> float:
    """Read a number of standard deviations."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise ArgumentTypeError(f"{text!r} is not a number greater than 0, such as 3.")
    return value


def document(found: Anomalies) -> dict[str, object]:
    """Return the JSON of docs/cli.md."""
    return {
        "recording": found.query.recording_id,
        "encoder": found.encoder_id,
        "score": str(found.query.score),
        "mean": found.mean,
        "std": found.std,
        "sigma": found.query.sigma,
        "threshold": found.threshold,
        "scores": list(found.scores),
        "peaks": [row(peak) for peak in found.peaks],
    }


def row(peak: Peak) -> dict[str, object]:
    """Return one peak as JSON."""
    return {
        "start": peak.start,
        "end": peak.end,
        "peak": peak.peak,
        "at": peak.at.isoformat(),
        "score": peak.score,
        "because": reason(peak),
    }


def reason(peak: Peak) -> str:
    """Name what is unusual."""
    return " and ".join(peak.because)


def lines(found: Anomalies) -> list[str]:
    """Return the peaks as a table for people."""
    count = len(found.peaks)
    moments = f"{count or 'No'} unusual moment{'' if count == 1 else 's'}"
    trained = ", which its encoder was trained on" if found.from_training else ""
    head = (
        f"{moments} above {found.threshold:.3f}: the mean of {duration(found.clips_known)} of this "
        f"camera{trained}, {found.mean:.3f}, and {found.query.sigma:g} standard deviations of "
        f"{found.std:.3f} ({found.query.score} score)."
    )
    if not count:
        return [head]
    columns = f"{'oddest at':<25}  {'second':>6}  {'from':>6}  {'before':>6}  {'score':>8}  because"
    return [head, columns] + [
        f"{peak.at.isoformat():<25}  {peak.peak:>6}  {peak.start:>6}  {peak.end:>6}  "
        f"{peak.score:>8.3f}  {reason(peak)}"
        for peak in found.peaks
    ]
