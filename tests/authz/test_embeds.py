"""What other pages may show of a link, and who may."""

import io
from xml.etree import ElementTree

import pytest
from PIL import Image

from snnlab.experiments import actions_shares
from snnlab.experiments.models import Entry
from tests.authz.test_shares import SEALED, text
from tests.web import lab


SITE = "https://example.org"


def test_a_frame_is_allowed_for_the_named_sites_alone(visitor, result, share):
    root = share(origins=[SITE, "http://localhost:3000"], query="kind=measured")
    answer = visitor.get(f"{root}embed/")
    policy = answer.headers["Content-Security-Policy"]
    assert f"frame-ancestors {SITE} http://localhost:3000" in policy
    assert "X-Frame-Options" not in answer.headers
    rest = {name: value for name, value in SEALED.items() if name != "X-Frame-Options"}
    assert {name: answer.headers.get(name) for name in rest} == rest
    page = text(answer)
    assert "<script" not in page
    assert "97.50" in page
    assert "frame-ancestors 'none'" in visitor.get(root).headers["Content-Security-Policy"]


def test_without_a_named_site_there_is_nothing_to_embed(visitor, result, share):
    assert visitor.get(f"{share()}embed/").status_code == 404


PICTURES = ("plots/trade.svg", "plots/trade.png", "plots/record.svg", "preview.png", "badge.svg")


@pytest.mark.parametrize("part", PICTURES)
def test_pictures_are_drawn_sealed_and_end_with_the_link(visitor, result, share, part):
    root = share()
    answer = visitor.get(root + part)
    assert answer.status_code == 200
    assert {name: answer.headers.get(name) for name in SEALED} == SEALED
    if part.endswith("svg"):
        assert answer.headers["Content-Type"] == "image/svg+xml"
        ElementTree.fromstring(answer.content)
    else:
        assert Image.open(io.BytesIO(answer.content)).format == "PNG"
    actions_shares.revoke(share.last.pk, "ada")
    assert visitor.get(root + part).status_code == 404


@pytest.mark.parametrize("part", ["plots/lines.svg", "plots/trade.pdf", "plots/x.png"])
def test_a_picture_of_something_else_does_not_exist(visitor, result, share, part):
    assert visitor.get(share() + part).status_code == 404


def test_a_picture_shows_no_more_than_the_link(visitor, result, share):
    root = share(columns=["method"])
    for query in ("", "?x=energy", "?q=theirs"):
        picture = text(visitor.get(f"{root}plots/trade.svg{query}"))
        assert "theirs" not in picture
        assert "77.7" not in picture
        assert "<circle" not in picture


def test_the_badge_says_the_rank_on_the_whole_board(visitor, ada, result, share, tmp_path):
    lab.experiment(ada, "better")
    lab.succeed(tmp_path, test_accuracy=99.0)
    root = share(query="q=ours")
    assert "rank 2 of 2" in text(visitor.get(f"{root}badge.svg"))
    other = ada.teams.get().entries.get(title="better").pk
    assert visitor.get(f"{root}badge.svg?row={other}").status_code == 404


def test_the_badge_finds_its_row_below_many_published_ones(visitor, ada, share, tmp_path):
    lab.experiment(ada, "ours", dataset={"kind": "mnist", "train_size": 500})
    lab.succeed(tmp_path, test_accuracy=12.0)
    mine = ada.teams.get().entries.get()
    paper = Entry.objects.create(board="mnist", digest="p", kind="published", accuracy=10.0, n=0)
    for n in range(60):
        Entry.objects.create(
            board="mnist", digest=f"p{n}", kind="published", accuracy=99.9, n=0, caveat=mine.caveat
        )
    root = share()
    assert "rank 1 of 1" in text(visitor.get(f"{root}badge.svg"))
    assert "rank 1 of 1" in text(visitor.get(f"{root}badge.svg?row={mine.pk}"))
    others = Entry.objects.filter(board="mnist", kind="published", caveat="").count()
    assert f"rank {others} of {others}" in text(visitor.get(f"{root}badge.svg?row={paper.pk}"))
    for row in ("0", "-1", "x", "9" * 30, f"{2**63 - 1}"):
        assert visitor.get(f"{root}badge.svg?row={row}").status_code == 404


