"""What people write on work: tags, notes, stars and named searches.

Who may do it is asked before; a run's own row is left alone, for it is frozen once the run ended.
"""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Count
from django.db.models.functions import Now

from snnlab.experiments.actions import text
from snnlab.experiments.asking import Refused
from snnlab.experiments.models import Experiment, Run, RunNote, RunTag, SavedSearch, Star
from snnlab.experiments.queries_marks import version
from snnlab.experiments.search.conditions import condition
from snnlab.experiments.sql import rows
from snnlab.teams.acts import note
from snnlab.teams.models import Team, User


MOST_TAGS, LONGEST_NOTE, MOST_SEARCHES, LONGEST_ADDRESS = 50, 20_000, 200, 4000


@transaction.atomic
def tag_runs(runs: Sequence[int], tag: str) -> int:
    """Put a tag on runs; gives how many did not have it. Raises Refused."""
    tag = text("tag", tag, 50)
    full = RunTag.objects.filter(run__in=runs).exclude(run__tag_set__tag=tag)
    counted = full.values("run").annotate(n=Count("tag", distinct=True)).filter(n__gte=MOST_TAGS)
    if first := counted.order_by("run").first():
        raise Refused(f"run {first['run']} has {MOST_TAGS} tags, which is the most. Remove one")
    before = RunTag.objects.filter(run__in=runs, tag=tag).count()
    RunTag.objects.bulk_create((RunTag(run_id=run, tag=tag) for run in runs), ignore_conflicts=True)
    return len(set(runs)) - before


def untag_runs(runs: Sequence[int], tag: str) -> int:
    """Take a tag off runs; gives how many had it. What their experiments have stays."""
    found = RunTag.objects.filter(run__in=runs, tag=text("tag", tag, 50))
    return found.delete()[0]


def tag_experiment(pk: int, tag: str) -> None:
    """Raises Refused."""
    changed = rows(
        """
        update experiments_experiment set tags = array_append(tags, %(tag)s::varchar)
        where id = %(pk)s and cardinality(tags) < %(most)s and %(tag)s <> all(tags)
        returning id""",
        pk=pk,
        tag=text("tag", tag, 50),
        most=MOST_TAGS,
    )
    if not changed and tag.strip() not in Experiment.objects.get(pk=pk).tags:
        raise Refused(f"the experiment has {MOST_TAGS} tags, which is the most. Remove one")


def untag_experiment(pk: int, tag: str) -> None:
    rows(
        """
        update experiments_experiment set tags = array_remove(tags, %(tag)s::varchar)
        where id = %(pk)s""",
        pk=pk,
        tag=text("tag", tag, 50),
    )


@transaction.atomic
def note_run(run: Run, actor: str, written: str, seen: str | None = None) -> bool:
    """Write a run's note anew; an empty one removes it. Raises Refused.

    `seen` is the version that was edited. If the note is another one by now, both texts are kept;
    gives whether that was so.
    """
    Run.objects.select_for_update(no_key=True, of=("self",)).get(pk=run.pk)
    known = RunNote.objects.filter(run=run).values_list("text", flat=True).first() or ""
    written, both = _merged(written, known, seen)
    if written:
        fields = {"text": written, "actor": actor, "at": Now()}
        RunNote.objects.update_or_create(run=run, defaults=fields)
    else:
        RunNote.objects.filter(run=run).delete()
    note(run.experiment.team, actor, "wrote", "run", run.pk, "a note")
    return both


@transaction.atomic
def note_experiment(
    experiment: Experiment, actor: str, written: str, seen: str | None = None
) -> bool:
    """Write an experiment's notes anew, as `note_run` does. Raises Refused."""
    known = Experiment.objects.select_for_update(no_key=True).get(pk=experiment.pk).notes
    written, both = _merged(written, known, seen)
    Experiment.objects.filter(pk=experiment.pk).update(notes=written)
    note(experiment.team, actor, "wrote", "experiment", experiment.pk, experiment.name)
    return both


def star(user: User, *, on: bool, **thing: object) -> None:
    """Star a run, an experiment or a board, given by that name, or take the star back."""
    if on:
        Star.objects.bulk_create([Star(user=user, **thing)], ignore_conflicts=True)
    else:
        Star.objects.filter(user=user, **thing).delete()


def star_runs(user: User, runs: Sequence[int], *, on: bool) -> int:
    """Star runs, or take the stars back; gives how many."""
    if on:
        stars = (Star(user=user, run_id=run) for run in runs)
        return len(Star.objects.bulk_create(stars, ignore_conflicts=True))
    return Star.objects.filter(user=user, run__in=runs).delete()[0]


@transaction.atomic
def save_search(user: User, name: str, address: str, query: str, team: Team | None) -> SavedSearch:
    """Keep a view of the list of runs under a name; the same name of the same user is replaced.

    Raises Refused, and SearchError for a search that cannot be read.
    """
    name = text("name", name, 100)
    condition(query, user)
    if len(address) > LONGEST_ADDRESS:
        raise Refused(f"the view's address has at most {LONGEST_ADDRESS} characters")
    others = SavedSearch.objects.filter(owner=user.pk).exclude(name=name)
    if others.count() >= MOST_SEARCHES:
        raise Refused(f"{user} has {MOST_SEARCHES} saved views, which is the most. Delete one")
    fields = {"address": address, "team": team}
    saved, _ = SavedSearch.objects.update_or_create(owner=user, name=name, defaults=fields)
    if team is not None:
        note(team, user.username, "saved", "view", saved.pk, name)
    return saved


def delete_search(user: User, pk: int) -> bool:
    """Whether it was this user's own."""
    return bool(SavedSearch.objects.filter(pk=pk, owner=user.pk).delete()[0])


def _merged(written: str, known: str, seen: str | None) -> tuple[str, bool]:
    """What is to be kept, and whether that is more than was written."""
    written = _note(written)
    if seen in (None, version(known)) or known in ("", written):
        return written, False
    return _note(f"{written}\n\n---\n\n{known}"), True


def _note(written: str) -> str:
    written = written.replace("\r\n", "\n").strip()
    if "\x00" in written or len(written) > LONGEST_NOTE:
        raise Refused(
            f"notes must have at most {LONGEST_NOTE} characters, and no NUL, got {len(written)}"
        )
    return written
