"""What must be done before a lab may serve: tables, static files, a first user.

`snnlab up` does it by itself; a team's server does it with `python -m snnlab.client.prepare`.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import django
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from snnlab import __version__
from snnlab.embedded.process import EmbeddedError


OURS = ("teams", "experiments", "web", "boards")


def database() -> None:
    """Bring the tables to this version of snnlab; refuse those of a newer one."""
    try:
        connection.ensure_connection()
    except OperationalError as error:
        raise EmbeddedError(
            f"the database does not answer: {str(error).strip()}. Check DATABASE_URL"
        ) from error
    executor = MigrationExecutor(connection)
    _refuse_newer(executor)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        with connection.cursor() as cursor:
            cursor.execute("set statement_timeout = 0")  # a large table takes its time
        call_command("migrate", interactive=False, verbosity=0)
    connection.close()


def _refuse_newer(executor: MigrationExecutor) -> None:
    known = executor.loader.disk_migrations
    newer = sorted(
        f"{app}.{name}"
        for app, name in executor.loader.applied_migrations
        if app in OURS and (app, name) not in known
    )
    if newer:
        raise EmbeddedError(
            f"the data in {settings.SNNLAB_HOME} was made by a newer snnlab than this {__version__}"
            f" (it has {newer[-1]}). Install that version, or set SNNLAB_HOME to another folder"
        )


def static_files() -> None:
    """Collect what pages load, when anything of it has changed since the last time."""
    stamp = settings.STATIC_ROOT / "collected"
    state = "\n".join(_static_sources())
    if stamp.exists() and stamp.read_text() == state:
        return
    shutil.rmtree(settings.STATIC_ROOT, ignore_errors=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(state)


def _static_sources() -> Iterator[str]:
    yield f"snnlab {__version__}, Django {django.__version__}"
    for finder in finders.get_finders():
        for name, storage in finder.list(None):
            path = Path(storage.path(name))
            yield f"{path} {path.stat().st_mtime_ns}"


def sign_in_token() -> str | None:
    """A one-time token for the first user, for as long as that user has no password."""
    from snnlab.teams import actions  # tables exist only after django.setup()

    user, _ = actions.ensure_first_team()
    return None if user.has_usable_password() else actions.sign_in_link(user)


def leases() -> None:
    """With the lab's own database stopped, every worker of it has stopped: do not wait for one."""
    from snnlab.experiments import queue

    if not os.environ.get("DATABASE_URL"):
        queue.abandon()


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "snnlab.settings")
    django.setup()
    database()
    static_files()
    if token := sign_in_token():
        origin = next(iter(settings.CSRF_TRUSTED_ORIGINS), "")
        print(f"Sign in with this link (once, within 15 minutes): {origin}/welcome/{token}/")


if __name__ == "__main__":
    main()
