"""What can be asked of a run: each field with its kind, its SQL and its meaning."""

import difflib
from typing import NamedTuple

from snnlab.experiments.search.words import SearchError, Word
from snnlab.learning.metrics import METRICS


# What a definition is made of; `definition.` before any other path finds that too.
PARTS = (
    *("dataset", "augmentation", "encoder", "network", "neuron", "rule", "optimizer", "schedule"),
    *("time_steps", "epochs", "batch_size", "validation", "selection", "task", "chip", "deploy"),
    *("precision", "memory"),
)
STATES = ("held", "queued", "running", "cancelling", "succeeded", "failed", "cancelled")
DEFINED, MEASURED, DEEPEST_PATH = "definition.", "metric.", 8


class Field(NamedTuple):
    """`x` is the value in SQL, and `within` says of which rows some condition on it must hold.

    `params` are parameters that both use, as the path of a definition. All SQL is written here.
    """

    name: str
    kind: str
    x: str
    meaning: str
    within: str = "{}"
    params: tuple[tuple[str, object], ...] = ()
    choices: tuple[str, ...] = ()


ASKED = "run.experiment_id in (select e.id from experiments_experiment e where {})"
TAGGED = """run.id in (
  select t.run_id from (select run_id, tag as x from experiments_runtag) t where {0}
  union all select r.id from experiments_run r join (
    select e.id, t.x from experiments_experiment e, unnest(e.tags) t (x)) t
    on t.id = r.experiment_id where {0})"""
NOTED = """run.id in (
  select t.run_id from (select run_id, text as x from experiments_runnote) t where {0}
  union all select r.id from experiments_run r join (
    select id, notes as x from experiments_experiment) t on t.id = r.experiment_id where {0})"""
STARRED = """run.id in (
  select s.run_id from experiments_star s where s.user_id = %(user)s and s.run_id is not null
  union all select r.id from experiments_run r join experiments_star s
    on s.experiment_id = r.experiment_id where s.user_id = %(user)s)"""
BODY = """(run.experiment_id, run.digest) in (
  select d.experiment_id, d.digest from experiments_definition d where {})"""
# Made once, then looked into (which is what "offset 0" asks for): the planner cannot know how many
# values of one metric are that large.
FIGURE = """run.id in (select f.run_id from experiments_figure f
  where f.team_id = any(%(teams)s) and f.metric = %({})s and {{}} offset 0)"""

TABLE = (
    Field("run", "whole", "run.id", "number of the run"),
    Field("state", "choice", "run.state", "its state", choices=STATES),
    Field("reason", "text", "run.reason", "why it ended or waits, as `oom`"),
    Field("message", "text", "run.message", "what was said when it ended"),
    Field("seed", "whole", "run.seed", "its seed"),
    Field("digest", "text", "run.digest", "the name of its definition"),
    Field("board", "text", "run.board", "the board of its data set, as `mnist`"),
    Field("pool", "text", "run.pool", "whose workers, as `cpu`"),
    Field("priority", "whole", "run.priority", "its priority"),
    Field("attempts", "whole", "run.attempts", "how often it was started"),
    Field("code", "text", "run.code", "the version of the code that trained it"),
    Field("accuracy", "percent", "run.score", "test accuracy, as on the boards"),
    Field("created", "time", "run.created_at", "when it was queued"),
    Field("started", "time", "run.started_at", "when it was started"),
    Field("finished", "time", "run.finished_at", "when it ended"),
    Field("name", "text", "e.name", "name of its experiment", ASKED),
    Field("author", "user", "e.actor", "who queued it; `me` is you", ASKED),
    Field("experiment", "either", "e.id", "number or name of its experiment", ASKED),
    Field("notes", "text", "t.x", "notes on it or on its experiment", NOTED),
    Field(
        "sweep", "whole", "s.id", "number of its sweep",
        "run.experiment_id in (select s.experiment_id from experiments_sweep s where {})",
    ),
    Field(
        "team", "text", "t.slug", "short name of its team",
        "run.team_id in (select t.id from teams_team t where {})",
    ),
    Field("tag", "text", "t.x", "a tag of it or of its experiment", TAGGED),
    Field(
        "label", "text", "l.x", "a label that its worker must have",
        "exists (select from unnest(run.labels) l (x) where {})",
    ),
    Field("starred", "flag", STARRED, "whether you starred it or its experiment"),
)  # fmt: skip
FIELDS = {field.name: field for field in TABLE}


def field(word: Word, name: str) -> Field:
    """The field that a word names; `name` is free for a parameter. Raises SearchError."""
    said = word.text
    if said in FIELDS:
        return FIELDS[said]
    if said.startswith(MEASURED) or said.partition("/")[0] in METRICS:
        return measured(word, said.removeprefix(MEASURED), name)
    if said.startswith(DEFINED) or said.partition(".")[0] in PARTS:
        return defined(word, said.removeprefix(DEFINED), name)
    known = [*FIELDS, *PARTS, *METRICS]
    near = difflib.get_close_matches(said.partition(".")[0].lower()[:60], known, 3, 0.6)
    hint = f"Did you mean {', '.join(near)}?" if near else "See the list of fields"
    raise SearchError(word.column, f"there is no field {word}. {hint}")


def measured(word: Word, metric: str, name: str) -> Field:
    """A number that was measured; that of one layer is looked up in the run's results."""
    known = METRICS.get(metric.partition("/")[0])
    if known is None:
        near = difflib.get_close_matches(metric[:60], METRICS, 3, 0.6)
        raise SearchError(
            word.column, f"there is no metric {metric[:60]}. Known: {', '.join(near or METRICS)}"
        )
    kind = "percent" if known.unit == "%" else "number"
    params = ((name, metric),)
    if metric == "test_accuracy":
        return FIELDS["accuracy"]._replace(name=metric)
    if "/" in metric:
        return Field(metric, kind, f"(run.results ->> %({name})s)::float8", "", params=params)
    return Field(metric, kind, "f.value", "", FIGURE.format(name), params)


def defined(word: Word, path: str, name: str) -> Field:
    """Something in the definition, by its dotted path."""
    keys = path.split(".")
    if not all(keys) or len(keys) > DEEPEST_PATH:
        raise SearchError(
            word.column, f"a path has 1 to {DEEPEST_PATH} names with dots between, got {word}"
        )
    return Field(path, "json", f"d.body #> %({name})s::text[]", "", BODY, ((name, keys),))
