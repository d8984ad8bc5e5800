"""The columns of a leaderboard: title, unit, which way is better, what it means, and its cells."""

from collections.abc import Callable
from typing import NamedTuple

from snnlab.boards import cells
from snnlab.boards.cells import of, percent, signed, text
from snnlab.experiments.board_rows import DEFAULT_COLUMNS
from snnlab.experiments.queries import BoardRow


class Column(NamedTuple):
    """One column. `better` is "higher", "lower" or nothing; `sort` names a sort of the query."""

    name: str
    title: str
    unit: str
    better: str
    definition: str
    cell: Callable[[BoardRow], str]
    sort: str = ""
    numeric: bool = True


TABLE = (
    Column(
        "rank",
        "Rank",
        "",
        "",
        "1 and one more for each row on the same data whose 95 % interval lies wholly above; so "
        "rows that overlap share a rank. Published rows rank only when asked",
        cells.rank,
        "accuracy",
    ),
    Column("title", "Result", "", "", "the experiment, or the paper", cells.title, "title"),
    Column(
        "accuracy",
        "Test accuracy",
        "%",
        "higher",
        "test images classified correctly, once, at the end: mean over seeds ± half the 95 % "
        "t-interval, from three seeds on",
        cells.accuracy,
        "accuracy",
    ),
    Column(
        "best",
        "Best seed",
        "%",
        "higher",
        "the best of the seeds; no estimate of anything",
        lambda row: percent(row.best),
        "best",
    ),
    Column(
        "teacher",
        "Teacher",
        "%",
        "higher",
        "test accuracy of the analog network that taught it, or was converted",
        lambda row: percent(row.teacher),
        "teacher",
    ),
    Column(
        "gap",
        "To teacher",
        "points",
        "higher",
        "test accuracy minus the teacher's",
        lambda row: signed(row.gap),
        "gap",
    ),
    Column(
        "published",
        "To published",
        "points",
        "higher",
        "of reproduced rows: test accuracy minus the published figure",
        cells.published,
        "published",
    ),
    Column("method", "Rule", "", "", "learning rule or training route", text("method"), "method"),
    Column("network", "Network", "", "", "architecture", text("network"), "network"),
    Column("neuron", "Neuron", "", "", "neuron model", text("neuron"), "neuron"),
    Column(
        "time_steps",
        "T",
        "steps",
        "lower",
        "time steps of the simulation of one image",
        lambda row: "" if row.time_steps is None else f"{row.time_steps:,}",
        "time_steps",
    ),
    Column(
        "parameters", "Parameters", "", "lower", "trainable weights", of("parameters"), "parameters"
    ),
    Column(
        "macs",
        "Eff. MACs",
        "per image",
        "lower",
        "effective multiply-accumulates, NeuroBench's definition: non-zero weight times non-zero "
        "input that is no spike",
        of("macs"),
        "macs",
    ),
    Column(
        "acs",
        "Eff. ACs",
        "per image",
        "lower",
        "effective accumulates, NeuroBench's definition: non-zero weight times spike",
        of("acs"),
        "acs",
    ),
    Column(
        "synops",
        "Synaptic ops",
        "per image",
        "lower",
        "spikes times the synapses they reach",
        of("synops"),
        "synops",
    ),
    Column(
        "sparsity",
        "Sparsity",
        "%",
        "higher",
        "activation sparsity: share of neurons and steps without a spike",
        lambda row: percent(row.sparsity),
        "sparsity",
    ),
    Column("energy", "Energy", "nJ per image", "lower", "of one inference", cells.energy, "energy"),
    Column(
        "latency",
        "Latency",
        "ms",
        "lower",
        "of one inference; on an emulated chip by the published times of such a chip",
        of("latency"),
        "latency",
    ),
    Column(
        "area",
        "Robustness",
        "%",
        "higher",
        "area under accuracy over device mismatch, per unit of level: a mean accuracy",
        lambda row: percent(row.area),
        "area",
    ),
    Column(
        "seconds",
        "Training",
        "s",
        "lower",
        "time of all epochs, mean over seeds; a machine may have been shared",
        of("seconds"),
        "seconds",
    ),
    Column("date", "Date", "", "", "when it finished, or was published", cells.date, "date"),
    Column(
        "verified",
        "Verification",
        "",
        "higher",
        "self-reported, complete provenance, re-evaluated from the checkpoint, or retrained",
        cells.verified,
        "verified",
    ),
    Column("source", "Provenance", "", "", "where it is from; caveats", cells.source),
)
TEXTS = {"title", "method", "network", "neuron", "date", "verified", "source"}
COLUMNS = {column.name: column._replace(numeric=column.name not in TEXTS) for column in TABLE}
ALWAYS = ("rank", "title", "accuracy")
DEFAULT = DEFAULT_COLUMNS
