"""The REST API: what it takes, what it refuses, and whose work it shows."""

import json
import re

import pytest
from django.test import Client
from django.urls import get_resolver

from snnlab.experiments import queries, queue, recording
from snnlab.learning.presets import presets
from snnlab.teams.actions import make_token, revoke_token
from snnlab.teams.models import ApiToken, Membership, Team
from tests.api.conftest import Program
from tests.web import lab


SPEC = presets()["mnist-sample"].definition
ASKED = {"name": "First", "spec": SPEC, "seeds": [1, 2]}


def problems(answer, status: int) -> dict[str, str]:
    """What is wrong with a request, by place."""
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    said = answer.json()
    assert (said["status"], said["type"]) == (status, "about:blank")
    return {p["place"]: f"{p['rule']} {p['way_out']}" for p in said.get("problems", [])}


def test_an_experiment_is_queued_by_its_spec(program, ada):
    answer = program.post("experiments", ASKED | {"notes": "why", "tags": ["a"]})
    assert answer.status_code == 201
    said = answer.json()
    assert (said["name"], said["team"], said["runs"], said["tags"]) == ("First", "lab", 2, ["a"])
    made = queries.experiment(ada, said["id"])
    assert made.runs.first().definition == lab.spec().model_dump(mode="json")
    assert made.actor == "ada"
    assert program.get(f"experiments/{said['id']}").json() == said


def test_many_specs_are_one_experiment(program, ada):
    specs = [SPEC | {"epochs": n} for n in (1, 2, 3)]
    said = program.post("experiments", {"name": "Many", "specs": specs}).json()
    assert said["runs"] == 3


def test_the_same_key_queues_once_and_another_spec_under_it_is_refused(program, ada):
    first = program.post("experiments", ASKED | {"key": "k1"}).json()
    again = program.post("experiments", ASKED | {"key": "k1"}).json()
    assert first["id"] == again["id"]
    assert queries.experiments(ada).count() == 1
    other = program.post("experiments", ASKED | {"key": "k1", "spec": SPEC | {"epochs": 3}})
    problems(other, 409)


@pytest.mark.parametrize(
    ("changes", "place", "words"),
    [
        ({"spec": SPEC | {"time_steps": 0}}, "spec.time_steps", "at least 1"),
        ({"spec": SPEC | {"neuron": {"kind": "lief"}}}, "spec.neuron.kind", "Did you mean"),
        ({"spec": SPEC | {"time_steps": "10"}}, "spec.time_steps", "whole number"),
        ({"spec": None, "specs": [SPEC, SPEC | {"epochs": 0}]}, "specs.1.epochs", "at least 1"),
        ({"specs": [SPEC]}, "spec", "not both"),
        ({"spec": None}, "spec", "must be given"),
        ({"spec": "mnist-sample"}, "spec", "table of fields"),
        ({"name": ""}, "name", ""),
        ({"colour": "red"}, "colour", "not a known field"),
        ({"seeds": ["1"]}, "seeds.0", "whole number"),
        ({"seeds": []}, "seeds", "at least 1"),
        ({"team": "others"}, "team", "may queue"),
    ],
)
def test_what_is_wrong_stands_at_its_field(program, ada, stranger, changes, place, words):
    found = problems(program.post("experiments", ASKED | changes), 422)
    assert words in found[place]
    assert not queries.experiments(ada).exists()


@pytest.mark.parametrize(
    "body",
    [
        '{"name": "x", "seeds": [NaN]}',
        '{"name": "x", "name": "y"}',
        "{",
        "",
        '{"spec": ' + "[" * 100_000 + "]" * 100_000 + "}",
        b"\xff\xfe",
        '{"seeds": [1e999, Infinity]}',
    ],
    ids=["NaN", "a key twice", "cut off", "empty", "too deep", "no UTF-8", "infinite"],
)
def test_a_body_that_is_no_json_is_refused_in_words(program, ada, body):
    assert "" in problems(program.post("experiments", body), 400)
    assert not queries.experiments(ada).exists()


