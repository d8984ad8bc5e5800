"""What people wrote on work: the tags, notes and stars of one run or experiment."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from snnlab.experiments.models import Experiment, Run, Star
from snnlab.experiments.sql import rows
from snnlab.teams.models import User


@dataclass(frozen=True)
class Marks:
    """`tags` can be taken off here; those of a run's experiment are `inherited`."""

    tags: list[str]
    inherited: list[str]
    notes: str
    actor: str
    at: datetime | None
    starred: bool

    @property
    def version(self) -> str:
        """What tells these notes from others: whoever edits them says which ones they were."""
        return version(self.notes)


def version(notes: str) -> str:
    return sha256(notes.encode()).hexdigest()


def of_run(user: User, run: Run) -> Marks:
    """In one query."""
    (found,) = rows(
        """
        select coalesce(note.text, '') as notes, coalesce(note.actor, '') as actor, note.at,
          array(select tag from experiments_runtag where run_id = run.id order by tag) as tags,
          exists (select from experiments_star where user_id = %(user)s and run_id = run.id)
            as starred
        from experiments_run run left join experiments_runnote note on note.run_id = run.id
        where run.id = %(run)s""",
        user=user.pk,
        run=run.pk,
    )
    inherited = [tag for tag in run.experiment.tags if tag not in found["tags"]]
    return Marks(inherited=inherited, **found)


def of_experiment(user: User, experiment: Experiment) -> Marks:
    """In one query."""
    starred = Star.objects.filter(user=user.pk, experiment=experiment.pk).exists()
    return Marks(experiment.tags, [], experiment.notes, "", None, starred)


def starred_boards(user: User) -> set[str]:
    """The short names of the boards that the user starred."""
    return set(Star.objects.filter(user=user.pk).exclude(board="").values_list("board", flat=True))
