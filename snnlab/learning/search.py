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

from snnlab.learning.plan import Plan
from snnlab.learning.space import Choices, Values, Whole
from snnlab.learning.strategy import NSGA2, TPE, TRIES


optuna.logging.set_verbosity(optuna.logging.WARNING)
GENERATION = "NSGAIISampler:generation"
LEAST = 10  # points that an importance can be told from
STATES = {
    "running": TrialState.RUNNING,
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}
Memory = dict[str, Any]


class Tried(NamedTuple):
    """A point that was asked for, and what came of it; `memory` is what was suggested with it.

    Of a pruned point, `scores` is the objective at the step `pruned_at`.
    """

    values: Values
    state: Literal["running", "complete", "pruned", "failed"]
    scores: tuple[float, ...] = ()
    memory: Memory = {}
    pruned_at: int = 0


class Suggestion(NamedTuple):
    """A point to try, and what must be kept for the next question."""

    values: Values
    memory: Memory


def suggest(
    plan: Plan, tried: Sequence[Tried], fresh: Callable[[Values], bool]
) -> Suggestion | None:
    """The next point, or None where no new one is found. `fresh` refuses those known already.

    What the sampler suggests again and again is replaced by a point drawn at random.
    """
    study = rebuilt(plan, tried)
    for attempt in range(TRIES):
        study.sampler = sampler(plan, random.Random(f"{seed(plan)}/{len(tried)}/{attempt}"))
        trial = study.ask(fixed_distributions=distributions(plan))
        values = {field: json_value(plan, field, v) for field, v in trial.params.items()}
        if fresh(values):
            told = study.get_trials(deepcopy=False)[trial.number].system_attrs
            return Suggestion(values, {k: v for k, v in told.items() if k == GENERATION})
        study.tell(trial, state=TrialState.FAIL)
    for attempt in range(TRIES):
        source = random.Random(f"{seed(plan)}/{len(tried)}/free/{attempt}")
        values = {field: axis.draw(source) for field, axis in plan.space.items()}
        if fresh(values):
            return Suggestion(values, {})
    return None


def rebuilt(plan: Plan, tried: Sequence[Tried]) -> optuna.Study:
    """A study that knows what was tried."""
    study = optuna.create_study(directions=directions(plan))
    among = distributions(plan)
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
    numbers = [score for score in tried.scores if math.isfinite(score)]
    state = STATES[tried.state]
    if tried.state in ("complete", "pruned") and not 0 < len(numbers) == len(tried.scores):
        state = TrialState.FAIL
    return create_trial(
        state=state,
        params=params,
        distributions=dict(among),
        values=numbers if state == TrialState.COMPLETE else None,
        intermediate_values={tried.pruned_at: numbers[0]} if state == TrialState.PRUNED else None,
        system_attrs=dict(tried.memory),
    )


def inside(distribution: BaseDistribution, value: Any) -> bool:
    """Whether the distribution has the value."""
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and distribution.low <= value <= distribution.high


def distributions(plan: Plan) -> dict[str, BaseDistribution]:
    """The space in Optuna's words. Choices are told apart by their JSON."""
    found: dict[str, BaseDistribution] = {}
    for field, axis in plan.space.items():
        if isinstance(axis, Choices):
            found[field] = CategoricalDistribution([json.dumps(v) for v in axis.values])
        elif isinstance(axis, Whole):
            found[field] = IntDistribution(axis.low, axis.high, log=axis.log, step=axis.step)
        else:
            found[field] = FloatDistribution(axis.low, axis.high, log=axis.log)
    return found


def json_value(plan: Plan, field: str, value: Any) -> Any:
    return json.loads(value) if isinstance(plan.space[field], Choices) else value


def directions(plan: Plan) -> list[StudyDirection]:
    up, down = StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE
    return [up if objective.direction == "higher" else down for objective in plan.objectives]


def seed(plan: Plan) -> int:
    return int(getattr(plan.strategy, "draw_seed", 0))


def sampler(plan: Plan, source: random.Random) -> BaseSampler:
    """Optuna's sampler of the strategy. `constant_liar`: points on their way count as bad."""
    strategy, number = plan.strategy, source.randrange(2**31)
    if isinstance(strategy, TPE):
        return TPESampler(seed=number, n_startup_trials=strategy.startup, constant_liar=True)
    assert isinstance(strategy, NSGA2)
    return NSGAIISampler(seed=number, population_size=strategy.population)


def importance(plan: Plan, tried: Sequence[Tried], objective: int = 0) -> dict[str, float]:
    """How much each field decides whether an objective is among its best tenth, 0..1 in all.

    PED-ANOVA: Watanabe et al. 2023, arXiv:2304.10255, as Optuna does it. Empty for fewer
    than LEAST points.
    """
    alone = plan.model_copy(update={"objectives": (plan.objectives[objective],)})
    study = rebuilt(
        alone,
        [t._replace(scores=(t.scores[objective],)) for t in tried if t.state == "complete"],
    )
    done = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    varied = [field for field, axis in plan.space.items() if axis.size > 1]
    if len(done) < LEAST or not varied:
        return {}
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    return optuna.importance.get_param_importances(study, evaluator=evaluator, params=varied)
