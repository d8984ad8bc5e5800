"""The pages of the queue and of the workers."""

import json

import pytest

from snnlab.experiments import actions_queue, queue
from snnlab.experiments.models import Run, Worker
from snnlab.experiments.queue import Offer
from tests.experiments.toys import Toy, submit
from tests.web import lab


@pytest.fixture
def work(db):
    queue.seen(Offer(name="h:1", labels=["chip"], memory=4000), ["cpu"], 1, {"cpu": 0.5})


def page(client, address: str = "/queue/") -> str:
    return client.get(address).content.decode()


def test_the_queue_tells_what_runs_what_waits_and_why(member, ada, work):
    (first,) = submit(Toy(epochs=1), name="at work", team=ada.teams.get())
    queue.claim("worker:h:1:0", ["cpu"])
    submit(Toy(epochs=2), seeds=2, name="in line", team=ada.teams.get())
    submit(Toy(epochs=3), name="a student", after=[first.pk], team=ada.teams.get())
    shown = page(member)
    order = [shown.index(text) for text in ("at work", "in line", "a student")]
    assert order == sorted(order)
    for why in ("next in line", "1 ahead", f"waiting for run {first.pk}"):
        assert why in shown


def test_runs_of_other_teams_are_not_listed(stranger, ada, work):
    submit(name="a secret", team=lab.person("eve", "lab").teams.get())
    assert "a secret" not in page(stranger)


@pytest.mark.parametrize("address", ["/queue/", "/workers/", "/queue/live"])
def test_the_pages_cost_the_same_however_much_waits(
    member, ada, work, address, django_assert_max_num_queries
):
    submit(Toy(), seeds=300, team=ada.teams.get())
    for _ in range(5):
        queue.claim("worker:h:1:0", ["cpu"])
    with django_assert_max_num_queries(12):
        assert member.get(address).status_code == 200


def test_a_long_line_has_pages(member, ada, work):
    runs = submit(Toy(), seeds=120, team=ada.teams.get())
    assert f"run {runs[49].pk}<" in page(member)
    assert f"run {runs[50].pk}<" not in page(member)
    assert "?skip=50" in page(member)
    assert f"run {runs[50].pk}<" in page(member, "/queue/?skip=50")
    for odd in ("-1", "x", "9" * 30, "²"):
        assert member.get("/queue/", {"skip": odd}).status_code == 200


def test_a_member_moves_holds_and_lets_go(member, ada, work):
    first, second = submit(Toy(), seeds=2, team=ada.teams.get())
    answer = member.post(f"/runs/{second.pk}/move", {"back": "queue"})
    assert answer.headers["Location"] == "/queue/"
    assert queue.claim("w", ["cpu"]).run_id == second.pk
    member.post(f"/runs/{second.pk}/hold")
    member.post(f"/runs/{first.pk}/hold")
    second.refresh_from_db()
    first.refresh_from_db()
    assert (second.state, second.pausing, first.state) == ("running", True, "held")
    assert "pauses after its next checkpoint" in page(member)
    assert "held by ada" in page(member)
    member.post(f"/runs/{first.pk}/release")
    member.post(f"/runs/{first.pk}/priority", {"priority": "7"})
    first.refresh_from_db()
    assert (first.state, first.priority) == ("queued", 7)


def test_what_is_refused_is_said(member, ada, work):
    (run,) = submit(team=ada.teams.get())
    for sent in ({"priority": "x"}, {"priority": "9999"}):
        answer = member.post(f"/runs/{run.pk}/priority", sent, follow=True)
        assert "priority must be" in answer.content.decode()


def test_workers_show_what_they_offer_and_train(member, ada, work):
    (run,) = submit(team=ada.teams.get())
    queue.claim("worker:h:1:0", ["cpu"])
    shown = page(member, "/workers/")
    for text in ("h:1", "chip", "4000 MB", f"run {run.pk}", "50 %", "working"):
        assert text in shown
    assert "Drain" not in shown, "workers are everybody's: only who runs the lab changes them"


def test_who_runs_the_lab_drains_and_trusts_workers(member, ada, work):
    ada.is_staff = True
    ada.save()
    member.post("/workers/h:1/drain")
    assert "draining" in page(member, "/workers/")
    member.post("/workers/h:1/drain", {"off": "1"})
    Worker.objects.update(quarantined_at="2026-01-01T00:00Z", faults=5)
    assert "5 runs in a row failed here" in page(member, "/workers/")
    member.post("/workers/h:1/trust")
    worker = Worker.objects.get()
    assert (worker.draining, worker.quarantined_at) == (False, None)


def test_the_live_answer_has_the_pieces_of_the_page(member, ada, work):
    submit(team=ada.teams.get())
    pieces = json.loads(member.get("/queue/live").content)["pieces"]
    assert set(pieces) == {"line", "running", "aside"}
    shown = page(member)
    assert all(f'id="{name}"' in shown for name in pieces)


def test_a_waiting_run_says_on_its_page_why(member, ada, work):
    (run,) = submit(team=ada.teams.get())
    actions_queue.drain("h:1")
    assert "every worker for it is draining: h:1" in page(member, f"/runs/{run.pk}/")
    assert Run.objects.get().state == "queued"
