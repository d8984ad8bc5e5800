"""Sweeps over levels and chips: the same chips everywhere, in any chunk, and honest statistics."""

import math
from dataclasses import replace
from statistics import NormalDist

import pytest
import torch

from hardware.chips import Draws
from hardware.circuits import Foundry
from hardware.emulator import run
from hardware.nonidealities import NAMES, nonideality
from hardware.robustness import Level, Row, Samples, area, chunk_size, student, summary, sweep
from tests.hardware.test_emulator import SOFT, STEPS, dense, image


def samples(batch: int = 16) -> Samples:
    x = image(dense(SOFT), 40)
    return Samples(x, dense(SOFT).run(x, STEPS).mean(0).argmax(1), STEPS, batch)


GRID = {"mismatch": [0.0, 0.2, 0.5], "silencing": [0.0, 0.6], "thermal": [0.0, 0.5]}


def test_rows_are_all_levels_times_all_chips() -> None:
    rows = sweep(dense(SOFT), GRID, samples(), chips=3)
    assert len({(row.nonideality, row.level, row.chip) for row in rows}) == len(rows) == 7 * 3
    assert all(row.accuracy == 1 for row in rows if row.level == 0)  # labels are the network's own
    assert all(0 <= row.accuracy <= 1 for row in rows)


@pytest.mark.parametrize("chunk", [1, 2, 5])
def test_chunks_and_more_chips_change_nothing(chunk: int) -> None:
    rows = sweep(dense(SOFT), GRID, samples(), chips=5, chunk=chunk)
    few = sweep(dense(SOFT), GRID, samples(), chips=2)
    whole = sweep(dense(SOFT), GRID, samples(), chips=5)
    assert rows == whole
    assert few == [row for row in whole if row.chip < 2]


@pytest.mark.parametrize("name", NAMES)
def test_a_row_is_what_that_chip_does_alone(name: str) -> None:
    level = {"bits": 3.0, "drift": 1e5}.get(name, 0.4)
    shown, network = samples(batch=40), dense(SOFT)
    (row,) = [r for r in sweep(network, {name: [level]}, shown, chips=3, seed=4) if r.chip == 2]
    wrong = nonideality(name, level, highest=level)
    alone = run(Foundry(network, Draws(4, range(2, 3))).make(wrong), shown.x, STEPS)
    assert row.accuracy == alone.correct(shown.labels).item() / 40


def test_a_harder_fault_hurts_more() -> None:
    levels = summary(sweep(dense(SOFT), {"silencing": [0.0, 0.3, 0.9]}, samples(), chips=16))
    means = [level.mean for level in levels]
    assert means[0] > means[1] > means[2]


def test_the_interval_is_that_of_student() -> None:
    rows = [Row("bits", 4, chip, accuracy) for chip, accuracy in enumerate([0.8, 0.9, 0.7, 0.8])]
    (level,) = summary(rows)
    assert level.mean == pytest.approx(0.8)
    assert level.std == pytest.approx(math.sqrt(0.02 / 3))
    assert level.worst == 0.7
    assert level.high - level.mean == pytest.approx(3.182446 * level.std / 2, rel=1e-4)


def test_student_is_that_of_closed_forms() -> None:
    assert student(1) == pytest.approx(math.tan(0.475 * math.pi), abs=1e-4)  # Cauchy's law
    assert student(2) == pytest.approx(0.95 * math.sqrt(2 / (1 - 0.95**2)), abs=1e-4)
    assert student(10_000) == pytest.approx(NormalDist().inv_cdf(0.975), abs=1e-3)


def test_the_area_is_a_mean_over_levels() -> None:
    flat = Level("bits", 0, 1, 0.9, 0, 0.9, 0.9, 0.9)
    line = [replace(flat, level=x, mean=1 - x) for x in (0.0, 0.1, 0.5)]
    assert area(line) == pytest.approx(0.75)
    assert area([flat]) == 0.9
    with pytest.raises(ValueError, match="levels must be of one non-ideality"):
        area([flat, replace(flat, nonideality="thermal")])


def test_a_chunk_fits_the_cache() -> None:
    network, shown = dense(SOFT), samples()
    each = 4 * (600 + STEPS * 16 * 20)
    assert chunk_size(network, shown, cache=5 * each) == 5
    assert chunk_size(network, shown, cache=1) == 1


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="chips must be at least 1, got 0"):
        sweep(dense(SOFT), GRID, samples(), chips=0)
    with pytest.raises(ValueError, match="labels must be one for each"):
        Samples(torch.zeros(1, 3, 30), torch.zeros(2), 8)
    with pytest.raises(ValueError, match="nonideality must be one of"):
        sweep(dense(SOFT), {"weather": [1.0]}, samples(), chips=1)
