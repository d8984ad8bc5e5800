"""Tags, notes and stars: the same three forms on the pages of a run and of an experiment."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from snnlab.experiments import actions_marks, queries, queries_marks
from snnlab.experiments.actions_shares import BOARDS
from snnlab.experiments.asking import Refused
from snnlab.web.access import or_404, writer_or_403


READ: dict[str, Callable[[Any, int], Any]] = {"run": queries.run, "experiment": queries.experiment}
BOTH = (
    "Somebody changed the notes while you wrote. Both texts are kept, yours first: "
    "make one of them."
)
MARKS: dict[str, Callable[[Any, Any], Any]] = {
    "run": queries_marks.of_run,
    "experiment": queries_marks.of_experiment,
}


def context(user: Any, kind: str, found: Any) -> dict[str, Any]:
    """What the forms show."""
    return {"kind": kind, "marks": MARKS[kind](user, found), "marked": found}


@require_POST
def star(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Star it, or take the star back; everybody who may look may do that."""
    found = or_404(READ[kind], request.user, pk)
    actions_marks.star(request.user, on="off" not in request.POST, **{kind: found})
    return redirect(f"web:{kind}", pk)


@require_POST
def star_board(request: HttpRequest, slug: str) -> HttpResponse:
    """Star a board, or take the star back."""
    if slug not in (*BOARDS, "compare"):
        raise Http404
    actions_marks.star(request.user, on="off" not in request.POST, board=slug)
    return redirect("boards:index")


@require_POST
def tag(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Put a tag on it, or take one off."""
    found, word = mine(request, kind, pk), request.POST.get("tag", "")
    off = "off" in request.POST
    if kind == "experiment":
        put = actions_marks.untag_experiment if off else actions_marks.tag_experiment
        return done(request, kind, pk, lambda: put(found.pk, word))
    put_on_runs = actions_marks.untag_runs if off else actions_marks.tag_runs
    return done(request, kind, pk, lambda: put_on_runs([found.pk], word))


@require_POST
def note(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Write its notes anew; nothing is lost that somebody else wrote meanwhile."""
    found = mine(request, kind, pk)
    write = actions_marks.note_run if kind == "run" else actions_marks.note_experiment
    who, text = request.user.get_username(), request.POST.get("notes", "")

    def act() -> None:
        if write(found, who, text, request.POST.get("seen")):
            messages.warning(request, BOTH)

    return done(request, kind, pk, act)


def mine(request: HttpRequest, kind: str, pk: int) -> Any:
    """What is meant, if the user may change it."""
    found = or_404(READ[kind], request.user, pk)
    team = found.team if kind == "experiment" else found.experiment.team
    writer_or_403(request.user, team)
    return found


def done(request: HttpRequest, kind: str, pk: int, act: Callable[[], object]) -> HttpResponse:
    """Do it and go back, or tell in words why not."""
    try:
        act()
    except Refused as error:
        messages.error(request, f"{error}.")
    return redirect(f"web:{kind}", pk)
