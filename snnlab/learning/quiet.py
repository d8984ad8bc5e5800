"""Which layers of a network fall silent on its chips, by a run's own numbers."""

from collections.abc import Mapping

from hardware.rates import Firing


def quiet(metrics: Mapping[str, float | None]) -> tuple[str, ...]:
    """One sentence for each layer that fires far less on the chips than before, see Firing."""
    before, after = rates(metrics, "firing_rate/"), rates(metrics, "chip_rate/")
    return Firing({n: r for n, r in before.items() if n in after}, after).warnings


def rates(metrics: Mapping[str, float | None], start: str) -> dict[str, float]:
    named = {n.removeprefix(start): r for n, r in metrics.items() if n.startswith(start)}
    return {layer: rate for layer, rate in named.items() if rate is not None}