@pytest.mark.parametrize("body", ["[]", "3", "null", '"x"'])
def test_a_body_that_is_no_table_is_refused(program, ada, body):
    found = problems(program.post("experiments", body), 422)
    assert list(found) == [""]
    assert "must be a table of fields" in found[""]
    assert not queries.experiments(ada).exists()


def test_a_body_that_is_too_large_is_refused(program, ada):
    answer = program.post("experiments", ASKED | {"notes": "x" * 1_100_000})
    assert problems(answer, 413) == {}
    assert answer.json()["detail"] == "A body has at most 1,000,000 bytes"
    assert not queries.experiments(ada).exists()


@pytest.mark.parametrize("seeds", [[1, 1], [-1], [2**31]])
def test_seeds_that_cannot_be_are_refused_by_the_same_rule_as_everywhere(program, seeds):
    assert "seeds must be" in program.post("experiments", ASKED | {"seeds": seeds}).json()["detail"]


def test_lists_are_paged_by_the_last_thing_seen(program, ada):
    for number in range(5):
        lab.experiment(ada, name=f"E{number}", seeds=(1, 2))
    seen, path = [], "/api/v1/experiments?limit=2"
    while path:
        answer = program.client.get(path).json()
        seen += [one["name"] for one in answer["items"]]
        path = answer["next"]
        if len(seen) == 2:
            lab.experiment(ada, name="new")  # comes first, and moves nothing
    assert seen == ["E4", "E3", "E2", "E1", "E0"]
    runs = program.get("runs", limit=500).json()["items"]
    assert [run["id"] for run in runs] == sorted((r["id"] for r in runs), reverse=True)
    assert len(runs) == 11
    parent = runs[-1]["experiment"]
    assert len(program.get("runs", experiment=parent).json()["items"]) == 2
    assert program.get("runs", state="failed").json()["items"] == []


def test_a_list_costs_the_same_for_any_length(program, ada, django_assert_max_num_queries):
    for number in range(8):
        lab.experiment(ada, name=f"E{number}", seeds=(1, 2))
    for path in ("experiments", "runs"):
        with django_assert_max_num_queries(4):
            assert program.get(path).status_code == 200


def test_a_run_has_its_numbers_page_by_page_and_its_events(program, ada):
    lab.experiment(ada)
    taken = lab.claim([("loss", n, 1.0 / n) for n in range(1, 6)])
    recording.record(taken, [("accuracy", 1, float("nan")), ("accuracy", 2, 50.0)])
    run = program.get(f"runs/{taken.run_id}").json()
    assert run["definition"]["dataset"] == lab.spec().model_dump(mode="json")["dataset"]
    assert run["state"] == "running"
    seen, path = [], f"/api/v1/runs/{taken.run_id}/measurements?limit=3"
    while path:
        answer = program.client.get(path).json()
        seen += [(m["metric"], m["step"], m["value"]) for m in answer["items"]]
        path = answer["next"]
    assert seen[:2] == [("accuracy", 1, None), ("accuracy", 2, 50.0)]
    assert [step for name, step, _ in seen if name == "loss"] == [1, 2, 3, 4, 5]
    alone = program.get(f"runs/{taken.run_id}/measurements", metric="loss").json()["items"]
    assert {m["metric"] for m in alone} == {"loss"}
    events = program.get(f"runs/{taken.run_id}/events").json()["items"]
    assert [event["to_state"] for event in events] == ["queued", "running"]
    later = program.get(f"runs/{taken.run_id}/events", after=events[0]["seq"]).json()["items"]
    assert later == events[1:]


def test_a_run_is_cancelled_and_retried_and_not_twice(program, ada):
    run = lab.experiment(ada).runs.get()
    assert program.post(f"runs/{run.pk}/cancel").json() == {"state": "cancelled"}
    problems(program.post(f"runs/{run.pk}/cancel"), 409)
    assert program.post(f"runs/{run.pk}/retry").json() == {"state": "queued"}


