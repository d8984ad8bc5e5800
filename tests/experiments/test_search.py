"""What a search finds, what it refuses, and that no text breaks it."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snnlab.experiments import queries_runs
from snnlab.experiments.models import Definition, Figure, Run, RunNote, RunTag, Star
from snnlab.experiments.queries_runs import Asked, matching, page
from snnlab.experiments.search.conditions import condition
from snnlab.experiments.search.fields import PARTS, STATES
from snnlab.experiments.search.grammar import parsed
from snnlab.experiments.search.words import SearchError
from snnlab.learning.spec import Spec
from tests.web import lab


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings, tmp_path):
    settings.SNNLAB_HOME = tmp_path


@pytest.fixture
def ada(db):
    return lab.person("ada", "lab")


@pytest.fixture
def runs(ada, tmp_path):
    """By name: two that succeeded, one that trains, one that waits."""
    made = {}
    for name, results in (
        ("good", {"test_accuracy": 99.5, "accuracy": 98.0, "energy": 20.0}),
        ("weak", {"test_accuracy": 91.0, "energy": 5.0, "firing_rate/conv1": 0.25}),
    ):
        changes = {"time_steps": 8, "neuron": {"kind": "if"}} if name == "good" else {}
        made[name] = lab.experiment(ada, name, seeds=(len(made) + 1,), **changes).runs.get()
        lab.succeed(tmp_path, **results)
    made["busy"] = lab.experiment(ada, "busy", seeds=(3,)).runs.get()
    lab.claim()
    made["idle"] = lab.experiment(ada, "idle one", seeds=(4,), epochs=77).runs.get()
    return made


def found(user, runs, text: str) -> set[str]:
    names = {run.pk: name for name, run in runs.items()}
    return {names[pk] for pk in matching(user, text, 100)}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "good weak busy idle"),
        ("accuracy > 0.99", "good"),
        ("accuracy > 99", "good"),
        ("accuracy > 99%", "good"),
        ("test_accuracy <= 91", "weak"),
        ("metric.accuracy >= 98", "good"),
        ("accuracy = missing", "busy idle"),
        ("accuracy != missing", "good weak"),
        ("energy < 10", "weak"),
        ("not energy < 10", "good busy idle"),
        ("firing_rate/conv1 > 0.2", "weak"),
        ("rule.kind = ltl-offline", ""),
        ("rule = bptt", "good weak busy idle"),
        ("neuron.kind = \"if\" and accuracy > 0.99", "good"),
        ("neuron = if", "good"),
        ("neuron ~ LIF", "weak busy idle"),
        ("neuron.kind ~ LI", "weak busy idle"),
        ("time_steps = 8", "good"),
        ("definition.time_steps = 8", "good"),
        ("epochs > 70", "idle"),
        ("epochs in (77, 78)", "idle"),
        ("network.nothing = missing", "good weak busy idle"),
        ("neuron.tau = missing", "good"),
        ("rule.kind > 3", ""),
        ("state = running", "busy"),
        ("state in (running, queued)", "busy idle"),
        ("state not in (running, queued)", "good weak"),
        ("not (state = running or state = queued)", "good weak"),
        ("NOT state = running AND seed >= 3", "idle"),
        ("name = good", "good"),
        ("name ~ ONE", "idle"),
        ("idle", "idle"),
        ("'idle one'", "idle"),
        ("one idle seed = 4", "idle"),
        ("one good", ""),
        ("name ~ '%'", ""),
        ("author = me", "good weak busy idle"),
        ("author = bob", ""),
        ("team = lab", "good weak busy idle"),
        ("created > 7d ago", "good weak busy idle"),
        ("created > 7d", "good weak busy idle"),
        ("created < 1h ago", ""),
        ("finished > 2w and seed = 1", "good"),
        ("created > 2020-01-31", "good weak busy idle"),
        ("created <= 2020-01-31T10:30", ""),
        ("finished = missing", "busy idle"),
        ("sweep = missing", "good weak busy idle"),
        ("digest = 'x' or seed = 2", "weak"),
        ("board = mnist", "good weak busy idle"),
        ("label = gpu", ""),
        ("tag = missing", "good weak busy idle"),
        ("starred", ""),
        ("not starred", "good weak busy idle"),
        ("starred = no", "good weak busy idle"),
        ("experiment ~ idle", "idle"),
        ("experiment = good", "good"),
        ("experiment in (good, 'idle one')", "good idle"),
    ],
)  # fmt: skip
def test_a_search_finds(ada, runs, text: str, names: str) -> None:
    assert found(ada, runs, text) == set(names.split())


def test_tags_notes_and_stars_are_searched_for_on_the_run_and_its_experiment(ada, runs) -> None:
    RunTag.objects.create(run=runs["good"], tag="paper")
    runs["idle"].experiment.tags = ["paper"]
    runs["idle"].experiment.notes = "Ask Wu about this"
    runs["idle"].experiment.save()
    RunNote.objects.create(run=runs["weak"], text="wu's setting", actor="ada")
    Star.objects.create(user=ada, run=runs["weak"])
    Star.objects.create(user=ada, experiment=runs["busy"].experiment)
    for text, names in (
        ("tag = paper", "good idle"),
        ("tag != paper", "weak busy"),
        ("tag ~ PAP and seed = 1", "good"),
        ("tag in (paper, poster)", "good idle"),
        ("notes ~ wu", "idle weak"),
        ("starred", "weak busy"),
        ("experiment = " + str(runs["busy"].experiment_id), "busy"),
        (f"run in ({runs['good'].pk}, 1000000)", "good"),
    ):
        assert found(ada, runs, text) == set(names.split()), text
    assert found(lab.person("eve", "lab"), runs, "starred") == set()


def test_nobody_finds_what_another_team_has(ada, runs) -> None:
    stranger = lab.person("bob", "others")
    everything = f"run = {runs['good'].pk} or not team = nothing or starred or tag = missing"
    assert matching(stranger, everything, 100) == []
    assert page(stranger, Asked(after=runs["good"].pk)).runs == []


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("acuracy > 1", 1, "Did you mean accuracy"),
        ("seed = x", 8, "whole numbers"),
        ("accuracy > high", 12, "0.99, 99 or 99%"),
        ("energy > 1e999", 10, "takes numbers"),
        ("seed = 1e30", 8, "whole numbers"),
        ("state = done", 9, "one of held"),
        ("state > queued", 7, "takes ="),
        ("state", 1, "expected a sign"),
        ("seed", 1, "expected a sign"),
        ("state =", 8, "expected a value, got the end"),
        ("state = and", 9, "expected a value"),
        ("(state = queued", 16, "expected )"),
        ("state = queued)", 15, "expected and, or"),
        ("state = queued seed = 1", 16, "expected and, or"),
        ("state in queued", 10, "expected ("),
        ("seed in (1", 11, "expected )"),
        ("name = 'x", 8, "never closed"),
        ("seed ! 1", 6, "!="),
        ("= 1", 1, "expected a field"),
        ("'name' = x", 1, "no quotes"),
        ("created > 7x", 11, "7d"),
        ("created > 0001-01-01", 11, "year"),
        ("starred > 1", 9, "takes"),
        ("starred = 3", 11, "yes or no"),
        ("rule..kind = x", 1, "dots"),
        ("metric.nonsense > 1", 1, "no metric"),
        ("rule.window > x", 15, "takes numbers"),
        ("name = \x00", 8, "cannot be searched"),
        ("(" * 22 + "seed = 1" + ")" * 22, 22, "levels"),
        ("not " * 30 + "seed = 1", 85, "levels"),
        (" or ".join(["seed = 1"] * 51), 601, "50 comparisons"),
        (f"seed in ({','.join('1' * 101)})", 210, "100 values"),
        ("x" * 2001, 2001, "2000 characters"),
    ],
)
def test_a_search_that_cannot_be_read_says_where_and_why(ada, text, column, said) -> None:
    with pytest.raises(SearchError) as caught:
        condition(text, ada)
    assert (caught.value.column, said in caught.value.problem) == (column, True), caught.value


PIECES = st.sampled_from(
    (*("and", "or", "not", "in", "(", ")", ",", "=", "!=", "~", ">", "<=", "missing", "ago", "me"),
     *("seed", "state", "accuracy", "tag", "rule.kind", "created", "starred", "energy", "notes"),
     *("running", "7d", "99%", "0.5", "-1", "'x'", '"', "\\", "%(v1)s", "{}", "{0}", "%s", "';--"),
     *("1e308", "2026-13-40", "2026-11-22", "experiment", "definition.a.b", "label", "sweep"))
)  # fmt: skip


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60) | st.lists(PIECES, max_size=12).map(" ".join))
def test_no_text_breaks_a_search_but_by_its_own_error(ada, text: str) -> None:
    try:
        found, problem = matching(ada, text, 3), None
    except SearchError as error:
        found, problem = [], error
    assert found == []
    assert problem is None or (1 <= problem.column <= len(text) + 1 and problem.problem)


def test_a_value_is_never_sql(ada, runs) -> None:
    wanted = condition('name = "\'; drop table experiments_run; --" and rule.x;-- = 1', ada)
    assert "drop" not in wanted.sql
    assert "rule.x" not in wanted.sql
    assert found(ada, runs, 'name = "x\' or true --"') == set()


def test_an_empty_search_has_no_tree() -> None:
    assert parsed(" \n ") is None


def test_the_states_that_can_be_asked_for_are_those_of_runs() -> None:
    assert tuple(Run.State.values) == STATES


def test_the_parts_that_can_be_asked_for_are_those_of_a_definition() -> None:
    assert set(PARTS) == set(Spec.model_fields)


def everything(user, asked: Asked) -> list[int]:
    """All pages, one after the other."""
    ids: list[int] = []
    while True:
        shown = page(user, asked)
        ids += [run.pk for run in shown.runs]
        if shown.after is None:
            return ids
        asked = Asked(asked.text, asked.sort, shown.after, asked.size)


@pytest.mark.parametrize("sort", ["run", "accuracy", "energy", "finished", "seed"])
@pytest.mark.parametrize("size", [1, 2, 3, 10])
def test_pages_show_each_run_once_and_what_is_missing_last(ada, runs, sort, size) -> None:
    numbers = {name: run.pk for name, run in runs.items()}
    known = {
        "run": ["good", "weak", "busy", "idle"],
        "accuracy": ["weak", "good"],
        "energy": ["weak", "good"],
        "finished": ["good", "weak"],
        "seed": ["good", "weak", "busy", "idle"],
    }[sort]
    rest = [numbers[name] for name in ("idle", "busy") if name not in known]
    up = [numbers[name] for name in known]
    assert everything(ada, Asked(sort=sort, size=size)) == up + rest
    assert everything(ada, Asked(sort=f"-{sort}", size=size)) == up[::-1] + rest


def test_equal_values_are_in_pages_once_too(ada, tmp_path) -> None:
    experiment = lab.experiment(ada, seeds=range(1, 8))
    for _ in range(7):
        lab.succeed(tmp_path, test_accuracy=90.0, energy=1.0)
    numbers = sorted(run.pk for run in experiment.runs.all())
    for sort in ("accuracy", "energy"):
        assert everything(ada, Asked(sort=sort, size=2)) == numbers
        assert everything(ada, Asked(sort=f"-{sort}", size=3)) == numbers[::-1]


def test_a_list_takes_the_same_queries_however_long(
    ada, runs, django_assert_max_num_queries
) -> None:
    lab.experiment(ada, "many", seeds=range(100))
    with django_assert_max_num_queries(6):
        shown = page(ada, Asked("not seed = 1000", "-accuracy"))
    assert len(shown.runs) == 50
    assert [run.tags for run in shown.runs] == [[]] * 50


def test_what_is_searched_by_follows_the_runs(ada, runs) -> None:
    assert Definition.objects.count() == 4
    assert dict(Figure.objects.filter(run=runs["weak"]).values_list("metric", "value")) == {
        "test_accuracy": 91.0, "energy": 5.0,
    }  # fmt: skip


def test_definitions_are_looked_up_in_their_index(ada) -> None:
    wanted = condition("rule.kind = bptt", ada)
    with connection.cursor() as cursor:
        cursor.execute("set local enable_seqscan = off; set local enable_indexscan = off")
        sql = f"explain select id from experiments_run run where {wanted.sql}"
        cursor.execute(sql, wanted.params)
        assert "definition_body" in str(cursor.fetchall())


def test_counting_stops_at_a_bound(ada, runs, monkeypatch) -> None:
    assert page(ada, Asked("seed > 1", size=1), counted=True).total == 3
    monkeypatch.setattr(queries_runs, "MOST_COUNTED", 2)
    assert page(ada, Asked(size=1), counted=True).total == 3
    assert page(ada, Asked(size=1)).total is None
