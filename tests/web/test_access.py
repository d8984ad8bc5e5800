"""Who may open which address. An address that is not listed here fails a test."""

import pytest
from django.urls import URLPattern, get_resolver

from snnlab.experiments import actions_shares, joining
from snnlab.experiments.actions_marks import save_search
from snnlab.experiments.actions_shares import Wish
from snnlab.experiments.standing import take_snapshot
from snnlab.teams.actions import sign_in_link
from snnlab.teams.actions_invitations import invite
from tests.web import lab


OPEN, OWN, TEAM, KEY, PEOPLE = "open", "own", "team", "key", "people"  # people: a team's own affair

MATRIX = {  # address: (who may open it, by which method, what a member of the team gets)
    "web:home": ("/", OWN, "get", 200),
    "web:home-live": ("/home/live", OWN, "get", 200),
    "web:activity": ("/activity/", OWN, "get", 200),
    "web:sign-in": ("/sign-in/", OPEN, "get", 302),
    "web:sign-out": ("/sign-out/", OWN, "post", 302),
    "web:welcome": ("/welcome/{token}/", OPEN, "get", 200),
    "admin-door": ("/admin/login/", OWN, "get", 403),
    "web:experiments": ("/experiments/", OWN, "get", 200),
    "web:new": ("/experiments/new/", OWN, "get", 200),
    "web:preview": ("/experiments/new/preview", OWN, "post", 200),
    "web:check-chip": ("/experiments/new/chip", OWN, "post", 200),
    "web:chips": ("/chips/", OWN, "get", 200),
    "web:chip": ("/chips/truenorth/", OWN, "get", 200),
    "web:experiment": ("/experiments/{experiment}/", TEAM, "get", 200),
    "web:run": ("/runs/{run}/", TEAM, "get", 200),
    "web:live": ("/runs/{run}/live", TEAM, "get", 200),
    "web:cancel": ("/runs/{run}/cancel", TEAM, "post", 302),
    "web:retry": ("/runs/{run}/retry", TEAM, "post", 302),
    "web:hold": ("/runs/{run}/hold", TEAM, "post", 302),
    "web:release": ("/runs/{run}/release", TEAM, "post", 302),
    "web:move": ("/runs/{run}/move", TEAM, "post", 302),
    "web:priority": ("/runs/{run}/priority", TEAM, "post", 302),
    "web:sweeps": ("/sweeps/", OWN, "get", 200),
    "web:sweep-new": ("/sweeps/new/", OWN, "get", 200),
    "web:sweep-preview": ("/sweeps/new/preview", OWN, "post", 200),
    "web:sweep-check-chip": ("/sweeps/new/chip", OWN, "post", 200),
    "web:sweep": ("/sweeps/{sweep}/", TEAM, "get", 200),
    "web:sweep-live": ("/sweeps/{sweep}/live", TEAM, "get", 200),
    "web:sweep-cancel": ("/sweeps/{sweep}/cancel", TEAM, "post", 302),
    "web:sweep-resume": ("/sweeps/{sweep}/resume", TEAM, "post", 302),
    "web:sweep-rerun": ("/sweeps/{sweep}/rerun-failed", TEAM, "post", 302),
    "web:sweep-seeds": ("/sweeps/{sweep}/add-seeds", TEAM, "post", 302),
    "web:sweep-extend": ("/sweeps/{sweep}/extend", TEAM, "post", 302),
    "web:schedules": ("/schedules/", OWN, "get", 200),
    "web:schedules-live": ("/schedules/live", OWN, "get", 200),
    "web:schedule-pause": ("/schedules/{schedule}/pause", TEAM, "post", 302),
    "web:schedule-resume": ("/schedules/{schedule}/resume", TEAM, "post", 302),
    "web:schedule-delete": ("/schedules/{schedule}/delete", TEAM, "post", 302),
    "web:queue": ("/queue/", OWN, "get", 200),
    "web:queue-live": ("/queue/live", OWN, "get", 200),
    "web:workers": ("/workers/", OWN, "get", 200),
    "web:workers-live": ("/workers/live", OWN, "get", 200),
    "web:drain": ("/workers/host:1/drain", OWN, "post", 403),
    "web:invite": ("/workers/invite", OWN, "post", 403),
    "web:join": ("/join/{join}/", OPEN, "get", 200),
    "web:join-key": ("/join/{join}/key", OPEN, "post", 422),
    "web:revoke-key": ("/workers/keys/1/revoke", OWN, "post", 403),
    "web:store": ("/store/", KEY, "get", 401),
    "web:file": (f"/store/{'0' * 64}", KEY, "get", 401),
    "web:trust": ("/workers/host:1/trust", OWN, "post", 403),
    "web:judge": ("/boards/mnist/rows/{entry}/judge", TEAM, "post", 302),
    "web:take-snapshot": ("/boards/mnist/snapshots/take", OWN, "post", 302),
    "web:import-rows": ("/boards/mnist/import/", OWN, "get", 403),
    "web:shares": ("/shares/", OWN, "get", 200),
    "web:share-run": ("/runs/{run}/share", TEAM, "get", 200),
    "web:share-revoke": ("/shares/{share}/revoke", TEAM, "post", 302),
    "web:share-reissue": ("/shares/{share}/reissue", TEAM, "post", 200),
    "web:share-publish": ("/shares/{share}/publish", TEAM, "post", 403),
    "web:gallery": ("/gallery/", OPEN, "get", 200),
    "boards:share": ("/boards/mnist/share/", OWN, "get", 200),
    "shared-board:page": ("/s/{link}/", OPEN, "get", 200),
    "shared-board:embed": ("/s/{framed}/embed/", OPEN, "get", 200),
    "shared-board:preview": ("/s/{link}/preview.png", OPEN, "get", 200),
    "shared-board:badge": ("/s/{link}/badge.svg", OPEN, "get", 200),
    "shared-board:plot": ("/s/{link}/plots/trade.svg", OPEN, "get", 200),
    "shared-run:page": ("/s/{run_link}/", OPEN, "get", 200),
    "shared-run:preview": ("/s/{run_link}/preview.png", OPEN, "get", 200),
    "shared-run:plot": ("/s/{run_link}/plots/loss.svg", OPEN, "get", 200),
    "boards:plot": ("/boards/mnist/plots/trade.svg", OWN, "get", 200),
    "shared-board:table": ("/s/{link}/tables/rows.csv", OPEN, "get", 200),
    "boards:table": ("/boards/mnist/tables/rows.csv", OWN, "get", 200),
    "boards:schema": ("/boards/tables/schema.json", OPEN, "get", 200),
    "shared-board:dash": ("/s/{link}/_dash/_dash-layout", OPEN, "get", 200),
    "web:teams": ("/teams/", OWN, "get", 200),
    "web:team": ("/teams/lab/", TEAM, "get", 200),
    "web:team-leave": ("/teams/lab/leave", PEOPLE, "post", 302),
    "web:team-invite": ("/teams/lab/invite", PEOPLE, "post", 403),
    "web:team-role": ("/teams/lab/members/{user}/role", PEOPLE, "post", 403),
    "web:team-remove": ("/teams/lab/members/{user}/remove", PEOPLE, "post", 403),
    "web:team-revoke": ("/teams/lab/invitations/1/revoke", PEOPLE, "post", 403),
    "web:invitation": ("/invitations/{invitation}/", OPEN, "get", 200),
    "web:runs": ("/runs/", OWN, "get", 200),
    "web:runs-act": ("/runs/act", OWN, "post", 302),
    "web:runs-view-save": ("/runs/views/save", OWN, "post", 302),
    "web:runs-view-delete": ("/runs/views/{view}/delete", PEOPLE, "post", 302),
    "web:board-star": ("/boards/mnist/star", OWN, "post", 302),
    "web:run-layers": ("/runs/{run}/layers", TEAM, "get", 200),
    "web:run-panel": ("/runs/{run}/panel/tests", TEAM, "get", 200),
    "web:run-definition": ("/runs/{run}/definition.toml", TEAM, "get", 200),
    "web:run-log": ("/runs/{run}/log", TEAM, "get", 200),
    "web:run-portrait": ("/runs/{run}/portrait.json", TEAM, "get", 404),
    "web:run-checkpoint": ("/runs/{run}/checkpoints/9", TEAM, "get", 404),
    "web:run-star": ("/runs/{run}/star", PEOPLE, "post", 302),
    "web:run-tag": ("/runs/{run}/tag", TEAM, "post", 302),
    "web:run-note": ("/runs/{run}/note", TEAM, "post", 302),
    "web:experiment-star": ("/experiments/{experiment}/star", PEOPLE, "post", 302),
    "web:experiment-tag": ("/experiments/{experiment}/tag", TEAM, "post", 302),
    "web:experiment-note": ("/experiments/{experiment}/note", TEAM, "post", 302),
    "web:tokens": ("/tokens/", OWN, "get", 200),
    "web:revoke-token": ("/tokens/1/revoke", OWN, "post", 404),
    "api:api-root": ("/api/", OWN, "get", 200),
    "api:openapi-json": ("/api/openapi.json", OPEN, "get", 200),
    "web:healthz": ("/healthz", OPEN, "get", 200),
    "boards:index": ("/boards/", OWN, "get", 200),
    "boards:board": ("/boards/mnist/", OWN, "get", 200),
    "boards:entry": ("/boards/mnist/rows/{entry}/", TEAM, "get", 200),
    "boards:snapshots": ("/boards/mnist/snapshots/", OWN, "get", 200),
    "boards:snapshot": ("/boards/mnist/snapshots/{snapshot}/", TEAM, "get", 200),
    "boards:dash": ("/boards/_dash/_dash-layout", OWN, "get", 200),
}


