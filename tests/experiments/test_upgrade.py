"""A lab of an older version keeps its results when its tables are brought up to date."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg

from snnlab.embedded.postgres import FAST, Postgres, url


ROOT = Path(__file__).parents[2]
FIRST = "0002_guard"
ENDED = """
insert into teams_team (name, slug) values ('Lab', 'lab');
insert into experiments_experiment (team_id, name, notes, tags, actor)
  select id, 'old', '', '{}', 'ann' from teams_team;
insert into experiments_run (experiment_id, definition, digest, board, caveat, seed, pool, priority,
    state, reason, message, changed_by, events_made, lease_epoch, attempts, max_attempts, progress,
    results)
  select id, '{"rule": {"kind": "bptt"}, "time_steps": 4, "epochs": 2}', 'abcabcabcabc', 'mnist',
    '', 1, 'cpu', 0, 'queued', '', '', 'ann', 0, 0, 0, 3, '{}', '{}' from experiments_experiment;
update experiments_run set state = 'running', lease_epoch = 1, attempts = 1, lease_owner = 'w',
  lease_expires_at = now() + interval '1 minute', changed_by = 'w';
update experiments_run set state = 'succeeded', lease_owner = null, lease_expires_at = null,
  finished_at = now(), results = '{"test_accuracy": 97.5, "chip_latency": 8}';
"""


def migrate(home: Path, *to: str) -> None:
    command = [sys.executable, "manage.py", "migrate", *to]
    environment = os.environ | {"SNNLAB_HOME": str(home), "DJANGO_SETTINGS_MODULE": ""}
    del environment["DJANGO_SETTINGS_MODULE"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_runs_that_ended_before_are_on_the_boards_after(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    server = Postgres(tmp_path, settings=FAST).start()
    try:
        migrate(tmp_path, "experiments", FIRST)
        with psycopg.connect(url(tmp_path)) as connection:
            connection.execute(ENDED)
        migrate(tmp_path)
        with psycopg.connect(url(tmp_path)) as connection:
            found = connection.execute(
                "select digest, accuracy, n, latency from experiments_entry"
            ).fetchall()
    finally:
        server.stop()
    assert ("abcabcabcabc", 97.5, 1, 8.0) in found
