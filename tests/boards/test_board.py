"""A board through its own addresses, as a browser or an attacker would call them."""

import json

import pytest
from django.test import Client

from snnlab.boards.app import app
from snnlab.boards.board import boards
from snnlab.experiments import queries
from snnlab.learning.dataset import of_board
from tests.web import lab


ENDPOINT = "/boards/_dash/_dash-update-component"


def envelope(slug="mnist", search="", **changes) -> dict:
    """What the page sends to have its charts drawn."""
    charts = ("trade.figure", "record.figure", "front.children")
    outputs = [f"{slug}-{chart}" for chart in charts]
    return {
        "output": f"..{'...'.join(outputs)}..",
        "outputs": [dict(zip(("id", "property"), o.split("."), strict=True)) for o in outputs],
        "inputs": [{"id": "address", "property": "search", "value": search}],
        "changedPropIds": [],
    } | changes


def click(pk, slug="mnist") -> dict:
    """What the page sends when somebody clicks on a point."""
    value = {"points": [{"customdata": pk}]}
    return {
        "output": f"{slug}-go.href",
        "outputs": {"id": f"{slug}-go", "property": "href"},
        "inputs": [
            {"id": f"{slug}-trade", "property": "clickData", "value": value},
            {"id": f"{slug}-record", "property": "clickData", "value": None},
        ],
        "changedPropIds": [f"{slug}-trade.clickData"],
    }


def call(client, body, **headers):
    body = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post(ENDPOINT, body, content_type="application/json", headers=headers)


def drawn(answer) -> list[str]:
    """What hovering over the measured points of the record tells."""
    data = answer.json()["response"]["mnist-record"]["figure"]["data"]
    return [text for trace in data if trace["name"] == "measured" for text in trace["text"]]


@pytest.fixture
def result(ada, tmp_path):
    experiment = lab.experiment(ada, "ours")
    lab.succeed(tmp_path, test_accuracy=97.5, energy=11.0)
    return experiment


def test_the_page_holds_the_table_and_the_callback_the_charts(
    member, result, django_assert_max_num_queries
):
    with django_assert_max_num_queries(6):
        page = member.get("/boards/mnist/").content.decode()
    assert "<strong>97.50 †</strong>" in page
    assert 'class="badge published"' in page
    with django_assert_max_num_queries(5):
        answer = call(member, envelope())
    assert "97.50 %" in drawn(answer)[0]
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("slug", [slug for slug, board in boards().items() if board.data])
def test_every_board_says_what_papers_report(member, slug):
    page = member.get(f"/boards/{slug}/").content.decode()
    assert page.count('<tr class="published">') > 10
    assert '<tr class="measured">' not in page
    assert call(member, envelope(slug)).status_code == 200


def test_a_result_stands_on_the_board_of_its_data_set_with_its_caveat(member, ada, tmp_path):
    chosen = {"kind": "cifar100", "class_count": 20}
    lab.experiment(ada, "photographs", dataset=chosen, selection="held-out")
    lab.succeed(tmp_path, test_accuracy=40.0)
    page = member.get("/boards/cifar-100/?kind=measured&columns=source").content.decode()
    assert "<strong>40.00 †</strong>" in page
    assert "held-out" in page
    assert "first 20 of 100 classes" in page
    assert "No result matches" in member.get("/boards/cifar-10/?kind=measured").content.decode()


def test_another_teams_results_are_not_there(stranger, result):
    assert drawn(call(stranger, envelope())) == []
    assert "97.50" not in stranger.get("/boards/mnist/").content.decode()


def test_whose_results_to_show_is_not_the_browsers_word(stranger, result):
    forged = envelope(search="?user=ada&team=lab&teams=1") | {"user": "ada", "state": []}
    assert drawn(call(stranger, forged)) == []


def test_a_click_leads_to_the_run_of_ones_own_team_only(member, ada, result, client):
    (row,) = (r for r in queries.leaderboard(ada, "mnist") if r.kind == "measured")
    answer = call(member, click(row.id))
    assert answer.json()["response"]["mnist-go"]["href"] == f"/runs/{row.best_run}/"
    for foreign in (row.id + 10**6, "1", None, -1, 2**70):
        assert call(member, click(foreign)).status_code == 204
    assert call(member, click(row.id, "cifar-10")).status_code == 204
    client.force_login(lab.person("eve", "others"))
    assert call(client, click(row.id)).status_code == 204


