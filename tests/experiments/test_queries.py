"""What people see: only their teams' work, in few queries."""

import pytest

from snnlab.experiments import actions, queries, queue, recording
from snnlab.experiments.models import Experiment, Measurement, Run
from snnlab.teams.actions import ensure_first_team
from snnlab.teams.models import Membership, Team, User
from tests.experiments.toys import Toy, fresh, submit


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings, tmp_path) -> None:
    settings.SNNLAB_HOME = tmp_path


@pytest.fixture
def admin() -> User:
    return ensure_first_team()[0]


@pytest.fixture
def stranger() -> User:
    user = User.objects.create(username="stranger")
    other = Team.objects.create(slug="other", name="Other")
    Membership.objects.create(user=user, team=other)
    return user


def train(accuracy: float = 97.0, **kwargs: object) -> Run:
    """Claim the next run and let it succeed."""
    claim = queue.claim("w1", ["cpu"])
    points = [("test_accuracy", 3, accuracy), ("energy", 3, 12.5), ("firing_rate", 3, 0.1)]
    recording.record(claim, points, fresh(3, final=True))
    queue.finish(claim)
    return Run.objects.get(pk=claim.run_id)


def test_another_teams_work_cannot_be_seen(admin: User, stranger: User) -> None:
    (run,) = submit()
    assert queries.run(admin, run.pk) == run
    assert list(queries.experiments(stranger)) == []
    assert list(queries.runs(stranger)) == []
    with pytest.raises(Run.DoesNotExist):
        queries.run(stranger, run.pk)
    with pytest.raises(Experiment.DoesNotExist):
        queries.experiment(stranger, run.experiment_id)
    train()
    assert not [row for row in queries.leaderboard(stranger, "toys") if row.kind == "measured"]


def test_experiments_are_listed_in_one_query(admin: User, django_assert_num_queries) -> None:
    for count in (1, 2, 3):
        submit(Toy(), seeds=count)
    train(97.0)
    with django_assert_num_queries(1):
        listed = [(e.team.name, e.run_count, e.ended, e.best) for e in queries.experiments(admin)]
    assert listed == [("Lab", 3, 0, None), ("Lab", 2, 0, None), ("Lab", 1, 1, 97.0)]


def test_runs_are_listed_in_one_query(admin: User, django_assert_num_queries) -> None:
    submit(Toy(), seeds=5)
    with django_assert_num_queries(1):
        listed = [(r.experiment.name, r.experiment.team.name) for r in queries.runs(admin)]
    assert listed == [("toys", "Lab")] * 5


def test_experiments_are_found_by_name_and_tag(admin: User) -> None:
    submit(name="Surrogate width", tags=["sweep"])
    submit(name="baseline")
    assert [e.name for e in queries.experiments(admin, "WIDTH")] == ["Surrogate width"]
    assert [e.name for e in queries.experiments(admin, "sweep")] == ["Surrogate width"]
    assert [e.name for e in queries.experiments(admin, "100%")] == []


def test_runs_are_found_by_experiment_and_state(admin: User) -> None:
    first, second = submit(seeds=2)
    submit()
    actions.cancel(first.pk, "admin")
    assert list(queries.runs(admin, first.experiment)) == [second, first]
    assert list(queries.runs(admin, state="cancelled")) == [first]


def test_a_short_curve_is_given_as_it_is() -> None:
    (run,) = submit()
    claim = queue.claim("w1", ["cpu"])
    recording.record(claim, [("loss", 2, 0.4), ("loss", 1, float("nan")), ("accuracy", 1, 90.0)])
    assert queries.curves(run.pk) == {"loss": [(1, None), (2, 0.4)], "accuracy": [(1, 90.0)]}
    assert queries.curves(run.pk, ["accuracy"]) == {"accuracy": [(1, 90.0)]}
    assert queries.curves(run.pk, []) == {}


def test_a_long_curve_keeps_its_spikes(django_assert_num_queries) -> None:
    (run,) = submit()
    values = [1 + step / 1e6 for step in range(10_000)]
    values[1234], values[8765] = 50.0, -50.0
    Measurement.objects.bulk_create(
        Measurement(run=run, metric="loss", step=step, value=value, lease_epoch=1)
        for step, value in enumerate(values)
    )
    with django_assert_num_queries(1):
        curve = queries.curves(run.pk, ["loss"], points=200)["loss"]
    assert len(curve) <= 200
    assert {(1234, 50.0), (8765, -50.0), (0, values[0]), (9999, values[9999])} <= set(curve)
    assert curve == sorted(curve)


def test_the_log_is_read_from_its_end() -> None:
    (run,) = submit()
    claim = queue.claim("w1", ["cpu"])
    for seq in range(50):
        recording.record(claim, log=f"line {2 * seq}\nline {2 * seq + 1}\n", seq=seq)
    assert queries.log_tail(run.pk, 3) == ["line 97", "line 98", "line 99"]
    assert len(queries.log_tail(run.pk)) == 100
