"""The same people as in the tests of the pages."""

from tests.web.conftest import ada, home, member, stranger


__all__ = ["ada", "home", "member", "stranger"]
