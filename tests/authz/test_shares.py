"""What a link shows, and that no other address, body or cookie gets more out of it."""

import json
import re

import pytest
from django.db.models.functions import Now
from django.test import Client

from snnlab.experiments import actions_shares
from snnlab.experiments.models import Share
from tests.boards.test_board import click, drawn, envelope
from tests.web import lab


def call(browser, root, body):
    """A callback, as the page sends it: with the token that its cookie holds."""
    browser.get(root)
    headers = {"X-CSRFToken": browser.cookies["csrftoken"].value}
    place = f"{root}_dash/_dash-update-component"
    return browser.post(place, json.dumps(body), content_type="application/json", headers=headers)


def text(answer) -> str:
    return answer.content.decode()


def test_a_shared_board_shows_its_table_and_charts_to_somebody_signed_out(visitor, result, share):
    root = share()
    page = text(visitor.get(root))
    assert "<strong>97.50 †</strong>" in page
    assert "ours" in page
    found = page[page.index("requests_pathname_prefix") :][:120]
    assert f"{root}_dash/" in found.replace("\\u002f", "/")
    assert visitor.get(f"{root}_dash/_dash-layout").status_code == 200
    assert visitor.get(f"{root}_dash/_dash-dependencies").status_code == 200
    assert "97.50 %" in drawn(call(visitor, root, envelope()))[0]


def test_nothing_on_it_leads_into_the_lab(visitor, ada, result, share):
    ada.username = "augusta.king"
    ada.save()
    page = text(visitor.get(share(seeds=True, query="open=all")))
    leads = re.findall(r'<(?:a|form) [^>]*(?:href|action)="(/[^"]*)"', page)
    assert [place for place in leads if not place.startswith("/s/")] == []
    assert "Sign out" not in page
    assert "augusta" not in page
    assert "<form" in page  # filters, which read
    assert 'method="post"' not in page


def test_another_teams_rows_are_never_there(visitor, result, share):
    root = share()
    for query in (
        "",
        "?q=theirs",
        "?teams=2&team=others",
        "?kind=measured&page=1",
        "?sort=-energy",
    ):
        assert "theirs <span" not in text(visitor.get(root + query))
        assert "98.25" not in text(visitor.get(root + query))
    body = envelope(search="?teams=1,2,3&user=bob")
    assert len(drawn(call(visitor, root, body))) == 1


def test_a_signed_in_member_sees_what_everybody_sees(ada, result, share):
    browser, root = Client(), share()
    browser.force_login(lab.person("a-visitor", "others2"))
    page = text(browser.get(root))
    assert "a-visitor" not in page
    assert "Sign out" not in page


HIDDEN = ("77.7", "estimated")  # the energy of the only row


@pytest.mark.parametrize(
    "query", ["", "columns=energy,method", "sort=energy", "sort=-energy&x=energy"]
)
def test_a_hidden_column_is_not_shown_by_asking_for_it(visitor, result, share, query):
    root = share(columns=["method"])
    page = text(visitor.get(f"{root}?{query}"))
    assert "97.50" in page
    assert not [word for word in HIDDEN if word in page]
    trade = call(visitor, root, envelope(search=f"?{query}&x=energy")).json()["response"]
    assert trade["mnist-trade"]["figure"]["data"] == []


def two(ada, tmp_path):
    """Two rows whose order by energy is not that by accuracy."""
    for name, accuracy, energy in (("cheap", 90.0, 1.0), ("dear", 95.0, 9.0)):
        lab.experiment(ada, name)
        lab.succeed(tmp_path, test_accuracy=accuracy, energy=energy, parameters=energy)


def order(page: str) -> list[str]:
    return sorted(("cheap", "dear"), key=page.index)