def names(patterns, space: str = "") -> set[str]:
    found = set()
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            if not str(pattern.pattern).startswith("v1/"):  # asks for a token: see tests/api
                found.add(f"{space}{pattern.name}")
        elif pattern.app_name != "admin":
            found |= names(pattern.url_patterns, f"{pattern.app_name}:")
    return found


def test_every_address_is_in_the_matrix():
    assert names(get_resolver().url_patterns) == set(MATRIX)


@pytest.fixture
def places(ada, tmp_path):
    experiment = lab.experiment(ada)
    lab.succeed(tmp_path, test_accuracy=97.5)
    run, team = experiment.runs.get(), ada.teams.get()
    share, link = actions_shares.create(team, ada, Wish("board", "mnist"))
    framed = Wish("board", "mnist", origins=["https://example.org"])
    return {
        "token": sign_in_link(ada),
        "invitation": invite(lab.person("olga", "lab", "owner"), team, "member"),
        "user": ada.pk,
        "view": save_search(ada, "mine", "q=1", "", None).pk,
        "join": joining.invite("ada"),
        "share": share.pk,
        "link": link,
        "framed": actions_shares.create(team, ada, framed)[1],
        "run_link": actions_shares.create(team, ada, Wish("run", run=run.pk))[1],
        "experiment": experiment.pk,
        "run": run.pk,
        "entry": experiment.entries.get().pk,
        "snapshot": take_snapshot(team, "ada", "mnist").pk,
        "sweep": lab.sweep(ada).pk,
        "schedule": lab.schedule(ada).pk,
    }


