"""The reads behind the page of one run. Whether it may be seen, `queries.run` has said."""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from snnlab.experiments import artifacts
from snnlab.experiments.models import Checkpoint, LogChunk, Run
from snnlab.experiments.queries import runs
from snnlab.experiments.sql import rows
from snnlab.learning.notation import flat
from snnlab.learning.presets import presets
from snnlab.teams.models import User


MOST_USED = 2000  # looks at the machine
MOST_KIN, MOST_ASKED = 20, 50
NEAR = 4  # presets whose defaults are looked at
LARGEST = 4 * 2**20  # values of one tensor of a portrait

Portrait = dict[str, NDArray[Any]]


class Used(NamedTuple):
    """What the trainer used, so many seconds after the run's start."""

    seconds: float
    cpu: float
    memory: int
    gpu: float | None
    gpu_memory: int | None


class Parent(NamedTuple):
    """What a definition is compared with: in words, and where that is a run its number."""

    words: str
    definition: dict[str, Any]
    run: int | None = None


class Kin(NamedTuple):
    """Another run, and what it is to this one."""

    what: str
    run: Run


def usage(run_id: int) -> list[Used]:
    """Evenly thinned, should there be very many looks."""
    found = rows(
        """
        select extract(epoch from used.at - run.started_at)::float8 as seconds, cpu,
          used.memory, gpu, gpu_memory from (
            select *, row_number() over (order by at) as place, count(*) over () as n
            from experiments_usage where run_id = %(run)s) used
        join experiments_run run on run.id = used.run_id
        where used.place %% (1 + used.n / %(most)s) = 0 order by used.at""",
        run=run_id,
        most=MOST_USED,
    )
    return [Used(**row) for row in found]


def checkpoints(run_id: int) -> QuerySet[Checkpoint]:
    """What is stored of a run, each with its file, oldest first."""
    return Checkpoint.objects.filter(run=run_id).select_related("artifact").order_by("step")


def log(run_id: int) -> Iterator[str]:
    """All that the run's trainers printed, in pieces."""
    found = LogChunk.objects.filter(run=run_id).order_by("lease_epoch", "seq")
    return (chunk.text for chunk in found.iterator(chunk_size=20))


def portrait(run_id: int) -> Portrait | None:
    """What the last checkpoint shows of the network; nothing where there is none, or no file."""
    final = checkpoints(run_id).filter(final=True).first()
    path = artifacts.path_of(final.artifact_id) if final else None
    if path is None or not path.is_file():
        return None
    from safetensors import SafetensorError, safe_open  # here, because few pages need it

    try:
        with safe_open(path, framework="np") as content:
            names = [n for n in content.keys() if n.startswith("portrait/")]  # noqa: SIM118
            small = [n for n in names if np.prod(content.get_slice(n).get_shape()) <= LARGEST]
            found = {n.removeprefix("portrait/"): content.get_tensor(n) for n in small}
    except SafetensorError:
        return None
    return found or None


def parent(run: Run) -> Parent:
    """Where the definition comes from: another run, its sweep or experiment, or a preset.

    Nobody says which preset somebody began with: it is the one that the fewest fields differ from.
    """
    if run.same_as_id:
        return Parent(f"run {run.same_as_id}", run.same_as.definition, run.same_as_id)
    if run.point_id:
        return Parent("the base of its sweep", run.point.sweep.definition["base"])
    first = run.experiment.runs.order_by("id").first()
    if first and first.digest != run.digest:
        return Parent(f"run {first.pk}, the experiment's first", first.definition, first.pk)
    near = nearest(flat(run.definition))
    return Parent(f"the preset {near}", complete(near))


def nearest(ours: dict[str, Any]) -> str:
    """The preset of its task that differs in the fewest fields, sought among those near it."""
    known = {name: flat(preset.definition) for name, preset in presets().items()}
    written = {n: one for n, one in known.items() if task_of(one) == task_of(ours)} or known
    apart = {n: sum(ours.get(k) != v for k, v in one.items()) for n, one in written.items()}
    some = sorted(apart, key=lambda name: (apart[name], -len(written[name])))[:NEAR]
    return min(some, key=lambda name: len(differences(flat(complete(name)), ours)))


def task_of(definition: dict[str, Any]) -> Any:
    """What a flat definition asks for."""
    return definition.get("task.kind", "train")


@cache
def complete(name: str) -> dict[str, Any]:
    """A preset with all its defaults, as runs store it."""
    from snnlab.learning.spec import Spec  # here, because it takes PyTorch along

    return Spec.parse(presets()[name].definition).model_dump(mode="json")


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """The fields that differ: (name, before, after); None where there was or is none."""
    names = sorted(before.keys() | after.keys())
    return [(n, before.get(n), after.get(n)) for n in names if before.get(n) != after.get(n)]


def lineage(user: User, run: Run) -> list[Kin]:
    """The runs that this one comes from or that come from it, as far as the user may see them.

    Each once, by the first that is to be said of it.
    """
    seen = runs(user)
    found = [Kin("has the result of", one) for one in seen.filter(pk=run.same_as_id)]
    task, digest = rests_on(run.definition)
    if digest:
        done = seen.filter(digest=digest, seed=run.seed, state=Run.State.SUCCEEDED)
        found += [Kin(f"{BEFORE[task]} of", one) for one in done[:1]]
    found += [Kin(AFTER[task], one) for task, one in resting(user, run)]
    found += [Kin("gave its result to", one) for one in seen.filter(same_as=run)[:MOST_KIN]]
    found += [Kin("waited for", one) for one in seen.filter(dependants__run=run)[:MOST_KIN]]
    found += [Kin("was needed by", one) for one in seen.filter(dependencies__needs=run)[:MOST_KIN]]
    return list({kin.run.pk: kin for kin in reversed(found)}.values())[::-1]


BEFORE = {"train": "has the teacher", "robustness": "tests the network", "evaluate": "tests again"}
AFTER = {
    "train": "trains the teacher of",
    "robustness": "trained the network that is tested in",
    "evaluate": "was tested again by",
}


def resting(user: User, run: Run) -> list[tuple[str, Run]]:
    """The newest runs of this seed and kind of network that rest on this definition, with tasks."""
    some = runs(user).filter(
        team=run.team_id,
        board=run.board,
        seed=run.seed,
        definition__network__kind=run.part("network"),
    )
    found = [
        (*rests_on(one.definition), one) for one in some.exclude(digest=run.digest)[:MOST_ASKED]
    ]
    return [(task, one) for task, digest, one in found if digest == run.digest][:MOST_KIN]


def rests_on(definition: dict[str, Any]) -> tuple[str, str]:
    """The task, and the digest of what has to be trained before: a teacher, or what is tested."""
    from snnlab.learning.problems import SpecError
    from snnlab.learning.spec import Spec

    try:
        spec = Spec.parse(definition)
    except SpecError:
        return "", ""
    needed = spec.needed()
    return spec.task.kind, needed.digest() if needed else ""
