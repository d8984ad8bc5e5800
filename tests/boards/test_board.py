"""A board through its own addresses, as a browser or an attacker would call them."""

import json

import pytest
from django.test import Client

from snnlab.boards.app import app
from snnlab.boards.board import boards
from tests.web import lab


ENDPOINT = "/boards/_dash/_dash-update-component"
TABLE = "..mnist-grid.rowData...mnist-count.children.."
FILTERS = {"kinds": ["measured", "published"], "search": ""}


def envelope(slug="mnist", **values) -> dict:
    values = FILTERS | values
    return {
        "output": TABLE.replace("mnist", slug),
        "outputs": [
            {"id": f"{slug}-grid", "property": "rowData"},
            {"id": f"{slug}-count", "property": "children"},
        ],
        "inputs": [
            {"id": f"{slug}-{name}", "property": "value", "value": value}
            for name, value in values.items()
        ],
        "changedPropIds": [],
    }


def call(client, body, **headers):
    body = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post(ENDPOINT, body, content_type="application/json", headers=headers)


def titles(answer) -> set[str]:
    rows = answer.json()["response"]["mnist-grid"]["rowData"]
    return {row["title"] for row in rows if row["kind"] == "measured"}


@pytest.fixture
def result(ada, tmp_path):
    experiment = lab.experiment(ada, "ours")
    lab.succeed(tmp_path, test_accuracy=97.5, energy=11.0)
    return experiment


def test_the_table_has_measured_and_published_rows(member, result, django_assert_max_num_queries):
    with django_assert_max_num_queries(3):
        answer = call(member, envelope())
    rows = answer.json()["response"]["mnist-grid"]["rowData"]
    assert {row["kind"] for row in rows} == {"measured", "published"}
    assert titles(answer) == {"ours"}
    assert "no-store" in answer.headers["Cache-Control"]


def rows_of(answer, slug) -> list[dict]:
    return answer.json()["response"][f"{slug}-grid"]["rowData"]


@pytest.mark.parametrize("slug", boards())
def test_every_board_says_what_papers_report(member, slug):
    rows = rows_of(call(member, envelope(slug)), slug)
    assert len(rows) > 10
    assert {row["kind"] for row in rows} == {"published"}


def test_a_result_stands_on_the_board_of_its_data_set_with_its_caveat(member, ada, tmp_path):
    chosen = {"kind": "cifar100", "class_count": 20}
    lab.experiment(ada, "photographs", dataset=chosen, selection="held-out")
    lab.succeed(tmp_path, test_accuracy=40.0)
    (row,) = rows_of(call(member, envelope("cifar-100", kinds=["measured"])), "cifar-100")
    assert (row["title"], row["selection"]) == ("photographs", "held-out")
    assert (row["accuracy_text"], row["note"]) == ("40.00 % †", "first 20 of 100 classes")
    assert rows_of(call(member, envelope("cifar-10", kinds=["measured"])), "cifar-10") == []


def test_another_teams_results_are_not_there(stranger, result):
    assert titles(call(stranger, envelope())) == set()


def test_whose_results_to_show_is_not_the_browsers_word(stranger, result):
    forged = envelope() | {"user": "ada", "state": []}
    assert titles(call(stranger, forged)) == set()


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
        envelope() | {"inputs": envelope()["inputs"][:1]},
        envelope() | {"outputs": [{"id": "x", "property": "y"}]},
        envelope() | {"state": [{"id": "x", "property": "y", "value": 1}]},
        envelope() | {"changedPropIds": "all"},
        envelope() | {"changedPropIds": [1]},
        envelope(kinds="measured"),
        envelope(kinds=["secret"]),
        envelope(kinds=None),
        envelope(search={"a": 1}),
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
