"""The lines of a leaderboard: what is folded, who is better than whom, and who may see it."""

from dataclasses import replace

import pytest
from scipy import stats

from snnlab.experiments import actions, leaderboard, queries, queue, recording
from snnlab.experiments.leaderboard import KINDS, SORTS, Wanted, standings, teams_of
from snnlab.experiments.models import Entry, Experiment, Run
from snnlab.experiments.published import store
from snnlab.experiments.sql import rows
from snnlab.experiments.statistics import quantile
from snnlab.teams.actions import ensure_first_team
from snnlab.teams.models import Membership, Team, User
from tests.experiments.toys import Toy, fresh, submit


pytestmark = pytest.mark.django_db
NAN = float("nan")


@pytest.fixture(autouse=True)
def home(settings, tmp_path) -> None:
    settings.SNNLAB_HOME = tmp_path


@pytest.fixture
def admin() -> User:
    return ensure_first_team()[0]


def train(accuracy: float = 97.0, **more: float) -> Run:
    """Claim the next run and let it succeed."""
    claim = queue.claim("w1", ["cpu"])
    measured = {"test_accuracy": accuracy, "energy": 12.5, "firing_rate": 0.1} | more
    points = [(name, 3, value) for name, value in measured.items()]
    recording.record(claim, points, fresh(3, final=True))
    queue.finish(claim)
    return Run.objects.get(pk=claim.run_id)


def configuration(number: int, *accuracies: float, **more: float) -> list[Run]:
    """One configuration with a seed for each accuracy."""
    submit(Toy(epochs=number), seeds=len(accuracies), name=f"toy {number}")
    return [train(accuracy, **more) for accuracy in accuracies]


def lines(user: User, **wanted) -> list:
    return standings(teams_of(user), Wanted("toys", **wanted)).rows


def test_seeds_are_folded_into_one_line_in_few_queries(admin, django_assert_num_queries) -> None:
    runs = configuration(1, 97.0, 98.0, 99.5)
    with django_assert_num_queries(3):
        (row,) = lines(admin)
    low, high = stats.ttest_1samp([97.0, 98.0, 99.5], 0).confidence_interval(0.95)
    assert (row.accuracy, row.n, row.best, row.best_run) == (
        pytest.approx(98.1667, abs=1e-4),
        3,
        99.5,
        runs[2].pk,
    )
    assert (row.low, row.high) == (pytest.approx(low), pytest.approx(high))
    assert (row.seeds, row.scores) == ((0, 1, 2), (97.0, 98.0, 99.5))
    assert row.runs == tuple(run.pk for run in runs)
    assert (row.title, row.energy, row.energy_kind) == ("toy 1", 12.5, "estimated")
    assert row.sparsity == pytest.approx(90.0)


def test_a_chips_time_is_the_latency_unless_another_was_measured(admin) -> None:
    configuration(1, 97.0, 98.0, chip_latency=8.0)
    configuration(2, 96.0, chip_latency=8.0, latency=3.0)
    configuration(3, 95.0)
    assert [row.latency for row in lines(admin)] == [8.0, 3.0, None]


def test_fewer_than_three_seeds_have_no_interval(admin) -> None:
    configuration(1, 97.0, 99.0)
    (row,) = lines(admin)
    assert (row.low, row.high, row.n) == (None, None, 2)


def test_the_databases_t_is_ours() -> None:
    freedoms = [1, 2, 5, 17, 30, 31, 77, 1000]
    found = rows("select board_student(f) as t from unnest(%(f)s) as f", f=freedoms)
    ours = [quantile(0.95, freedom) for freedom in freedoms]
    assert [row["t"] for row in found] == pytest.approx(ours, abs=3e-6)


def test_overlapping_intervals_share_a_rank(admin) -> None:
    configuration(1, 90.0, 90.1, 90.2)
    configuration(2, 97.0, 98.0, 99.0)  # 95.5..100.5: overlaps the next
    configuration(3, 99.0, 99.1, 99.2)
    configuration(4, 98.5)  # a point inside
    ranks = {row.title: row.rank for row in lines(admin)}
    assert ranks == {"toy 3": 1, "toy 2": 1, "toy 4": 2, "toy 1": 4}


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("sort", SORTS)
def test_a_missing_value_stands_last_whichever_way(admin, sort, descending) -> None:
    columns = {"teacher": 99.0, "parameters": 10.0, "macs": 1.0, "acs": 1.0, "synops": 1.0}
    columns |= {"latency": 1.0, "area": 50.0, "seconds": 1.0, "time_steps": 4, "best": 98.0}
    columns |= {"method": "bptt", "network": "mlp", "neuron": "lif", "accuracy": 98.0, "year": 2020}
    columns |= {"energy": 5.0, "firing_rate": 0.1, "provenance": True}
    target = Entry.objects.create(board="toys", kind="published", digest="t", accuracy=97.0)
    every = columns | {"title": "b", "n": 3, "reproduces": target}
    Entry.objects.create(board="toys", kind="external", digest="full", **every)
    Entry.objects.create(board="toys", kind="external", digest="more", **every | {"title": "c"})
    Entry.objects.create(board="toys", kind="external", digest="none", title="z")
    found = lines(admin, sort=sort, descending=descending, kinds=("external",))
    never_missing = sort in ("n", "verified", "title")
    assert {row.digest for row in found[: 2 if not never_missing else 3]} >= (
        {"full", "more"} if not never_missing else {"none"}
    )


def test_what_is_no_number_never_ranks(admin) -> None:
    configuration(1, NAN)
    configuration(2, 97.0, NAN, 98.0, 99.0)
    best, nothing = lines(admin)
    assert (best.title, best.rank, best.n, best.missing) == ("toy 2", 1, 3, 1)
    assert (nothing.accuracy, nothing.rank, nothing.missing) == (None, None, 1)
    assert lines(admin, descending=False)[-1] == nothing


