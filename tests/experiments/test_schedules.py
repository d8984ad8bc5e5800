"""What a schedule makes when it falls due, and when nobody was there to look."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from snnlab.experiments import actions_schedules, queries_schedules
from snnlab.experiments.actions import Refused
from snnlab.experiments.actions_schedules import choose, create, fire, pause, resume
from snnlab.experiments.models import Schedule, Slot, Sweep
from snnlab.experiments.sweep_steps import step
from snnlab.experiments.timing import Timing
from snnlab.teams.actions import ensure_first_team
from tests.experiments.sweeps import define
from tests.experiments.test_races import threads


__all__ = ["threads"]
NOW = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC)
HOURLY = Timing("every", datetime(2026, 11, 1, tzinfo=UTC), every=3600)


def schedule(missed: str = "once", timing: Timing = HOURLY) -> Schedule:
    _, team = ensure_first_team()
    sweep = define({"epochs": [1, 2]})
    return create(
        team=team, actor="admin", name="nightly", timing=timing, sweep=sweep, missed=missed,
        notes="Does it hold?",
    )  # fmt: skip


def overdue(made: Schedule, **ago: float) -> Schedule:
    """The same as if its next slot were so long ago; it stays one of its slots."""
    hours = timedelta(**ago) // timedelta(hours=1)
    at = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours)
    Schedule.objects.filter(pk=made.pk).update(next_at=at)
    made.refresh_from_db()
    return made


def hours(slots) -> list[int]:
    return [slot.hour for slot in slots]


@pytest.mark.parametrize(
    ("missed", "first", "run", "skipped"),
    [
        ("skip", 12, [12], []),
        ("skip", 9, [12], [9, 10, 11]),
        ("once", 9, [12], [9, 10, 11]),
        ("all", 9, [9, 10, 11, 12], []),
    ],
)
def test_in_time_with_missed_ones_before(missed, first, run, skipped) -> None:
    made = Schedule(kind="every", start=HOURLY.start, every=3600, missed=missed)
    made.next_at = NOW.replace(hour=first, minute=0, second=0)
    chosen, left, following = choose(made, NOW)
    assert (hours(chosen), hours(left), following.hour) == (run, skipped, 13)


@pytest.mark.parametrize(
    ("missed", "run", "skipped"),
    [("skip", [], [9, 10, 11, 12]), ("once", [12], [9, 10, 11]), ("all", [9, 10, 11, 12], [])],
)
def test_all_of_them_missed(missed, run, skipped) -> None:
    made = Schedule(kind="every", start=HOURLY.start, every=3600, missed=missed)
    made.next_at = NOW.replace(hour=9, minute=0, second=0)
    chosen, left, following = choose(made, NOW.replace(minute=30))
    assert (hours(chosen), hours(left), following.hour) == (run, skipped, 13)


def test_a_long_absence_is_made_up_for_in_parts() -> None:
    made = Schedule(kind="every", start=HOURLY.start, every=60, missed="all")
    made.next_at = NOW - timedelta(days=7)
    chosen, _, following = choose(made, NOW)
    assert len(chosen) == actions_schedules.MOST
    assert following == chosen[-1] + timedelta(minutes=1)


def test_years_of_minutes_are_skipped_in_no_time() -> None:
    made = Schedule(kind="cron", cron="* * * * *", start=HOURLY.start, zone="UTC", missed="skip")
    made.next_at = NOW - timedelta(days=900)
    chosen, left, following = choose(made, NOW)
    assert (len(chosen), len(left)) == (2, actions_schedules.COUNTED)
    assert following == NOW.replace(minute=1, second=0)


@pytest.mark.django_db
def test_a_slot_makes_a_sweep_that_runs() -> None:
    made = overdue(schedule())
    assert fire() == 1
    assert fire() == 0
    slot = made.slots.get()
    assert (slot.sweep.experiment.name[:8], slot.sweep.experiment.tags) == (
        "nightly,",
        ["schedule"],
    )
    assert slot.sweep.experiment.notes == "Does it hold?"
    step(slot.sweep.pk)
    assert slot.sweep.experiment.runs.count() == 2
    made.refresh_from_db()
    assert made.next_at > timezone.now()


@pytest.mark.django_db
def test_missed_slots_leave_a_note() -> None:
    made = overdue(schedule("skip"), hours=5)
    fire()
    skipped = made.slots.filter(sweep=None).get()
    assert "missed, and skipped, and" in skipped.message


@pytest.mark.django_db
def test_a_paused_schedule_rests_and_then_goes_on_from_now() -> None:
    made = overdue(schedule("all"), hours=5)
    pause(made.pk)
    assert fire() == 0
    with pytest.raises(Refused, match="paused already"):
        pause(made.pk)
    resume(made.pk)
    assert fire() == 0, "what came while it was paused was not missed"
    with pytest.raises(Refused, match="not paused"):
        resume(made.pk)
    assert not Sweep.objects.exists()


@pytest.mark.django_db
def test_once_is_once() -> None:
    soon = Timing("once", timezone.now() + timedelta(hours=1))
    made = overdue(schedule(timing=soon))
    Schedule.objects.update(start=made.next_at)
    assert fire() == 1
    made.refresh_from_db()
    assert made.next_at is None
    assert fire() == 0


@pytest.mark.django_db
def test_what_never_comes_is_refused() -> None:
    with pytest.raises(Refused, match="start is over"):
        schedule(timing=Timing("once", datetime(2020, 1, 1, tzinfo=UTC)))
    with pytest.raises(Refused, match="missed must be one of"):
        schedule("maybe")


@pytest.mark.django_db
def test_a_deleted_schedule_leaves_its_sweeps() -> None:
    made = overdue(schedule())
    fire()
    actions_schedules.delete(made.pk)
    assert (Schedule.objects.count(), Slot.objects.count(), Sweep.objects.count()) == (0, 0, 1)


@pytest.mark.django_db
def test_lists_cost_the_same_however_long_they_are(django_assert_max_num_queries) -> None:
    user, _ = ensure_first_team()
    for _ in range(6):
        overdue(schedule("all"), hours=3)
    fire()
    with django_assert_max_num_queries(2):
        found = list(queries_schedules.with_last_slots(user))
        assert [slot.sweep.experiment.name for made in found for slot in made.last_slots]


@pytest.mark.django_db(transaction=True)
def test_schedulers_at_once_make_each_slot_once(threads) -> None:
    for _ in range(8):
        overdue(schedule("all"), hours=10)
        Schedule.objects.update(paused=False)
        made = threads(*([fire] * 6))
        assert sum(made) == 11
    assert Slot.objects.count() == Sweep.objects.count() == 88
