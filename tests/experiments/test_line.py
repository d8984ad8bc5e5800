"""The line of waiting runs: places, pauses, what runs wait for, and results that are known."""

import pytest
from django.db import DatabaseError, transaction

from snnlab.experiments import actions, actions_queue, queries_queue, queue, recording
from snnlab.experiments.asking import Ask, Refused
from snnlab.experiments.models import Dependency, Run
from snnlab.experiments.queue import Claim
from snnlab.learning.version import code
from snnlab.teams.actions import ensure_first_team
from tests.experiments.toys import Toy, fresh, submit
from tests.web import lab


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings, tmp_path) -> None:
    settings.SNNLAB_HOME = tmp_path


def claim(run: Run | None = None, **offer: object) -> Claim | None:
    found = queue.claim("w1", ["cpu"], queue.Offer(code=code(), **offer))
    assert run is None or (found and found.run_id == run.pk)
    return found


def succeed(run: Run) -> None:
    mine = claim(run)
    recording.record(
        mine, [("test_accuracy", 3, 97.5), ("loss", 3, float("nan"))], fresh(3, final=True)
    )
    assert queue.finish(mine) == "succeeded"


def order() -> list[int]:
    """The numbers of the waiting runs, as they will be claimed."""
    with transaction.atomic():
        point = transaction.savepoint()
        found = iter(claim, None)
        numbers = [each.run_id for each in found]
        transaction.savepoint_rollback(point)
    return numbers


def state(run: Run) -> tuple[str, str]:
    run.refresh_from_db()
    return run.state, run.reason


def test_a_run_is_moved_before_another_first_or_last() -> None:
    a, b, c, d = (run.pk for run in submit(seeds=4))
    actions_queue.move(d, before=b)
    assert order() == [a, d, b, c]
    actions_queue.move(c, before=d)
    assert order() == [a, c, d, b]
    actions_queue.move(b)
    assert order() == [b, a, c, d]
    actions_queue.move(b, last=True)
    assert order() == [a, c, d, b]


def test_a_run_moved_before_one_of_higher_priority_takes_its_priority() -> None:
    low, high = (submit(priority=p)[0].pk for p in (0, 5))
    actions_queue.move(low, before=high)
    assert order() == [low, high]


def test_places_between_two_runs_never_run_out() -> None:
    a, b, *_ = (run.pk for run in submit(seeds=2))
    for _ in range(70):
        actions_queue.move(b, before=a)
        a, b = b, a
    assert sorted(order()) == sorted([a, b])
    others = [run.pk for run in submit(Toy(epochs=9), seeds=70)]
    for other in others:
        actions_queue.move(other, before=a)
    assert order().index(a) == order().index(others[-1]) + 1


def test_what_does_not_wait_has_no_place() -> None:
    (first,), (second,) = submit(), submit(Toy(epochs=9))
    claim(first)
    for act in (
        lambda: actions_queue.move(first.pk),
        lambda: actions_queue.move(second.pk, before=first.pk),
        lambda: actions_queue.prioritise(first.pk, 3),
        lambda: actions_queue.prioritise(second.pk, 1001),
    ):
        with pytest.raises(Refused):
            act()


def test_a_priority_can_be_changed_while_a_run_waits() -> None:
    a, b = (run.pk for run in submit(seeds=2))
    actions_queue.prioritise(b, 3)
    assert order() == [b, a]


def test_a_paused_run_is_held_when_its_worker_gives_it_back_and_goes_on_later() -> None:
    (run,) = submit()
    mine = claim(run)
    assert actions_queue.pause(run.pk, "ada") == "pausing"
    assert actions_queue.pause(run.pk, "ada") == "pausing"
    assert queue.renew(mine, {}) == "pausing"
    assert queue.release(mine) == "held"
    assert state(run) == ("held", "paused")
    assert (run.pausing, run.attempts) == (False, 0)
    assert queries_queue.waits(ensure_first_team()[0], run.pk).why == "paused by ada"
    assert claim() is None
    assert actions.unhold(run.pk, "ada") == "queued"
    assert claim(run).lease_epoch == 2
    told = [(e.to_state, e.reason, e.actor) for e in run.events.order_by("seq")]
    assert told[2:4] == [("running", "pausing", "ada"), ("held", "paused", "ada")]


def test_no_run_goes_before_itself() -> None:
    (run,) = submit()
    with pytest.raises(Refused, match=f"run {run.pk} cannot go before itself"):
        actions_queue.move(run.pk, before=run.pk)


def test_a_pause_can_be_taken_back_and_a_waiting_run_is_held_at_once() -> None:
    (run,), (other,) = submit(), submit(Toy(epochs=9))
    mine = claim(run)
    actions_queue.pause(run.pk, "ada")
    assert actions.unhold(run.pk, "ada") == "running"
    assert queue.renew(mine, {}) == "running"
    assert actions_queue.pause(other.pk, "ada") == "held"


def test_a_cancel_beats_a_pause_and_a_crash_while_pausing_holds() -> None:
    (run,), (other,) = submit(), submit(Toy(epochs=9))
    mine, second = claim(run), claim(other)
    actions_queue.pause(run.pk, "ada")
    actions.cancel(run.pk, "ada")
    assert queue.release(mine) == "cancelled"
    actions_queue.pause(other.pk, "ada")
    assert queue.crash(second, "died") == "held"


def test_a_run_waits_until_all_that_it_needs_have_succeeded() -> None:
    first, second = submit(seeds=2)
    (student,) = submit(Toy(epochs=9), after=[first.pk, second.pk], priority=9)
    succeed(first)
    assert claim(second)
    assert claim() is None
    with pytest.raises(DatabaseError, match="waits for another"), transaction.atomic():
        Run.objects.filter(pk=student.pk).update(
            state="running", lease_epoch=1, lease_owner="w", lease_expires_at="2030-01-01T00:00Z"
        )


