"""Tags, notes and stars on the pages of runs and experiments."""

import re

import pytest

from snnlab.experiments import actions_marks
from snnlab.experiments.models import RunNote, RunTag, Star
from snnlab.teams.models import Act
from snnlab.web.markdown import html
from tests.web import lab


@pytest.fixture
def work(ada, tmp_path):
    """The addresses of a run that has ended, and of its experiment."""
    experiment = lab.experiment(ada)
    lab.succeed(tmp_path, test_accuracy=97.5)
    return [f"/runs/{experiment.runs.get().pk}/", f"/experiments/{experiment.pk}/"]


def page(client, address: str) -> str:
    return client.get(address).content.decode()


@pytest.mark.parametrize("which", [0, 1])
def test_a_tag_is_put_on_and_taken_off(member, work, which):
    address = work[which]
    member.post(f"{address}tag", {"tag": " for the paper "})
    member.post(f"{address}tag", {"tag": "for the paper"})
    assert page(member, address).count("Remove the tag for the paper") == 1
    member.post(f"{address}tag", {"tag": "for the paper", "off": "1"})
    assert "for the paper" not in page(member, address)


def test_a_run_shows_its_experiments_tags_and_keeps_them(member, work):
    member.post(f"{work[1]}tag", {"tag": "old"})
    assert 'title="of the experiment">old' in page(member, work[0])
    member.post(f"{work[0]}tag", {"tag": "old", "off": "1"})
    assert "old" in page(member, work[1])


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("tag", ["", "x" * 51, "\x00"])
def test_a_bad_tag_is_refused_in_words(member, work, which, tag):
    answer = member.post(f"{work[which]}tag", {"tag": tag}, follow=True)
    assert "tag must" in answer.content.decode()
    assert not RunTag.objects.exists()


@pytest.mark.parametrize("which", [0, 1])
def test_only_so_many_tags(member, work, which, monkeypatch):
    monkeypatch.setattr(actions_marks, "MOST_TAGS", 1)
    member.post(f"{work[which]}tag", {"tag": "one"})
    assert (
        "the most" in member.post(f"{work[which]}tag", {"tag": "two"}, follow=True).content.decode()
    )
    assert (
        "the most"
        not in member.post(f"{work[which]}tag", {"tag": "one"}, follow=True).content.decode()
    )


@pytest.mark.parametrize("which", [0, 1])
def test_of_two_who_write_notes_at_once_neither_is_lost(member, work, which):
    address = work[which]

    def write(text, shown):
        seen = re.search(r'name="seen" value="(\w+)"', shown)[1]
        answer = member.post(f"{address}note", {"notes": text, "seen": seen}, follow=True)
        return answer.content.decode()

    first = page(member, address)
    assert "Both texts are kept" not in write("ada's words", first)
    both = write("bob's words", first)
    assert "Both texts are kept" in both
    assert "bob&#x27;s words\n\n---\n\nada&#x27;s words</textarea>" in both
    assert "Both texts are kept" not in write("one text", both)
    assert "Both texts are kept" not in write("one text", first)  # the same text twice
    assert "one text</textarea>" in page(member, address)


@pytest.mark.parametrize("which", [0, 1])
def test_notes_are_markdown_and_stay_editable(member, work, which):
    address = work[which]
    member.post(f"{address}note", {"notes": "# Why\r\n**Bold** claim & `v`"})
    shown = page(member, address)
    assert "<h3>Why</h3>" in shown
    assert "<strong>Bold</strong> claim &amp; <code>v</code>" in shown
    assert "# Why\n**Bold** claim &amp; `v`</textarea>" in shown
    assert Act.objects.get().verb == "wrote"
    member.post(f"{address}note", {"notes": " "})
    assert "<h3>Why" not in page(member, address)
    assert not RunNote.objects.exists()
    assert (
        "notes must have at most"
        in member.post(f"{address}note", {"notes": "x" * 20_001}, follow=True).content.decode()
    )


@pytest.mark.parametrize("which", [0, 1])
def test_a_star_is_each_users_own(viewer, work, which):
    viewer.post(f"{work[which]}star")
    viewer.post(f"{work[which]}star")
    assert "★ Starred" in page(viewer, work[which])
    assert Star.objects.get().user.username == "vera"
    viewer.force_login(lab.person("eve", "lab"))
    assert "☆ Star" in page(viewer, work[which])
    viewer.force_login(Star.objects.get().user)
    viewer.post(f"{work[which]}star", {"off": "1"})
    assert not Star.objects.exists()


def test_a_board_is_starred_and_found_at_home(member, work):
    member.post("/boards/mnist/star")
    assert "★ Starred" in page(member, "/boards/")
    assert 'href="/boards/mnist/">mnist</a> <small>board' in page(member, "/")
    member.post("/boards/mnist/star", {"off": "1"})
    assert "★ Starred" not in page(member, "/boards/")
    assert member.post("/boards/nothing/star").status_code == 404


def test_a_viewer_sees_tags_and_notes_without_forms(viewer, work, ada):
    lab.person("mo", "lab")
    shown = page(viewer, work[0])
    assert "Add tag" not in shown
    assert "Write notes" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>x</script>", "<p>&lt;script&gt;x&lt;/script&gt;</p>\n"),
        ("<b onclick=x>y", "<p>&lt;b onclick=x&gt;y</p>\n"),
        ("[x](javascript:alert)", "<p>[x](javascript:alert)</p>\n"),
        ("[x](JavaScript&#58;alert)", "<p>[x](JavaScript:alert)</p>\n"),
        ("[x](data:text/html,y)", "<p>[x](data:text/html,y)</p>\n"),
        ("[x](//evil.example)", "<p>[x](//evil.example)</p>\n"),
        ("<javascript:alert(1)>", "<p>&lt;javascript:alert(1)&gt;</p>\n"),
        (
            '[x](https://a.example/?q="y)',
            '<p><a href="https://a.example/?q=%22y" rel="nofollow noopener">x</a></p>\n',
        ),
        (
            "<mailto:a@b.example>",
            '<p><a href="mailto:a@b.example" rel="nofollow noopener">mailto:a@b.example</a></p>\n',
        ),
        (
            "![x](https://a.example/y.png)",
            '<p>!<a href="https://a.example/y.png" rel="nofollow noopener">x</a></p>\n',
        ),
    ],
)
def test_a_note_is_never_a_script(text, shown):
    assert html(text) == shown


def test_a_deep_or_long_note_is_shown_in_time():
    for text in ("[" * 20_000, "> " * 5_000 + "x", "*" * 20_000, "- " * 5_000):
        assert html(text).startswith("<"), text[:9]
