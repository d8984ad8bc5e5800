"""Notes as HTML: Markdown without HTML in it, without pictures, with links that lead outside."""

import re
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt


ALLOWED = re.compile(r"https?://|mailto:", re.IGNORECASE)


def html(text: str) -> SafeString:
    """What a note shows. A link to anything but http, https and mailto stays text."""
    return mark_safe(READER.render(text))


def reader() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    made.disable("image")  # pages load nothing from another host
    made.validateLink = lambda url: ALLOWED.match(url) is not None
    made.add_render_rule("link_open", _link)
    made.add_render_rule("heading_open", _heading)
    made.add_render_rule("heading_close", _heading)
    return made


def _link(self: Any, tokens: Any, place: int, options: Any, env: Any) -> str:
    tokens[place].attrSet("rel", "nofollow noopener")
    return self.renderToken(tokens, place, options, env)


def _heading(self: Any, tokens: Any, place: int, options: Any, env: Any) -> str:
    """The page has titles of its own above: a note's begin at the third level."""
    tokens[place].tag = f"h{min(6, int(tokens[place].tag[1]) + 2)}"
    return self.renderToken(tokens, place, options, env)


READER = reader()
