import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from snnlab.client.trouble import Code
from tests.client.typed import TINY, snnlab, started


def test_run_trains_and_explains_its_numbers(tiny: Path) -> None:
    result = snnlab("run", tiny, "--threads", 1)
    assert result.exit_code == Code.OK, result.stderr
    assert "epoch 2/2" in result.stderr
    assert "test images classified correctly, once, at the end" in result.stdout
    assert "firing_rate/fc1" in result.stdout


def test_json_is_one_document_and_progress_goes_elsewhere(tiny: Path) -> None:
    result = snnlab("run", tiny, "--threads", 1, "--seed", 3, "--json")
    answer = json.loads(result.stdout)
    assert answer["seed"] == 3
    assert [epoch["epoch"] for epoch in answer["epochs"]] == [1, 2]
    assert 0 <= answer["results"]["test_accuracy"] <= 100
    assert answer["definition"]["network"]["hidden"] == [32]
    assert answer["data"]["caveat"].startswith("5,000-image sample")
    assert len(answer["data"]["sha256"]) == 64
    assert "epoch 2/2" in result.stderr


def test_a_definition_may_come_from_standard_input_or_be_json(tiny: Path, tmp_path: Path) -> None:
    shown = json.loads(snnlab("run", tiny, "--threads", 1, "--json").stdout)
    as_json = tmp_path / "tiny.json"
    as_json.write_text(json.dumps(shown["definition"]))
    again = json.loads(snnlab("run", as_json, "--threads", 1, "--json").stdout)
    assert again["weights_sha256"] == shown["weights_sha256"]
    assert shown["digest"] in snnlab("spec", "check", "-", stdin=TINY).stdout


def test_a_field_can_be_set(tiny: Path) -> None:
    sets = ("--set", "epochs=1", "--set", "neuron.kind=if", "--set", "neuron.surrogate=gaussian")
    result = snnlab("run", tiny, "--threads", 1, "--json", *sets)
    definition = json.loads(result.stdout)["definition"]
    assert (definition["epochs"], definition["neuron"]["kind"]) == (1, "if")
    assert definition["neuron"]["surrogate"] == "gaussian"
    assert "tau" not in definition["neuron"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("neuron.tau", "--set neuron.tau names no value"),
        ("neuron.tua=5", "neuron.tua"),
        ("neuron.tau=-5", "neuron.tau: must be greater than 0"),
        ("epochs.many=5", "epochs has no fields"),
        ("rule.kind=magic", "rule.kind"),
    ],
)
def test_what_cannot_be_set_is_refused(tiny: Path, change: str, message: str) -> None:
    result = snnlab("run", tiny, "--set", change)
    assert result.exit_code == Code.WRONG
    assert message in result.stderr


def test_resumed_equals_uninterrupted(tiny: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.safetensors"
    whole = json.loads(snnlab("run", tiny, "--threads", 1, "--json").stdout)
    stop_after_one_epoch(tiny, kept)
    resumed = snnlab("run", tiny, "--resume", kept, "--save", kept, "--json")
    answer = json.loads(resumed.stdout)
    assert [epoch["epoch"] for epoch in answer["epochs"]] == [2]
    assert answer["weights_sha256"] == whole["weights_sha256"]
    finished = json.loads(snnlab("run", tiny, "--resume", kept, "--json").stdout)
    assert finished["weights_sha256"] == whole["weights_sha256"]
    assert finished["epochs"] == []


def stop_after_one_epoch(tiny: Path, kept: Path) -> None:
    from snnlab.client.training import Training
    from snnlab.learning.checkpoint import Checkpoint
    from snnlab.learning.spec import Spec

    training = Training(Spec.from_toml(tiny.read_text()), 1, save=kept)
    next(item for item in training.items() if isinstance(item, Checkpoint))


@pytest.mark.parametrize(
    ("change", "words", "code"),
    [
        ("seed", "with seed 1, not 2", Code.WRONG),
        ("definition", "Resume with the definition that was interrupted", Code.WRONG),
        ("file", "is no checkpoint", Code.FAILED),
        ("nowhere", "nowhere: there is no such checkpoint", Code.NOT_FOUND),
    ],
)
def test_resume_refuses_what_does_not_belong(tiny, tmp_path, change, words, code) -> None:
    kept = tmp_path / "kept.safetensors"
    stop_after_one_epoch(tiny, kept)
    seed = ["--seed", 2] if change == "seed" else []
    if change == "definition":
        tiny.write_text(TINY.replace("epochs = 2", "epochs = 3"))
    if change == "file":
        kept.write_bytes(b"not a checkpoint")
    if change == "nowhere":
        kept = tmp_path / "nowhere"
    result = snnlab("run", tiny, "--resume", kept, *seed)
    assert words in result.stderr
    assert result.exit_code == code


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epochs = ", "is no valid TOML"),
        (TINY.replace("time_steps = 2", "time_steps = 0"), "time_steps: must be at least 1, got 0"),
        (TINY.replace("epochs", "epoch"), "Did you mean 'epochs'?"),
        (TINY.replace('"lif"', '"liff"'), "Did you mean 'lif'?"),
        (TINY.replace("[32]", "[1000000, 1000000]"), "must have at most 200,000,000 weights"),
        (TINY + "[optimizer]\nkind = 'adam'\nlr = -1.0", "optimizer.lr: must be greater than 0"),
        ("#" * 1_000_001, "larger than 1,000,000 bytes"),
    ],
)
def test_a_bad_definition_is_refused_in_words(tiny: Path, text: str, words: str) -> None:
    tiny.write_text(text)
    result = snnlab("run", tiny)
    assert words in result.stderr
    assert (result.exit_code, result.stdout) == (Code.WRONG, "")