def test_a_hidden_column_orders_and_filters_nothing(visitor, ada, tmp_path, share):
    two(ada, tmp_path)
    root = share(columns=["method"], query="kind=measured")
    for sort in ("energy", "-energy", "parameters", "-parameters", "date", "acs"):
        assert order(text(visitor.get(f"{root}?kind=measured&sort={sort}"))) == ["dear", "cheap"]
    one = text(visitor.get(f"{root}?kind=measured&p_min=0.5"))
    assert "cheap" not in one  # a filter by what is hidden finds nothing, whatever its bound
    assert "cheap" not in text(visitor.get(f"{root}?kind=measured&p_max=1e9"))
    assert "ours" not in text(visitor.get(f"{root}?q=held-out"))


def test_the_filters_that_were_shared_cannot_be_lifted(visitor, ada, tmp_path, share):
    two(ada, tmp_path)
    root = share(query="q=dear")
    for query in ("", "?q=", "?q=cheap", "?kind=measured", "?kind=published", "?sort=title"):
        page = text(visitor.get(root + query))
        assert "cheap <span" not in page
        assert "90.00" not in page
    assert "dear" in text(visitor.get(root))
    assert "cheap" not in str(call(visitor, root, envelope(search="?q=cheap")).content)


def test_a_rank_is_that_of_the_whole_board(visitor, ada, tmp_path, share):
    two(ada, tmp_path)
    page = text(visitor.get(share(query="q=cheap")))
    assert '<td class="number">2 †</td>' in page


def test_seeds_are_shown_only_where_the_link_says_so(visitor, ada, tmp_path, share):
    lab.experiment(ada, "three", seeds=(11, 12, 13))
    for accuracy in (91.11, 92.22, 93.33):
        lab.succeed(tmp_path, test_accuracy=accuracy)
    assert "91.11" not in text(visitor.get(f"{share()}?open=all"))
    page = text(visitor.get(f"{share(seeds=True)}?open=all"))
    assert "91.11" in page
    assert "/runs/" not in page


def test_a_click_leads_to_no_run(visitor, result, share):
    root = share()
    pk = actions_shares.Run.objects.get(experiment__name="ours").experiment.entries.get().pk
    assert call(visitor, root, click(pk)).status_code == 204


def replayed(browser, root):
    """What somebody else's browser sends to other boards."""
    yield envelope("cifar-10")
    yield click(1, "cifar-10")
    outputs = ["lines.figure", "heat.figure", "violin.figure", "gap.figure", "behind.children"]
    yield {
        "output": f"..{'...'.join(f'robust-{o}' for o in outputs)}..",
        "outputs": [
            dict(zip(("id", "property"), f"robust-{o}".split("."), strict=True)) for o in outputs
        ],
        "inputs": [{"id": "address", "property": "search", "value": ""}],
        "changedPropIds": [],
    }


def test_callbacks_of_other_boards_do_not_exist_behind_a_link(visitor, result, share):
    root = share()
    answers = [call(visitor, root, body).status_code for body in replayed(visitor, root)]
    assert answers == [404] * 3


def test_the_page_callback_gives_the_shared_board_whatever_address_it_is_told(visitor, share):
    root = share()
    body = {
        "output": "board.children",
        "outputs": {"id": "board", "property": "children"},
        "inputs": [{"id": "address", "property": "pathname", "value": "/boards/robustness/"}],
        "changedPropIds": ["address.pathname"],
    }
    answer = text(call(visitor, root, body))
    assert "mnist-trade" in answer
    assert "robust-lines" not in answer


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"output": 1}', b"\xff", b"null"])
def test_what_is_no_callback_is_a_bad_request(visitor, share, body):
    root = share()
    visitor.get(root)
    headers = {"X-CSRFToken": visitor.cookies["csrftoken"].value}
    place = f"{root}_dash/_dash-update-component"
    answer = visitor.post(place, body, content_type="application/json", headers=headers)
    assert answer.status_code == 400


PARTS = ("", "_dash/_dash-layout", "_dash/_dash-dependencies")


def expire(link):
    Share.objects.filter(pk=link.pk).update(expires_at=Now())


