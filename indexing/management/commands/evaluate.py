"""Train every system on footage with known truth, measure them on other footage, write a report."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from indexing.evaluation.composition.compose import lacking
from indexing.evaluation.profiles import PROFILES, Profile, with_composition, with_sounds
from indexing.management.base import Command as BaseCommand
from indexing.management.base import Failure
from indexing.media.sounds import read_sounds

MOST_JOBS = os.cpu_count() or 1


class Command(BaseCommand):
    help = (
        "Train all systems on rendered streets, measure search, anomalies and location on others, "
        "and write a report. Results are kept: a run that was stopped goes on where it ended."
    )

    def arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--profile", choices=list(PROFILES), default="small", help="minutes, or hours")
        add("--out", type=Path, metavar="DIR", help="where the report goes")
        add("--sounds", type=Path, metavar="DIR", help="also with real sounds, a folder a class")
        add(
            "--media",
            type=Path,
            metavar="DIR",
            help="also on real video under real sounds, from DIR/video and DIR/sounds",
        )
        add("--only", action="append", default=[], metavar="SYSTEM", help="only this row")
        add("--minutes-budget", type=float, metavar="N", help="begin nothing new after so long")
        add("--jobs", type=int, default=MOST_JOBS, help="processes that draw")
        add("--efficientnet", type=Path, metavar="FILE", help="EfficientNet-B0's published weights")
        add("--adapa", type=Path, metavar="FILE", help="Adapa's published weights")
        add("--no-ablations", action="store_true", help="leave the ablations out")
        add("--discard-video", action="store_true", help="keep features only, not the streams")
        add("--any-code", action="store_true", help="make do with results that older code gave")
        add("--report-only", action="store_true", help="write the report from what is there")

    def handle(self, **options: Any) -> None:
        from indexing.evaluation.report import write_report
        from indexing.evaluation.runs import Options, plan, run
        from indexing.evaluation.systems import Weights, ablation_rows, main_rows

        profile = self._profile(options)
        self._check(options)
        weights = Weights.found(options["efficientnet"], options["adapa"])
        rows = main_rows(weights)
        if profile.ablations:
            rows += ablation_rows(weights)
        self._refuse_unknown(options["only"], [row.name for row in rows])
        root = Path(settings.REPRISE_DATA) / "evaluation"
        trainings = plan(profile, rows, root / "streams")
        store = _store(root)
        if not options["report_only"]:
            budget = options["minutes_budget"]
            chosen = Options(
                jobs=options["jobs"],
                only=tuple(options["only"]),
                budget_s=float("inf") if budget is None else 60 * budget,
                keep_video=not options["discard_video"],
                any_code=options["any_code"],
                efficientnet=options["efficientnet"],
                say=self.say,
            )
            run(trainings, store, chosen)
        out = options["out"] or _default_out(profile, root)
        document = write_report(out, profile, trainings, store, any_code=options["any_code"])
        self.answer(document, [f"The report is {out / 'README.md'}."], as_json=options["json"])

    def _profile(self, options: dict[str, Any]) -> Profile:
        profile = PROFILES[options["profile"]]()
        if options["sounds"]:
            profile = with_sounds(profile, options["sounds"])
        if options["media"]:
            profile = with_composition(profile, options["media"])
        return profile.without_ablations() if options["no_ablations"] else profile

    def _check(self, options: dict[str, Any]) -> None:
        for name in ("sounds", "media"):
            if options[name] and not options[name].is_dir():
                raise Failure(f"There is no folder {options[name]}.")
        if options["sounds"]:
            read_sounds(options["sounds"], half=0)  # or else it says what is wrong before hours
        if options["media"] and (parts := lacking(options["media"])):
            raise Failure(f"{options['media']} has no {parts[0]}, of which streams are composed.")
        for name in ("efficientnet", "adapa"):
            if options[name] and not options[name].is_file():
                raise Failure(f"There is no file {options[name]}.")

    def _refuse_unknown(self, only: list[str], known: list[str]) -> None:
        for name in only:
            if name not in known:
                raise Failure(f"There is no system “{name}”; there are {', '.join(known)}.")


def _store(root: Path) -> Any:
    from indexing.evaluation.cells import Store

    return Store(root / "results")


def _default_out(profile: Profile, root: Path) -> Path:
    """The full report belongs into the repository; a small one is for whoever asked."""
    if profile.name == "full":
        return Path(settings.BASE_DIR) / "docs" / "evaluation"
    return root / f"report-{profile.name}"
