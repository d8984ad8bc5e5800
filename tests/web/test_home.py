"""The first page and the activity: what is new, what is told, and what it costs."""

import json

import pytest
from django.db.models.functions import Now

from snnlab.experiments import actions, actions_marks, queries, queue
from snnlab.experiments.queries_activity import activity
from snnlab.experiments.queue import Offer
from snnlab.teams.models import Visit
from tests.web import lab


def page(client, address: str = "/", **query: str) -> str:
    return client.get(address, query).content.decode()


def away(days: int) -> None:
    """Let the last visit be so long ago."""
    from datetime import timedelta

    Visit.objects.update(last=Now() - timedelta(days=days))


def piece(client, name: str) -> str:
    return json.loads(client.get("/home/live").content)["pieces"][name]


def test_what_ended_since_the_last_visit_is_told_and_why_it_failed(member, ada, tmp_path):
    lab.experiment(ada, "fine")
    lab.succeed(tmp_path, test_accuracy=97.5)
    lab.experiment(ada, "broken")
    taken = lab.claim()
    queue.fail(taken, "oom", "no memory left <here>")
    page(member)
    shown = page(member)
    assert "1 succeeded" in shown
    assert "1 failed" in shown
    assert "no memory left &lt;here&gt;" in shown
    assert "97.50 %" in shown
    away(1)
    assert "no run has ended" not in page(member), "what ended after the last visit is new"
    Visit.objects.update(last=Now(), since=Now())
    assert "no run has ended" in page(member)


def test_only_a_page_that_is_opened_is_a_visit(member, ada):
    lab.experiment(ada)
    page(member)
    away(2)
    before = Visit.objects.values().get()
    member.get("/home/live")
    member.head("/")
    member.get("/", headers={"Sec-Purpose": "prefetch"})
    assert Visit.objects.values().get() == before
    page(member)
    after = Visit.objects.get()
    assert (after.since, after.last > before["last"]) == (before["last"], True)


def test_the_page_tells_depths_workers_records_and_stars(member, ada, tmp_path):
    load = {"cpu": 0.42, "gpus": [{"index": 0, "use": 0.7, "memory": 1, "total": 2}]}
    queue.seen(Offer(name="h:1"), ["cpu"], 1, load)
    experiment = lab.experiment(ada, "the best")
    lab.succeed(tmp_path, test_accuracy=98.25)
    lab.experiment(ada, "in line", seeds=(1, 2, 3))
    actions.hold(queries.runs(ada).filter(state="queued").latest("id").pk, "ada")
    actions_marks.star(ada, on=True, experiment=experiment)
    shown = page(member)
    for text in ("2 in line, 1 held", "42 %", "70 %", "98.25 %", "the best", "★", "All activity"):
        assert text in shown, text
    assert ">new</span>" in shown


def test_the_pieces_of_the_page_are_live(member, ada):
    lab.experiment(ada, "at work")
    pieces = json.loads(member.get("/home/live").content)["pieces"]
    shown = page(member)
    assert all(f'id="{name}"' in shown for name in pieces)
    assert "at work" not in piece(member, "running")
    queue.renew(lab.claim(), {"epoch": 3, "epochs": 12, "batch": 1, "batches": 2})
    assert "epoch 3 of 12" in piece(member, "running")


def test_home_costs_the_same_however_much_there_is(
    member, ada, tmp_path, django_assert_max_num_queries
):
    lab.experiment(ada, "many", seeds=range(60))
    for _ in range(12):
        lab.succeed(tmp_path, test_accuracy=90.0)
    for number in range(12):
        lab.experiment(ada, f"number {number}")
        actions_marks.star(ada, on=True, run=queries.runs(ada)[number])
        lab.claim()
    page(member)
    for address in ("/", "/home/live"):
        with django_assert_max_num_queries(12):
            assert member.get(address).status_code == 200


def test_another_team_sees_none_of_it(stranger, ada, tmp_path):
    experiment = lab.experiment(ada, "a secret")
    lab.succeed(tmp_path, test_accuracy=97.5)
    lab.experiment(ada, "another secret")
    lab.claim()
    actions_marks.note_experiment(experiment, "ada", "hush")
    actions_marks.star(queries_user("bob"), on=True, experiment=experiment)
    for address in ("/", "/home/live", "/activity/", "/activity/?team=lab"):
        assert "secret" not in page(stranger, address)


def queries_user(name: str):
    from snnlab.teams.queries import user

    return user(name)


def test_activity_tells_who_did_what(member, ada, tmp_path):
    experiment = lab.experiment(ada, "Leaky & not", seeds=(1, 2, 3))
    lab.succeed(tmp_path, test_accuracy=97.5)
    lab.succeed(tmp_path, test_accuracy=97.5)
    actions_marks.note_experiment(experiment, "ada", "see paper")
    queue.fail(lab.claim(), "oom", "")
    shown = page(member, "/activity/")
    for text in ("ada submitted", "2 runs</a> of Leaky &amp; not", "oom", "wrote notes on"):
        assert text in shown, text
    assert "several" not in shown


@pytest.mark.parametrize("size", [1, 2, 5])
def test_pages_of_activity_tell_everything_once(ada, tmp_path, size, django_assert_num_queries):
    for number in range(4):
        experiment = lab.experiment(ada, f"number {number}")
        lab.succeed(tmp_path, test_accuracy=90.0)
        actions_marks.note_experiment(experiment, "ada", "x")
    seen, before = [], None
    while True:
        with django_assert_num_queries(1):
            lines, before = activity(ada, size, before)
        seen += [line.place for line in lines]
        if before is None:
            break
    assert len(seen) == len(set(seen)) == 12
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(
    "before", ["x", "_", "2026-01-01_1_1", "2026-01-01T00:00:00+00:00_1_" + "9" * 40, "a_b_c"]
)
def test_an_odd_place_in_the_activity_is_its_beginning(member, ada, before):
    lab.experiment(ada, "shown")
    assert "shown" in page(member, "/activity/", before=before)