def leave(link):
    link.created_by.memberships.all().delete()


def look(link):
    link.created_by.memberships.update(role="viewer")


def deactivate(link):
    link.created_by.is_active = False
    link.created_by.save()


ENDS = {
    "revoked": lambda link: actions_shares.revoke(link.pk, "ada"),
    "expired": expire,
    "its author left": leave,
    "its author may only look": look,
    "its author was deactivated": deactivate,
    "reissued": lambda link: actions_shares.reissue(link.pk, link.created_by),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_link_that_ended_ends_everywhere_at_once(visitor, result, share, end):
    root = share()
    for part in PARTS:  # a warm cache, if there were one
        assert visitor.get(root + part).status_code == 200
    ENDS[end](share.last)
    unknown = visitor.get(f"/s/b{'x' * 43}/")
    for part in PARTS:
        answer = visitor.get(root + part)
        assert answer.status_code == 404
        assert answer.content == unknown.content
    headers = {"X-CSRFToken": visitor.cookies["csrftoken"].value}
    place = f"{root}_dash/_dash-update-component"
    body = json.dumps(envelope())
    posted = visitor.post(place, body, content_type="application/json", headers=headers)
    assert posted.status_code == 404


GUESSES = (
    "", "token", ":token", "null", "undefined", "1", "b", "b" + "A" * 43, "../boards/mnist",
    "%2e%2e", "b" + "A" * 4000, "b\x00", "B" + "A" * 43, "é" * 20,
)  # fmt: skip


@pytest.mark.parametrize("guess", GUESSES)
def test_a_guess_is_answered_as_an_unknown_link(visitor, share, guess):
    share()
    known = visitor.get(f"/s/b{'x' * 43}/").content
    answer = visitor.get(f"/s/{guess}/")
    assert answer.status_code == 404
    assert answer.content == known


def test_a_token_is_looked_up_as_it_is_written(visitor, share):
    token = share()[3:-1]
    for wrong in (token.swapcase(), token[:-1], f"{token}=", f" {token}", token[1:]):
        assert visitor.get(f"/s/{wrong}/").status_code == 404


SEALED = {
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
}


@pytest.mark.parametrize("part", [*PARTS, "nothing"])
def test_every_answer_below_a_link_is_sealed(visitor, share, part):
    answer = visitor.get(share() + part)
    assert {name: answer.headers.get(name) for name in SEALED} == SEALED
    policy = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "sessionid" not in answer.cookies


def test_a_callbacks_answer_is_sealed_too(visitor, result, share):
    answer = call(visitor, share(), envelope())
    assert {name: answer.headers.get(name) for name in SEALED} == SEALED


def test_the_token_is_in_no_row_of_the_database(share, django_db_blocker):
    from django.db import connection

    token = share()[3:-1]
    with connection.cursor() as cursor:
        cursor.execute("select row_to_json(s)::text from experiments_share s")
        kept = str(cursor.fetchall())
        cursor.execute("select row_to_json(s)::text from experiments_shareevent s")
        kept += str(cursor.fetchall())
    assert token not in kept
    assert token[1:] not in kept


def test_the_token_is_in_no_log_line(visitor, share, caplog):
    from snnlab.client.access_log import NoTokens

    root = share()
    actions_shares.revoke(share.last.pk, "ada")
    with caplog.at_level("DEBUG"):
        visitor.get(root)
        visitor.get(f"{root}_dash/_dash-layout")
    for record in caplog.records:
        NoTokens().filter(record)
        assert root[3:-1] not in record.getMessage()


PASSWORD = "let me look"


def test_a_password_is_asked_for_before_anything_is_said(visitor, result, share):
    root = share(password=PASSWORD, title="The secret comparison")
    for part in PARTS:
        answer = visitor.get(root + part)
        assert answer.status_code == 401
        assert "secret comparison" not in text(answer)
    assert visitor.post(root, {"password": "wrong"}).status_code == 401
    answer = visitor.post(root, {"password": PASSWORD})
    cookie = answer.cookies["share"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (root, True, "Lax")
    assert [visitor.get(root + part).status_code for part in PARTS] == [200] * 3
    assert "97.50 %" in drawn(call(visitor, root, envelope()))[0]


def test_a_cookie_opens_one_link_by_one_password(visitor, share):
    root, other = share(password=PASSWORD), share(password=PASSWORD)
    value = visitor.post(root, {"password": PASSWORD}).cookies["share"].value
    for wrong in (value, value[:-1] + "x", "", f"1-{'0' * 64}:1:1"):
        visitor.cookies["share"] = wrong
        assert visitor.get(other).status_code == 401
    visitor.cookies["share"] = value
    assert visitor.get(root).status_code == 200
    Share.objects.filter(slug="mnist").update(password="md5$other")
    assert visitor.get(root).status_code == 401


def test_guessing_a_password_is_throttled_before_it_is_looked_at(visitor, share, monkeypatch):
    root = share(password=PASSWORD)
    tries = [visitor.post(root, {"password": "wrong"}).status_code for _ in range(11)]
    assert tries == [401] * 10 + [429]
    monkeypatch.setattr("snnlab.web.share_door.check_password", pytest.fail)
    answer = visitor.post(root, {"password": PASSWORD})
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "900")


def test_a_password_is_kept_as_a_hash(share):
    share(password=PASSWORD)
    assert PASSWORD not in Share.objects.get().password


def test_a_live_link_shows_what_comes_and_a_pinned_one_what_was(
    visitor, ada, result, tmp_path, share
):
    live, pinned = share(), share(pinned=True)
    before = text(visitor.get(pinned)).count("<tr")
    lab.experiment(ada, "newcomer")
    lab.succeed(tmp_path, test_accuracy=99.0)
    actions_shares.Run.objects.get(experiment__name="ours").experiment.__class__.objects.filter(
        name="ours"
    ).update(name="renamed")
    assert "newcomer" in text(visitor.get(live))
    assert "renamed" in text(visitor.get(live))
    page = text(visitor.get(pinned))
    assert "newcomer" not in page
    assert "renamed" not in page
    assert "ours" in page
    assert page.count("<tr") == before
    assert len(drawn(call(visitor, pinned, envelope()))) == 1
    assert "as they were on" in page


def test_a_pinned_link_does_not_even_keep_what_it_hides(result, share):
    share(columns=["method"], pinned=True, query="kind=measured")
    link = Share.objects.get()
    ours = [line for line in link.lines if line["kind"] == "measured"]
    assert [line["title"] for line in ours] == ["ours"]
    assert [line["energy"] for line in link.lines] == [None] * len(link.lines)
    assert {line["title"] for line in link.lines if line["kind"] == "published"} == {""}
    assert link.snapshot.number == 1


def test_hits_are_counted_by_visits_alone(visitor, share):
    root = share()
    for part in ("", "", "_dash/_dash-layout", "nothing"):
        visitor.get(root + part)
    visitor.get(root, headers={"X-Part": "standings"})
    link = Share.objects.get()
    assert link.hits == 2
    assert link.last_hit is not None


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_below_a_link_writes(visitor, share, method):
    root = share()
    visitor.get(root)
    headers = {"X-CSRFToken": visitor.cookies["csrftoken"].value}
    assert getattr(visitor, method)(root, headers=headers).status_code == 405


def test_what_happened_to_a_link_stays(share, ada):
    share()
    actions_shares.reissue(share.last.pk, ada)
    actions_shares.publish(share.last.pk, "ada", on=True)
    assert actions_shares.revoke(share.last.pk, "ada")
    assert not actions_shares.revoke(share.last.pk, "ada")
    kinds = [event.kind for event in share.last.events.order_by("id")]
    assert kinds == ["created", "reissued", "published", "revoked"]
