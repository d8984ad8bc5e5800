"""Rows of others are put on a board by a form, by who administers a team."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from snnlab.experiments.models import Entry
from tests.experiments.test_external import HEAD, ROW, sota
from tests.web import lab


PLACE = "/boards/mnist/import/"


@pytest.fixture
def admin(client, db):
    client.force_login(lab.person("olga", "lab", "admin"))
    return client


def test_a_file_is_taken_and_its_rows_say_what_they_are(admin):
    file = SimpleUploadedFile("rows.csv", f"{HEAD}\n{ROW}\n".encode())
    page = admin.post(PLACE, {"format": "csv", "file": file}, follow=True).content.decode()
    assert "1 rows are new, 0 were known already" in page
    row = Entry.objects.get(kind="external")
    page = admin.get("/boards/mnist/?kind=external").content.decode()
    assert "source not checked <small>here since" in page
    page = admin.get(f"/boards/mnist/rows/{row.pk}/").content.decode()
    assert "https://example.org/paper" in page
    assert "Withdraw" in page
    assert "Test the stored weights" not in page


def test_an_interval_is_shown_without_a_best_seed(admin):
    data = f"{HEAD},low,high,n\n{ROW},97.25,97.75,5\n"
    admin.post(PLACE, {"format": "csv", "data": data})
    page = admin.get("/boards/mnist/?kind=external").content.decode()
    assert "<strong>97.50</strong> ± 0.25 <small>(n = 5)</small>" in page
    assert admin.get("/boards/mnist/tables/rows.tex?kind=external").status_code == 200


def test_nothing_is_taken_of_a_file_with_one_wrong_row(admin):
    data = f"{HEAD}\n{ROW}\nB,abc,https://b.org\n"
    answer = admin.post(PLACE, {"format": "csv", "data": data})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "row 3, accuracy: must be a number" in page
    assert "Somebody 2024" in page  # what was typed is still there
    assert not Entry.objects.filter(kind="external").exists()


def test_a_sota_file_is_taken(admin):
    admin.post("/boards/cifar-10/import/", {"format": "sota", "data": sota()})
    assert Entry.objects.get(kind="external").title == "BranchingNet"


def test_a_sota_file_is_known_by_what_it_holds(admin):
    file = SimpleUploadedFile("tables.json", b"\xef\xbb\xbf\n" + sota().encode())
    admin.post("/boards/cifar-10/import/", {"format": "csv", "file": file})
    assert Entry.objects.get(kind="external").title == "BranchingNet"
    page = admin.post(PLACE, {"format": "sota", "data": "[1"}).content.decode()
    assert "the file is no JSON" in page
    assert '<option value="sota" selected>' in page


def test_what_is_no_text_is_refused(admin):
    file = SimpleUploadedFile("rows.csv", b"\xff\xfe\x00")
    answer = admin.post(PLACE, {"format": "csv", "file": file})
    assert (answer.status_code, b"no UTF-8" in answer.content) == (422, True)


def test_only_who_administers_a_team_imports(member, ada):
    for answer in (member.get(PLACE), member.post(PLACE, {"data": f"{HEAD}\n{ROW}"})):
        assert answer.status_code == 403
    assert not Entry.objects.filter(kind="external").exists()


def test_boards_without_rows_have_no_import(admin):
    assert admin.get("/boards/robustness/import/").status_code == 404
