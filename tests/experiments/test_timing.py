"""When schedules fall due, above all on the two days when clocks change."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlab.experiments.asking import Refused
from snnlab.experiments.timing import Timing


BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 1, 1, tzinfo=UTC)
SPRING, AUTUMN = datetime(2026, 3, 28, 12, tzinfo=BERLIN), datetime(2026, 10, 24, 12, tzinfo=BERLIN)


def cron(text: str, zone: str = "Europe/Berlin") -> Timing:
    return Timing("cron", START, cron=text, zone=zone).checked()


def local(timing: Timing, moment: datetime, count: int) -> list[str]:
    return [
        slot.astimezone(BERLIN).strftime("%m-%d %H:%M %z")
        for slot in timing.upcoming(moment, count)
    ]


def test_a_time_that_is_left_out_in_spring_comes_right_after() -> None:
    """On 29 March 2026, 02:00 is followed by 03:00."""
    assert local(cron("30 2 * * *"), SPRING, 2) == ["03-29 03:00 +0200", "03-30 02:30 +0200"]


def test_a_time_that_comes_twice_in_autumn_runs_once() -> None:
    """On 25 October 2026, 03:00 is followed by 02:00."""
    assert local(cron("30 2 * * *"), AUTUMN, 2) == ["10-25 02:30 +0200", "10-26 02:30 +0100"]


def test_the_hour_of_the_day_stays_over_both_changes() -> None:
    for moment in (SPRING, AUTUMN):
        assert {text[6:11] for text in local(cron("0 9 * * *"), moment, 5)} == {"09:00"}


@pytest.mark.parametrize("moment", [SPRING, AUTUMN])
def test_every_half_hour_goes_on_through_both_changes(moment: datetime) -> None:
    slots = cron("*/30 * * * *").upcoming(moment, 60)
    assert {b - a for a, b in itertools.pairwise(slots)} == {timedelta(minutes=30)}


@pytest.mark.parametrize("moment", [SPRING, AUTUMN])
def test_an_interval_knows_of_no_change(moment: datetime) -> None:
    slots = Timing("every", moment, every=3600).checked().upcoming(moment, 40)
    assert slots == [moment.astimezone(UTC) + timedelta(hours=n) for n in range(1, 41)]


def test_once_is_once() -> None:
    timing = Timing("once", START).checked()
    assert timing.upcoming(START - timedelta(seconds=1)) == [START]
    assert timing.after(START) is None


def test_weekdays_and_lists() -> None:
    found = cron("15 8,20 * * 1-5", "UTC").upcoming(datetime(2026, 11, 20, 21, tzinfo=UTC), 3)
    assert [f"{slot:%a %H:%M}" for slot in found] == ["Mon 08:15", "Mon 20:15", "Tue 08:15"]


@pytest.mark.parametrize(
    ("timing", "words"),
    [
        (Timing("cron", START, cron="* * * *"), "five fields"),
        (Timing("cron", START, cron="61 * * * *"), "cron: "),
        (Timing("cron", START, cron="0 0 31 2 *"), "cron: "),
        (Timing("cron", START, cron="* * * * *", zone="Mars"), "such as Europe/Berlin, got 'Mars'"),
        (Timing("every", START, every=5), "every must be 60 s to"),
        (Timing("never", START), "kind must be one of cron, every, once, got 'never'"),
        (Timing("once", datetime(2026, 1, 1)), "start must say its time zone"),
        (
            Timing("every", datetime(9999, 12, 31, tzinfo=UTC), every=60),
            "in the years 1970 to 2999",
        ),
        (Timing("every", datetime(1, 1, 1, tzinfo=BERLIN), every=60), "in the years 1970 to"),
    ],
)
def test_what_gives_no_slot_is_refused(timing: Timing, words: str) -> None:
    with pytest.raises(Refused, match=words):
        timing.checked()


@pytest.mark.parametrize("kind", ["cron", "every", "once"])
def test_nothing_falls_due_before_the_beginning(kind) -> None:
    start = datetime(2027, 1, 31, 9, tzinfo=UTC)
    timing = Timing(kind, start, cron="0 9 * * *", every=86400).checked()
    assert timing.after(START) == start


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
CRONS = st.sampled_from(
    ["30 2 * * *", "0 */2 * * *", "*/15 1-3 * * *", "5 1,2 * * 0", "59 23 1 * *"]
)


@given(moment=MOMENTS, text=CRONS, zone=ZONES)
def test_slots_only_rise_and_going_on_from_any_gives_the_same(moment, text, zone) -> None:
    """Two schedulers that look at different times find the same slots: so each is made once."""
    slots = cron(text, zone).upcoming(moment, 6)
    assert sorted(set(slots)) == slots
    assert slots[0] > moment
    for number, slot in enumerate(slots[:-1]):
        assert cron(text, zone).after(slot) == slots[number + 1]
