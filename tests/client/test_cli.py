import json
import subprocess
import sys
from importlib import import_module

import click
import pytest

from snnlab.client import cli
from snnlab.client.trouble import Code
from tests.client.typed import snnlab, started


def test_help_lists_every_command_and_every_exit_code() -> None:
    text = snnlab("--help").stdout
    assert all(name in text for name in cli.COMMANDS)
    assert all(f"  {int(code)} " in text for code in Code)


HEAVY = """
import sys
from snnlab.client.cli import main
try:
    main(sys.argv[1:])
finally:
    loaded = {"torch", "dash", "django"} & set(sys.modules)
    print("loaded:", *sorted(loaded))
"""


@pytest.mark.parametrize(
    ("arguments", "loaded"),
    [(["--help"], ""), (["ls"], "django"), (["spec", "presets"], "")],
)
def test_a_command_imports_no_more_than_it_needs(arguments, loaded, tmp_path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", HEAVY, *arguments],
        capture_output=True,
        text=True,
        env={"SNNLAB_HOME": str(tmp_path / "home"), "PATH": ""},
    )
    assert result.stdout.splitlines()[-1] == f"loaded: {loaded}".strip()


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    module, _, attribute = cli.COMMANDS[name].place.partition(":")
    command = getattr(import_module(f"snnlab.client.{module}"), attribute)
    assert isinstance(command, click.Command)
    assert snnlab(name, "--help").exit_code == 0
    for option in command.params:
        assert isinstance(option, click.Argument) or option.help or option.show_default


def test_an_unknown_command_is_wrong_usage() -> None:
    result = snnlab("trian")
    assert (result.exit_code, "No such command 'trian'" in result.stderr) == (Code.WRONG, True)


def test_once_without_demo_is_refused() -> None:
    assert snnlab("up", "--once").exit_code == Code.WRONG


def test_wrong_usage_with_json_is_a_json_document_too() -> None:
    result = snnlab("run", "--json", "--seed", "many", "mnist-sample")
    assert json.loads(result.stdout)["error"]["code"] == Code.WRONG == result.exit_code


def test_a_lab_that_is_not_up_is_named(tmp_path) -> None:
    process = started("ls", SNNLAB_HOME=str(tmp_path / "home"), DATABASE_URL="", SNNLAB_USER="")
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == Code.NOT_UP
    assert complaint.startswith(f"snnlab is not up on {tmp_path / 'home'}: run `snnlab up`")
    assert "Traceback" not in complaint


def test_a_database_that_does_not_answer_is_named_without_its_password(tmp_path) -> None:
    process = started(
        "ls",
        "--json",
        SNNLAB_HOME=str(tmp_path),
        DATABASE_URL="postgres://lab:secret@127.0.0.1:9/lab",
    )
    output, complaint = process.communicate(timeout=60)
    assert process.returncode == Code.NOT_UP == json.loads(output)["error"]["code"]
    assert "127.0.0.1:9/lab does not answer" in complaint
    assert "secret" not in output + complaint


def test_a_data_folder_without_rights_is_told_in_words(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    process = started("ls", SNNLAB_HOME=str(tmp_path / "file" / "home"), DATABASE_URL="")
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == Code.WRONG
    assert "set SNNLAB_HOME to another one" in complaint
    assert "Traceback" not in complaint
