"""Definitions that train in a second."""

from pathlib import Path

import pytest

from tests.client.typed import TINY


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A file with a definition: two epochs on 200 images."""
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path
