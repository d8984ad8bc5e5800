import pytest
from django.db.models.functions import Now

from snnlab.teams.actions import COUNTED, sign_in_link
from snnlab.teams.models import SignInAttempt
from snnlab.web.sign_in import address_of


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


PASSWORD = "correct horse battery"


@pytest.fixture
def ada_with_password(ada):
    ada.set_password(PASSWORD)
    ada.save()
    return ada


def tries(client, username="ada", password="wrong", **headers):
    said = {"username": username, "password": password}
    return client.post("/sign-in/", said, **headers).status_code


def test_after_ten_wrong_passwords_none_is_looked_at(client, ada_with_password, monkeypatch):
    assert [tries(client) for _ in range(11)] == [200] * 10 + [429]
    monkeypatch.setattr("django.contrib.auth.forms.authenticate", pytest.fail)
    answer = client.post("/sign-in/", {"username": "ADA", "password": PASSWORD})
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "900")
    assert b"Wait 15 minutes" in answer.content


def test_who_guesses_elsewhere_locks_nobody_out(client, ada_with_password):
    for _ in range(20):
        tries(client, REMOTE_ADDR="192.0.2.1")
    assert tries(client, password=PASSWORD, REMOTE_ADDR="192.0.2.2") == 302


def test_one_address_cannot_try_many_names(client, db):
    answers = [tries(client, f"user{n}") for n in range(51)]
    assert answers == [200] * 50 + [429]


def test_many_addresses_cannot_try_one_name(client, db):
    answers = [tries(client, REMOTE_ADDR=f"192.0.2.{n}") for n in range(101)]
    assert answers == [200] * 100 + [429]


def test_a_sign_in_forgets_what_was_mistyped(client, ada_with_password):
    for _ in range(3):
        assert [tries(client) for _ in range(9)] == [200] * 9
        assert tries(client, password=PASSWORD) == 302
        client.logout()


def test_nobody_is_locked_out_for_longer_than_promised(client, ada_with_password):
    for _ in range(11):
        tries(client)
    SignInAttempt.objects.update(at=Now() - COUNTED)
    assert tries(client, password=PASSWORD) == 302
    assert not SignInAttempt.objects.exists()


def test_only_a_trusted_proxy_says_who_asks(rf, settings):
    request = rf.get("/", HTTP_X_FORWARDED_FOR="198.51.100.9, 203.0.113.5")
    assert address_of(request) == "127.0.0.1"
    settings.SNNLAB_BEHIND_PROXY = True
    assert address_of(request) == "203.0.113.5"


def test_the_administration_has_no_door_of_its_own(client, member):
    assert member.get("/admin/login/").status_code == 403
    assert member.post("/admin/login/").status_code == 405
    member.logout()
    assert member.get("/admin/", follow=True).request["PATH_INFO"] == "/sign-in/"
    assert "next=/admin/" in member.get("/admin/login/?next=/admin/").headers["Location"]