def test_a_shared_page_names_its_preview_by_a_whole_address(visitor, result, share):
    root = share(title='A "title" <b>')
    page = text(visitor.get(root))
    assert f'content="http://testserver{root}preview.png"' in page
    assert "A &quot;title&quot; &lt;b&gt;" in page


def test_a_shared_run_shows_its_results_and_not_its_log(visitor, ada, share):
    experiment = lab.experiment(ada, "alone")
    points = [("loss", 1, 0.9), ("loss", 2, 0.5), ("accuracy", 2, 88.5)]
    points += [("firing_rate/fc1", 2, 0.25)]
    lab.claim(points, log="secret path\n")
    type(experiment).objects.update(notes="secret note")
    run = experiment.runs.get()
    page = text(visitor.get(share("run", run=run.pk)))
    for word in ("alone, seed 1", "88.5", "<svg", "[network]", "running", ">0.2500</td>"):
        assert word in page
    assert "secret" not in page
    assert "<script" not in page
    assert 'href="/runs' not in page
    page = text(visitor.get(share("run", run=run.pk, log=True, notes=True)))
    assert "secret path" in page
    assert "secret note" in page


@pytest.mark.parametrize("part", ["", "preview.png", "plots/loss.svg", "plots/loss.png"])
def test_a_runs_pages_and_pictures_are_sealed_and_end_with_the_link(visitor, ada, share, part):
    run = lab.experiment(ada).runs.get()
    lab.claim([("loss", 1, 0.9), ("loss", 2, 0.5)])
    root = share("run", run=run.pk)
    answer = visitor.get(root + part)
    assert answer.status_code == 200
    assert {name: answer.headers.get(name) for name in SEALED} == SEALED
    actions_shares.revoke(share.last.pk, "ada")
    assert visitor.get(root + part).status_code == 404


def test_a_runs_link_opens_no_board_and_a_boards_no_run(visitor, ada, share):
    run = lab.experiment(ada).runs.get()
    one, other = share("run", run=run.pk), share()
    assert visitor.get(f"{one}_dash/_dash-layout").status_code == 404
    assert visitor.get(f"/s/b{one[4:-1]}/").status_code == 404
    assert visitor.get(f"/s/r{other[4:-1]}/").status_code == 404


def test_a_shared_comparison_shows_its_runs_alone(visitor, ada, share, tmp_path):
    first, second = (lab.experiment(ada, name) for name in ("first", "second"))
    for accuracy in (91.25, 92.5):
        lab.succeed(tmp_path, test_accuracy=accuracy, loss=0.5)
    mine, other = first.runs.get().pk, second.runs.get().pk
    root = share("compare", slug="compare", query=f"runs={mine}")
    for query in ("", f"?runs={other}", f"?runs={mine},{other}", f"?experiment={second.pk}"):
        page = text(visitor.get(root + query))
        assert "91.25" in page
        assert "92.5" not in page
        assert "second" not in page
    assert "/runs/" not in page
    assert visitor.get(f"{root}plots/curves.svg?runs={other}").status_code == 200


def exported(answer) -> str:
    return b"".join(answer.streaming_content).decode(errors="replace")


FORMS = ("csv", "json", "md", "tex", "bib", "parquet")


@pytest.mark.parametrize("form", FORMS)
def test_an_export_has_the_rows_and_columns_of_the_link_alone(visitor, result, share, form):
    root = share(columns=["method"], query="kind=measured")
    for query in ("", "?kind=published", "?columns=energy,method", "?sort=-energy&q="):
        answer = visitor.get(f"{root}tables/rows.{form}{query}")
        assert answer.status_code == 200
        assert {name: answer.headers.get(name) for name in SEALED} == SEALED
        file = exported(answer)
        assert "77.7" not in file
        assert "theirs" not in file
        assert "Diehl" not in file


def test_an_export_ends_with_the_link(visitor, result, share):
    root = share()
    assert "ours" in exported(visitor.get(f"{root}tables/rows.csv"))
    actions_shares.revoke(share.last.pk, "ada")
    assert visitor.get(f"{root}tables/rows.csv").status_code == 404


def test_an_export_of_another_board_does_not_exist_behind_a_link(visitor, result, share):
    root = share()
    for place in ("tables/levels.csv", "tables/tests.csv", "tables/../../boards/mnist/"):
        assert visitor.get(root + place).status_code == 404
