"""Rows of others: what a file may say, what is refused, and what becomes of it on a board."""

import json

import pytest

from snnlab.experiments import external, queries, standing
from snnlab.experiments.actions import Refused
from snnlab.experiments.actions_external import take
from snnlab.experiments.external import Wrong, from_csv, from_sota
from snnlab.experiments.models import Entry, Judgement
from tests.web import lab


HEAD = "title,accuracy,source_url"
ROW = "Somebody 2024,97.5,https://example.org/paper"


def test_a_csv_is_read_by_its_columns_names():
    text = f"accuracy, title ,source_url,energy,energy_kind,year,time_steps,checked\n{97.5},A,https://a.org,12.5,measured,2024,8,yes\n\n98,B,https://b.org,,,,,\n"
    first, second = from_csv(text)
    assert first == {
        "title": "A", "accuracy": 97.5, "source_url": "https://a.org", "energy": 12.5,
        "energy_kind": "measured", "year": 2024, "time_steps": 8, "checked": "yes",
    }  # fmt: skip
    assert second == {"title": "B", "accuracy": 98.0, "source_url": "https://b.org"}
    assert from_csv(f"\ufeff{HEAD}\r\n{ROW}\r\n")[0]["title"] == "Somebody 2024"


WRONG = (
    ("", "the file has no rows", 1),
    (f"{HEAD}\n", "the file has no rows", 1),
    ("title,accuracy\na,1", "line 1: the column source_url is missing", 2),
    (f"{HEAD},secret\n{ROW},1", "line 1: there is no column 'secret'", 2),
    (f"{HEAD},title\n{ROW},x", "line 1: a column is named twice", 2),
    (f"{HEAD}\n{ROW},1", "row 2: has 4 cells, the first line 3", 1),
    (f"{HEAD}\n,97,https://a.org", "row 2, title: is missing", 1),
    (f"{HEAD}\na,101,https://a.org", "row 2, accuracy: must be a number, in 0..100, got '101'", 1),
    (f"{HEAD}\na,nan,https://a.org", "row 2, accuracy: must be a number", 1),
    (f"{HEAD}\na,1e999,https://a.org", "row 2, accuracy: must be a number", 1),
    (f"{HEAD}\na,97,http://a.org", "row 2, source_url: must be an address", 1),
    (f"{HEAD}\na,97,javascript:alert(1)", "row 2, source_url: must be an address", 1),
    (f"{HEAD}\na,97,https://u:p@a.org", "row 2, source_url: must be an address", 1),
    (f"{HEAD},year\n{ROW},20.5", "row 2, year: must be a whole number in 1950..2100", 1),
    (f"{HEAD},n\n{ROW},٣", "row 2, n: must be a whole number", 1),
    (f"{HEAD},energy\n{ROW},3", "row 2, energy_kind: an energy says how it is known", 1),
    (f"{HEAD},low\n{ROW},97", "row 2, low: an interval has both ends", 1),
    (f"{HEAD},low,high,n\n{ROW},98,99,3", "low <= accuracy <= high must hold", 1),
    (f"{HEAD},low,high,n\n{ROW},97,98,2", "row 2, n: an interval needs at least 3 seeds", 1),
    (f"{HEAD}\n{'x' * 301},97,https://a.org", "row 2, title: must have at most 300 characters", 1),
    (f'{HEAD}\n"a\nb",97,https://a.org', "row 2, title: must not hold control characters", 1),
    (f"{HEAD}\na\0,97,https://a.org", "U+0000", 1),
    (f'{HEAD}\n"a"b,97,https://a.org', "the file is no CSV", 1),
    (f"{HEAD}\n" + "x,999,ftp:\n" * 60, "and 70 more", 51),
    (f"{HEAD}\n" + f"{ROW}\n" * 5001, "at most 5,000 rows, got 5,001", 1),
    ("x" * 5_000_001, "at most 5,000,000 characters", 1),
)


