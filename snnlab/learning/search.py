"""What Optuna decides for a sweep, in memory: built from the results each time, and forgotten.

The results are the truth. Asked twice with the same ones, it answers the same.
"""

import json
import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, NSGAIISampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from snnlab.learning.space import Choices, Values, Whole
from snnlab.learning.strategy import NSGA2, TPE
from snnlab.learning.sweep import TRIES, Sweep


optuna.logging.set_verbosity(optuna.logging.WARNING)
GENERATION = "NSGAIISampler:generation"
LEAST = 10  # points that an importance can be told from
Memory = dict[str, Any]


class Tried(NamedTuple):
    """A point that was asked for, and what came of it; `memory` is what was suggested with it."""

    values: Values
    state: Literal["running", "complete", "failed"]
    scores: tuple[float, ...] = ()
    memory: Memory = {}


class Suggestion(NamedTuple):
    """A point to try, and what must be kept for the next question."""

    values: Values
    memory: Memory


def suggest(
    sweep: Sweep, tried: Sequence[Tried], fresh: Callable[[Values], bool]
) -> Suggestion | None:
    """The next point, or None where no new one is found. `fresh` refuses those known already.

    What the sampler suggests again and again is replaced by a point drawn at random.
    """
    study = rebuilt(sweep, tried)
    for attempt in range(TRIES):
        study.sampler = sampler(sweep, random.Random(f"{seed(sweep)}/{len(tried)}/{attempt}"))
        trial = study.ask(fixed_distributions=distributions(sweep))
        values = {field: json_value(sweep, field, v) for field, v in trial.params.items()}
        if fresh(values):
            told = study.get_trials(deepcopy=False)[trial.number].system_attrs
            return Suggestion(values, {k: v for k, v in told.items() if k == GENERATION})
        study.tell(trial, state=TrialState.FAIL)
    for attempt in range(TRIES):
        source = random.Random(f"{seed(sweep)}/{len(tried)}/free/{attempt}")
        values = {field: axis.draw(source) for field, axis in sweep.space.items()}
        if fresh(values):
            return Suggestion(values, {})
    return None


def rebuilt(sweep: Sweep, tried: Sequence[Tried]) -> optuna.Study:
    """A study that knows what was tried."""
    study = optuna.create_study(directions=directions(sweep))
    among = distributions(sweep)
    study.add_trials([trial for one in tried if (trial := past(one, among))])
    return study


def past(tried: Tried, among: Mapping[str, BaseDistribution]) -> FrozenTrial | None:
    """A tried point as Optuna knows it; None if it lies outside of the space by now."""
    params = {
        field: json.dumps(v) if isinstance(among[field], CategoricalDistribution) else v
        for field, v in tried.values.items()
        if field in among
    }
    if set(params) != set(among) or not all(inside(among[f], v) for f, v in params.items()):
        return None
    state = {"running": TrialState.RUNNING, "complete": TrialState.COMPLETE}.get(tried.state)
    complete = tried.state == "complete" and all(map(math.isfinite, tried.scores))
    return create_trial(
        state=TrialState.FAIL if state is None or (tried.scores and not complete) else state,
        params=params,
        distributions=dict(among),
        values=list(tried.scores) if complete else None,
        system_attrs=dict(tried.memory),
    )


def inside(distribution: BaseDistribution, value: Any) -> bool:
    """Whether the distribution has the value."""
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and distribution.low <= value <= distribution.high


def distributions(sweep: Sweep) -> dict[str, BaseDistribution]:
    """The space in Optuna's words. Choices are told apart by their JSON."""
    found: dict[str, BaseDistribution] = {}
    for field, axis in sweep.space.items():
        if isinstance(axis, Choices):
            found[field] = CategoricalDistribution([json.dumps(v) for v in axis.values])
        elif isinstance(axis, Whole):
            found[field] = IntDistribution(axis.low, axis.high, log=axis.log, step=axis.step)
        else:
            found[field] = FloatDistribution(axis.low, axis.high, log=axis.log)
    return found


def json_value(sweep: Sweep, field: str, value: Any) -> Any:
    return json.loads(value) if isinstance(sweep.space[field], Choices) else value


def directions(sweep: Sweep) -> list[StudyDirection]:
    up, down = StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE
    return [up if objective.direction == "higher" else down for objective in sweep.objectives]


def seed(sweep: Sweep) -> int:
    return int(getattr(sweep.strategy, "draw_seed", 0))


def sampler(sweep: Sweep, source: random.Random) -> BaseSampler:
    """Optuna's sampler of the strategy. `constant_liar`: points on their way count as bad."""
    strategy, number = sweep.strategy, source.randrange(2**31)
    if isinstance(strategy, TPE):
        return TPESampler(seed=number, n_startup_trials=strategy.startup, constant_liar=True)
    assert isinstance(strategy, NSGA2)
    return NSGAIISampler(seed=number, population_size=strategy.population)


def importance(sweep: Sweep, tried: Sequence[Tried], objective: int = 0) -> dict[str, float]:
    """How much each field decides whether an objective is among its best tenth, 0..1 in all.

    PED-ANOVA: Watanabe et al. 2023, arXiv:2304.10255, as Optuna does it. Empty for fewer
    than LEAST points.
    """
    alone = sweep.model_copy(update={"objectives": (sweep.objectives[objective],)})
    study = rebuilt(
        alone,
        [t._replace(scores=(t.scores[objective],)) for t in tried if t.state == "complete"],
    )
    done = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    varied = [field for field, axis in sweep.space.items() if axis.size > 1]
    if len(done) < LEAST or not varied:
        return {}
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    return optuna.importance.get_param_importances(study, evaluator=evaluator, params=varied)