def test_a_problem_in_json_says_place_rule_value_and_way_out(tiny: Path) -> None:
    tiny.write_text(TINY.replace('"lif"', '"liff"'))
    error = json.loads(snnlab("run", tiny, "--json").stdout)["error"]
    [problem] = error["problems"]
    assert problem.pop("rule").startswith("must be one of ")
    assert problem == {
        "place": "neuron.kind",
        "value": "liff",
        "way_out": "Did you mean 'lif'?",
    }


def test_a_file_that_is_not_there_suggests_a_preset() -> None:
    result = snnlab("run", "mnist-sampel")
    assert (result.exit_code, "Did you mean mnist-sample?" in result.stderr) == (4, True)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe\x00")
    assert "is no text" in snnlab("run", tmp_path / "a.toml").stderr
    assert snnlab("run", tmp_path).exit_code == Code.WRONG


def test_a_data_set_that_cannot_be_had_is_named(tiny, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("snnlab.learning.files.cache", lambda: tmp_path / "cache")
    monkeypatch.setattr("pooch.retrieve", no_network)
    tiny.write_text(TINY.replace("mnist-5k", "mnist"))
    result = snnlab("run", tiny, SNNLAB_DATA_DIR=str(tmp_path))
    assert result.exit_code == Code.FAILED
    assert "is neither in SNNLAB_DATA_DIR nor in" in result.stderr


def no_network(*_: object, **__: object) -> None:
    raise ConnectionError


def test_a_device_that_is_not_there_is_named(tiny: Path) -> None:
    result = snnlab("run", tiny, "--device", "toaster")
    assert (result.exit_code, "no device toaster" in result.stderr) == (Code.WRONG, True)


def test_a_place_where_nothing_can_be_saved_is_refused_before_training(tiny, tmp_path) -> None:
    result = snnlab("run", tiny, "--save", tmp_path / "no" / "where")
    assert (result.exit_code, "no such folder" in result.stderr) == (Code.WRONG, True)


def test_a_full_disk_is_told_in_words(tiny: Path, tmp_path: Path) -> None:
    program = "import resource, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000));"
    program += "runpy.run_module('snnlab.client')"
    result = subprocess.run(
        [sys.executable, "-c", program, "run", tiny, "--save", tmp_path / "kept"],
        capture_output=True,
        text=True,
    )
    assert result.returncode == Code.FAILED
    assert f"epoch 1 cannot be saved to {tmp_path / 'kept'}" in result.stderr
    assert "Traceback" not in result.stderr


def test_too_little_memory_is_told_in_words(tiny: Path, monkeypatch) -> None:
    def greedy(*_: object, **__: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 1 TB")

    monkeypatch.setattr("snnlab.client.training.work", greedy)
    result = snnlab("run", tiny, "--json")
    assert json.loads(result.stdout)["error"]["reason"] == "oom"
    assert result.exit_code == Code.FAILED


def test_a_dead_network_is_called_dead(tiny: Path) -> None:
    tiny.write_text(TINY.replace('"lif"', '"lif"\nv_threshold = 1000.0'))
    result = snnlab("run", tiny, "--threads", 1)
    assert result.exit_code == Code.OK
    assert "Warning: layer fc1 is dead" in result.stderr


def test_ctrl_c_keeps_the_last_epoch_and_says_how_to_go_on(tiny: Path, tmp_path: Path) -> None:
    tiny.write_text(TINY.replace("epochs = 2", "epochs = 1000"))
    kept = tmp_path / "kept"
    process = started("run", tiny, "--threads", 1, "--save", kept)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("epoch    1/1000")
    process.send_signal(signal.SIGINT)
    complaint = process.communicate(timeout=30)[1]
    assert process.returncode == Code.INTERRUPTED
    assert f"To go on: snnlab run {tiny} --resume {kept} --save {kept}" in complaint
    assert "Traceback" not in complaint