@pytest.mark.parametrize(("text", "rule", "count"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_names_its_row_and_field(text, rule, count):
    with pytest.raises(Wrong) as refused:
        from_csv(text)
    assert any(rule in problem for problem in refused.value.problems), refused.value.problems
    assert len(refused.value.problems) == count


def sota(**row):
    said = {
        "model_name": "BranchingNet",
        "paper_url": "https://arxiv.org/abs/1234.56789",
        "paper_date": "2023-04-05",
        "metrics": {"Percentage correct": "96.4"},
    } | row
    table = {"metrics": ["Percentage correct"], "rows": [said]}
    data = [{"dataset": "CIFAR-10", "sota": table}, {"dataset": "Other", "sota": table}]
    return json.dumps([{"task": "Vision", "subtasks": [{"task": "Images", "datasets": data}]}])


def test_the_rows_of_one_data_set_are_found_in_tasks_of_tasks():
    assert from_sota(sota(), "cifar-10") == [
        {
            "title": "BranchingNet",
            "accuracy": 96.4,
            "source_url": "https://arxiv.org/abs/1234.56789",
            "year": 2023,
        }
    ]
    one_task = json.loads(sota())[0]
    assert len(from_sota(json.dumps(one_task), "cifar-10")) == 1


@pytest.mark.parametrize(
    ("metrics", "accuracy"),
    [
        ({"Accuracy": 91}, 91.0),
        ({"Top 1 Accuracy": "82.5%"}, 82.5),
        ({"Percentage error": 0.21}, 99.79),
    ],
)
def test_an_error_is_an_accuracy_too(metrics, accuracy):
    assert from_sota(sota(metrics=metrics), "cifar-10")[0]["accuracy"] == accuracy


def test_additional_data_is_a_caveat():
    (line,) = from_sota(sota(uses_additional_data=True), "cifar-10")
    assert line["caveat"] == "trained with additional data"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{", "no JSON"),
        ('[{"a": NaN}]', "NaN is no number"),
        ("[" * 100_000, "no JSON"),
        ("[]", "no task of the file has a table of the data set cifar-10"),
        ("null", "no task"),
        ('{"datasets": 3, "subtasks": {}}', "no task"),
        (sota(paper_url=""), "CIFAR-10, row 1, source_url: is missing"),
        (sota(paper_url=None), "CIFAR-10, row 1, source_url: is missing"),
        (sota(metrics={"PARAMS": 3}), "CIFAR-10, row 1, metrics: must name one of"),
        (sota(metrics={"Percentage error": "low"}), "metrics: must be a number, got 'low'"),
        (sota(metrics={"Accuracy": "-"}), "CIFAR-10, row 1, accuracy: must be a number"),
        (sota(model_name="", paper_title=""), "CIFAR-10, row 1, title: is missing"),
    ],
    ids=range(12),
)
def test_what_is_wrong_in_a_sota_file_names_its_table_and_row(text, rule):
    with pytest.raises(Wrong) as refused:
        from_sota(text, "cifar-10")
    assert rule in str(refused.value)


def test_tasks_cannot_be_endlessly_deep():
    deep = {"task": "x", "datasets": []}
    for _ in range(30):
        deep = {"task": "x", "subtasks": [deep]}
    with pytest.raises(Wrong, match="at most 20 deep"):
        from_sota(json.dumps([deep]), "mnist")


@pytest.fixture
def ada(db):
    return lab.person("ada", "lab", "admin")


def external_rows(user):
    return [row for row in queries.leaderboard(user, "mnist") if row.kind == "external"]


def test_rows_stand_on_the_teams_board_and_nobody_elses(ada):
    lines = from_csv(f"{HEAD},checked,sparsity\n{ROW},yes,90\nOther,90,https://b.org,,\n")
    assert take(ada.teams.get(), "ada", "mnist", lines) == (2, 0)
    first, second = external_rows(ada)
    assert (first.title, first.accuracy, first.checked) == ("Somebody 2024", 97.5, True)
    assert first.sparsity == pytest.approx(90)
    assert (second.checked, second.verified, first.verified) == (False, 0, 0)
    assert first.rank == 1
    assert first.added_at is not None
    assert external_rows(lab.person("bob", "others")) == []
    said = Judgement.objects.get(entry=first.id)
    assert (said.kind, said.actor) == ("imported", "ada")


def test_taken_twice_is_known_and_another_teams_rows_are_its_own(ada):
    lines = from_csv(f"{HEAD}\n{ROW}\n{ROW}\n")
    assert take(ada.teams.get(), "ada", "mnist", lines) == (1, 1)
    assert take(ada.teams.get(), "ada", "mnist", lines) == (0, 2)
    bob = lab.person("bob", "others", "admin")
    assert take(bob.teams.get(), "bob", "mnist", lines) == (1, 1)
    assert Entry.objects.filter(kind="external").count() == 2


def test_a_withdrawn_row_is_a_tombstone_that_an_import_does_not_raise(ada):
    lines = from_csv(f"{HEAD}\n{ROW}\n")
    take(ada.teams.get(), "ada", "mnist", lines)
    (row,) = external_rows(ada)
    standing.mark(row.id, "ada", "withdrawn", "retracted")
    take(ada.teams.get(), "ada", "mnist", lines)
    (row,) = external_rows(ada)
    assert (row.standing, row.rank) == ("withdrawn", None)


def test_an_unknown_board_takes_nothing(ada):
    with pytest.raises(Refused, match="board must be one of"):
        take(ada.teams.get(), "ada", "imagenet", [])


def test_every_column_of_the_csv_becomes_a_field(ada):
    values = {
        "n": "3", "low": "97", "high": "98", "best": "98", "energy_kind": "measured",
        "checked": "no", "year": "2024", "time_steps": "8", "source_url": "https://a.org",
        "accuracy": "97.5",
    }  # fmt: skip
    cells = {name: values.get(name, "5") for name in external.COLUMNS}
    (line,) = from_csv(f"{','.join(cells)}\n{','.join(cells.values())}\n")
    take(ada.teams.get(), "ada", "mnist", [line])
    (row,) = external_rows(ada)
    assert row.sparsity == pytest.approx(5)
    for name in set(cells) - {"source_url", "checked", "sparsity"}:
        assert str(getattr(row, name)).removesuffix(".0") == cells[name], name
