"""Stimuli with which plasticity is measured: when the input spikes, and when the neuron.

Only the moments with a spike are steps, so an hour at 0.1 Hz is as cheap as a second at 50 Hz.
Times are in ms, rates in Hz. Repetitions are free: papers differ in them.
"""

from collections.abc import Iterable
from typing import NamedTuple

import torch

from snnlab.learning.stdp.pairs import Gaps, Trains


class Stimulus(NamedTuple):
    """Spikes of one input and one neuron, and the ms between steps: see pairs.pair."""

    pre: Trains
    post: Trains
    gaps: Gaps


def stimulus(pre: Iterable[float], post: Iterable[float]) -> Stimulus:
    """A stimulus from the times of the spikes, in any order."""
    inputs, outputs = set(pre), set(post)
    times = sorted(inputs | outputs)
    moments = torch.tensor(times, dtype=torch.float64)
    train, answer = (
        torch.tensor([[t in kind] for t in times], dtype=torch.float64)
        for kind in (inputs, outputs)
    )
    return Stimulus(train, answer, moments.diff(prepend=moments[:1]))


def repeated(pre: Iterable[float], post: Iterable[float], rate: float, times: int) -> Stimulus:
    """The same few spikes again and again."""
    starts = [i * 1000 / rate for i in range(times)]
    pre, post = list(pre), list(post)
    return stimulus([s + t for s in starts for t in pre], [s + t for s in starts for t in post])


def pairing(lag: float, rate: float, times: int = 60) -> Stimulus:
    """Pairs at a frequency, the neuron's spike `lag` ms after the input's.

    Source: Sjöström, Turrigiano & Nelson 2001, doi:10.1016/S0896-6273(01)00542-6, where the
    frequency goes from 0.1 to 50 Hz, at lags of +-10 ms.
    """
    return repeated([0.0], [lag], rate, times)


def pre_post_pre(first: float, second: float, rate: float = 1.0, times: int = 60) -> Stimulus:
    """Triplets: the neuron `first` ms after an input spike, another input spike `second` later.

    Source of all triplets: Wang et al. 2005, doi:10.1038/nn1387.
    """
    return repeated([0.0, first + second], [first], rate, times)


def post_pre_post(first: float, second: float, rate: float = 1.0, times: int = 60) -> Stimulus:
    """Triplets: the input `first` ms after the neuron, which spikes again `second` ms later."""
    return repeated([first], [0.0, first + second], rate, times)


def quadruplet(distance: float, lag: float, rate: float = 1.0, times: int = 60) -> Stimulus:
    """Two pairs of opposite order, each `lag` ms wide, their centres `distance` ms apart.

    Positive distances: first post-pre, then pre-post; negative ones the reverse. Source: Wang et
    al. 2005; Pfister & Gerstner 2006, doi:10.1523/JNEUROSCI.1425-06.2006.
    """
    half = lag / 2
    return repeated([half, distance - half], [-half, distance + half], rate, times)
