"""Which result is taken over, and which run is waited for, where there are several."""

import pytest

from snnlab.experiments import actions, queue, recording
from snnlab.experiments.models import Dependency, Run
from snnlab.learning.version import code
from tests.experiments.toys import Toy, fresh, submit
from tests.web import lab


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings, tmp_path) -> None:
    settings.SNNLAB_HOME = tmp_path


def claimed(run: Run) -> queue.Claim:
    found = queue.claim("w1", ["cpu"], queue.Offer(code=code()))
    assert found is not None
    assert found.run_id == run.pk
    return found


def succeed(run: Run, steps: int = 1) -> None:
    mine = claimed(run)
    for step in range(1, steps + 1):
        last = step == steps
        recording.record(
            mine, [("loss", step, 0.5)], fresh(step, final=last, content=f"{run.pk} {step}")
        )
    assert queue.finish(mine) == "succeeded"


def test_of_two_results_the_newer_is_taken_over() -> None:
    (first,), (second,) = submit(), submit()
    succeed(first)
    succeed(second)
    (again,) = submit(reuse=True)
    assert again.same_as_id == second.pk


def test_only_the_final_weights_are_taken_over() -> None:
    (run,) = submit()
    succeed(run, steps=3)
    assert run.checkpoints.count() == 2
    (again,) = submit(reuse=True)
    assert [c.step for c in again.checkpoints.all()] == [3]
    assert again.measurements.count() == 3


def test_a_run_that_failed_or_runs_is_no_result() -> None:
    (failed,), (running,) = submit(), submit(Toy(epochs=4))
    queue.fail(claimed(failed), "data", "gone")
    claimed(running)
    assert submit(reuse=True)[0].state == "queued"
    assert submit(Toy(epochs=4), reuse=True)[0].state == "queued"


def teachers(team: object, count: int) -> list[Run]:
    """So many trainings of the teacher that `student` needs, in experiments of their own."""
    spec = student().needed()
    made = [
        actions.submit(team=team, actor="ada", name=f"teacher {n}", specs=[spec], seeds=[1])
        for n in range(count)
    ]
    return [one.runs.get() for one in made]


def student():
    return lab.spec(rule={"kind": "ltl-offline"})


def needed(team: object) -> list[int]:
    """What a new student waits for."""
    made = actions.submit(team=team, actor="ada", name="student", specs=[student()], seeds=[1])
    return list(Dependency.objects.filter(run=made.runs.get()).values_list("needs_id", flat=True))


def test_a_training_that_has_succeeded_is_needed_rather_than_a_newer_one_that_waits() -> None:
    team = lab.person("ada", "lab").teams.first()
    done, _ = teachers(team, 2)
    succeed(done)
    assert needed(team) == [done.pk]


def test_a_training_that_failed_or_is_another_teams_is_not_waited_for() -> None:
    team = lab.person("ada", "lab").teams.first()
    teachers(lab.person("bob", "others").teams.first(), 1)
    assert needed(team) == []
    failed, cancelled = teachers(team, 2)
    actions.cancel(cancelled.pk, "ada")
    Run.objects.filter(team__slug="others").update(state="held")
    Run.objects.filter(experiment__name="student").update(state="held")
    queue.fail(claimed(failed), "data", "gone")
    assert needed(team) == []
    (waits,) = teachers(team, 1)
    assert needed(team) == [waits.pk]
