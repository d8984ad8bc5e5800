"""What became of a network on its chips: accuracies, what it costs, and what to be warned of."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from hardware.energy import TIMED, prices
from hardware.profile import load, names
from snnlab.experiments.queries import Points
from snnlab.learning.metrics import metric
from snnlab.learning.quiet import quiet
from snnlab.web.chips import Known, known
from snnlab.web.numbers import number
from snnlab.web.picture import Strips, strips


MOST_STAGES = 12
HELD_OUT = "chip_held_out"
COLUMNS = ("chip_accuracy", "chip_low", "chip_high", "chip_std", "chip_worst")
COUNTS = {
    "chip_cores": "Cores",
    "chip_overflows": "Overflows",
    "chip_updates": "Updates",
    "chip_traffic": "Host traffic",
}
PerChip = Mapping[str, list[list[float]]]


class Stage(NamedTuple):
    """A step of the deployment: held-out accuracy, then COLUMNS of the test images."""

    name: str
    held_out: str
    cells: list[str]


class Cost(NamedTuple):
    """One number of an inference on a chip: counted in the emulator, estimated or unknown."""

    name: str
    value: str
    badge: str
    about: str


class Deployed(NamedTuple):
    """The section of a run's page."""

    chip: dict[str, Any]
    deploy: str
    digital: bool
    stages: list[Stage]
    strips: Strips | None
    costs: list[Cost]
    sources: list[Known]
    warnings: tuple[str, ...]


def deployed(
    definition: Mapping[str, Any], curves: Mapping[str, Points], per_chip: PerChip
) -> Deployed | None:
    """All of it; nothing for a run without chips, or with a chip that this version has not."""
    chip = definition.get("chip", {})
    trains = definition.get("task", {}).get("kind", "train") == "train"
    if chip.get("profile") not in names() or not trains:
        return None
    profile = load(chip["profile"])
    last = {name: points[-1][1] for name, points in curves.items() if points}
    tests = tested(definition["deploy"], per_chip)
    off = None if definition["deploy"] == "on-chip" else last.get("test_accuracy")
    return Deployed(
        chip,
        definition["deploy"],
        profile.engine == "digital",
        stages(definition, curves),
        strips(tests, off) if tests else None,
        costs(last, chip["profile"]),
        [known(profile, key) for key in (*prices(profile), *TIMED) if used(profile.facts, key)],
        quiet(last),
    )


def used(facts: Mapping[str, Any], key: str) -> bool:
    """A price that is missing is told; a time that a chip does not need is not."""
    return key.startswith("energy.") or key in facts


def tested(deploy: str, per_chip: PerChip) -> list[tuple[str, list[float]]]:
    """The chips of each test of which every single accuracy is kept."""
    found = []
    if before := per_chip.get("chips/untaught"):
        found.append(("as they come", before[0]))
    if now := per_chip.get("chips/accuracy"):
        taught = before or deploy == "on-chip"
        found.append(("after learning" if taught else "as they come", now[0]))
    return found


def stages(definition: Mapping[str, Any], curves: Mapping[str, Points]) -> list[Stage]:
    """Those that have been measured; of many passes the first and the last ones."""
    trained = definition["epochs"]
    if definition["deploy"] == "on-chip":
        named = [(f"After epoch {n} on the chips", n) for n in range(1, trained + 1)]
    else:
        passes = definition["chip"]["learning"]["epochs"] * (definition["deploy"] == "calibrated")
        named = [("On the chips, as they come", trained + 1)]
        named += [(f"After pass {n} on the chips", trained + 1 + n) for n in range(1, passes + 1)]
    values = {name: dict(points) for name, points in curves.items()}
    made = [stage(name, step, values) for name, step in named if step in values.get(HELD_OUT, {})]
    if len(made) > MOST_STAGES:
        made = [made[0], *made[1 - MOST_STAGES :]]
    return [*off_chip(definition, values), *made]


def stage(name: str, step: int, values: Mapping[str, Mapping[int, float | None]]) -> Stage:
    at = {metric: points.get(step) for metric, points in values.items()}
    return Stage(name, number(at[HELD_OUT]), [number(at.get(column)) for column in COLUMNS])


def off_chip(
    definition: Mapping[str, Any], values: Mapping[str, Mapping[int, float | None]]
) -> list[Stage]:
    """The network before it was put anywhere."""
    test = list(values.get("test_accuracy", {}).values())
    if definition["deploy"] == "on-chip" or not test:
        return []
    held_out = values.get("accuracy", {}).get(definition["epochs"])
    blank = [number(None)] * (len(COLUMNS) - 1)
    return [Stage("Off the chip", number(held_out), [number(test[-1]), *blank])]


def costs(last: Mapping[str, float | None], name: str) -> list[Cost]:
    """Energy and time first, then what was counted. Nothing before the chips were tried."""
    if last.get("chip_cores") is None:
        return []
    missing = [key for key, price in prices(load(name)).items() if price is None]
    why = f"nobody has published {', '.join(missing)}" if missing else "its events were not counted"
    energy = "events counted in the emulator, times published prices; no chip was measured"
    made = [
        cost("Energy", "chip_energy", last, energy, f"{why}; what is unknown is not 0"),
        cost(
            "Latency", "chip_latency", last, "by the published times of such a chip",
            "the times of such a chip are not published",
        ),
    ]  # fmt: skip
    return [*made, *(counted(title, key, last) for key, title in COUNTS.items() if key in last)]


def cost(title: str, name: str, last: Mapping[str, float | None], about: str, unknown: str) -> Cost:
    value = last.get(name)
    if value is None:
        return Cost(title, "unknown", "unknown", unknown)
    return Cost(title, f"{number(value, 3)} {metric(name).unit}", "estimated", about)


def counted(title: str, name: str, last: Mapping[str, float | None]) -> Cost:
    said, value = metric(name), last[name] or 0.0
    text = f"{value:,.0f}" if value == int(value) else number(value, 3)
    return Cost(title, f"{text} {said.unit}".strip(), "counted", said.definition)
