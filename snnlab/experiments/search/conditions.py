"""SQL of a search's tree: fragments that are written here, values as parameters.

A comparison with what a run does not have is false, and `not` makes that true.
"""

from datetime import timedelta
from typing import Any, NamedTuple

from snnlab.experiments.search import values
from snnlab.experiments.search.fields import FIELDS, Field, field
from snnlab.experiments.search.grammar import SIGNS, Many, Not, Test, Tree, parsed
from snnlab.experiments.search.words import SearchError, Word


ORDER = (">", ">=", "<", "<=")
ALLOWED = {  # signs that a kind of field takes; each takes `= missing` too
    **dict.fromkeys(("whole", "number", "percent", "time"), ("=", *ORDER, "in")),
    **dict.fromkeys(("text", "user", "either"), ("=", "~", "in")),
    "choice": ("=", "in"),
    "flag": ("=", ""),
    "json": ("=", "~", *ORDER, "in"),
}
MISSING = "missing"


class Condition(NamedTuple):
    """What must hold of `run`, as SQL with named parameters; `teams`, the user's, is one more."""

    sql: str
    params: dict[str, Any]


def condition(text: str, user: Any) -> Condition:
    """The condition that a search says. Raises SearchError."""
    tree = parsed(text)
    writer = Writer(user)
    return Condition("true" if tree is None else writer.write(tree), writer.params)


class Writer:
    """Collects parameters while it writes."""

    def __init__(self, user: Any) -> None:
        self.who = user
        self.params: dict[str, Any] = {"user": user.pk}

    def bind(self, value: object) -> str:
        name = f"v{len(self.params)}"
        self.params[name] = value
        return f"%({name})s"

    def write(self, tree: Tree, *, holds: bool = True) -> str:
        """The SQL of a tree, or of its contrary; `not` goes down to the comparisons."""
        if isinstance(tree, Not):
            return self.write(tree.item, holds=not holds)
        if isinstance(tree, Many):
            joined = tree.joined if holds else {"and": "or", "or": "and"}[tree.joined]
            parts = (self.write(item, holds=holds) for item in tree.items)
            return f"({f' {joined} '.join(parts)})"
        sql = self.test(tree)
        return f"({sql})" if holds else f"(({sql}) is not true)"

    def test(self, test: Test) -> str:
        found, sign = self.field(test), test.sign.text.lower()
        if sign not in ALLOWED[found.kind]:
            takes = ", ".join(s for s in (*SIGNS, "in") if s in (*ALLOWED[found.kind], "!="))
            where = test.sign if sign else test.field
            raise SearchError(where.column, f"{found.name} takes {takes} and a value, got {where}")
        if found.kind == "flag":
            wanted = not test.values or values.yes(found, test.values[0])
            return found.x if wanted else f"not ({found.x})"
        if [value.text for value in test.values if value.kind == "word"] == [MISSING]:
            present = f"{found.x} is not null"
            return f"not ({found.within.format(present)})"
        sign = "=" if sign == "in" else sign
        parts = [self.compare(found, sign, value) for value in test.values]
        return found.within.format(f"({' or '.join(parts)})")

    def field(self, test: Test) -> Field:
        """The field of a test; a lone text is looked for in names."""
        if not test.sign.text and (test.field.text != "starred" or test.field.kind == "quoted"):
            return self.lone(test)
        if test.field.kind == "quoted":
            raise SearchError(test.field.column, f"a field has no quotes, got {test.field}")
        found = field(test.field, f"p{len(self.params)}")
        self.params |= found.params
        return found

    def lone(self, test: Test) -> Field:
        """A flag in place of a field: whether the experiment's name contains the text."""
        if test.field.kind == "word" and test.field.text in FIELDS:
            raise SearchError(test.field.column, f"expected a sign and a value after {test.field}")
        name = FIELDS["name"]
        return name._replace(
            kind="flag", x=name.within.format(self.contains("e.name", test.field.text))
        )

    def contains(self, x: str, text: str) -> str:
        return f"strpos(lower({x}), lower({self.bind(text)})) > 0"

    def compare(self, found: Field, sign: str, word: Word) -> str:
        """One comparison of one value."""
        if sign == "~":
            texts = {"json": self.words_of(found), "either": "e.name"}
            return self.contains(texts.get(found.kind, found.x), word.text)
        return getattr(self, found.kind)(found, sign, word)

    def words_of(self, found: Field) -> str:
        """What stands at a path as text; of a part, its kind."""
        text = found.x.replace("#>", "#>>")
        return f"coalesce({text.replace('#>> ', '#>> (')} || array['kind']), {text})"

    def whole(self, found: Field, sign: str, word: Word) -> str:
        return f"{found.x} {sign} {self.bind(values.whole(found, word))}"

    def number(self, found: Field, sign: str, word: Word) -> str:
        return f"{found.x} {sign} {self.bind(values.real(found, word))}::float8"

    def percent(self, found: Field, sign: str, word: Word) -> str:
        return f"{found.x} {sign} {self.bind(values.percent(found, word))}::float8"

    def text(self, found: Field, sign: str, word: Word) -> str:
        return f"{found.x} {sign} {self.bind(word.text)}"

    def user(self, found: Field, sign: str, word: Word) -> str:
        me = word.kind == "word" and word.text == "me"
        return self.text(found, sign, word._replace(text=self.who.username) if me else word)

    def either(self, found: Field, sign: str, word: Word) -> str:
        if values.number(word) is None:
            return f"e.name {sign} {self.bind(word.text)}"
        return self.whole(found, sign, word)

    def choice(self, found: Field, sign: str, word: Word) -> str:
        if word.text not in found.choices:
            known = ", ".join(found.choices)
            raise SearchError(word.column, f"{found.name} is one of {known}, got {word}")
        return self.text(found, sign, word)

    def time(self, found: Field, sign: str, word: Word) -> str:
        """A day is all of it: after a day is from the next one on."""
        then, day = values.moment(found, word)
        if isinstance(then, timedelta):
            return f"{found.x} {sign} now() - {self.bind(then)}::interval"
        first = f"{self.bind(then)}::timestamptz"
        if not day:
            return f"{found.x} {sign} {first}"
        after = f"{self.bind(then + timedelta(days=1))}::timestamptz"
        return {
            "=": f"{found.x} >= {first} and {found.x} < {after}",
            ">": f"{found.x} >= {after}",
            ">=": f"{found.x} >= {first}",
            "<": f"{found.x} < {first}",
            "<=": f"{found.x} < {after}",
        }[sign]

    def json(self, found: Field, sign: str, word: Word) -> str:
        """Equality is looked up in the index of definitions; only numbers have an order."""
        if sign == "=":
            path = next(iter(dict(found.params).values()))
            parts = (f"d.body @> {self.bind(one)}::jsonb" for one in values.pieces(path, word))
            return " or ".join(parts)
        text = found.x.replace("#>", "#>>")
        value = f"case when jsonb_typeof({found.x}) = 'number' then ({text})::float8 end"
        return f"{value} {sign} {self.bind(values.real(found, word))}::float8"
