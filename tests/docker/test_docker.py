"""No docker runs here: what can be said about its files without it."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.docker.yaml import parse
from tests.test_settings import variables


FOLDER = Path(__file__).parents[2] / "docker"
COMPOSE = (FOLDER / "compose.yaml").read_text()
SERVICES = parse(COMPOSE)["services"]
OURS = {"prepare", "web", "worker", "worker-gpu", "beat"}
DOCKERFILE = (FOLDER / "Dockerfile").read_text()
FOREIGN = {"XDG_CACHE_HOME"}  # read by platformdirs


def test_every_process_has_a_service():
    assert set(SERVICES) == OURS | {"postgres", "valkey"}


@pytest.mark.parametrize("name", sorted(OURS))
def test_the_command_of_a_service_exists(name):
    python, flag, module, *rest = SERVICES[name]["command"]
    assert (python, flag) == ("python", "-m")
    assert find_spec(module)
    for named in ("snnlab.celery", "snnlab.wsgi", "python:snnlab.client.gunicorn"):
        if named in rest:
            assert find_spec(named.removeprefix("python:"))


@pytest.mark.parametrize("name", sorted(OURS))
def test_settings_read_what_a_service_is_told(name):
    assert set(SERVICES[name]["environment"]) - FOREIGN <= variables()


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_service_may_do_little(name):
    service = SERVICES[name]
    assert service["read_only"] == "true"
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_no_secret_has_a_default():
    used = set(re.findall(r"\$\{(\w+)(?::\?[^}]*)?\}", COMPOSE))
    assert used == set(re.findall(r"\$\{(\w+):\?", COMPOSE))
    example = (FOLDER / ".env.example").read_text()
    assert used == set(re.findall(r"^(\w+)=$", example, re.MULTILINE))
    assert not re.search(r"^\w+=.+$", example, re.MULTILINE)


def test_only_the_web_server_is_reached_from_outside():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["web"]
    assert SERVICES["web"]["ports"] == ["127.0.0.1:8000:8000"]


def test_what_the_web_server_fetches_every_worker_finds():
    outside = [name for name, service in SERVICES.items() if "outside" in service["networks"]]
    assert outside == ["web"]
    for name in OURS:
        assert SERVICES[name]["volumes"] == ["data:/data"]
        assert SERVICES[name]["environment"]["XDG_CACHE_HOME"].startswith("/data/")


def test_servers_tell_their_health():
    assert all("healthcheck" in SERVICES[name] for name in ("postgres", "valkey", "web"))


def test_gpus_are_asked_for_only_with_their_profile():
    assert SERVICES["worker-gpu"]["profiles"] == ["gpu"]
    assert not any("profiles" in SERVICES[name] for name in OURS - {"worker-gpu"})


def test_the_image_does_not_run_as_root():
    users = re.findall(r"^USER (\w+)$", DOCKERFILE, re.MULTILINE)
    assert users
    assert users[-1] != "root"


def test_the_image_installs_by_hash():
    assert "--require-hashes --no-deps -r requirements.lock" in DOCKERFILE


def test_what_is_no_yaml_we_know_is_refused():
    with pytest.raises(ValueError, match=r"not understood"):
        parse("- a list\n")
