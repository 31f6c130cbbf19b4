"""Compose a recording, or measure the search on one that was ingested.

python -m tests.composition OUT.mp4 [--minutes 60] [--seed 1] [--media DIR]
python -m tests.composition evaluate RECORDING TRUTH.csv
"""

import argparse
import json
import os
import sys
from pathlib import Path

MEDIA = Path(__file__).resolve().parents[3] / "shared" / "media"


def main(words: list[str]) -> int:
    """Run the command line."""
    if words[:1] == ["evaluate"]:
        return measure(words[1:])
    parser = argparse.ArgumentParser(
        prog="python -m tests.composition",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("out", type=Path, metavar="OUT.mp4")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--media", type=Path, default=MEDIA, help="the folder of test media")
    parser.add_argument("--originals", type=int, default=2, help="recordings a kind comes from")
    options = parser.parse_args(words)
    from indexing.evaluation.composition.compose import compose

    seconds = round(60 * options.minutes)
    heard = compose(
        options.out,
        options.media,
        seconds=seconds,
        seed=options.seed,
        originals=options.originals,
    )
    sys.stdout.write(f"{options.out} and its truth: {len(heard)} sounds in {seconds} s.\n")
    return 0


def measure(words: list[str]) -> int:
    """Print how well search finds the sounds of an ingested composition (REPRISE_DATA)."""
    parser = argparse.ArgumentParser(prog="python -m tests.composition evaluate")
    parser.add_argument("recording", type=int)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(words)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "searchapp.settings")
    import django

    django.setup()
    from indexing.search.query import With
    from ml.crossroads import truth
    from tests.composition.evaluate import evaluate

    occurrences = truth.read(options.truth.read_text(encoding="utf-8"))
    document = {}
    for modality in (With.AUDIO, With.VIDEO, With.JOINT):
        scores = evaluate(options.recording, occurrences, modality)
        document[modality] = {kind: vars(score) for kind, score in scores.items()}
        sys.stdout.write(f"--with {modality}: kind, queries, mAP@20, recall@10, first hit right\n")
        for kind, score in scores.items():
            figures = (score.mean_average_precision, score.recall, score.first_right)
            shown = "  ".join(f"{figure:.3f}" for figure in figures)
            sys.stdout.write(f"  {kind:<18} {score.queries:>3}  {shown}\n")
    if options.json:
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
