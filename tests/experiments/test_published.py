"""The table of published results holds what it promises."""

from snnlab.experiments.published import published


def test_every_row_names_its_source_and_was_checked_there() -> None:
    assert len(published()) == 300
    for row in published():
        assert row.source_checked == "yes", row
        assert row.citation, row
        assert 0 < float(row.accuracy_percent) <= 100, row
        assert 1990 < int(row.year) <= 2026, row
        assert not row.timesteps or int(row.timesteps) > 0, row
        assert not row.url or row.url.startswith(("https://arxiv.org/", "https://doi.org/10.")), row
