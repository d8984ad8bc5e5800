"""Which runs of a sweep are stopped early: Optuna's pruners, asked about curves."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import optuna
from optuna.pruners import BasePruner, MedianPruner, SuccessiveHalvingPruner
from optuna.trial import FrozenTrial, TrialState, create_trial

from snnlab.learning.strategy import ASHA, Median, Pruner


Curve = dict[int, float]  # the objective by its step; a number that is none is NaN


class Course(NamedTuple):
    """A run so far. `judged` is the last step at which a pruner has looked at it."""

    run: int
    curve: Curve
    live: bool
    finished: bool
    judged: int = 0


class Verdict(NamedTuple):
    """A run, the step up to which it is judged now, and why it should stop, if it should."""

    run: int
    step: int
    reason: str


def verdicts(pruner: Pruner, better: str, metric: str, courses: Sequence[Course]) -> list[Verdict]:
    """What the pruner says of every live run that has come further since it was last judged."""
    judge = rule(pruner)
    study = optuna.create_study(direction="maximize" if better == "higher" else "minimize")
    study.add_trials([whole(pruner, course) for course in courses])
    made = []
    for number, course in enumerate(courses):
        if judge is None or not course.live or last(course) <= course.judged:
            continue
        reason = ""
        for step in moments(pruner, course):
            now = trial(pruner, course, step, step - 1)
            now.number = now._trial_id = number
            if judge.prune(study, now):
                reason = words(pruner, metric, course.curve[step], step)
                break
        made.append(Verdict(course.run, last(course), reason))
    return made


def last(course: Course) -> int:
    return max(course.curve, default=0)


def moments(pruner: Pruner, course: Course) -> list[int]:
    """The steps at which a decision is due: of ASHA each new rung, else the newest step."""
    if isinstance(pruner, ASHA):
        reached = {first(course, rung) for rung in rungs(pruner, last(course))}
        return sorted(step for step in reached if step > course.judged)
    return [last(course)] if math.isfinite(course.curve[last(course)]) else []


def rungs(pruner: ASHA, step: int) -> Iterator[int]:
    rung = pruner.least
    while rung <= step:
        yield rung
        rung *= pruner.factor


def first(course: Course, rung: int) -> int:
    """The first step of the run that reaches the rung."""
    return min(step for step in course.curve if step >= rung)


def whole(pruner: Pruner, course: Course) -> FrozenTrial:
    """The run as others see it: what it passed unjudged, it passes when it is judged."""
    return trial(pruner, course, last(course), course.judged if course.live else last(course))


def trial(pruner: Pruner, course: Course, until: int, passed: int) -> FrozenTrial:
    """The run as Optuna knows it at a step, with the rungs that it had passed at another."""
    curve = {s: v for s, v in course.curve.items() if s <= until and not math.isnan(v)}
    if isinstance(pruner, ASHA):  # which stops a run whose number is none
        curve = {s: v for s, v in course.curve.items() if s <= until}
    finished = course.finished and until in curve and math.isfinite(curve[until])
    ended = TrialState.COMPLETE if finished else TrialState.PRUNED
    return create_trial(
        state=TrialState.RUNNING if course.live else ended,
        value=curve[until] if finished else None,
        intermediate_values=curve,
        system_attrs=rungs_passed(pruner, course, passed),
    )


def rungs_passed(pruner: Pruner, course: Course, until: int) -> dict[str, float]:
    """The value at each rung up to that step, as Optuna notes it."""
    if not isinstance(pruner, ASHA):
        return {}
    steps = [first(course, rung) for rung in rungs(pruner, last(course))]
    return {
        f"completed_rung_{number}": course.curve[step]
        for number, step in enumerate(steps)
        if step <= until
    }


def rule(pruner: Pruner) -> BasePruner | None:
    """Optuna's pruner."""
    if isinstance(pruner, ASHA):
        return SuccessiveHalvingPruner(min_resource=pruner.least, reduction_factor=pruner.factor)
    if isinstance(pruner, Median):
        return MedianPruner(n_startup_trials=pruner.startup, n_warmup_steps=pruner.warmup + 1)
    return None


def words(pruner: Pruner, metric: str, value: float, step: int) -> str:
    """Why a run was stopped."""
    told = f"{metric} {value:.6g} after step {step}"
    if isinstance(pruner, ASHA):
        return f"{told} is not among the best 1/{pruner.factor}"
    return f"{told}: its best is worse than the median of finished runs"
