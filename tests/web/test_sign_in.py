import pytest

from snnlab.teams.actions import sign_in_link


def test_a_link_signs_in_once(client, ada):
    address = f"/welcome/{sign_in_link(ada)}/"
    assert client.post(address).headers["Location"] == "/"
    assert client.get("/").status_code == 200
    client.logout()
    assert client.post(address).status_code == 410


def test_looking_at_a_link_does_not_use_it_up(client, ada):
    address = f"/welcome/{sign_in_link(ada)}/"
    for _ in range(3):
        assert client.get(address).status_code == 200
    assert client.post(address).status_code == 302


def test_a_page_with_a_token_in_its_address_tells_nobody(client, db):
    answer = client.get("/welcome/abc/")
    assert answer.headers["Referrer-Policy"] == "strict-origin"
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_password_signs_in(client, ada):
    ada.set_password("correct horse battery")
    ada.save()
    answer = client.post("/sign-in/?next=/experiments/", {"username": "ada", "password": "wrong"})
    assert b"correct" in answer.content
    said = {"username": "ada", "password": "correct horse battery", "next": "/experiments/"}
    assert client.post("/sign-in/", said).headers["Location"] == "/experiments/"


def test_sign_in_leads_to_no_other_site(client, ada):
    ada.set_password("correct horse battery")
    ada.save()
    said = {"username": "ada", "password": "correct horse battery", "next": "https://evil.example/"}
    assert client.post("/sign-in/", said).headers["Location"] == "/"


def test_sign_out_ends_the_session(member):
    member.post("/sign-out/")
    assert member.get("/").status_code == 302


@pytest.mark.parametrize(("path", "status"), [("/nothing/", 404), ("/boards/nothing/", 404)])
def test_an_error_page_stands_in_the_sites_frame(member, path, status):
    answer = member.get(path)
    assert answer.status_code == status
    assert b"New experiment" in answer.content


def test_a_health_check_needs_no_sign_in(client, db, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert client.get("/healthz").content == b"ok"
