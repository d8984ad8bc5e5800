import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from snnlab.client.address import Address, choose, hosts_to_allow
from snnlab.embedded.process import EmbeddedError


@pytest.fixture
def taken():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_that_was_asked_for_is_refused(taken):
    with pytest.raises(EmbeddedError, match=rf"port {taken} .* in use.*--port"):
        choose("127.0.0.1", taken)


def test_a_taken_port_that_was_not_asked_for_is_passed_over(taken, monkeypatch):
    monkeypatch.setattr("snnlab.client.address.FIRST_PORT", taken)
    assert choose("127.0.0.1", None).port > taken


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(EmbeddedError, match=r"cannot listen on 192\.0\.2\.7"):
        choose("192.0.2.7", 8000)


def test_an_address_for_everybody_is_shown_as_this_machine():
    assert Address("0.0.0.0", 8000).url == "http://127.0.0.1:8000/"
    assert Address("::", 8000).url == "http://[::1]:8000/"
    assert Address("::1", 8000).listen == "[::1]:8000"


def test_the_address_itself_is_allowed(monkeypatch):
    monkeypatch.delenv("ALLOWED_HOSTS", raising=False)
    assert hosts_to_allow(Address("192.0.2.7", 80), ["localhost"]) == ["localhost", "192.0.2.7"]


def test_hosts_that_were_chosen_stay(monkeypatch):
    monkeypatch.setenv("ALLOWED_HOSTS", "lab.example.org")
    hosts = ["lab.example.org"]
    assert hosts_to_allow(Address("0.0.0.0", 80), hosts) == hosts


def test_nobody_answers_on_a_free_port():
    assert not choose("127.0.0.1", None).healthy("localhost")


def test_a_whole_domain_that_is_allowed_is_asked_for_by_its_name():
    asked = []

    class Healthz(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.headers["Host"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Healthz) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        assert Address("127.0.0.1", server.server_port).healthy(".example.org")
    assert asked == ["example.org"]
