"""The goals, each with its figure and whether it was met."""

from dataclasses import dataclass

from indexing.evaluation.gating import gate_code
from indexing.evaluation.profiles import CHALLENGING, SAME
from indexing.evaluation.summary import Figure, Results, anomaly, best_score, location, precision
from indexing.evaluation.systems import AUDIO_VIDEO, DESCRIPTIONS, EPG, OURS, STARTER, TPG

JOINT, VIDEO, AUDIO = 0.78, 0.45, 0.75
ANOMALY, SAME_LOCATION, CHALLENGING_LOCATION = 0.90, 0.85, 0.65
GATE_TOLERANCE = 0.02


@dataclass(frozen=True)
class Goal:
    """One row: what was wanted, what was found; met is None where it could not be told."""

    name: str
    wanted: str
    found: str
    met: bool | None


def goals(crossroads: Results) -> list[Goal]:
    """Hold the results of Crossroads against the goals, all on footage nothing was trained on."""
    same = crossroads.main.of(test=SAME)
    hard = crossroads.main.of(test=CHALLENGING).of(system=OURS)
    ours = same.of(system=OURS)
    ap = location("joint", "average_precision")
    return [
        _least("joint mAP@20", ours.figure(precision("joint")), JOINT),
        *(
            _above(name, ours, same.of(system=name))
            for name in (TPG, EPG, AUDIO_VIDEO, DESCRIPTIONS)
        ),
        _least("video-only mAP@20", ours.figure(precision("video")), VIDEO),
        _least("audio-only mAP@20", ours.figure(precision("audio")), AUDIO),
        _silent(ours, same.of(system=STARTER)),
        _rare(ours),
        _least("event location, average precision, same view", ours.figure(ap), SAME_LOCATION),
        _least(
            "event location, average precision, challenging view",
            hard.figure(ap),
            CHALLENGING_LOCATION,
        ),
        _gate(crossroads),
    ]


def _least(name: str, found: Figure | None, least: float) -> Goal:
    return Goal(name, f"≥ {least:.2f}", _shown(found), found.mean >= least if found else None)


def _above(name: str, ours: Results, theirs: Results) -> Goal:
    """Better by more than twice the spread, the larger one of the two."""
    mine, other = (results.figure(precision("joint")) for results in (ours, theirs))
    title = f"joint mAP@20 above {name} by more than twice the spread"
    if mine is None or other is None:
        return Goal(title, "", _shown(other), None)
    spreads = [figure.spread for figure in (mine, other) if figure.spread is not None]
    gain, needed = mine.mean - other.mean, 2 * max(spreads, default=0.0)
    # Without a second seed there is no spread to be above.
    met = gain > needed if mine.spread is not None else None
    return Goal(title, f"> {needed:.3f}", f"{gain:+.3f} ({other})", met)


def _silent(ours: Results, starter: Results) -> Goal:
    kind = "pink_bus"
    mine, other = (results.figure(precision("joint", kind)) for results in (ours, starter))
    met = mine.mean >= other.mean if mine and other else None
    return Goal("silent events (pink bus), joint mAP@20", f"≥ {_shown(other)}", _shown(mine), met)


def _rare(ours: Results) -> Goal:
    score = best_score(ours)
    found = ours.figure(anomaly(score, "auroc")) if score else None
    goal = _least("rare kinds, best score, AUROC", found, ANOMALY)
    return Goal(goal.name, goal.wanted, f"{goal.found} ({score})", goal.met) if score else goal


def _gate(crossroads: Results) -> Goal:
    """Whether what the gate let in was ever worse than what was in use, on labelled footage."""
    same = crossroads.of(test=SAME)
    # Verdicts of an earlier gate say nothing about this one.
    judged = [r for r in same.all if r.get("gate", {}).get("code") == gate_code()]
    let_in = [r["gate"]["truth_change"] for r in judged if r["gate"]["activate"]]
    worst = min(let_in, default=0.0)
    found = f"{len(judged)} trainings, {len(let_in)} let in, worst change {worst:+.3f}"
    met = worst >= -GATE_TOLERANCE if len(judged) >= 20 else None
    name = "the gate never lets in what is worse on the truth"
    return Goal(name, f"by more than {GATE_TOLERANCE}, of 20 or more", found, met)


def _shown(found: Figure | None) -> str:
    return str(found) if found else "–"