def test_what_is_needed_is_given_with_the_claim() -> None:
    (teacher,) = submit()
    (student,) = submit(Toy(epochs=9), after=[teacher.pk])
    mine = claim(teacher)
    for step in (1, 2, 3):
        recording.record(mine, [], fresh(step, final=step == 3, content=f"weights {step}"))
    queue.finish(mine)
    assert teacher.checkpoints.count() == 2
    final = teacher.checkpoints.get(final=True)
    assert claim(student).given == (final.artifact_id,)


def test_a_run_that_needs_what_has_succeeded_does_not_wait() -> None:
    (teacher,) = submit()
    succeed(teacher)
    (student,) = submit(Toy(epochs=9), after=[teacher.pk])
    student.refresh_from_db()
    assert (student.state, student.blockers) == ("queued", 0)
    taken = queue.claim("w1", ["cpu"])
    assert taken is not None
    assert taken.run_id == student.pk
    assert taken.given == (teacher.checkpoints.get(final=True).artifact_id,)


@pytest.mark.parametrize("how", ["cancelled", "failed"])
def test_a_failed_dependency_ends_the_dependant_and_its_dependants_with_a_reason(how: str) -> None:
    (teacher,) = submit()
    (student,) = submit(Toy(epochs=8), after=[teacher.pk])
    (chips,) = submit(Toy(epochs=9), after=[student.pk])
    if how == "cancelled":
        actions.cancel(teacher.pk, "ada")
    else:
        queue.fail(claim(teacher), "data", "gone")
    assert state(student) == state(chips) == ("failed", "dependency")
    verb = {"cancelled": "was cancelled", "failed": "failed"}[how]
    assert student.message.startswith(f"run {teacher.pk}, which this one needs, {verb}.")
    assert chips.message.startswith(f"run {student.pk}, which this one needs, failed.")


def test_a_retried_dependant_waits_again_for_what_it_needs() -> None:
    (teacher,) = submit()
    (student,) = submit(Toy(epochs=9), after=[teacher.pk])
    actions.cancel(teacher.pk, "ada")
    assert actions.retry(student.pk, "ada") == "queued"
    assert claim() is None
    actions.retry(teacher.pk, "ada")
    succeed(teacher)
    claim(student)


def test_only_an_older_run_of_the_same_team_can_be_waited_for() -> None:
    (run,) = submit()
    stranger = lab.person("bob", "others")
    with pytest.raises(Refused, match=f"there is no run {run.pk} in this team"):
        submit(Toy(), team=stranger.teams.first(), after=[run.pk])
    (later,) = submit(Toy(epochs=9))
    with pytest.raises(DatabaseError, match="needs_older"), transaction.atomic():
        Dependency.objects.create(run=run, needs=later)


def test_a_student_waits_for_its_teachers_run_and_chips_for_their_training() -> None:
    ada = lab.person("ada", "lab")
    tandem = lab.spec(rule={"kind": "ltl-offline"})
    chips = lab.spec(task={"kind": "robustness"})
    home = {"team": ada.teams.first(), "actor": "ada", "seeds": [1, 2]}
    first = actions.submit(name="before", specs=[tandem.needed(), chips.needed()], **home)
    second = actions.submit(name="after", specs=[tandem, chips], **home)
    pairs = {(d.run, d.needs) for d in Dependency.objects.select_related("run", "needs")}
    assert {run for run, _ in pairs} == set(second.runs.all())
    assert {needs for _, needs in pairs} == set(first.runs.all())
    assert all(run.seed == needs.seed for run, needs in pairs)


def test_a_known_result_is_taken_over_with_its_numbers_and_weights() -> None:
    (run,) = submit()
    succeed(run)
    (again,), (other,) = submit(reuse=True), submit(seeds=2, reuse=True)[1:]
    assert (again.state, again.same_as_id, again.results) == (
        "succeeded",
        run.pk,
        run_of(run).results,
    )
    assert list(again.measurements.values_list("metric", "value", "flag")) == list(
        run.measurements.values_list("metric", "value", "flag")
    )
    assert again.checkpoints.get().weights == run.checkpoints.get(final=True).weights
    assert [e.to_state for e in again.events.all()] == ["succeeded"]
    assert other.state == "queued", "its seed is not known"


def run_of(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def test_a_result_is_taken_over_only_if_asked_and_only_of_the_same_code_and_team() -> None:
    (run,) = submit()
    succeed(run)
    assert submit()[0].state == "queued"
    stranger = lab.person("bob", "others")
    assert submit(team=stranger.teams.first(), reuse=True)[0].state == "queued"
    elsewhere = Toy(epochs=5)
    (old,) = submit(elsewhere, ask=Ask(priority=9))
    mine = queue.claim("w1", ["cpu"], queue.Offer(code="0.0.1+older"))
    assert mine.run_id == old.pk
    recording.record(mine, [], fresh(5, final=True))
    queue.finish(mine)
    assert submit(elsewhere, reuse=True)[0].state == "queued"


def test_a_run_resumed_by_other_code_has_no_code_of_its_own() -> None:
    (run,) = submit()
    queue.release(queue.claim("w1", ["cpu"], queue.Offer(code="0.0.1+older")))
    claim(run)
    assert run_of(run).code == "several"


def test_the_database_refuses_a_result_of_another_definition() -> None:
    (run,) = submit()
    succeed(run)
    with pytest.raises(DatabaseError, match="cannot be succeeded"), transaction.atomic():
        Run.objects.create(
            experiment=run.experiment, digest="other", board="x", seed=0, definition={},
            state="succeeded", same_as=run, finished_at="2026-01-01T00:00Z",
        )  # fmt: skip
