"""The tree of a search, by recursive descent.

any  = all { "or" all }
all  = one { "and" one }             "and" may be left out after a lone text
one  = "not" one | "(" any ")" | test
test = field sign value | field ["not"] "in" "(" value { "," value } ")" | flag | text
"""

from dataclasses import dataclass

from snnlab.experiments.search.words import SearchError, Word, words


DEEPEST, MOST_TESTS, MOST_VALUES = 20, 50, 100
SIGNS = ("=", "!=", ">", ">=", "<", "<=", "~")
KEYWORDS = ("and", "or", "not", "in")


@dataclass(frozen=True)
class Test:
    """One comparison. `sign` is one of SIGNS but !=, or "in", or nothing for a lone word."""

    field: Word
    sign: Word
    values: tuple[Word, ...]


@dataclass(frozen=True)
class Not:
    """What must not hold."""

    item: "Tree"


@dataclass(frozen=True)
class Many:
    """Items of which all or any must hold; `joined` is "and" or "or"."""

    joined: str
    items: tuple["Tree", ...]


Tree = Test | Not | Many


def parsed(text: str) -> Tree | None:
    """The tree of a search, nothing for an empty one. Raises SearchError."""
    reader = Reader(words(text))
    if reader.here.kind == "end":
        return None
    tree = reader.many("or", 0)
    if reader.here.kind != "end":
        raise SearchError(reader.here.column, f"expected and, or, or the end, got {reader.here}")
    return tree


class Reader:
    """Goes through the words once."""

    def __init__(self, found: list[Word]) -> None:
        self._words, self._place, self._tests = found, 0, 0

    @property
    def here(self) -> Word:
        return self._words[self._place]

    def take(self) -> Word:
        found = self.here
        self._place += found.kind != "end"
        return found

    def many(self, joined: str, depth: int) -> Tree:
        items = [self._part(joined, depth)]
        while self.here.is_(joined) or (joined == "and" and self.goes_on(items[-1])):
            if self.here.is_(joined):
                self.take()
            items.append(self._part(joined, depth))
        return items[0] if len(items) == 1 else Many(joined, tuple(items))

    def goes_on(self, last: Tree) -> bool:
        """Whether another term follows a lone text: `first look` needs no "and"."""
        lone = isinstance(last, Test) and not last.values
        return lone and self.here.kind in ("word", "quoted") and not self.here.is_(*KEYWORDS)

    def _part(self, joined: str, depth: int) -> Tree:
        return self.many("and", depth) if joined == "or" else self.one(depth)

    def one(self, depth: int) -> Tree:
        if depth > DEEPEST:
            raise SearchError(self.here.column, f"at most {DEEPEST} levels of ( and not")
        if self.here.is_("not"):
            self.take()
            return Not(self.one(depth + 1))
        if self.here.is_("("):
            self.take()
            tree = self.many("or", depth + 1)
            self.expect(")")
            return tree
        return self.test()

    def test(self) -> Tree:
        field = self.take()
        if field.kind not in ("word", "quoted") or field.is_(*KEYWORDS):
            raise SearchError(field.column, f"expected a field, a text, not or (, got {field}")
        self._tests += 1
        if self._tests > MOST_TESTS:
            raise SearchError(field.column, f"a search has at most {MOST_TESTS} comparisons")
        return self._rest(field)

    def _rest(self, field: Word) -> Tree:
        """What follows a field."""
        negated = self.here.is_("not") and self._words[self._place + 1].is_("in")
        if negated:
            self.take()
        if self.here.is_("in"):
            test: Tree = Test(field, self.take(), self.values())
        elif self.here.is_(*SIGNS):
            negated, sign = self.here.is_("!="), self.take()
            test = Test(field, sign._replace(text="=") if negated else sign, (self.value(),))
        else:
            test = Test(field, Word("end", "", field.column), ())
        return Not(test) if negated else test

    def values(self) -> tuple[Word, ...]:
        self.expect("(")
        found = [self.value()]
        while self.here.is_(","):
            self.take()
            found.append(self.value())
        if len(found) > MOST_VALUES:
            raise SearchError(found[MOST_VALUES].column, f"at most {MOST_VALUES} values in a list")
        self.expect(")")
        return tuple(found)

    def value(self) -> Word:
        found = self.take()
        if found.kind not in ("word", "quoted") or found.is_(*KEYWORDS):
            raise SearchError(found.column, f"expected a value, got {found}. Quote odd texts")
        if found.kind == "word" and self.here.is_("ago"):
            self.take()
        return found

    def expect(self, sign: str) -> None:
        if not self.here.is_(sign):
            raise SearchError(self.here.column, f"expected {sign}, got {self.here}")
        self.take()