@pytest.mark.parametrize("name", MATRIX)
def test_an_anonymous_visitor_is_sent_to_sign_in(client, places, name):
    address, who, method, _ = MATRIX[name]
    answer = getattr(client, method)(address.format(**places))
    if who == OPEN:
        assert "/sign-in/?next=" not in answer.headers.get("Location", "")
        assert answer.status_code in (200, 302, 422)
    elif who == KEY:
        assert answer.status_code == 401
    elif name == "boards:dash":
        assert answer.status_code == 403
    else:
        assert answer.headers["Location"].startswith("/sign-in/?next=")


@pytest.mark.parametrize("name", MATRIX)
def test_a_member_sees_what_the_team_has(member, places, name):
    address, _, method, status = MATRIX[name]
    assert getattr(member, method)(address.format(**places)).status_code == status


@pytest.mark.parametrize(
    "name", [n for n, (_, who, _, _) in MATRIX.items() if who in (TEAM, PEOPLE)]
)
def test_what_another_team_has_does_not_exist(stranger, places, name):
    address, _, method, _ = MATRIX[name]
    assert getattr(stranger, method)(address.format(**places)).status_code == 404


@pytest.mark.parametrize("name", [n for n, row in MATRIX.items() if row[2] == "post"])
def test_a_change_is_never_a_get(member, places, name):
    assert member.get(MATRIX[name][0].format(**places)).status_code == 405


CHANGES = [n for n, (_, who, method, _) in MATRIX.items() if (who, method) == (TEAM, "post")]


@pytest.mark.parametrize("name", CHANGES)
def test_a_viewer_may_not_change_a_run(viewer, places, name):
    assert viewer.post(MATRIX[name][0].format(**places)).status_code == 403


WITH_SESSION = [n for n, row in MATRIX.items() if row[2] == "post" and n != "web:join-key"]


@pytest.mark.parametrize("name", WITH_SESSION)
def test_a_change_needs_the_pages_own_token(ada, places, name):
    from django.test import Client

    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada)
    assert browser.post(MATRIX[name][0].format(**places)).status_code == 403


@pytest.mark.parametrize("number", [0, 2**31, 2**63, 10**30])
@pytest.mark.parametrize("place", ["runs", "experiments", "sweeps"])
def test_a_number_that_nothing_has_is_not_found(member, place, number):
    assert member.get(f"/{place}/{number}/").status_code == 404
