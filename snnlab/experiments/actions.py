"""Every write that a person asks for. What workers write is in queue.py."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from django.db import transaction

from snnlab.experiments.asking import Ask, Refused
from snnlab.experiments.doorbell import ring_on_commit
from snnlab.experiments.models import Experiment, Run
from snnlab.experiments.needs import needed, wait_for
from snnlab.experiments.reuse import copy_numbers, reused
from snnlab.experiments.sql import rows
from snnlab.teams.models import Team


if TYPE_CHECKING:
    from snnlab.learning.spec import Spec

__all__ = ["MOST_RUNS", "Ask", "Refused", "cancel", "hold", "retry", "submit", "unhold"]

MOST_RUNS = 10_000
ANYWHERE = Ask()


@transaction.atomic
def submit(
    *,
    team: Team,
    actor: str,
    name: str,
    specs: "Sequence[Spec]",
    seeds: Sequence[int],
    notes: str = "",
    tags: Iterable[str] = (),
    ask: Ask = ANYWHERE,
    after: Sequence[int] = (),
    reuse: bool = False,
    key: str | None = None,
) -> Experiment:
    """Queue one run per spec and seed; the rows are the jobs.

    Each run waits for those of `after`, and for a run that trains what it needs, such as a teacher.
    With `reuse`, a result that is known is taken instead of computed again. The same key of the
    same team gives the same experiment again: a request can be repeated.
    """
    runs = _runs(specs, seeds, actor=actor, ask=ask)
    found, made = experiment(team=team, actor=actor, name=name, notes=notes, tags=tags, key=key)
    if not made:
        return _same(found, runs)
    for run in runs:
        run.experiment = found
    taken = reused(runs, team) if reuse else []
    Run.objects.bulk_create(runs, batch_size=500)
    copy_numbers(taken)
    needs = {spec.digest(): needed(spec) for spec in specs}
    wait_for([run for run in runs if not run.terminal], needs, after)
    ring_on_commit()
    return found


def experiment(
    *, team: Team, actor: str, name: str, notes: str, tags: Iterable[str], key: str | None
) -> tuple[Experiment, bool]:
    """A new experiment without runs, or the one of that key; and whether it is new."""
    tags = [text("tag", tag, 50) for tag in tags]
    fields = {"name": text("name", name, 200), "notes": clean("notes", notes), "tags": tags}
    if key is None:
        return Experiment.objects.create(team=team, actor=actor, **fields), True
    return Experiment.objects.get_or_create(
        team=team, key=text("key", key, 200), defaults={"actor": actor, **fields}
    )


def cancel(run_id: int, actor: str) -> str:
    """Stop a run, at once if it waits, at its next step if it runs; gives the new state.

    Raises Run.DoesNotExist, or Refused if it has ended.
    """
    moved = rows(
        """
        update experiments_run set
          state = case state when 'running' then 'cancelling' else 'cancelled' end,
          finished_at = case state when 'running' then null else clock_timestamp() end,
          changed_by = %(actor)s, reason = '', message = ''
        where id = %(run)s and state in ('held', 'queued', 'running') returning state""",
        run=run_id,
        actor=actor,
    )
    if not moved and _state(run_id) == Run.State.CANCELLING:
        return Run.State.CANCELLING
    return _moved(moved, run_id, "only held, queued or running runs can be cancelled")


@transaction.atomic
def retry(run_id: int, actor: str) -> str:
    """Queue a failed or cancelled run again; it goes on from its last checkpoint.

    The runs that it needs are locked first, as whoever ends one of them does. Raises
    Run.DoesNotExist, or Refused if it is in another state.
    """
    rows(
        """
        select id from experiments_run where id in (
          select needs_id from experiments_dependency where run_id = %(run)s)
        order by id for share""",
        run=run_id,
    )
    moved = rows(
        """
        update experiments_run set state = 'queued', attempts = 0, not_before = clock_timestamp(),
          finished_at = null, changed_by = %(actor)s, reason = '', message = ''
        where id = %(run)s and state in ('failed', 'cancelled') returning state""",
        run=run_id,
        actor=actor,
    )
    return _moved(moved, run_id, "only failed or cancelled runs can be retried")


def hold(run_id: int, actor: str) -> str:
    """Keep a queued run from being claimed until `unhold`."""
    return _swap(run_id, actor, "queued", "held", "only queued runs can be held")


def unhold(run_id: int, actor: str) -> str:
    """Let a held run be claimed again, and one that was to be paused go on."""
    if Run.objects.filter(pk=run_id, state=Run.State.RUNNING, pausing=True).update(pausing=False):
        ring_on_commit()
        return Run.State.RUNNING
    return _swap(run_id, actor, "held", "queued", "only held runs can be let go")


def _swap(run_id: int, actor: str, before: str, after: str, rule: str) -> str:
    moved = rows(
        """update experiments_run set state = %(after)s, changed_by = %(actor)s, reason = '',
        message = '' where id = %(run)s and state = %(before)s returning state""",
        run=run_id,
        actor=actor,
        before=before,
        after=after,
    )
    return _moved(moved, run_id, rule)


def _moved(moved: list[dict[str, str]], run_id: int, rule: str) -> str:
    """The state after a conditional update; if it hit nothing, say why."""
    if not moved:
        raise Refused(f"run {run_id} is {_state(run_id)}: {rule}")
    ring_on_commit()
    return moved[0]["state"]


def _state(run_id: int) -> str:
    return Run.objects.values_list("state", flat=True).get(pk=run_id)


def _runs(specs: "Sequence[Spec]", seeds: Sequence[int], *, actor: str, ask: Ask) -> list[Run]:
    if not specs or not seeds:
        raise Refused("an experiment needs at least one spec and one seed")
    if len(set(seeds)) != len(seeds) or min(seeds) < 0 or max(seeds) >= 2**31:
        raise Refused(f"seeds must be different whole numbers in 0..{2**31 - 1}, got {list(seeds)}")
    if len(specs) * len(seeds) > MOST_RUNS:
        raise Refused(f"an experiment has at most {MOST_RUNS} runs, got {len(specs) * len(seeds)}")
    if len({spec.digest() for spec in specs}) != len(specs):
        raise Refused("the specs of an experiment must differ; two are the same")
    return [
        Run(
            definition=spec.model_dump(mode="json"),
            digest=spec.digest(),
            board=spec.dataset.board,
            caveat=caveat(spec),
            seed=seed,
            changed_by=actor,
            **ask.checked(),
        )
        for spec in specs
        for seed in seeds
    ]


def caveat(spec: "Spec") -> str:
    """What a reader of the board must know about the data, as far as the definition tells."""
    return "; ".join(filter(None, (spec.dataset.caveat, spec.dataset.narrowing)))[:300]


def _same(experiment: Experiment, runs: list[Run]) -> Experiment:
    """The experiment, if it asks what these runs ask."""
    asked = set(experiment.runs.values_list("digest", "seed"))
    if asked != {(run.digest, run.seed) for run in runs}:
        raise Refused(
            f"key {experiment.key} belongs to another experiment ({experiment.pk}): take a new key"
        )
    return experiment


def clean(field: str, text: str) -> str:
    if "\x00" in text:
        raise Refused(f"{field} must not contain the character NUL")
    return text


def text(field: str, text: str, longest: int) -> str:
    text = clean(field, text).strip()
    if not 1 <= len(text) <= longest:
        raise Refused(f"{field} must have 1 to {longest} characters, got {len(text)}")
    return text
