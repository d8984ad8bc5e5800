"""Tells from a run's numbers whether its network is alive."""

from collections.abc import Mapping

from snnlab.learning.quiet import quiet


SILENT, SATURATED = 0.001, 0.95
LAYER = "firing_rate/"


def warnings(metrics: Mapping[str, float | None]) -> list[str]:
    """One sentence for each layer that hardly ever fires, or nearly always, or not on a chip."""
    rates = {name.removeprefix(LAYER): rate for name, rate in metrics.items() if LAYER in name}
    said = (judged(layer, rate) for layer, rate in rates.items() if rate is not None)
    return [*(sentence for sentence in said if sentence), *quiet(metrics)]


def judged(layer: str, rate: float) -> str:
    if rate < SILENT:
        return (
            f"layer {layer} is dead ({rate:.4f} spikes per neuron and step), so hardly anything"
            " passes through it. Lower neuron.v_threshold, or set network.norm to batch"
        )
    if rate > SATURATED:
        return (
            f"layer {layer} is saturated ({rate:.4f} spikes per neuron and step), so its spikes"
            " say next to nothing. Raise neuron.v_threshold, or set network.norm to batch"
        )
    return ""
