"""What becomes of a sweep, look by look, with workers that make up their numbers."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from snnlab.experiments import actions_sweeps, queries_sweeps, queue
from snnlab.experiments.actions import Refused
from snnlab.experiments.models import Attempt, Point, Run, Sweep
from snnlab.experiments.sweep_steps import run_of, step
from snnlab.learning.version import code
from tests.experiments.sweeps import BASE, begin, create, define, finish, measure, states, work


pytestmark = pytest.mark.django_db
ROBUST = {"epochs": 1, "task": {"kind": "robustness", "mismatch": [0.1], "bits": [], "thermal": []}}
LR = {"kind": "float", "low": 1e-4, "high": 1e-1, "log": True}


@pytest.fixture(autouse=True)
def home(settings, tmp_path) -> None:
    settings.SNNLAB_HOME = tmp_path


def by_epochs(definition, seed) -> float:
    return definition["epochs"] + seed / 10


def look(sweep: Sweep) -> Sweep:
    assert step(sweep.pk)
    sweep.refresh_from_db()
    return sweep


def test_a_grid_runs_every_point_with_every_seed_and_ends() -> None:
    sweep = create({"epochs": [1, 2], "batch_size": [32, 64]}, seeds=[1, 2])
    assert states(sweep) == ["queued"] * 8
    assert work(by_epochs) == 8
    look(sweep)
    assert (sweep.state, sweep.message) == ("done", "")
    best, *_, worst = queries_sweeps.points(sweep)
    assert (best.values["epochs"], best.state, worst.values["epochs"]) == (2, "done", 1)
    assert best.scores[0].mean == pytest.approx(2.15)
    assert best.scores[0].std == pytest.approx(0.1 / 2**0.5)
    assert best.scores[0].n == 2


def test_a_sweep_takes_known_results_only_if_asked() -> None:
    first = create({"epochs": [1, 2]})
    while claim := queue.claim("w1", ["cpu"], queue.Offer(code=code())):
        finish(claim)
    assert states(first) == ["succeeded"] * 2
    assert states(create({"epochs": [1, 2, 3]})) == ["queued"] * 3
    again = create({"epochs": [1, 2, 3]}, reuse=True)
    assert sorted(states(again)) == ["queued", "succeeded", "succeeded"]
    assert again.experiment.runs.filter(same_as__experiment=first.experiment).count() == 2


def test_every_point_has_a_first_seed_before_any_has_a_second() -> None:
    sweep = create({"epochs": [1, 2, 3]}, seeds=[7, 8], parallel=3)
    assert set(sweep.experiment.runs.values_list("seed", flat=True)) == {7}


def test_no_more_runs_than_allowed_are_under_way() -> None:
    sweep = create({"epochs": [1, 2, 3, 4, 5]}, parallel=2)
    assert states(sweep) == ["queued"] * 2
    claim = begin(by_epochs)
    look(sweep)
    assert states(sweep) == ["running", "queued"]
    finish(claim)
    look(sweep)
    assert states(sweep) == ["succeeded", "queued", "queued"]


def test_a_budget_of_runs_ends_a_sweep_and_says_so() -> None:
    sweep = create({"epochs": [1, 2, 3]}, most_runs=2)
    work(by_epochs)
    look(sweep)
    assert (len(states(sweep)), sweep.message) == (2, "the budget of 2 runs is used up")


def test_a_budget_of_time_ends_a_sweep() -> None:
    sweep = create({"epochs": [1, 2, 3]}, most_hours=1e-9, parallel=1)
    assert work(by_epochs) == 1
    look(sweep)
    assert (sweep.state, len(states(sweep))) == ("done", 1)
    assert "budget of 1e-09 h" in sweep.message


def test_time_between_two_attempts_is_not_training() -> None:
    """A run that failed two days ago after an hour, and is run again now, has trained an hour."""
    sweep = create({"epochs": [1, 2]}, most_hours=10, parallel=1)
    claim, past = queue.claim("w1", ["cpu"]), Now() - timedelta(days=2)
    Run.objects.filter(state="running").update(started_at=past)
    queue.fail(claim, "data", "gone")
    Attempt.objects.update(started_at=past, ended_at=past + timedelta(hours=1))
    actions_sweeps.rerun_failed(sweep.pk, "ada")
    assert round(queries_sweeps.usage(sweep).seconds) == 3600
    assert sum(round(point.seconds) for point in queries_sweeps.points(sweep)) == 3600
    while look(sweep).state == "open":
        work(by_epochs)
    assert (states(sweep), sweep.message) == (["succeeded"] * 2, "")


def test_more_seeds_are_refused_where_no_budget_is_left() -> None:
    sweep = create({"epochs": [1, 2, 3]}, most_runs=2)
    work(by_epochs)
    look(sweep)
    with pytest.raises(Refused, match="the budget of 2 runs is used up: allow more by extending"):
        actions_sweeps.add_seeds(sweep.pk, top=1, count=2)
    assert {len(point.seeds) for point in Point.objects.all()} == {1}


def test_impossible_points_are_shown_and_the_others_run() -> None:
    sweep = create({"rule.kind": ["bptt", "tbptt"], "rule.window": [2]})
    rows = queries_sweeps.points(sweep, order="number")
    assert [row.state for row in rows] == ["impossible", "queued"]
    assert "rule.window: is not a known field" in rows[0].problem
    work(by_epochs)
    assert look(sweep).state == "done"


def test_a_point_and_seed_is_there_once_whatever_happens() -> None:
    sweep = create({"epochs": [1, 2]})
    run = sweep.experiment.runs.first()
    with pytest.raises(IntegrityError), transaction.atomic():
        Run.objects.create(
            **{
                field: getattr(run, field)
                for field in ("experiment", "definition", "board", "seed", "point")
            },
            digest="another",
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        Point.objects.create(sweep=sweep, number=0, values={}, digest="another", seeds=[1])


def test_a_deleted_run_is_made_again() -> None:
    """History cannot be deleted but by whoever owns the tables, as here."""
    sweep = create({"epochs": [1, 2]})
    work(by_epochs)
    look(sweep)
    lost = sweep.experiment.runs.first()
    with connection.cursor() as cursor:
        cursor.execute("set constraints all immediate")
        cursor.execute("alter table experiments_event disable trigger event_append_only")
        lost.delete()
        cursor.execute("set constraints all immediate")
        cursor.execute("alter table experiments_event enable trigger event_append_only")
    assert actions_sweeps.rerun_failed(sweep.pk, "ada") == 0
    look(sweep)
    assert states(sweep) == ["queued", "succeeded"]


def test_failed_runs_are_run_again_by_one_action() -> None:
    sweep = create({"epochs": [1, 2, 3]})
    queue.fail(queue.claim("w1", ["cpu"]), "data", "gone")
    work(by_epochs)
    look(sweep)
    assert (sweep.state, states(sweep)) == ("done", ["failed data", "succeeded", "succeeded"])
    assert actions_sweeps.rerun_failed(sweep.pk, "ada") == 1
    assert states(sweep)[0] == "queued"
    work(by_epochs)
    assert (look(sweep).state, states(sweep)) == ("done", ["succeeded"] * 3)


def test_a_cancelled_sweep_stops_and_goes_on() -> None:
    sweep = create({"epochs": [1, 2, 3]}, parallel=2)
    claim = begin(by_epochs)
    assert actions_sweeps.cancel(sweep.pk, "ada") == 2
    look(sweep)
    assert (sweep.state, sweep.message) == ("stopped", "stopped by ada")
    assert states(sweep) == ["cancelling", "cancelled"]
    assert queue.release(claim) == "cancelled"
    with pytest.raises(Refused, match="is stopped"):
        actions_sweeps.cancel(sweep.pk, "ada")
    assert actions_sweeps.resume(sweep.pk, "ada") == 2
    with pytest.raises(Refused, match="is open"):
        actions_sweeps.resume(sweep.pk, "ada")
    while look(sweep).state == "open":
        work(by_epochs)
    assert states(sweep) == ["succeeded"] * 3


def test_cancelled_runs_can_be_resumed_after_failed_ones_were_run_again() -> None:
    sweep = create({"epochs": [1, 2]})
    queue.fail(queue.claim("w1", ["cpu"]), "data", "gone")
    actions_sweeps.cancel(sweep.pk, "ada")
    assert actions_sweeps.rerun_failed(sweep.pk, "ada") == 1
    work(by_epochs)
    assert (look(sweep).state, states(sweep)) == ("done", ["succeeded", "cancelled"])
    assert actions_sweeps.resume(sweep.pk, "ada") == 1
    work(by_epochs)
    assert (look(sweep).state, states(sweep)) == ("done", ["succeeded"] * 2)
    with pytest.raises(Refused, match="only cancelled sweeps and runs can be resumed"):
        actions_sweeps.resume(sweep.pk, "ada")


def test_the_best_points_get_more_seeds() -> None:
    sweep = create({"epochs": [1, 2, 3]})
    with pytest.raises(Refused, match="no finished point"):
        actions_sweeps.add_seeds(sweep.pk, top=2, count=3)
    work(by_epochs)
    look(sweep)
    assert actions_sweeps.add_seeds(sweep.pk, top=2, count=3) == [1, 2]
    look(sweep)
    assert work(by_epochs) == 6
    assert look(sweep).state == "done"
    assert [(p.values["epochs"], p.scores[0].n) for p in queries_sweeps.points(sweep)] == [
        (3, 4),
        (2, 4),
        (1, 1),
    ]


def test_an_extended_space_keeps_its_points() -> None:
    sweep = create({"epochs": [1, 2]})
    work(by_epochs)
    look(sweep)
    actions_sweeps.extend(sweep.pk, define({"epochs": [2, 3, 1, 4]}, seeds=[1, 2]))
    look(sweep)
    numbers = [(p.number, p.values["epochs"]) for p in queries_sweeps.points(sweep, order="number")]
    assert numbers == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert work(by_epochs) == 6
    assert look(sweep).state == "done"


def test_points_from_before_a_field_varied_have_its_value() -> None:
    """So charts show them, and a search learns from them."""
    sweep = create({"epochs": [1, 2]})
    rate = sweep.definition["base"]["optimizer"]["lr"]
    actions_sweeps.extend(sweep.pk, define({"epochs": [1, 2], "optimizer.lr": [rate, 0.5]}))
    first, *_ = queries_sweeps.points(sweep, order="number")
    assert first.values == {"epochs": 1, "optimizer.lr": rate}


def test_an_extension_asks_the_same_question() -> None:
    sweep = create({"epochs": [1, 2]})
    other = define({"epochs": [1, 2]}, objectives=[{"metric": "energy"}])
    with pytest.raises(Refused, match="objectives cannot change"):
        actions_sweeps.extend(sweep.pk, other)


def test_a_sweep_that_lacks_a_field_of_today_can_be_extended() -> None:
    """What was stored before a field came counts as its default."""
    sweep = create({"epochs": [1, 2]})
    stored = sweep.definition
    del stored["base"]["memory"], stored["devices"]
    Sweep.objects.update(definition=stored)
    actions_sweeps.extend(sweep.pk, define({"epochs": [1, 2, 3]}))
    look(sweep)
    assert sweep.experiment.runs.count() == 3


def test_the_same_key_gives_the_same_sweep() -> None:
    one, other = (create({"epochs": [1, 2]}, key="once", look=False) for _ in range(2))
    assert one.pk == other.pk
    with pytest.raises(Refused, match="another experiment"):
        create({"epochs": [1, 3]}, key="once", look=False)


def test_an_expansion_that_breaks_off_leaves_nothing_and_is_repeated(monkeypatch) -> None:
    sweep = create({"epochs": [1, 2, 3]}, look=False)
    monkeypatch.setattr("snnlab.experiments.sweep_steps.BATCH", 1)
    real, made = Point.objects.bulk_create, []

    def breaks(rows, **kwargs):
        made.extend(real(list(rows)[:2], **kwargs))
        raise KeyboardInterrupt

    monkeypatch.setattr(Point.objects, "bulk_create", breaks)
    with pytest.raises(KeyboardInterrupt):
        step(sweep.pk)
    monkeypatch.undo()
    assert (len(made), Point.objects.count()) == (2, 0)
    look(sweep)
    assert (Point.objects.count(), sweep.expanded) == (3, 1)


def test_tpe_asks_as_results_come_in() -> None:
    strategy = {"kind": "tpe", "points": 12, "startup": 4}
    sweep = create({"optimizer.lr": LR, "epochs": [1, 2, 3]}, strategy=strategy, parallel=2)
    assert Point.objects.count() == 2
    looks = 0
    while look(sweep).state == "open" and looks < 30:
        work(by_epochs)
        looks += 1
    assert (sweep.state, Point.objects.count()) == ("done", 12)
    assert len({digest for (digest,) in Point.objects.values_list("digest")}) == 12


def test_a_search_that_finds_nothing_new_ends() -> None:
    strategy = {"kind": "tpe", "points": 12, "startup": 2}
    sweep = create({"rule.kind": ["bptt", "tbptt"], "rule.window": [2, 3]}, strategy=strategy)
    for _ in range(8):
        work(by_epochs)
        look(sweep)
    assert (sweep.state, sweep.message) == ("done", "the search found no new point")
    assert Point.objects.count() == 2


def test_nsga2_remembers_its_generations() -> None:
    sweep = create(
        {"optimizer.lr": LR},
        strategy={"kind": "nsga2", "points": 12, "population": 4},
        objectives=[{"metric": "accuracy"}, {"metric": "energy"}],
        parallel=4,
    )
    while look(sweep).state == "open":
        assert work(lambda d, s: d["optimizer"]["lr"])
    made = Point.objects.order_by("number").values_list("memory", flat=True)
    assert [next(iter(memory.values())) for memory in made] == [0] * 4 + [1] * 4 + [2] * 4


def test_a_hopeless_run_is_pruned_and_seen_to_be() -> None:
    sweep = create({"epochs": [1, 2, 3, 4]}, pruner={"kind": "median", "startup": 2, "warmup": 0})
    work(lambda d, s: 90.0, most=3)
    claim = begin(lambda d, s: 10.0)
    look(sweep)
    assert states(sweep)[3] == "cancelling pruned"
    assert queue.release(claim) == "cancelled"
    look(sweep)
    assert (sweep.state, states(sweep)[3]) == ("done", "cancelled pruned")
    run = Run.objects.get(pk=claim.run_id)
    assert "accuracy 10 after step 1" in run.message
    assert run.events.filter(reason="pruned", actor="pruner").exists()
    *_, last = queries_sweeps.points(sweep)
    assert (last.state, last.score(), last.last_step) == ("pruned", 10.0, 1)
    assert queries_sweeps.usage(sweep).pruned == 1


def test_a_run_is_judged_once_at_each_step() -> None:
    sweep = create({"epochs": [1, 2, 3]}, pruner={"kind": "asha", "least": 1, "factor": 2})
    claim = begin(lambda d, s: 10.0)
    look(sweep)
    assert Run.objects.get(pk=claim.run_id).judged == 1
    rival = begin(lambda d, s: 90.0)
    look(sweep)
    assert states(sweep)[:2] == ["running", "running"]  # the first has passed its rung
    measure(claim, lambda d, s: 10.0, range(2, 3))
    measure(rival, lambda d, s: 90.0, range(2, 3))
    look(sweep)
    assert states(sweep)[:2] == ["running", "running"]  # the first to come is the best so far
    third = begin(lambda d, s: 5.0)
    look(sweep)
    assert Run.objects.get(pk=third.run_id).reason == "pruned"


def test_a_definition_that_a_version_refuses_stops_its_sweep() -> None:
    sweep = create({"epochs": [1]}, look=False)
    Sweep.objects.update(definition=sweep.definition | {"base": BASE | {"epochs": 0}})
    look(sweep)
    assert sweep.state == "stopped"
    assert "base.epochs: must be at least 1" in sweep.message


def test_what_was_asked_while_a_look_went_on_is_not_closed_over() -> None:
    sweep = create({"epochs": [1]})
    work(by_epochs)
    before = Sweep.objects.select_related("experiment").get(pk=sweep.pk)
    actions_sweeps.rerun_failed(sweep.pk, "ada")
    from snnlab.experiments import sweep_steps

    sweep_steps.end(before, "done", "")
    sweep.refresh_from_db()
    assert sweep.state == "open"


def test_progress_counts_what_is_to_come() -> None:
    sweep = create({"epochs": [1, 2, 3, 4]}, seeds=[1, 2], parallel=3)
    work(by_epochs, most=2)
    begin(by_epochs)
    used = queries_sweeps.usage(sweep)
    assert (used.points, used.planned, used.made, used.ended, used.live) == (4, 8, 3, 2, 1)
    assert used.share == 0.25
    assert used.eta is not None


def test_a_thousand_points_cost_a_handful_of_queries(django_assert_max_num_queries) -> None:
    rates = [n / 1000 for n in range(1, 1001)]
    sweep = create({"optimizer.lr": rates}, parallel=1, look=False)
    with django_assert_max_num_queries(30):
        look(sweep)
    assert Point.objects.count() == 1000
    with django_assert_max_num_queries(2):
        queries_sweeps.points(sweep, limit=50)
        queries_sweeps.usage(sweep)


def test_runs_ask_of_their_workers_what_the_sweep_says() -> None:
    asked = {"pool": "gpu", "labels": ["big"], "priority": 7, "devices": 2, "memory": 900}
    run = create({"epochs": [1]}, **asked).experiment.runs.get()
    assert {name: getattr(run, name) for name in asked} == asked


def test_a_robustness_sweep_waits_for_the_training_it_tests() -> None:
    trained = create({"epochs": [1]}, name="trained")
    tested = create({"task.chips": [2, 3]}, base=define({"epochs": [1]}).raw | ROBUST)
    runs = tested.experiment.runs.order_by("id")
    assert [run.blockers for run in runs] == [1, 1]
    assert set(runs[0].needs.all()) == set(trained.experiment.runs.all())
    work(by_epochs, most=1)
    assert [run.blockers for run in runs.all()] == [0, 0]


def test_runs_that_the_database_makes_are_those_that_python_would_make() -> None:
    asked = {"pool": "gpu", "labels": ["b", "a"], "devices": 2, "memory": 4000, "wall": 60}
    made = create({"epochs": [1, 2]}, seeds=[3, 1], priority=7, **asked)
    given_here = {"id", "place", "team_id", "events_made", "created_at", "not_before", "score"}
    names = {field.attname for field in Run._meta.local_concrete_fields} - given_here
    runs = list(Run.objects.order_by("id"))
    assert [(run.definition["epochs"], run.seed) for run in runs] == [
        (1, 3),
        (2, 3),
        (1, 1),
        (2, 1),
    ]
    for run in runs:
        expected = run_of(made, queries_sweeps.plan(made), run.point, run.seed)
        assert {n: getattr(run, n) for n in names} == {n: getattr(expected, n) for n in names}
        assert (run.place, run.team_id) == (run.pk, made.experiment.team_id)


def test_points_of_an_older_version_are_asked_what_they_need() -> None:
    trained = create({"epochs": [1]}, seeds=[1, 2])
    tested = create({"task.chips": [2]}, base=define({"epochs": [1]}).raw | ROBUST)
    Point.objects.filter(sweep=tested).update(needs=None, seeds=[1, 2])
    assert step(tested.pk)
    needs = {run.seed: run.needs.get() for run in tested.experiment.runs.all()}
    assert needs == {run.seed: run for run in trained.experiment.runs.all()}
