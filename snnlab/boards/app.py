"""The one Dash app of all boards. It keeps no state: what a callback may read, the request says."""

from typing import Any

import dash
from dash import Input, Output, callback, dcc, html
from dash.exceptions import DependencyException, PreventUpdate
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.template.loader import render_to_string

from snnlab.boards.board import boards, offered
from snnlab.boards.bridge import django_request
from snnlab.boards.envelope import BadCall
from snnlab.boards.scope import at, link


PREFIX = "/boards/_dash/"


class BoardsDash(dash.Dash):
    """Dash inside the site's own template, its scripts allowed by the page's nonce."""

    def interpolate_index(self, **parts: str) -> str:
        """The page: the board's name is in the request that is being answered."""
        request = django_request()
        board = boards()[slug_of(request)]
        parts["css"] += early(prefix())
        shown = parts | at(request, board.slug) | offered(request, board) | board.context(request)
        return render_to_string(board.template, shown, request=request)

    def _config(self) -> dict[str, Any]:
        """Where its scripts ask: through a link, below the link."""
        return super()._config() | {"requests_pathname_prefix": prefix()}

    def _generate_scripts_html(self) -> str:
        return with_nonce(super()._generate_scripts_html())

    def _generate_renderer(self) -> str:
        return with_nonce(super()._generate_renderer())


def early(own: str) -> str:
    """Asks for the scripts of charts at once, not only when the first chart wants them."""
    suites = "_dash-component-suites"
    places = (
        f"{own}{suites}/plotly/package_data/plotly.min.js",
        f"{PREFIX}{suites}/dash/dcc/async-graph.js",
    )
    return "".join(f'<link rel="preload" as="script" href="{place}">' for place in places)


def prefix() -> str:
    """Below what a page's scripts ask: for a link's, below the link."""
    root = getattr(asked_by(), "share_root", "")
    return f"{root}_dash/" if root else PREFIX


def with_nonce(markup: str) -> str:
    """The script tags, allowed by the content security policy of this answer."""
    request = asked_by()
    nonce = "" if request is None else str(request.csp_nonce)
    return markup.replace("<script", f'<script nonce="{nonce}"') if nonce else markup


def asked_by() -> Any:
    """The request that is being answered; at the start scripts are listed for none."""
    try:
        return django_request()
    except LookupError:
        return None


def slug_of(request: Any) -> str:
    """The board that a page is of: a link says it, or the address."""
    share = link(request)
    return share.slug if share else str(request.resolver_match.kwargs["slug"])


def layout() -> html.Div:
    """The frame that each page fills according to its address."""
    return html.Div([dcc.Location(id="address", refresh=False), html.Div(id="board")])


@callback(Output("board", "children"), Input("address", "pathname"))
def page(pathname: Any) -> Any:
    """The skeleton of the board at this address."""
    share = link(django_request())
    slug = pathname.removeprefix("/boards/").strip("/") if isinstance(pathname, str) else ""
    slug = share.slug if share else slug
    if slug not in boards():
        raise PreventUpdate
    return boards()[slug].layout()


def make() -> BoardsDash:
    """The app, ready to answer in this process.

    `use_async=False`: Dash turns itself asynchronous where Django is installed, and then no
    callback may use the database. The scripts are listed now, since a process may be asked for one
    whose page another process rendered.
    """
    app = BoardsDash(
        "snnlab.boards",
        requests_pathname_prefix=PREFIX,
        routes_pathname_prefix=PREFIX,
        include_assets_files=False,
        serve_locally=True,
        csrf_token_name=settings.CSRF_COOKIE_NAME,
        suppress_callback_exceptions=True,
        update_title=None,
        add_log_handler=False,
        enable_mcp=False,
        use_async=False,
    )
    app.layout = layout
    app.server.secret_key = settings.SECRET_KEY  # or each process signs with a key of its own
    answer_errors(app)
    boards()
    app._setup_server()
    return app


def answer_errors(app: dash.Dash) -> None:
    """Turn what Django's exceptions mean into answers; everything else stays an error."""
    answers = {PermissionDenied: 403, Http404: 404, DependencyException: 404, BadCall: 400}
    for exception, status in answers.items():
        app.server.register_error_handler(exception, lambda _, status=status: ("", status))


app = make()