ODD = (
    "sort=secret&page=-3",
    "page=99999999999999999999",
    "t_min=nan&t_max=x&p_min=inf&seeds=1e400",
    "kind=secret&columns=secret,%00&open=x,1e9,9999999999999999999999",
    "q=%00%25_\\&method=%00&data=%F0%9F%92%A9",
    "x=" + "y" * 500,
)


@pytest.mark.parametrize("query", ODD)
def test_what_an_address_says_wrongly_is_left_out(member, result, query):
    assert member.get(f"/boards/mnist/?{query}").status_code == 200
    assert call(member, envelope(search=f"?{query}")).status_code == 200


def table(client, query: str) -> str:
    """The table alone, as a page that is turned asks for it."""
    answer = client.get(f"/boards/mnist/?{query}", headers={"X-Part": "standings"})
    return answer.content.decode()


def test_columns_order_filters_and_seeds_are_said_by_the_address(member, ada, tmp_path):
    for name, accuracy in (("small", 96.0), ("large", 98.0)):
        lab.experiment(ada, name, seeds=(1, 2, 3))
        for seed in range(3):
            lab.succeed(tmp_path, test_accuracy=accuracy + seed / 10, energy=accuracy)
    shown = table(member, "kind=measured&sort=energy&columns=energy,method&open=all&page=1")
    assert "<html" not in shown
    assert shown.index("small") < shown.index("large")
    assert (shown.count("seed 2, "), "To teacher" in shown) == (2, False)
    assert 'aria-sort="ascending"' in shown
    assert ">estimated</span>" in shown
    assert "<strong>96.10 †</strong> ± 0.25 <small>(best 96.20, n = 3)</small>" in shown
    down = table(member, "kind=measured&sort=-energy&q=small")
    assert ("small" in down, "large" in down, "2 on the board have a rank" in down) == (
        True,
        False,
        True,
    )
    assert "seeds=3" in table(member, "kind=measured&seeds=3").replace("&amp;", "&")


@pytest.mark.parametrize(
    ("role", "buttons"), [("viewer", ()), ("member", ("share/",)), ("admin", ("share/", "import/"))]
)
def test_buttons_are_offered_to_those_who_may_press_them(client, db, role, buttons):
    client.force_login(lab.person("vera", "lab", role))
    page = client.get("/boards/mnist/").content.decode()
    for place in ("share/", "import/"):
        assert (f'href="/boards/mnist/{place}' in page) is (place in buttons)
        found = client.get(f"/boards/mnist/{place}").status_code
        assert found == (200 if place in buttons else 403)


def test_no_column_is_a_choice_too(member, ada, tmp_path):
    lab.experiment(ada, "ours")
    lab.succeed(tmp_path, test_accuracy=97.5, parameters=5123.0)
    for query, shown in (("", True), ("&columns=", False), ("&columns=secret", True)):
        page = table(member, f"kind=measured{query}")
        assert ("5,123" in page) is shown
        assert "97.50" in page
    twice = table(member, "kind=measured&columns=parameters,rank,parameters")
    assert (twice.count("5,123"), twice.count('id="by-rank"')) == (1, 1)
    turned = table(member, "kind=measured&columns=").replace("&amp;", "&")
    assert 'href="?kind=measured&columns=&sort=accuracy"' in turned


def test_a_page_behind_the_last_leads_to_the_last(member, ada, tmp_path):
    lab.experiment(ada, "ours")
    lab.succeed(tmp_path, test_accuracy=97.5)
    shown = table(member, "kind=measured&page=9")
    assert "There is no page 9: the last one is page 1." in shown
    assert 'href="?kind=measured&amp;page=1"' in shown
    assert "No result matches" not in shown
    assert "No result matches" in table(member, "kind=external&page=9")


def test_a_title_is_text_and_not_markup(member, ada, tmp_path):
    lab.experiment(ada, "<script>alert(1)</script>")
    lab.succeed(tmp_path, test_accuracy=97.5)
    assert "<script>alert" not in table(member, "kind=measured&open=all&columns=source")


def test_an_anonymous_call_is_refused(client, result):
    assert call(client, envelope()).status_code == 403


def test_a_call_needs_the_pages_own_token(ada, result):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada)
    assert call(browser, envelope()).status_code == 403
    browser.get("/boards/mnist/")
    token = browser.cookies["csrftoken"].value
    assert call(browser, envelope(), **{"X-CSRFToken": token}).status_code == 200


