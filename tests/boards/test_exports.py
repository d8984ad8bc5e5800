"""Tables of boards as files, read back by other readers than those that wrote them."""

import csv
import io
import json
import re
from datetime import date

import pytest

from snnlab.boards.exports import bibtex, latex, markdown, parquet
from snnlab.boards.exports import csv as as_csv
from snnlab.boards.exports import json as as_json
from snnlab.boards.exports.table import Field, Table
from tests.boards import parquet_reader
from tests.web import lab


FIELDS = (
    Field("title", "Result"),
    Field("accuracy", "Accuracy", "number", "%", "higher", 2),
    Field("half", "Half", "number", "%", digits=2),
    Field("steps", "T", "integer", better="lower"),
    Field("day", "Date", "date"),
)
ROWS = [
    ("ours", 97.5, 0.25, 10, "2026-11-22"),
    ("a_b & c%", 98.125, None, 300, None),
    ("", None, None, None, "1969-12-31"),
    ("naïve — Übergröße", -0.5, 1e-9, -(2**62), "2000-02-29"),
]


def table(rows=ROWS, **more):
    return Table("rows", "MNIST", FIELDS, iter(rows), {"accuracy": "half"}, **more)


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_keeps_numbers_to_the_last_digit():
    found = read_csv("".join(as_csv.write(table())))
    assert [row["accuracy"] for row in found] == ["97.5", "98.125", "", "-0.5"]
    assert [float(row["half"]) for row in found if row["half"]] == [0.25, 1e-9]
    assert [row["title"] for row in found] == [row[0] for row in ROWS]


FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@a",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "＝1+1",
    "\0x",
    "%0A=1",
    "|cmd",
)


@pytest.mark.parametrize("text", FORMULAS)
def test_csv_lets_no_text_become_a_formula(text):
    (found,) = read_csv("".join(as_csv.write(table([(text, -1.5, None, -3, None)]))))
    assert found["title"].startswith("'")
    assert (found["accuracy"], found["steps"]) == ("-1.5", "-3")


def test_csv_keeps_quotes_commas_and_lines_in_their_cell():
    text = 'a "b", c\nd'
    (found,) = read_csv("".join(as_csv.write(table([(text, 1.0, None, 1, None)]))))
    assert found["title"] == text


def test_json_is_what_its_schema_says():
    found = json.loads("".join(as_json.write(table())))
    known = as_json.SCHEMA["properties"]
    assert set(found) == set(known) == set(as_json.SCHEMA["required"])
    assert found["format"] == known["format"]["const"]
    of_field = known["fields"]["items"]
    for field in found["fields"]:
        assert set(field) == set(of_field["required"])
        assert field["type"] in of_field["properties"]["type"]["enum"]
        assert field["better"] in of_field["properties"]["better"]["enum"]
    names = [field.name for field in FIELDS]
    said = [tuple(row[name] for name in names) for row in found["rows"]]
    assert said == [tuple(None if v == "" else v for v in row) for row in ROWS]
    assert json.loads("".join(as_json.write(table([]))))["rows"] == []


def test_markdown_has_a_cell_for_each_value_whatever_is_in_it():
    text = "".join(markdown.write(table([("a|b *c* <i>\n[x](y)", 97.5, None, 1, None)])))
    head, rule, row = text.splitlines()
    cells = re.split(r"(?<!\\)\|", row)[1:-1]
    assert len(cells) == len(FIELDS)
    assert cells[0].strip() == r"a\|b \*c\* \<i\> \[x\](y)"
    assert cells[1].strip() == "97.50"
    assert rule.count("---:") == 3
    assert "Accuracy \\[%\\]" in head or "Accuracy [%]" in head.replace("\\", "")


def test_latex_marks_the_best_and_escapes_the_rest():
    text = "".join(latex.write(table()))
    assert "\\begin{tabular}{lrrl}\n\\toprule" in text
    assert r"ours & 97.50 $\pm$ 0.25 & 10 &" in text
    assert r"a\_b \& c\% & \textbf{98.12} & 300 &" in text
    assert text.rstrip().endswith("\\bottomrule\n\\end{tabular}")
    assert "Accuracy [\\%]" in text
    assert "{lrr}" in "".join(latex.write(table(twice=frozenset({"day"}))))


