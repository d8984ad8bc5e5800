"""The tables of results.md that tell of chips, made from the outcomes in docs/results."""

from collections.abc import Callable, Iterator, Mapping
from statistics import fmean, stdev
from typing import Any

from outcomes import Outcome, kind, outcomes, percent


Metrics = Mapping[str, float | None]
METHODS = {"conversion": "conversion", "bptt": "BPTT", "ltl-offline": "LTL"}
PASSES = {"": "as they come", "/1": "one pass", "/5": "five passes"}
FLAWS = {
    "mismatch": "Device mismatch: spread of weights, thresholds and time constants",
    "bits": "Bits of a weight",
    "thermal": "Thermal noise: stationary noise of the potential, in thresholds",
    "silencing": "Neuron silencing: share of neurons that never fire",
}


def deployed(table: Callable[..., str]) -> str:
    """Networks on chips of a kind: accuracy, cost and where that is known from."""
    head = ("outcome", "chip", "deployed", "chips", "host [%]", "chips as they come [%]")
    more = ("at the end [%]", "worst [%]", "energy of an image [nJ]", "time of an image [ms]")
    found = [(n, o) for n, o in outcomes() if chip(o).get("kind") == "emulated"]
    return table((*head, *more), (deployment(name, outcome) for name, outcome in found))


def deployment(name: str, outcome: Outcome) -> tuple[object, ...]:
    first, last = firsts(outcome), merged(outcome)
    deploy = outcome["definition"]["deploy"]
    ends = [percent(last["chip_accuracy"]), percent(last["chip_worst"])]
    return (
        f"[{name}](results/{name}.json)",
        f"`{chip(outcome)['profile']}`",
        deploy,
        len(outcome["chips"]["chips/accuracy"][0]),
        percent(last["test_accuracy"]) if deploy != "on-chip" else "",
        percent(first) if deploy == "calibrated" else "",
        *ends,
        energy(last),
        f"{last['chip_latency']:.3f}" if last.get("chip_latency") is not None else "unknown",
    )


def energy(last: Metrics) -> str:
    total, least = last.get("chip_energy"), last.get("chip_energy_least")
    if total is not None:
        return f"{total:,.0f}"
    if average := last.get("chip_energy_average"):
        return f"unknown; {average:,.0f} by its published mean power"
    return f"at least {least:,.0f}" if least else "unknown"


def robust(table: Callable[..., str]) -> str:
    """For each kind of flaw: all levels, the three methods, with and without learning."""
    found = methods()
    if not found:
        return ""
    head = ["level", *(f"{m}, {text}" for m in found for text in PASSES.values())]
    parts = []
    for flaw, title in FLAWS.items():
        levels = next(iter(found.values()))["definition"]["task"][flaw]
        rows = ([f"{level:g}", *cells(found, flaw, level)] for level in levels)
        parts.append(f"**{title}**\n\n{table(head, rows)}")
    return "\n".join(parts)


def cells(found: Mapping[str, Outcome], flaw: str, level: float) -> Iterator[str]:
    for outcome in found.values():
        values = merged(outcome)
        for passes in PASSES:
            place = f"{flaw}/{level:g}{passes}"
            mean, std = (values.get(f"{name}/{place}") for name in ("chip_accuracy", "chip_std"))
            yield "" if mean is None else f"{mean:.2f} ± {std:.2f}"


def claims(table: Callable[..., str]) -> str:
    """Differences of the same chips after learning and before, and what was claimed of them."""
    asked = (
        ("mismatch", 0.3, "/1", ""),
        ("mismatch", 0.5, "/1", ""),
        ("mismatch", 0.5, "/5", "at least +10, spread at least halved"),
        ("silencing", 0.6, "/5", "at least +20"),
        ("thermal", 0.8, "/5", "at most +4"),
    )
    found = methods().values()
    rows = (
        (f"{flaw} {at:g}", PASSES[passes], claim, *(gained(o, flaw, at, passes) for o in found))
        for flaw, at, passes, claim in asked
    )
    return table(("flaw", "after", "claim", *(f"{m}: difference, spread" for m in methods())), rows)


def gained(outcome: Outcome, flaw: str, level: float, passes: str) -> str:
    """Mean difference of the same chips, paired, with its standard error; spread before, after."""
    task, chips = outcome["definition"]["task"], outcome["chips"]
    before = chips[f"chips/{flaw}"][task[flaw].index(level)]
    after = chips[f"learned/{flaw}/{level:g}"][0 if passes == "/1" else -1]
    gains = [b - a for a, b in zip(before, after, strict=True)]
    error = stdev(gains) / len(gains) ** 0.5
    spread = f"{stdev(before):.2f} to {stdev(after):.2f}"
    return f"{fmean(gains):+.2f} ± {error:.2f}, {spread}"


def methods() -> dict[str, Outcome]:
    """The outcomes over flaws, by the name of their method."""
    found = {kind(o, "rule"): o for _, o in outcomes("mnist-chips-", task="robustness")}
    return {METHODS[rule]: found[rule] for rule in METHODS if rule in found}


def chip(outcome: Outcome) -> dict[str, Any]:
    return dict(outcome["definition"].get("chip", {}))


def merged(outcome: Outcome) -> dict[str, float | None]:
    """The last value of every metric."""
    found: dict[str, float | None] = {}
    for epoch in outcome["epochs"]:
        found |= epoch["metrics"]
    return found | outcome["results"]


def firsts(outcome: Outcome) -> float | None:
    """The chips' accuracy before they learned."""
    found = (epoch["metrics"].get("chip_accuracy") for epoch in outcome["epochs"])
    return next((value for value in found if value is not None), None)


PARTS = {"deployed": deployed, "robust": robust, "claims": claims}
