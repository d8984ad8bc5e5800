import json
from pathlib import Path

from snnlab.client.trouble import Code
from snnlab.learning.presets import presets
from tests.client.typed import TINY, snnlab


def test_check_names_every_problem_at_once(tiny: Path) -> None:
    tiny.write_text(TINY.replace("hidden", "hiden").replace("time_steps = 2", "time_steps = 0"))
    result = snnlab("spec", "check", tiny)
    assert result.exit_code == Code.WRONG
    assert f"{tiny}: 2 problems" in result.stderr
    assert "network.hiden: is not a known field" in result.stderr
    assert "time_steps: must be at least 1, got 0" in result.stderr


def test_check_gives_the_digest_of_a_valid_definition(tiny: Path) -> None:
    answer = json.loads(snnlab("spec", "check", tiny, "--json").stdout)
    assert answer["digest"] in snnlab("spec", "check", tiny).stdout
    assert answer["parameters"] == 28 * 28 * 32 + 2 * 32 + 32 * 10 + 10


def test_schema_names_every_part() -> None:
    schema = json.loads(snnlab("spec", "schema").stdout)
    assert {"LIF", "MLP", "BPTT", "Adam"} <= set(schema["$defs"])


def test_every_preset_is_listed_and_valid() -> None:
    listed = json.loads(snnlab("spec", "presets", "--json").stdout)
    assert [preset["name"] for preset in listed] == list(presets())
    for preset in listed:
        assert preset["title"] in snnlab("spec", "presets").stdout
        assert snnlab("spec", "check", preset["name"]).exit_code == Code.OK


def test_show_prints_a_definition_that_means_the_same(tmp_path: Path) -> None:
    full = tmp_path / "full.toml"
    full.write_text(snnlab("spec", "show", "mnist-sample", "--full").stdout)
    assert "surrogate_width" in full.read_text()
    assert snnlab("spec", "show", "mnist-sample").stdout == presets()["mnist-sample"].text
    digests = {
        json.loads(snnlab("spec", "check", name, "--json").stdout)["digest"]
        for name in (full, "mnist-sample")
    }
    assert len(digests) == 1