def test_only_json_is_read(member):
    assert member.post(ENDPOINT, envelope(), content_type="text/plain").status_code == 415
    assert member.post(ENDPOINT, {"a": "b"}).status_code == 415


def without(field: str) -> dict:
    return {name: value for name, value in envelope().items() if name != field}


@pytest.mark.parametrize(
    "body",
    [
        " ",
        "{",
        "[]",
        "null",
        b"\xff\xfe",
        "[" * 100_000,
        {},
        without("output"),
        without("inputs"),
        without("outputs"),
        envelope() | {"output": "nothing.children"},
        envelope() | {"output": ["a"]},
        envelope() | {"inputs": []},
        envelope() | {"inputs": {"a": 1}},
        envelope() | {"inputs": [1, 2]},
        envelope() | {"inputs": envelope()["inputs"] * 2},
        envelope() | {"outputs": [{"id": "x", "property": "y"}]},
        envelope() | {"state": [{"id": "x", "property": "y", "value": 1}]},
        envelope() | {"changedPropIds": "all"},
        envelope() | {"changedPropIds": [1]},
        envelope(search={"a": 1}),
        envelope(search=7),
        envelope(search="x" * 5000),
        envelope(search="x" * 300_000),
    ],
)
def test_a_body_that_the_page_would_not_send_is_a_bad_request(member, body):
    assert call(member, body).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "_dash-update-component"),
        ("post", "_dash-layout"),
        ("get", "_reload-hash"),
        ("get", ""),
        ("get", "anything"),
        ("get", "_dash-component-suites/dash/../../../etc/passwd"),
        ("get", "_dash-component-suites/os/os.py"),
        ("get", "_dash-component-suites/dash/dash.py"),
        ("get", "assets/secret"),
    ],
)
def test_what_is_not_listed_does_not_exist(member, method, path):
    assert getattr(member, method)(f"/boards/_dash/{path}").status_code == 404


def test_another_host_is_refused(member):
    assert member.get("/boards/mnist/", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("slug", boards())
def test_every_board_has_a_page_in_the_sites_frame_and_a_place_in_the_list(member, slug):
    page = member.get(f"/boards/{slug}/").content.decode()
    assert "New experiment" in page
    assert "<noscript>" in page
    assert f"/boards/{slug}/" in member.get("/boards/").content.decode()


def test_every_script_of_a_page_carries_its_nonce(member):
    answer = member.get("/boards/mnist/")
    nonce = answer.headers["Content-Security-Policy"].split("'nonce-")[1].split("'")[0]
    inline = answer.content.decode().split("<script")[1:]
    scripts = [tag.split(">")[0] for tag in inline]
    assert all("src=" in tag or nonce in tag or "application/json" in tag for tag in scripts)


def test_a_script_is_zipped_once_and_revalidated(member):
    address = "/boards/_dash/_dash-component-suites/plotly/package_data/plotly.min.js"
    first = member.get(address, headers={"Accept-Encoding": "gzip"})
    assert first.headers["Content-Encoding"] == "gzip"
    again = member.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert len(first.content) < len(member.get(address).content) / 2


def test_scripts_can_be_served_by_a_process_that_rendered_no_page(member):
    listed = app._generate_scripts_html().split('src="')[1:]
    for source in (tag.split('"')[0] for tag in listed):
        assert member.get(source).status_code == 200, source


def test_dash_sets_no_cookie_of_its_own(member, result):
    assert set(call(member, envelope()).cookies) <= {"csrftoken", "sessionid"}


def test_a_long_answer_is_packed_for_who_takes_that(member, result):
    import gzip

    plain, packed = (
        call(member, envelope()),
        call(member, envelope(), **{"Accept-Encoding": "gzip"}),
    )
    assert packed.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed.content)) == plain.json()
    assert len(packed.content) < len(plain.content) / 3
    assert "no-store" in packed.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("board", "kind"),
    [
        ("mnist", "mnist"),
        ("cifar-10", "cifar10"),
        ("cifar-100", "cifar100"),
        ("tiny-imagenet", "tiny-imagenet"),
    ],
)
def test_a_board_names_the_data_that_it_is_about(member, board, kind):
    dataset = of_board(board)
    assert dataset.kind == kind
    page = member.get(f"/boards/{board}/").content.decode()
    assert (
        f'<code title="SHA-256 over the checksums that its publishers give: {dataset.published()}'
        in page
    )
