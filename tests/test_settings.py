import ast
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest


ROOT = Path(__file__).parents[1]
SETTINGS = ROOT / "snnlab" / "settings.py"
TEAM = {
    "SNNLAB_PRODUCTION": "1",
    "SECRET_KEY": secrets.token_urlsafe(60),
    "ALLOWED_HOSTS": "lab.example.org",
}


def manage(home: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`manage.py` with nothing but these variables."""
    clean = {"PATH": os.environ["PATH"], "SNNLAB_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=clean | environment,
        capture_output=True,
        text=True,
    )


def test_a_team_server_passes_every_check(tmp_path):
    result = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", **TEAM)
    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY must be set"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY must be set"),
        ({"SECRET_KEY": "django-insecure-" + "x" * 60}, "SECRET_KEY must be set"),
        ({"SECRET_KEY": "change-me-" * 9}, "SECRET_KEY must be set"),
        ({"SECRET_KEY": "0" * 60}, "SECRET_KEY must be set"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS must name"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS must name"),
        ({"DEBUG": "1"}, "DEBUG must be off"),
    ],
)
def test_a_team_server_does_not_start_half_safe(tmp_path, change, rule):
    result = manage(tmp_path, "check", **TEAM | change)
    assert result.returncode != 0
    assert rule in result.stderr


def read(home: Path, *names: str, **environment: str) -> list[str]:
    """Settings as a process of its own reads them."""
    code = f"from django.conf import settings as s; [print(getattr(s, n, None)) for n in {names}]"
    clean = {"PATH": os.environ["PATH"], "SNNLAB_HOME": str(home)}
    clean["DJANGO_SETTINGS_MODULE"] = "snnlab.settings"
    command = [sys.executable, "-c", code]
    result = subprocess.run(
        command, cwd=ROOT, env=clean | environment, capture_output=True, text=True, check=True
    )
    return result.stdout.splitlines()


def test_reading_settings_starts_nothing_and_writes_only_the_key(tmp_path):
    home = tmp_path / "home"
    first = read(home, "SECRET_KEY")
    assert [path.name for path in home.iterdir()] == ["secret_key"]
    assert (home / "secret_key").stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700
    assert read(home, "SECRET_KEY") == first


def test_reading_settings_sets_no_variable_for_children(tmp_path):
    code = (
        "import os; before = dict(os.environ); import django; django.setup();"
        "print([name for name in os.environ if name[:6] == 'SNNLAB' and name not in before])"
    )
    clean = {"PATH": os.environ["PATH"], "SNNLAB_HOME": str(tmp_path)}
    clean["DJANGO_SETTINGS_MODULE"] = "snnlab.settings"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=clean, capture_output=True, text=True
    )
    assert result.stdout.strip() == "[]", result.stderr


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("SNNLAB_SLOTS", "0", "must be a whole number, at least 1, got '0'"),
        ("SNNLAB_SLOTS", "abc", "must be a whole number, at least 1, got 'abc'"),
        ("SNNLAB_THREADS", "-2", "must be a whole number, at least 1, got '-2'"),
        ("SNNLAB_WEB_WORKERS", "many", "must be a whole number, at least 1, got 'many'"),
        ("SNNLAB_LABELS", "chip-2,A100", "must be words of at most 40 small letters, digits"),
        ("SNNLAB_POOLS", "c" * 21, "must be words of at most 20 small letters, digits"),
        ("SNNLAB_POLL", "0", "must be a number of seconds, at least 0.01, got '0'"),
        ("SNNLAB_STALL", "nan", "must be a number of seconds, at least 0.01, got 'nan'"),
        ("SNNLAB_WALL", "1 week", "must be a number of seconds, at least 0.01, got '1 week'"),
        ("SNNLAB_PRODUCTION", "ture", "must be 1 or 0, got 'ture'"),
        ("LOG_LEVEL", "loud", "must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL, got 'loud'"),
        ("SNNLAB_FENCE", "100", "SNNLAB_FENCE < SNNLAB_LEASE must hold"),
        ("DATABASE_URL", "garbage", "must look like postgres://"),
        ("DATABASE_URL", "mysql://lab:hidden@db/lab", "must look like postgres://"),
        ("DATABASE_URL", "postgres://lab:hidden@db:port/lab", "must look like postgres://"),
        ("DATABASE_URL", "postgres://", "must look like postgres://"),
        ("BROKER_URL", "valkey.sock", "must look like redis://"),
        ("BROKER_URL", "kafka://lab:hidden@broker", "must look like redis://"),
    ],
)
def test_a_setting_that_cannot_be_read_is_refused_in_words(tmp_path, name, value, rule):
    result = manage(tmp_path, "check", **{name: value})
    *_, said = result.stderr.splitlines()
    assert result.returncode != 0
    assert name in said
    assert rule in said
    assert "hidden" not in result.stderr


def test_a_setting_that_is_empty_is_not_set(tmp_path):
    names = ("SNNLAB_SLOTS", "SNNLAB_LEASE", "DEBUG", "SNNLAB_POOLS")
    assert read(tmp_path, *names, **dict.fromkeys(names, "")) == ["1", "60.0", "False", "['cpu']"]


def test_a_key_that_a_crash_cut_off_is_refused(tmp_path):
    (tmp_path / "secret_key").touch()
    result = manage(tmp_path, "check")
    assert "secret_key holds no key. Delete it" in result.stderr


def test_each_data_folder_has_a_key_of_its_own(tmp_path):
    assert read(tmp_path / "a", "SECRET_KEY") != read(tmp_path / "b", "SECRET_KEY")


def test_a_folder_without_rights_is_told_with_the_way_out(tmp_path):
    (tmp_path / "file").touch()
    result = manage(tmp_path / "file" / "home", "check")
    assert result.returncode != 0
    assert "set SNNLAB_HOME to another one" in result.stderr


def test_only_this_machine_may_ask_by_default(tmp_path):
    hosts, debug = read(tmp_path, "ALLOWED_HOSTS", "DEBUG")
    assert hosts == "['localhost', '127.0.0.1', '[::1]']"
    assert debug == "False"


def test_servers_can_be_replaced(tmp_path):
    url = {"DATABASE_URL": "postgres://u:p@db:5432/lab", "BROKER_URL": "redis://broker:6379/0"}
    databases, broker = read(tmp_path, "DATABASES", "CELERY_BROKER_URL", **url)
    assert "'HOST': 'db'" in databases
    assert broker == url["BROKER_URL"]


def test_the_embedded_servers_are_asked_over_sockets(tmp_path):
    databases, broker = read(tmp_path, "DATABASES", "CELERY_BROKER_URL")
    assert f"'HOST': '{tmp_path}/sock'" in databases
    assert broker == f"redis+socket://{tmp_path}/sock/valkey.sock"


def test_https_secures_cookies(tmp_path):
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT")
    assert read(tmp_path, *names, SNNLAB_HTTPS="1") == ["True"] * 3


def test_scripts_may_not_be_inline_or_evaluated(settings):
    scripts = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]["script-src"]
    assert not {"'unsafe-inline'", "'unsafe-eval'"} & {str(source) for source in scripts}


def test_no_message_carries_a_run(settings):
    assert not settings.CELERY_TASK_ACKS_LATE
    assert settings.CELERY_RESULT_BACKEND is None
    assert not settings.CELERY_TASK_CREATE_MISSING_QUEUES


def variables() -> set[str]:
    """Every variable that the settings read."""
    tree = ast.parse(SETTINGS.read_text())
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    named = (call for call in calls if re.fullmatch(r"env(\.\w+)?", ast.unparse(call.func)))
    first = (call.args[0] for call in named if call.args)
    return {argument.value for argument in first if isinstance(argument, ast.Constant)}


def test_every_variable_is_documented():
    text = (ROOT / "docs" / "settings.md").read_text()
    assert len(variables()) > 20
    assert not {name for name in variables() if f"`{name}`" not in text}
