"""The tables of results.md, made from the outcomes in docs/results; tables.py asks for them."""

import json
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any


FOLDER = Path(__file__).parent / "results"
Outcome = dict[str, Any]


def outcomes(prefix: str = "", task: str = "train") -> Iterator[tuple[str, Outcome]]:
    """Each outcome of a task, by the name of its file."""
    for path in sorted(FOLDER.glob(f"{prefix}*.seed*.json")):
        outcome = json.loads(path.read_text())
        if outcome["definition"].get("task", {}).get("kind", "train") == task:
            yield path.name.removesuffix(".json"), outcome


def percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def tested(table: Callable[..., str]) -> str:
    """What every training reached."""
    head = ("outcome", "data", "network", "rule", "T", "epochs", "test accuracy [%]")
    more = ("teacher [%]", "energy, estimated [nJ]", "commit")
    return table((*head, *more), (row(name, outcome) for name, outcome in outcomes()))


def row(name: str, outcome: Outcome) -> tuple[object, ...]:
    definition, results = outcome["definition"], outcome["results"]
    kinds = [definition[part]["kind"] for part in ("dataset", "network", "rule")]
    caveat = outcome["data"]["caveat"]
    return (
        f"[{name}](results/{name}.json)",
        f"{kinds[0]} ({caveat})" if caveat else kinds[0],
        *kinds[1:],
        definition["time_steps"],
        definition["epochs"],
        f"**{percent(results['test_accuracy'])}**",
        percent(results.get("teacher_accuracy")),
        f"{results['energy']:,.0f}" if results.get("energy") is not None else "",
        outcome.get("code", {}).get("commit", "")[:7],
    )


def by_time(table: Callable[..., str]) -> str:
    """Accuracy of conversions on the test images after 1, 2, 4, ... steps."""
    found = [(n, o["results"]) for n, o in outcomes() if kind(o, "rule") == "conversion"]
    times = sorted({int(m.split("/")[1]) for _, r in found for m in r if "accuracy_at/" in m})
    rows = ((n, *(percent(r.get(f"accuracy_at/{t}")) for t in times)) for n, r in found)
    return table(("outcome", *(f"T = {t}" for t in times)), rows)


def by_epoch(table: Callable[..., str]) -> str:
    """Held-out accuracy of students after each epoch, and as a share of their last."""
    found = [(n, o["epochs"]) for n, o in outcomes() if by_steps(o)]
    longest = max((len(epochs) for _, epochs in found), default=0)
    rows = ((name, *reached(epochs, longest)) for name, epochs in found)
    return table(("outcome", *(f"epoch {e}" for e in range(1, longest + 1))), rows)


def by_steps(outcome: Outcome) -> bool:
    """Whether it is local tandem learning on the host, epoch by epoch."""
    host = outcome["definition"].get("deploy", "off-chip") != "on-chip"
    return host and kind(outcome, "rule").startswith("ltl")


def reached(epochs: list[dict[str, Any]], longest: int) -> list[str]:
    found = (epoch["metrics"].get("accuracy") for epoch in epochs)
    values = [value for value in found if value is not None]
    cells = [f"{value:.2f} ({100 * value / values[-1]:.0f} %)" for value in values]
    return cells + [""] * (longest - len(cells))


def by_width(table: Callable[..., str]) -> str:
    """Test accuracy against the width of the surrogate slope."""
    found = [o for _, o in outcomes("cifar10-bptt-width")]
    cells = [(o["definition"]["neuron"]["surrogate_width"], o["results"]) for o in found]
    rows = (
        (f"{width:g}", percent(r["test_accuracy"]), f"{r['loss']:.3f}")
        for width, r in sorted(cells, key=lambda cell: cell[0])
    )
    return table(("width", "test accuracy [%]", "loss of the last epoch [nats]"), rows)


def by_layer(table: Callable[..., str]) -> str:
    """log10 of the gradient of the first layer, for each depth and time over the widths."""
    found = [g for g in json.loads((FOLDER / "gradients.json").read_text()) if g["layer"] == "fc1"]
    widths = list(dict.fromkeys(g["width"] for g in found))
    groups = groupby(found, key=lambda g: (g["depth"], g["time_steps"]))
    rows = (
        (*which, *("none" if g["log10_norm"] is None else f"{g['log10_norm']:.1f}" for g in group))
        for which, group in groups
    )
    return table(("layers", "T", *(f"width {width:g}" for width in widths)), rows)


def kind(outcome: Outcome, part: str) -> str:
    return str(outcome["definition"][part]["kind"])


PARTS = {
    "tested": tested,
    "by_time": by_time,
    "by_epoch": by_epoch,
    "by_width": by_width,
    "by_layer": by_layer,
}
