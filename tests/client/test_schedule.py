"""Schedules from the terminal."""

import json
from pathlib import Path

import pytest

from snnlab.client.trouble import Code
from snnlab.experiments import queries_schedules
from snnlab.teams.actions import ensure_first_team
from snnlab.teams.models import User
from tests.client.typed import snnlab


@pytest.fixture(autouse=True)
def admin(db: None) -> User:
    user, _ = ensure_first_team()
    return user


def answer(*arguments: object):
    result = snnlab("schedule", *arguments, "--json")
    assert result.exit_code == Code.OK, result.stderr
    return json.loads(result.stdout)


def test_the_next_five_times_are_told_before_anything_is_saved(tiny: Path, admin: User) -> None:
    rule = ("--cron", "30 2 * * *", "--zone", "Europe/Berlin", "--seeds", "1-3", "--dry-run")
    told = answer("add", tiny, *rule)
    assert (told["schedule"], told["runs"], len(told["next"])) == (None, 3, 5)
    assert {time[11:16] for time in told["next"]} <= {"00:30", "01:30"}
    assert "nothing was saved: at most 3 runs" in snnlab("schedule", "add", tiny, *rule).stdout
    assert not queries_schedules.schedules(admin).exists()


def test_a_schedule_is_added_paused_resumed_and_deleted(tiny: Path) -> None:
    number = answer("add", tiny, "--every", "30", "--name", "often", "--notes", "Why?")["schedule"]
    assert queries_schedules.schedules(User.objects.get()).get().notes == "Why?"
    assert answer("pause", number) == {"schedule": number, "done": "paused"}
    (row,) = answer("ls")
    assert (row["name"], row["rule"], row["paused"], row["next"]) == (
        "often",
        "every 30 min",
        True,
        [],
    )
    answer("resume", number)
    assert "often" in snnlab("schedule", "ls").stdout
    assert len(answer("ls")[0]["next"]) == 5
    later = answer("add", tiny, "--cron", "0 8 * * *", "--at", "2099-01-31 08:00", "--dry-run")
    assert later["next"][0] == "2099-01-31T08:00:00+00:00"
    assert answer("add", tiny, "--at", "2099-01-31 08:00")["next"] == ["2099-01-31T08:00:00+00:00"]
    answer("delete", number)
    assert len(answer("ls")) == 1
    assert snnlab("schedule", "pause", number).exit_code == Code.NOT_FOUND


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "say one of --cron, --every, --at"),
        (["--cron", "* * * * *", "--every", "5"], "say one of"),
        (["--cron", "nightly"], "five fields"),
        (["--cron", "0 0 * * *", "--zone", "Mars"], "Europe/Berlin"),
        (["--every", "0.5"], "every must be 60 s to"),
        (["--at", "2020-01-01"], "start is over"),
        (["--at", "2020-01-01", "--dry-run"], "start is over"),
        (["--at", "9999-12-31 23:00", "--every", "60"], "in the years 1970 to 2999"),
        (["--every", "nan"], "--every must be a number of minutes, got nan"),
        (["--every", "inf"], "--every must be a number of minutes, got inf"),
        (["--at", "2099-01-31 08:00", "--zone", "Europe/Berlin"], "--at is in UTC"),
    ],
)
def test_what_gives_no_time_is_refused(tiny: Path, admin: User, options, words) -> None:
    result = snnlab("schedule", "add", tiny, *options)
    assert (result.exit_code, words in result.stderr) == (Code.WRONG, True), result.stderr
    assert not queries_schedules.schedules(admin).exists()


def test_others_see_none_of_it(tiny: Path) -> None:
    number = answer("add", tiny, "--every", "30")["schedule"]
    User.objects.create_user("eve")
    assert "no schedules yet" in snnlab("schedule", "ls", "--user", "eve").stderr
    assert snnlab("schedule", "delete", number, "--user", "eve").exit_code == Code.NOT_FOUND