EVIL = r"\input{/etc/passwd} $x^2$ {~} #1 <>|"


def test_no_text_is_a_command_to_latex():
    escaped = latex.escaped(EVIL)
    plain = escaped
    for made in latex.ESCAPED.values():
        plain = plain.replace(made, "")
    assert not re.search(r"[\\{}$#^~%&_]", plain)


def test_parquet_is_read_back_as_it_was():
    rows = ROWS * 6001  # more than two groups
    found = parquet_reader.read(b"".join(parquet.write(table(rows))))
    assert found["title"] == [row[0] or None for row in rows]
    assert found["accuracy"] == [row[1] for row in rows]
    assert found["steps"] == [row[3] for row in rows]
    days = [None if row[4] is None else date.fromisoformat(row[4]) for row in rows]
    assert found["day"] == days


def test_parquet_without_rows_is_still_a_file():
    found = parquet_reader.read(b"".join(parquet.write(table([]))))
    assert found == {field.name: [] for field in FIELDS}


def test_parquet_is_read_by_others_too():
    arrow = pytest.importorskip("pyarrow.parquet", reason="pip install pyarrow to compare with it")
    found = arrow.read_table(io.BytesIO(b"".join(parquet.write(table(ROWS * 6001))))).to_pylist()
    assert [row["accuracy"] for row in found] == [row[1] for row in ROWS * 6001]
    assert found[3]["title"] == "naïve — Übergröße"
    assert found[2]["day"] == date(1969, 12, 31)


CITED = tuple(Field(name, name) for name in ("title", "kind", "source", "url", "year"))


def test_bibtex_cites_each_source_once_and_makes_nothing_up():
    rows = [
        (
            "Lee et al. 2016 & co",
            "published",
            "10.3389/fnins.2016.00508",
            "https://doi.org/x",
            2016,
        ),
        ("Lee et al. 2016 again", "published", "10.3389/fnins.2016.00508", "", 2016),
        ("Wu 2018", "published", "arXiv:1706.02609", "https://arxiv.org/abs/1706.02609", 2018),
        ("Wu 2018", "published", "arXiv:1809.05793", "", 2018),
        ("A report", "external", "", "https://a.org/r", None),
        ("ours", "measured", "measured here", "", 2026),
        ("evil}, url = {http://x", "published", "x", "javascript:alert(1)", 2020),
    ]
    text = "".join(bibtex.write(Table("rows", "", CITED, rows)))
    keys = re.findall(r"^@misc\{(\S+),$", text, re.MULTILINE)
    assert keys == ["lee2016", "wu2018", "wu2018a", "report", "evil2020"]
    assert "eprint = {1706.02609}" in text
    assert "key = {wu2018a}" in text
    assert "doi = {10.3389/fnins.2016.00508}" in text
    assert "measured" not in text
    assert "author" not in text  # the table names none
    assert "javascript" not in text
    assert text.count("{") == text.count("}")


@pytest.fixture
def result(ada, tmp_path):
    lab.experiment(ada, "ours", seeds=(1, 2, 3))
    for accuracy in (97.0, 98.0, 99.0):
        lab.succeed(tmp_path, test_accuracy=accuracy, energy=11.0)


def body(answer) -> bytes:
    return b"".join(answer.streaming_content)


def test_a_board_is_exported_with_its_filters_order_and_columns(member, result):
    answer = member.get("/boards/mnist/tables/rows.csv?kind=measured&columns=energy")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="mnist-rows.csv"'
    (row,) = read_csv(body(answer).decode())
    assert (row["title"], row["accuracy"], row["n"], row["rank"]) == ("ours", "98.0", "3", "1")
    assert (row["energy"], row["energy_kind"]) == ("11.0", "estimated")
    assert float(row["half"]) == pytest.approx(2.4841377)  # 4.30265 / sqrt(3), Student's t
    assert "method" not in row


