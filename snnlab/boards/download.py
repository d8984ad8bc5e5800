"""The tables of boards as files, with the filters of the page they are asked from."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from snnlab.boards.board import boards
from snnlab.boards.exports import bibtex, csv, json, latex, markdown, parquet
from snnlab.boards.exports.table import Table
from snnlab.boards.shared import share_of
from snnlab.boards.state import query_of


class Format(NamedTuple):
    """A kind of file."""

    title: str
    media: str
    write: Callable[[Table], Iterator[Any]]


FORMATS = {
    "csv": Format("CSV", "text/csv; charset=utf-8", csv.write),
    "json": Format("JSON", "application/json", json.write),
    "md": Format("Markdown", "text/markdown; charset=utf-8", markdown.write),
    "tex": Format("LaTeX", "application/x-tex; charset=utf-8", latex.write),
    "bib": Format("BibTeX", "application/x-bibtex; charset=utf-8", bibtex.write),
    "parquet": Format("Parquet", "application/vnd.apache.parquet", parquet.write),
}


@require_safe
@never_cache
def table(request: HttpRequest, slug: str, name: str, form: str) -> HttpResponse:
    """A table of a board."""
    return file(request, slug, name, form)


@login_not_required
@require_safe
def shared_table(request: HttpRequest, name: str, form: str, **_: Any) -> HttpResponse:
    """A table behind a link: the rows and columns that the link shows."""
    return file(request, share_of(request).slug, name, form)


def file(request: HttpRequest, slug: str, name: str, form: str) -> HttpResponse:
    board, query = boards().get(slug), query_of(request.META.get("QUERY_STRING", ""))
    tables = board.tables(request, query) if board else {}
    if name not in tables or form not in FORMATS:
        raise Http404
    kind = FORMATS[form]
    answer = StreamingHttpResponse(kind.write(tables[name]()), content_type=kind.media)
    answer.headers["Content-Disposition"] = f'attachment; filename="{slug}-{name}.{form}"'
    return answer  # type: ignore[return-value]


@login_not_required
@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """The schema of the JSON files."""
    return JsonResponse(json.SCHEMA, json_dumps_params={"indent": 2})
