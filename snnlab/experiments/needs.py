"""Which runs a fresh run waits for."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from snnlab.experiments.asking import Refused
from snnlab.experiments.models import Dependency, Run


if TYPE_CHECKING:
    from snnlab.learning.spec import Spec

PROMISING = (Run.State.QUEUED, Run.State.RUNNING, Run.State.SUCCEEDED)


def needed(spec: "Spec") -> str:
    """The digest of what has to be trained before; empty if that is nothing."""
    need = spec.needed()
    return need.digest() if need else ""


def wait_for(runs: Sequence[Run], needs: Mapping[str, str], after: Sequence[int] = ()) -> None:
    """Let fresh runs of one experiment wait for those of `after`, and for what they need.

    `needs` has for the digest of each definition what is `needed`: the training of its teacher, or
    of the network that it tests on chips. A run of the same team that does just that is waited for,
    or its weights are taken; without one, the run trains it itself.
    """
    if not runs:
        return
    team = runs[0].experiment.team_id
    named = list(dict.fromkeys(after))
    found = set(Run.objects.filter(pk__in=named, team=team).values_list("pk", flat=True))
    if missing := [number for number in named if number not in found]:
        raise Refused(f"there is no run {missing[0]} in this team to wait for")
    trainings = _trainings(team, needs, {run.seed for run in runs})
    needed = {(run.pk, other) for run in runs for other in named}
    for run in runs:
        if other := trainings.get((run.digest, run.seed)):
            needed.add((run.pk, other))
    Dependency.objects.bulk_create(
        (Dependency(run_id=run, needs_id=other) for run, other in sorted(needed)), batch_size=1000
    )


def _trainings(team: int, needs: Mapping[str, str], seeds: set[int]) -> dict[tuple[str, int], int]:
    """For each (digest, seed), the run that trains what it needs; best one that has ended."""
    wanted = {digest: need for digest, need in needs.items() if need}
    if not wanted:
        return {}
    found = Run.objects.filter(
        team=team, digest__in=set(wanted.values()), seed__in=seeds, state__in=PROMISING
    )
    ordered = sorted(found.values_list("state", "pk", "digest", "seed"))
    last = {(digest, seed): pk for _, pk, digest, seed in ordered}  # "succeeded" sorts last
    return {
        (digest, seed): last[need, seed]
        for digest, need in wanted.items()
        for seed in seeds
        if (need, seed) in last
    }
