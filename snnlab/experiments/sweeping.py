"""Removes files that a crash left behind: those that no row knows, once they are old enough."""

import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from snnlab.experiments.artifacts import NAME
from snnlab.experiments.models import Artifact, Run
from snnlab.experiments.recording import discard


OLD = 3600.0


def sweep(older_than: float = OLD) -> int:
    """Delete stored files without a row and scratch folders without an attempt; gives how many.

    Younger ones are left alone: their row may be about to be written.
    """
    home, limit = Path(settings.SNNLAB_HOME), time.time() - older_than
    files = _old(home.glob("artifacts/*/*"), limit)
    known = set(Artifact.objects.filter(pk__in=files).values_list("pk", flat=True))
    lost = [path for name, path in files.items() if name not in known]
    for path in lost:
        if NAME.fullmatch(path.name):
            discard(path.name)
        else:
            path.unlink(missing_ok=True)
    folders = _old(home.glob("scratch/*"), limit)
    running = Run.objects.filter(state__in=Run.LIVE).values_list("pk", "lease_epoch")
    for name in folders.keys() - {f"{run}-{epoch}" for run, epoch in running}:
        shutil.rmtree(folders[name], ignore_errors=True)
        lost.append(folders[name])
    return len(lost)


def _old(paths: Iterable[Path], limit: float) -> dict[str, Path]:
    return {path.name: path for path in paths if path.stat().st_mtime < limit}