def test_who_may_only_look_changes_nothing(viewer, ada):
    run = lab.experiment(ada).runs.get()
    assert viewer.get(f"runs/{run.pk}").status_code == 200
    problems(viewer.post(f"runs/{run.pk}/cancel"), 403)
    assert "team" in problems(viewer.post("experiments", ASKED), 422)
    assert "team" in problems(viewer.post("experiments", ASKED | {"team": "lab"}), 422)


PATHS = ["", "/measurements", "/events"]


@pytest.mark.parametrize("path", PATHS)
def test_what_another_team_has_does_not_exist(stranger, program, ada, path):
    run = lab.experiment(ada).runs.get()
    assert program.get(f"runs/{run.pk}{path}").status_code == 200
    problems(stranger.get(f"runs/{run.pk}{path}"), 404)
    for number in (0, 2**70):
        problems(program.get(f"runs/{number}{path}"), 404)


def test_neither_do_its_experiments_and_nobody_changes_its_runs(stranger, ada):
    made = lab.experiment(ada)
    problems(stranger.get(f"experiments/{made.pk}"), 404)
    problems(stranger.get("runs", experiment=made.pk), 404)
    for action in ("cancel", "retry"):
        problems(stranger.post(f"runs/{made.runs.get().pk}/{action}"), 404)
    assert stranger.get("experiments").json()["items"] == []
    assert stranger.get("runs").json()["items"] == []


def test_a_board_is_that_of_the_web(program, ada, tmp_path):
    lab.experiment(ada, dataset={"kind": "mnist-5k"})
    lab.succeed(tmp_path, test_accuracy=91.5)
    name = queries.boards(ada)[0]
    said = program.get(f"boards/{name}", limit=1).json()
    expected = queries.standings(queries.teams_of(ada), queries.Wanted(name, size=1))
    assert said["total"] == expected.total
    assert said["rows"][0]["title"] == expected.rows[0].title
    assert (said["next"] is None) == (expected.total <= 1)
    problems(program.get("boards/nowhere"), 404)


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 10**6}, {"before": 0}, {"before": "x"}, {"state": "'; --"}]
)
def test_an_address_that_makes_no_sense_is_refused_by_name(program, query):
    assert set(problems(program.get("runs", **query), 422)) == set(query)


@pytest.mark.parametrize("after", ["x", ":", "loss:x", "loss:", "a\x00:1", "loss:" + "9" * 19])
def test_a_place_that_is_none_is_refused(program, ada, after):
    run = lab.experiment(ada).runs.get()
    assert "after" in problems(program.get(f"runs/{run.pk}/measurements", after=after), 422)


WRONG = ["", "Bearer", "Bearer x", "Bearer snn_x", "Basic YWRhOng=", "Bearer snn_" + "x" * 5000]


