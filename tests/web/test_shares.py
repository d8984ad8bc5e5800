"""The forms that make links, the page that lists them, and the gallery."""

import re

import pytest
from django.test import Client

from snnlab.experiments import actions_shares
from snnlab.experiments.actions import Refused
from snnlab.experiments.actions_shares import Wish, origin
from snnlab.experiments.models import Share
from tests.web import lab


FORM = {"kind": "board", "slug": "mnist", "days": "30", "columns": ["method", "energy"]}


def made(answer) -> str:
    """The link that a page shows once."""
    return re.search(r'id="made">http://testserver(/s/[^<]+)<', answer.content.decode())[1]


def test_a_form_makes_a_link_that_is_shown_once(member, client):
    answer = member.post("/shares/", FORM | {"title": "Our best"})
    link = made(answer)
    assert Client().get(link).status_code == 200
    assert link not in member.get("/shares/").content.decode()
    share = Share.objects.get()
    assert (share.columns, share.title) == (["method", "energy"], "Our best")
    assert 29 < (share.expires_at - share.created_at).days + 1 <= 31


def test_the_form_of_a_board_offers_the_columns_that_are_shown(member):
    page = member.get("/boards/mnist/share/?columns=energy&q=ltl&sort=-energy").content.decode()
    assert 'value="columns=energy&amp;q=ltl&amp;sort=-energy"' in page
    assert re.findall(r'name="columns" value="(\w+)" checked', page) == ["energy"]
    assert "pin it" in page


def test_a_form_with_a_mistake_keeps_its_team(db, client):
    ada = lab.person("ada", "alpha")
    lab.person("ada", "beta")
    client.force_login(ada)
    wrong = client.post("/shares/", FORM | {"team": "beta", "days": "0"})
    assert wrong.status_code == 422
    assert '<option value="beta" selected>' in wrong.content.decode()


def test_a_form_without_a_ticked_column_shares_none(member, ada, tmp_path):
    lab.experiment(ada, "ours")
    lab.succeed(tmp_path, test_accuracy=97.5, parameters=5123.0)
    form = member.get("/boards/mnist/share/").content.decode()
    unticked = re.findall(r'type="hidden" name="columns" value="(\w*)"', form)
    assert unticked == [""]
    link = made(member.post("/shares/", FORM | {"columns": unticked}))
    assert Share.objects.get().columns == []
    page = Client().get(f"{link}?columns=parameters,method").content.decode()
    assert "97.50" in page
    assert "5,123" not in page
    assert "bptt" not in page
    wrong = member.post("/shares/", FORM | {"columns": unticked, "days": "0"}).content.decode()
    assert 'value="method">' in wrong
    assert "checked" not in wrong


def test_a_board_without_columns_asks_for_none(member):
    page = member.get("/boards/robustness/share/?data=mnist").content.decode()
    assert 'name="columns"' not in page
    assert member.get("/boards/nothing/share/").status_code == 404


def test_boards_and_runs_lead_to_their_form(member, ada, tmp_path):
    run = lab.experiment(ada).runs.get()
    page = member.get("/boards/mnist/?q=x").content.decode()
    assert 'href="/boards/mnist/share/?q=x"' in page
    assert f'href="/runs/{run.pk}/share"' in member.get(f"/runs/{run.pk}/").content.decode()
    assert 'href="/boards/curves/share/' in member.get("/boards/curves/").content.decode()
    compare = member.get(f"/boards/compare/?runs={run.pk}").content.decode()
    assert f'href="/boards/compare/share/?runs={run.pk}"' in compare


WRONG = (
    ({"days": "0"}, "days must be in 1..365, got 0"),
    ({"days": "366"}, "days must be in 1..365, got 366"),
    ({"days": "soon"}, "days must be in 1..365"),
    ({"slug": "secret"}, "slug: there is no board"),
    ({"kind": "team"}, "kind must be one of"),
    ({"columns": "password"}, "columns: there is no column"),
    ({"password": "short"}, "password must have 8 to 200 characters"),
    ({"password": "x" * 201}, "password must have 8 to 200 characters"),
    ({"title": "x" * 201}, "title must have at most 200 characters"),
    ({"query": "x" * 4001}, "query must have at most 4000 characters"),
    ({"title": "a\x00b"}, "U+0000"),
    ({"origins": "http://example.org"}, "origins must begin with https://"),
    ({"origins": "*"}, "origins must look like https://example.org"),
    ({"origins": "https://a.org", "password": "long enough"}, "cannot be embedded"),
    ({"kind": "run", "run": "99999"}, "has no run 99999"),
    ({"kind": "compare", "query": "runs=99999"}, "has none of the runs"),
)


