"""The table of published results holds what it promises."""

import pytest

from snnlab.experiments.published import Published, published


@pytest.mark.parametrize("row", published(), ids=lambda row: f"{row.dataset} {row.citation}"[:60])
def test_every_row_names_its_source_and_was_checked_there(row: Published) -> None:
    assert row.source_checked == "yes"
    assert row.citation
    assert 0 < float(row.accuracy_percent) <= 100
    assert 1990 < int(row.year) <= 2026
    assert not row.timesteps or int(row.timesteps) > 0
    assert not row.url or row.url.startswith(("https://arxiv.org/abs/", "https://doi.org/10."))