@pytest.mark.parametrize("header", WRONG)
def test_without_a_token_that_works_there_is_no_answer(db, header):
    client = Client(headers={"Authorization": header} if header else {})
    answer = client.get("/api/v1/runs")
    problems(answer, 401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_session_is_no_token(client, ada):
    client.force_login(ada)
    assert client.get("/api/v1/runs").status_code == 401
    assert (
        client.post("/api/v1/experiments", ASKED, content_type="application/json").status_code
        == 401
    )


def test_a_revoked_token_and_that_of_a_user_who_left_do_nothing(ada):
    token = make_token(ada, "old")
    program = Program(token)
    assert program.get("runs").status_code == 200
    pk = ApiToken.objects.get(name="old").pk
    assert not revoke_token(lab.person("eve", "others"), pk)  # not hers
    assert revoke_token(ada, pk)
    assert program.get("runs").status_code == 401
    other = Program(make_token(ada, "new"))
    ada.is_active = False
    ada.save()
    assert other.get("runs").status_code == 401


def test_only_the_digest_of_a_token_is_kept_and_its_use_is_noted_once_a_minute(ada):
    token = make_token(ada, "notebook")
    kept = ApiToken.objects.get()
    assert token not in json.dumps(str(vars(kept)))
    assert kept.used_at is None
    Program(token).get("runs")
    first = ApiToken.objects.get().used_at
    assert first is not None
    Program(token).get("runs")
    assert ApiToken.objects.get().used_at == first


def test_every_operation_asks_for_a_token_and_is_described(db):
    schema = Client().get("/api/openapi.json").json()
    for path, methods in schema["paths"].items():
        for method, said in methods.items():
            assert said["security"] == [{"Bearer": []}]
            assert said["description"]
            answer = getattr(Client(), method)(path.replace("{pk}", "1").replace("{name}", "mnist"))
            assert answer.status_code == 401
    routes = [str(p.pattern) for p in get_resolver("snnlab.api.urls").url_patterns]
    served = {re.sub(r"<(\w+:)?(\w+)>", r"{\2}", route) for route in routes if "v1/" in route}
    assert {path.removeprefix("/api/") for path in schema["paths"]} == served


def test_the_description_holds_the_spec_with_all_its_parts(db):
    schemas = Client().get("/api/openapi.json").json()["components"]["schemas"]
    assert {"Spec", "NewExperiment", "Emulated", "LIF"} <= schemas.keys()
    assert schemas["NewExperiment"]["properties"]["spec"]["$ref"].endswith("/Spec")
    text = json.dumps(schemas)
    named = {ref.split('"')[0] for ref in text.split("#/components/schemas/")[1:]}
    assert named <= schemas.keys()


def test_the_page_about_it_loads_nothing_from_elsewhere(client, ada):
    assert client.get("/api/").status_code == 302
    client.force_login(ada)
    page = client.get("/api/").content.decode()
    assert "/api/v1/runs/{pk}/measurements" in page
    assert "https://" not in page.replace("https://testserver", "")
    assert "name" in page


def test_tokens_are_made_shown_once_and_revoked_on_a_page(client, ada):
    client.force_login(ada)
    page = client.post("/tokens/", {"name": "my notebook"}).content.decode()
    token = page.split('id="made">')[1].split("<")[0]
    assert Program(token).get("runs").status_code == 200
    again = client.get("/tokens/").content.decode()
    assert "my notebook" in again
    assert token not in again
    pk = ApiToken.objects.get().pk
    assert client.post(f"/tokens/{pk}/revoke").status_code == 302
    assert Program(token).get("runs").status_code == 401
    assert client.post(f"/tokens/{pk}/revoke").status_code == 404
    for name in ("", "x" * 101):
        answer = client.post("/tokens/", {"name": name})
        assert answer.status_code == 422
        assert "1 to 100 characters" in answer.content.decode()


def test_of_several_teams_one_has_to_be_named(program, ada):
    Membership.objects.create(user=ada, team=Team.objects.create(slug="two", name="Two"))
    assert "team" in problems(program.post("experiments", ASKED), 422)
    assert program.post("experiments", ASKED | {"team": "two"}).json()["team"] == "two"


def test_nothing_was_claimed_by_looking(program, ada):
    made = lab.experiment(ada)
    program.get("runs")
    assert queue.claim("worker:test:1", ["cpu"]).run_id == made.runs.get().pk


def test_runs_are_searched_for_in_pages(program, ada, stranger):
    experiment = lab.experiment(ada, "wide", seeds=range(5))
    numbers = sorted((run.pk for run in experiment.runs.all()), reverse=True)
    first = program.get("runs", search="name = wide and seed < 4", limit=3).json()
    rest = program.client.get(first["next"]).json()
    assert [run["id"] for run in first["items"] + rest["items"]] == numbers[1:]
    assert rest["next"] is None
    assert stranger.get("runs", search="wide").json()["items"] == []
    for query in ({"search": "seed ="}, {"search": "wide", "state": "queued"}):
        answer = program.get("runs", **query)
        assert (answer.status_code, answer.json()["problems"][0]["place"]) == (422, "search")