def test_a_sample_of_the_data_has_ranks_of_its_own(admin) -> None:
    configuration(1, 97.0)
    configuration(2, 98.0)
    Entry.objects.filter(title="toy 2").update(caveat="a sample")
    configuration(3, 96.0)
    found = standings(teams_of(admin), Wanted("toys"))
    assert [(row.title, row.rank) for row in found.rows] == [
        ("toy 2", 1),
        ("toy 1", 1),
        ("toy 3", 2),
    ]
    assert found.data == {"": 2, "a sample": 1}
    assert [row.title for row in lines(admin, data="a sample")] == ["toy 2"]


def test_a_withdrawn_line_stays_as_a_tombstone_without_a_rank(admin) -> None:
    configuration(1, 97.0)
    configuration(2, 98.0)
    Entry.objects.filter(title="toy 2").update(standing="withdrawn")
    assert [(row.title, row.rank) for row in lines(admin)] == [("toy 1", 1), ("toy 2", None)]


def test_published_lines_rank_only_if_asked(admin) -> None:
    configuration(1, 97.0)
    Entry.objects.create(board="toys", kind="published", digest="p", title="paper", accuracy=99.0)
    assert [(row.title, row.rank) for row in lines(admin)] == [("paper", None), ("toy 1", 1)]
    asked = lines(admin, rank_published=True)
    assert [(row.title, row.rank) for row in asked] == [("paper", 1), ("toy 1", 2)]


def test_filters_leave_ranks_as_they_are(admin) -> None:
    configuration(1, 97.0, parameters=50.0)
    configuration(2, 98.0, 98.0, 98.0, parameters=500.0)
    assert [(row.title, row.rank) for row in lines(admin, most_parameters=100)] == [("toy 1", 2)]
    assert [row.title for row in lines(admin, least_seeds=3)] == ["toy 2"]
    assert [row.title for row in lines(admin, words=("TOY", "1"))] == ["toy 1"]
    assert lines(admin, words=("100%",)) == []
    assert lines(admin, kinds=("published",)) == []
    assert lines(admin, least_verified=1) == []
    assert lines(admin, least_steps=1) == []


def test_a_board_comes_in_pages(admin) -> None:
    for number in range(1, 6):
        configuration(number, 90.0 + number)
    second = standings(teams_of(admin), Wanted("toys", size=2, page=2))
    assert ([row.title for row in second.rows], second.total) == (["toy 3", "toy 2"], 5)
    assert [row.rank for row in second.rows] == [3, 4]


def test_another_teams_lines_are_not_there_and_do_not_count(admin) -> None:
    configuration(1, 97.0)
    stranger = User.objects.create(username="stranger")
    other = Team.objects.create(slug="other", name="Other")
    Membership.objects.create(user=stranger, team=other)
    assert lines(stranger) == []
    line = lines(admin)[0]
    assert leaderboard.entry(teams_of(stranger), "toys", line.id) is None
    assert leaderboard.entry(teams_of(admin), "toys", line.id).title == "toy 1"
    assert leaderboard.entry(teams_of(admin), "mnist", line.id) is None
    actions.submit(team=other, actor="stranger", name="theirs", specs=[Toy()], seeds=[1])
    train(99.0)
    assert [(row.title, row.rank) for row in lines(admin)] == [("toy 1", 1)]


def test_a_later_seed_is_folded_in_and_what_was_proved_is_proved_no_more(admin) -> None:
    submit(Toy(), seeds=2)
    train(97.0)
    Entry.objects.filter(board="toys").update(proof=3)
    assert lines(admin)[0].verified == 3
    train(98.0)
    assert (lines(admin)[0].accuracy, lines(admin)[0].verified) == (97.5, 0)


def test_a_diagnosis_is_no_line(admin) -> None:
    run = submit()[0]
    definition = run.definition | {"task": {"kind": "gradients"}}
    Run.objects.create(
        experiment=run.experiment, definition=definition, digest="g", board="toys", seed=1
    )
    train(97.0), train(98.0)
    assert [row.digest for row in lines(admin)] == [run.digest]


def test_a_renamed_experiment_is_renamed_on_the_board(admin) -> None:
    configuration(1, 97.0)
    Experiment.objects.update(name="better")
    assert [row.title for row in lines(admin, words=("better",))] == ["better"]


def test_every_published_figure_stands_on_its_board(admin) -> None:
    found = standings([], Wanted("mnist", size=100))
    assert (found.total, set(found.kinds)) == (31, {"published"})
    plif = next(row for row in found.rows if row.neuron == "PLIF" and row.accuracy == 99.72)
    assert (plif.time_steps, plif.url, plif.checked) == (
        8,
        "https://arxiv.org/abs/2007.05785",
        True,
    )
    assert [row.accuracy for row in found.rows] == sorted(
        (row.accuracy for row in found.rows), reverse=True
    )
    assert {"mnist", "cifar-10"} <= set(queries.boards(admin))


def test_a_published_row_that_left_the_file_is_withdrawn_until_it_comes_back() -> None:
    row = Entry.objects.filter(board="mnist", kind="published").first()
    lost = Entry.objects.create(board="mnist", kind="published", digest="of another version")
    Entry.objects.filter(pk=row.pk).update(standing="withdrawn")
    store()
    row.refresh_from_db(), lost.refresh_from_db()
    assert (row.standing, lost.standing) == ("", "withdrawn")
    assert Entry.objects.filter(kind="published").count() == 301


def test_no_kind_of_row_is_unknown() -> None:
    assert set(KINDS) == set(Entry.Kind)
    assert replace(Wanted("toys"), kinds=()).kinds == ()