@pytest.mark.parametrize(("change", "problem"), WRONG)
def test_what_cannot_be_shared_is_refused_in_words(member, change, problem):
    answer = member.post("/shares/", FORM | change)
    assert answer.status_code == 422
    assert problem in answer.content.decode().replace("&#x27;", "'")
    assert not Share.objects.exists()


ODD = (
    "https://a.org/path", "https://a.org?x", "https://user@a.org", "https://a.org;script-src *",
    "javascript:alert(1)", "https://", "//a.org", "https://a b.org", "https://ä.org", "'self'",
    "https://[::1",
)  # fmt: skip


@pytest.mark.parametrize("text", ODD)
def test_an_origin_is_a_scheme_and_a_host_alone(text):
    with pytest.raises(Refused):
        origin(text)


def test_good_origins_are_kept_as_browsers_name_them():
    assert origin("https://Lab.Example.org:8443/") == "https://lab.example.org:8443"
    assert origin("http://localhost:3000") == "http://localhost:3000"


def test_who_may_only_look_shares_nothing(viewer):
    assert viewer.post("/shares/", FORM).status_code == 403
    assert viewer.get("/boards/mnist/").status_code == 200
    assert viewer.get("/boards/mnist/share/").status_code == 403


def test_runs_of_another_team_cannot_be_shared(stranger, ada):
    run = lab.experiment(ada).runs.get()
    assert stranger.post("/shares/", {"kind": "run", "run": run.pk, "days": 3}).status_code == 422
    compare = {"kind": "compare", "query": f"runs={run.pk}", "days": 3}
    assert stranger.post("/shares/", compare).status_code == 422
    assert stranger.post("/shares/", FORM | {"team": "lab"}).status_code == 404
    assert stranger.get(f"/runs/{run.pk}/share").status_code == 404


def test_the_list_says_who_came_and_takes_back(member, ada):
    link = made(member.post("/shares/", FORM))
    for _ in range(3):
        Client().get(link)
    page = member.get("/shares/").content.decode()
    assert '<td class="number">3</td>' in page
    share = Share.objects.get()
    member.post(f"/shares/{share.pk}/revoke")
    assert Client().get(link).status_code == 404
    assert "revoked" in member.get("/shares/").content.decode()


def test_a_new_address_replaces_the_old_one(member):
    old = made(member.post("/shares/", FORM))
    new = made(member.post(f"/shares/{Share.objects.get().pk}/reissue"))
    assert [Client().get(link).status_code for link in (old, new)] == [404, 200]
    member.post(f"/shares/{Share.objects.get().pk}/revoke")
    answer = member.post(f"/shares/{Share.objects.get().pk}/reissue", follow=True)
    assert "stays revoked" in answer.content.decode()


def test_a_list_of_many_links_asks_as_much_as_one_of_few(member, ada, django_assert_num_queries):
    for number in range(8):
        actions_shares.create(ada.teams.get(), ada, Wish("board", "mnist", title=f"n {number}"))
    with django_assert_num_queries(7):
        page = member.get("/shares/").content.decode()
    assert page.count("created by ada") == 8


def test_a_board_has_at_most_fifty_links(ada, monkeypatch):
    monkeypatch.setattr(actions_shares, "MOST_SHARES", 2)
    for _ in range(2):
        actions_shares.create(ada.teams.get(), ada, Wish("board", "mnist"))
    with pytest.raises(Refused, match="Revoke one"):
        actions_shares.create(ada.teams.get(), ada, Wish("board", "mnist"))
    actions_shares.create(ada.teams.get(), ada, Wish("board", "curves"))


@pytest.fixture
def owner(client, db):
    client.force_login(lab.person("olga", "lab", "owner"))
    return client


def test_the_gallery_shows_what_an_owner_made_public_to_everybody(owner):
    link = made(owner.post("/shares/", FORM | {"title": "For all"}))
    share, anybody = Share.objects.get(), Client()
    assert "For all" not in anybody.get("/gallery/").content.decode()
    assert anybody.get(f"/gallery/{share.pk}/").status_code == 404
    owner.post(f"/shares/{share.pk}/publish", {"on": "1"})
    assert "For all" in anybody.get("/gallery/").content.decode()
    answer = anybody.get(f"/gallery/{share.pk}/")
    assert "For all" in answer.content.decode()
    assert anybody.get(f"/gallery/{share.pk}/_dash/_dash-layout").status_code == 200
    owner.post(f"/shares/{share.pk}/publish", {"on": "0"})
    assert anybody.get(f"/gallery/{share.pk}/").status_code == 404
    assert anybody.get(link).status_code == 200


def test_what_has_a_password_cannot_be_public(owner):
    owner.post("/shares/", FORM | {"password": "long enough"})
    answer = owner.post(f"/shares/{Share.objects.get().pk}/publish", {"on": "1"}, follow=True)
    assert "without a password" in answer.content.decode()
    assert not Share.objects.get().public
