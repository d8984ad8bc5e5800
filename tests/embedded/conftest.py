"""One data folder for all tests of the servers: making a cluster is what takes time."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from snnlab.embedded.postgres import FAST, Postgres, url


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def postgres(home: Path) -> Iterator[Postgres]:
    server = Postgres(home, settings=FAST).start()
    yield server
    server.stop()


@pytest.fixture
def ask(home: Path):
    """Ask the database in this process, over its socket."""

    def ask(query: str) -> tuple | None:
        with psycopg.connect(url(home), autocommit=True) as connection:
            cursor = connection.execute(query)
            return cursor.fetchone() if cursor.description else None

    return ask
