"""Takes in results of trainings that ran elsewhere, as runs that have ended."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import transaction

from snnlab.experiments import chips, queue, recording
from snnlab.experiments.actions import Refused
from snnlab.experiments.models import Attempt, Experiment, Run
from snnlab.teams.models import Team


if TYPE_CHECKING:
    from snnlab.learning.outcome import Outcome

IMPORT = "import"  # pool and worker of such runs


@transaction.atomic
def adopt(
    *, team: Team, actor: str, name: str, outcome: "Outcome", tags: Sequence[str] = ()
) -> tuple[Run, bool]:
    """The run of this outcome, and whether it is new; seeds of a definition share an experiment.

    The row goes through every state that a run goes through, in one transaction, so no worker ever
    sees it wait. Raises Refused for another outcome of a definition and seed that is known.
    """
    experiment, _ = Experiment.objects.get_or_create(
        team=team,
        key=f"{IMPORT} {outcome.digest}",
        defaults={"actor": actor, "name": name[:200], "tags": [IMPORT, *tags]},
    )
    Experiment.objects.select_for_update().get(pk=experiment.pk)
    known = experiment.runs.filter(seed=outcome.seed).first()
    if known:
        return _same(known, outcome), False
    run = Run.objects.create(
        experiment=experiment,
        definition=outcome.definition.model_dump(mode="json"),
        digest=outcome.digest,
        board=outcome.definition.dataset.board,
        caveat=outcome.data.caveat,
        seed=outcome.seed,
        pool=IMPORT,
        changed_by=actor,
    )
    _train(outcome)
    return run, True


def _train(outcome: "Outcome") -> None:
    claim = queue.claim(IMPORT, [IMPORT])
    assert claim is not None  # the row of this transaction: others' are not to be seen
    environment = outcome.environment | {
        "snnlab": outcome.code,
        "data": outcome.data.sha256,
        "weights_sha256": outcome.weights_sha256,
    }
    recording.begin(claim, environment, 0, restarted=False)
    recording.record(claim, outcome.points())
    chips.store(claim.run_id, list(chips.tested(claim.definition, outcome.chips)))
    queue.finish(claim, imported=True)


def _same(run: Run, outcome: "Outcome") -> Run:
    last = Attempt.objects.filter(run=run).order_by("lease_epoch").last()
    weights = last.environment.get("weights_sha256") if last else None
    if weights != outcome.weights_sha256:
        raise Refused(
            f"run {run.pk} is already the result of definition {run.digest}, seed {run.seed}, and "
            f"its weights {str(weights)[:12]} are not these, {outcome.weights_sha256[:12]}. With "
            "the same versions, threads and processor they would be: compare the environments and "
            "keep one of the two"
        )
    return run
