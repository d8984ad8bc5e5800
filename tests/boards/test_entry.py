"""A line's page, what people may do to it, and snapshots."""

import pytest

from snnlab.experiments import queries
from tests.web import lab


def line(user, kind="measured"):
    return next(r for r in queries.leaderboard(user, "mnist") if r.kind == kind)


@pytest.fixture
def ours(ada, tmp_path):
    lab.experiment(ada, "ours", seeds=(1, 2, 3))
    for accuracy in (97.0, 98.0, 99.0):
        lab.succeed(tmp_path, test_accuracy=accuracy)
    lab.experiment(ada, "theirs", seeds=(1, 2, 3), time_steps=7)
    for accuracy in (96.0, 97.5, 98.0):
        lab.succeed(tmp_path, test_accuracy=accuracy)
    return line(ada)


def page(client, row) -> str:
    return client.get(f"/boards/mnist/rows/{row.id}/").content.decode()


def judge(client, row, **fields):
    return client.post(f"/boards/mnist/rows/{row.id}/judge", fields, follow=True)


def test_a_lines_page_tells_what_it_was_made_with_and_how_it_compares(
    member, ours, django_assert_max_num_queries
):
    with django_assert_max_num_queries(11):
        text = page(member, ours)
    assert "<strong>98.00 †</strong> ± 2.48" in text
    assert "+0.83" in text
    assert "paired t" in text
    assert text.count("/runs/") >= 3
    assert "Test the stored weights again" in text


def test_only_tests_that_were_made_are_counted_and_named(member, ada, ours, tmp_path):
    lab.experiment(ada, "alone", time_steps=9)
    lab.succeed(tmp_path, test_accuracy=95.0)
    shown = page(member, ours)
    assert "the best 2 other rows" in shown
    assert "for 1 test;" in shown
    assert "Welch" not in shown
    (alone,) = (row for row in queries.leaderboard(ada, "mnist") if row.title == "alone")
    shown = page(member, alone)
    assert "There is no test: it needs three seeds on both sides." in shown
    assert "Holm" not in shown


def test_a_published_lines_page_leads_to_its_source(member, ada):
    text = page(member, line(ada, "published"))
    assert "Source" in text
    assert "Test the stored" not in text
    assert judge(member, line(ada, "published"), what="flagged", note="no").status_code == 403


def test_another_teams_line_does_not_exist(client, ours):
    client.force_login(lab.person("eve", "others"))
    assert client.get(f"/boards/mnist/rows/{ours.id}/").status_code == 404
    assert judge(client, ours, what="withdrawn", note="mine").status_code == 404
    assert client.get(f"/boards/nothing/rows/{ours.id}/").status_code == 404


def test_who_may_only_look_may_say_nothing(client, ours):
    client.force_login(lab.person("vera", "lab", "viewer"))
    assert "Test the stored" not in page(client, ours)
    assert judge(client, ours, what="withdrawn", note="no").status_code == 403
    assert "theirs" in page(client, ours)


def test_verifying_queues_runs_and_says_so(member, ada, ours):
    answer = judge(member, ours, what="retrain").content.decode()
    assert "Runs that retrain it are queued" in answer
    assert "asked" in answer
    assert queries.runs(ada, state="queued").count() == 3
    assert "queued already" in judge(member, ours, what="retrain").content.decode()


def test_marks_are_shown_with_their_reason(member, ada, ours):
    assert "without a reason" in judge(member, ours, what="flagged").content.decode()
    answer = judge(member, ours, what="withdrawn", note="<b>labels</b>").content.decode()
    assert "&lt;b&gt;labels" in answer
    assert "tombstone" in answer
    board = member.get("/boards/mnist/?kind=measured").content.decode()
    assert '<tr class="measured withdrawn">' in board
    paper = line(ada, "published")
    judge(member, line(ada), what="reproduces", paper=paper.id)
    assert '<tr class="reproduced' in member.get("/boards/mnist/").content.decode()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"what": "x"},
        {"what": "reproduces", "paper": "x"},
        {"what": "reproduces", "paper": "9" * 5000},
        {"what": "re-evaluate\0"},
    ],
)
def test_what_makes_no_sense_is_refused_in_words(member, ours, fields):
    answer = judge(member, ours, **fields)
    assert answer.status_code == 200
    assert "notice bad" in answer.content.decode()


def test_snapshots_are_taken_compared_and_ones_own(member, client, ada, ours):
    take = "/boards/mnist/snapshots/take"
    assert "mnist@1" in member.post(take, {"team": "lab"}, follow=True).content.decode()
    judge(member, ours, what="withdrawn", note="labels")
    listed = member.post(take, {"team": "lab"}, follow=True).content.decode()
    assert "mnist@2" in listed
    first, second = sorted(s.pk for s in snapshots(ada))
    shown = member.get(f"/boards/mnist/snapshots/{second}/?since={first}").content.decode()
    assert "changed: withdrawn" in shown
    assert member.get(f"/boards/mnist/snapshots/{second}/?since=x").status_code == 200
    assert member.get(f"/boards/mnist/snapshots/{second}/?since=99999999").status_code == 404
    assert member.get(f"/boards/cifar-10/snapshots/{second}/").status_code == 404
    assert member.post(take, {"team": "others"}).status_code == 404
    client.force_login(lab.person("eve", "others"))
    assert client.get(f"/boards/mnist/snapshots/{second}/").status_code == 404
    assert client.post(take, {"team": "lab"}).status_code == 404


def snapshots(user):
    from snnlab.experiments import evidence

    return evidence.snapshots(queries.teams_of(user), "mnist")
