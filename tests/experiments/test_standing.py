"""The ladder of verification, marks that stay, and snapshots."""

import hashlib

import pytest
from django.db import IntegrityError, transaction
from django.db.utils import InternalError

from snnlab.experiments import evidence, leaderboard, queue, recording, standing
from snnlab.experiments.actions import Refused
from snnlab.experiments.leaderboard import Wanted, standings
from snnlab.experiments.models import Entry, Judgement, Run, Snapshot
from snnlab.experiments.standing import mark, reproduce, take_snapshot, verify
from snnlab.experiments.statistics import difference
from tests.web import lab


pytestmark = pytest.mark.django_db
COMPLETE = {
    "torch": "2",
    "snnlab": {"commit": "c" * 40, "clean": True, "packages": "d" * 64},
}


@pytest.fixture(autouse=True)
def home(settings, tmp_path) -> None:
    settings.SNNLAB_HOME = tmp_path


@pytest.fixture
def ada():
    return lab.person("ada", "lab")


def succeed(folder, accuracy: float, environment=None) -> None:
    """Take the next run to its end as a worker with this environment would."""
    taken = lab.claim([("test_accuracy", 1, accuracy)])
    if environment:
        recording.begin(taken, environment, 0, restarted=False)
    path = folder / f"checkpoint-{taken.run_id}"
    path.write_bytes(b"weights %d" % taken.run_id)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    fresh = recording.Fresh(1, str(path), digest, 9, weights=digest, final=True, data="e" * 64)
    recording.record(taken, checkpoint=fresh)
    queue.finish(taken)


@pytest.fixture
def line(ada, tmp_path):
    """A measured line of three seeds: 97, 98 and 99 %, mean 98 ± 2.48."""
    lab.experiment(ada, "ours", seeds=(1, 2, 3))
    for accuracy in (97.0, 98.0, 99.0):
        succeed(tmp_path, accuracy)
    return Entry.objects.get(title="ours")


def said(entry) -> list[str]:
    return list(entry.judgements.order_by("id").values_list("kind", flat=True))


def level(user) -> int:
    rows = standings(leaderboard.teams_of(user), Wanted("mnist", kinds=("measured",))).rows
    return rows[0].verified


def test_complete_provenance_is_seen_and_said_once(ada, tmp_path) -> None:
    lab.experiment(ada, "known", seeds=(1, 2))
    succeed(tmp_path, 97.0, COMPLETE)
    assert level(ada) == 1
    succeed(tmp_path, 98.0, COMPLETE)
    entry = Entry.objects.get(title="known")
    assert (level(ada), said(entry)) == (1, ["provenance"])
    row = leaderboard.entry(leaderboard.teams_of(ada), "mnist", entry.pk)
    made = evidence.environments(row)
    assert [(m["seed"], m["commit"], m["data"]) for m in made] == [
        (seed, "c" * 40, "e" * 64) for seed in (1, 2)
    ]


@pytest.mark.parametrize(
    "lacking",
    [
        {"clean": False},
        {"commit": ""},
        {"packages": ""},
    ],
)
def test_a_changed_tree_or_unknown_packages_are_no_complete_provenance(
    ada, tmp_path, lacking
) -> None:
    lab.experiment(ada, "half")
    succeed(tmp_path, 97.0, COMPLETE | {"snnlab": COMPLETE["snnlab"] | lacking})
    assert (level(ada), said(Entry.objects.get(title="half"))) == (0, [])


def test_weights_that_say_the_same_are_re_evaluated(ada, line, tmp_path) -> None:
    experiment = verify(line.pk, "ada", "re-evaluate")
    runs = experiment.runs.order_by("seed")
    assert [list(run.dependencies.values_list("needs_id", flat=True)) for run in runs] == [
        [pk] for pk in line.runs
    ]
    for accuracy in (97.0, 98.0, 99.0):
        assert level(ada) == 0
        succeed(tmp_path, accuracy)
    assert (level(ada), said(line)) == (2, ["asked", "re-evaluated"])
    assert Entry.objects.filter(board="mnist", kind="measured").count() == 1


def test_one_image_less_is_a_refutation(ada, line, tmp_path) -> None:
    verify(line.pk, "ada", "re-evaluate")
    for accuracy in (97.0, 98.0, 98.99):
        succeed(tmp_path, accuracy)
    assert (level(ada), said(line)) == (0, ["asked", "refuted"])


@pytest.mark.parametrize(("accuracies", "verdict"), [((97.5, 98.5, 99.5), 3), ((94, 95, 96), 0)])
def test_trained_again_the_mean_must_lie_inside_the_interval(
    ada, line, tmp_path, accuracies, verdict
) -> None:
    verify(line.pk, "ada", "retrain")
    for accuracy in accuracies:
        succeed(tmp_path, accuracy)
    assert level(ada) == verdict
    judgement = Judgement.objects.latest("id")
    assert judgement.kind == ("retrained" if verdict else "refuted")
    assert judgement.detail["scores"] == dict(zip("123", accuracies, strict=True))
    assert len(judgement.runs) == 3


