"""A LaTeX table with booktabs: the best value of a column bold, intervals as ±, text escaped."""

from collections.abc import Iterator
from typing import Any

from snnlab.boards.exports.table import Field, Table, labelled, written


ESCAPED = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%",
    "#": r"\#", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "±": r"$\pm$", "−": "$-$", "–": "--", "×": r"$\times$", "µ": r"\textmu{}", "†": r"\dag{}",
}  # fmt: skip
MOST = 10_000  # rows: a longer table is for no page, and its best values need it whole


def write(table: Table) -> Iterator[str]:
    """The whole environment, ready to be put into a document that uses booktabs."""
    rows = [row for row, _ in zip(table.rows, range(MOST), strict=False)]
    hidden = table.twice.union(table.pairs.values())
    shown = [(n, f) for n, f in enumerate(table.fields) if f.name not in hidden]
    best = {n: best_of([row[n] for row in rows], field) for n, field in shown}
    yield "% needs \\usepackage{booktabs}; for \\textquotedbl also \\usepackage[T1]{fontenc}\n"
    yield f"\\begin{{tabular}}{{{''.join(map(side, (f for _, f in shown)))}}}\n\\toprule\n"
    yield line(escaped(labelled(field)) for _, field in shown)
    yield "\\midrule\n"
    places = {field.name: n for n, field in enumerate(table.fields)}
    for row in rows:
        yield line(cell(row, n, field, best[n], table.pairs, places) for n, field in shown)
    yield "\\bottomrule\n\\end{tabular}\n"


def side(field: Field) -> str:
    return "r" if field.kind in ("number", "integer") else "l"


def line(cells: Iterator[str]) -> str:
    return f"{' & '.join(cells)} \\\\\n"


def cell(
    row: tuple[Any, ...],
    n: int,
    field: Field,
    best: float | None,
    pairs: dict[str, str],
    places: dict[str, int],
) -> str:
    text = escaped(written(row[n], field))
    if row[n] is not None and row[n] == best:
        text = f"\\textbf{{{text}}}"
    half = row[places[pairs[field.name]]] if field.name in pairs else None
    if half is not None and text:
        text += f" $\\pm$ {written(half, field)}"
    return text.replace("-", "$-$") if side(field) == "r" and text.startswith("-") else text


def best_of(values: list[Any], field: Field) -> float | None:
    """The best number of a column that has a better way."""
    known = [v for v in values if isinstance(v, int | float)]
    if not known or not field.better or field.kind == "text":
        return None
    return max(known) if field.better == "higher" else min(known)


def escaped(text: str) -> str:
    """Text that LaTeX prints as it is, on one line."""
    return "".join(ESCAPED.get(sign, sign) for sign in " ".join(text.split()))