def test_all_pages_are_exported(member, result, monkeypatch):
    whole = read_csv(body(member.get("/boards/mnist/tables/rows.csv?sort=title")).decode())
    monkeypatch.setattr("snnlab.boards.exported.AT_ONCE", 5)
    assert read_csv(body(member.get("/boards/mnist/tables/rows.csv?sort=title")).decode()) == whole
    assert len(whole) > 20
    monkeypatch.setattr("snnlab.boards.exported.MOST", 10)
    assert len(body(member.get("/boards/mnist/tables/rows.csv")).splitlines()) == 11


@pytest.mark.parametrize("form", ["csv", "json", "md", "tex", "bib", "parquet"])
@pytest.mark.parametrize(
    "table",
    ["mnist/tables/rows", "robustness/tables/levels", "robustness/tables/areas",
     "curves/tables/time", "curves/tables/epochs", "compare/tables/tests", "compare/tables/runs"],
)  # fmt: skip
def test_every_table_has_every_format(member, result, table, form):
    assert member.get(f"/boards/{table}.{form}").status_code == 200


@pytest.mark.parametrize(
    "place", ["mnist/tables/x.csv", "mnist/tables/rows.xlsx", "x/tables/rows.csv"]
)
def test_what_is_no_table_or_format_does_not_exist(member, place):
    assert member.get(f"/boards/{place}").status_code == 404


def test_a_comparison_is_exported(member, ada, result):
    runs = ",".join(
        str(pk) for pk in ada.teams.get().runs.order_by("pk").values_list("pk", flat=True)
    )
    answer = member.get(f"/boards/compare/tables/runs.csv?runs={runs}")
    found = read_csv(body(answer).decode())
    assert [float(row["result"]) for row in found] == [97.0, 98.0, 99.0]
    (group,) = read_csv(body(member.get(f"/boards/compare/tables/tests.csv?runs={runs}")).decode())
    assert (group["n"], float(group["mean"])) == ("3", 98.0)


def test_a_comparison_exports_fields_as_what_they_are(member, ada):
    network = {"kind": "mlp", "hidden": [9]}
    for reset, more in ((-0.1234567, {}), (-2, {"hidden": [300]})):
        neuron = {"kind": "lif", "reset": "hard", "v_reset": reset}
        lab.experiment(ada, neuron=neuron, network=network | more)
    lab.experiment(ada, neuron={"kind": "alif"}, network=network)
    runs = ",".join(str(run.pk) for run in ada.teams.get().runs.order_by("pk"))
    place = f"/boards/compare/tables/runs.{{}}?runs={runs}"
    found = read_csv(body(member.get(place.format("csv"))).decode())
    assert [row["neuron.v_reset"] for row in found[:2]] == ["-0.1234567", "-2.0"]
    assert [row["network.hidden"] for row in found] == ["[9]", "[300]", "[9]"]
    told = json.loads(body(member.get(place.format("json"))))
    kinds = {field["name"]: field["type"] for field in told["fields"]}
    assert (kinds["neuron.v_reset"], kinds["neuron.kind"]) == ("number", "text")
    lacking = next(name for name in kinds if told["rows"][0][name] is None and name != "result")
    assert told["rows"][2][lacking] is not None
    table = parquet_reader.read(body(member.get(place.format("parquet"))))
    assert table["neuron.v_reset"][:2] == [-0.1234567, -2.0]


def test_seeds_that_nobody_tells_are_not_known_and_not_nought(member, result):
    told = json.loads(body(member.get("/boards/mnist/tables/rows.json")))
    assert {row["n"] for row in told["rows"] if row["kind"] == "published"} == {None}
    assert [row["n"] for row in told["rows"] if row["kind"] == "measured"] == [3]


def test_the_schema_is_served_to_everybody(client):
    assert client.get("/boards/tables/schema.json").json() == as_json.SCHEMA


def test_another_teams_rows_are_not_exported(stranger, result):
    rows = read_csv(body(stranger.get("/boards/mnist/tables/rows.csv")).decode())
    assert "ours" not in {row["title"] for row in rows}