def test_a_run_that_fails_proves_nothing(ada, line, tmp_path) -> None:
    verify(line.pk, "ada", "retrain")
    succeed(tmp_path, 98.0), succeed(tmp_path, 98.0)
    queue.fail(lab.claim(), "data", "gone")
    assert (level(ada), said(line)) == (0, ["asked", "inconclusive"])


def test_what_can_prove_nothing_is_refused(ada, line, tmp_path) -> None:
    lab.experiment(ada, "one")
    succeed(tmp_path, 97.0)
    one = Entry.objects.get(title="one")
    with pytest.raises(Refused, match="needs 3 seeds"):
        verify(one.pk, "ada", "retrain")
    with pytest.raises(Refused, match="re-evaluate or retrain"):
        verify(one.pk, "ada", "believe")
    verify(line.pk, "ada", "retrain")
    with pytest.raises(Refused, match="queued already"):
        verify(line.pk, "ada", "retrain")
    Run.objects.get(pk=one.runs[0]).checkpoints.all().delete()
    with pytest.raises(Refused, match="not stored"):
        verify(one.pk, "ada", "re-evaluate")


def test_a_flag_needs_a_reason_and_withdrawing_leaves_a_tombstone(ada, line) -> None:
    with pytest.raises(Refused, match="without a reason"):
        mark(line.pk, "ada", "withdrawn", "  ")
    mark(line.pk, "ada", "flagged", "odd")
    mark(line.pk, "bob", "cleared")
    mark(line.pk, "ada", "withdrawn", "wrong labels")
    with pytest.raises(Refused, match="already"):
        mark(line.pk, "ada", "withdrawn", "again")
    assert said(line) == ["flagged", "cleared", "withdrawn"]
    rows = standings(leaderboard.teams_of(ada), Wanted("mnist", kinds=("measured",))).rows
    assert [(row.standing, row.rank) for row in rows] == [("withdrawn", None)]


def test_a_published_row_is_nobodys_to_change() -> None:
    published = Entry.objects.filter(kind="published").first()
    with pytest.raises(Entry.DoesNotExist):
        mark(published.pk, "ada", "flagged", "I do not like it")


def test_a_reproduction_shows_its_difference(ada, line) -> None:
    paper = Entry.objects.filter(kind="published", board="mnist", accuracy=99.4).first()
    reproduce(line.pk, "ada", paper.pk)
    (row,) = standings(leaderboard.teams_of(ada), Wanted("mnist", kinds=("reproduced",))).rows
    assert row.to_published == pytest.approx(98.0 - 99.4)
    with pytest.raises(Refused, match="no published row"):
        reproduce(line.pk, "ada", line.pk)
    elsewhere = Entry.objects.filter(kind="published", board="cifar-10").first()
    with pytest.raises(Refused, match="no published row"):
        reproduce(line.pk, "ada", elsewhere.pk)


def test_what_was_said_stays(ada, line) -> None:
    mark(line.pk, "ada", "flagged", "odd")
    for change in (
        lambda: Judgement.objects.update(note="fine"),
        lambda: Judgement.objects.all().delete(),
    ):
        with pytest.raises((IntegrityError, InternalError)), transaction.atomic():
            change()


def test_a_snapshot_is_named_by_what_it_says(ada, line) -> None:
    team = ada.teams.get()
    first = take_snapshot(team, "ada", "mnist")
    assert take_snapshot(team, "bob", "mnist") == first
    assert first.sha256 == standing.content_hash(Snapshot.objects.get().rows)
    mark(line.pk, "ada", "withdrawn", "wrong")
    second = take_snapshot(team, "ada", "mnist")
    assert (second.number, second.sha256 != first.sha256) == (2, True)
    (change,) = evidence.changes(first.rows, second.rows)
    assert (change.before["standing"], change.after["standing"]) == ("", "withdrawn")
    with pytest.raises((IntegrityError, InternalError)), transaction.atomic():
        Snapshot.objects.update(actor="eve")


def test_a_difference_tells_who_came_who_went_and_who_climbed() -> None:
    before = [{"key": "a", "rank": 1}, {"key": "b", "rank": 2}, {"key": "c", "rank": 3}]
    after = [{"key": "d", "rank": 1}, {"key": "b", "rank": 1}, {"key": "c", "rank": 3}]
    found = evidence.changes(before, after)
    assert [(change.row["key"], change.climbed) for change in found] == [
        ("d", None),
        ("b", 1),
        ("a", None),
    ]


def test_a_line_is_compared_with_others_of_the_same_data(ada, line, tmp_path) -> None:
    lab.experiment(ada, "theirs", seeds=(1, 2, 3), time_steps=7)
    for accuracy in (96.0, 97.5, 98.0):
        succeed(tmp_path, accuracy)
    teams = leaderboard.teams_of(ada)
    ours = leaderboard.entry(teams, "mnist", line.pk)
    ((other, found),) = evidence.compared(teams, "mnist", ours)
    expected = difference({1: 97.0, 2: 98.0, 3: 99.0}, {1: 96.0, 2: 97.5, 3: 98.0})
    assert (other.title, found) == ("theirs", expected)
    assert found.paired
