import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest


SCRIPT = Path(__file__).parents[2] / "tools" / "bootstrap.py"


@pytest.fixture
def bootstrap(tmp_path, monkeypatch):
    """The script on a folder of its own, on a machine without a GPU."""
    spec = spec_from_file_location("bootstrap", SCRIPT)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\n[tool.ruff]\nline-length = 1\n'
    )
    (tmp_path / "requirements.lock").write_text("a==1 \\\n    --hash=sha256:00\nb==2\n# c==3\n")
    venv = tmp_path / ".venv"
    venv.mkdir()
    places = {"ROOT": tmp_path, "VENV": venv, "STAMP": venv / "snnlab.stamp"}
    for name, place in {**places, "LOCK": tmp_path / "requirements.lock"}.items():
        monkeypatch.setattr(module, name, place)
    monkeypatch.delenv("SNNLAB_TORCH", raising=False)
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    monkeypatch.setattr(module.platform, "system", lambda: "Linux")
    monkeypatch.setattr(module.platform, "machine", lambda: "x86_64")
    return module


def offer(*found):
    """Answers the questions what pip offers, one after the other."""
    answers = iter(found)
    return lambda *options: next(answers)


def test_a_cpu_build_that_pip_offers_is_taken(bootstrap, monkeypatch):
    monkeypatch.setattr(bootstrap, "offered", offer({"2.13.0+cpu", "2.13.0"}))
    assert bootstrap.choose_torch() == ["torch==2.13.0+cpu"]


def test_else_the_official_cpu_build_is_taken(bootstrap, monkeypatch):
    monkeypatch.setattr(bootstrap, "offered", offer({"2.13.0"}, {"2.13.0+cpu"}))
    assert bootstrap.choose_torch()[:2] == ["torch==2.13.0+cpu", "--extra-index-url"]


def test_no_gigabytes_by_surprise(bootstrap, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap, "offered", offer({"2.13.0"}, set()))
    with pytest.raises(SystemExit) as ended:
        bootstrap.choose_torch()
    assert ended.value.code == 2
    assert "SNNLAB_TORCH=cuda" in capsys.readouterr().err


def test_cuda_can_be_asked_for(bootstrap, monkeypatch):
    monkeypatch.setenv("SNNLAB_TORCH", "cuda")
    assert bootstrap.choose_torch() == ["torch==2.13.0"]


def test_another_build_can_be_named(bootstrap, monkeypatch):
    monkeypatch.setenv("SNNLAB_TORCH", "torch==2.14.1+rocm")
    assert bootstrap.choose_torch() == ["torch==2.14.1+rocm"]


def test_a_gpu_gets_cuda(bootstrap, monkeypatch):
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    assert bootstrap.choose_torch() == ["torch==2.13.0"]


def test_dependencies_of_torch_keep_the_locked_versions(bootstrap):
    assert bootstrap.locked_versions() == ["a==1", "b==2"]


def test_a_half_made_environment_is_not_used(bootstrap):
    assert not bootstrap.fresh()


def test_a_ready_environment_is_kept_until_its_lock_changes(bootstrap):
    bootstrap.STAMP.write_text(bootstrap.wanted())
    assert bootstrap.fresh()
    bootstrap.LOCK.write_text("a==2\n")
    assert not bootstrap.fresh()


def test_a_change_of_style_rules_rebuilds_nothing(bootstrap):
    bootstrap.STAMP.write_text(bootstrap.wanted())
    project = bootstrap.ROOT / "pyproject.toml"
    project.write_text(project.read_text().replace("line-length = 1", "line-length = 2"))
    assert bootstrap.fresh()


def test_an_old_python_is_told_what_to_do(bootstrap, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit):
        bootstrap.main()
    assert "make PYTHON=" in capsys.readouterr().err


def test_a_second_call_takes_no_time(bootstrap, monkeypatch):
    bootstrap.STAMP.write_text(bootstrap.wanted())
    for name in ("run", "Popen"):
        monkeypatch.setattr(
            bootstrap.subprocess, name, lambda *words, **how: pytest.fail(f"{words}")
        )
    bootstrap.main()


def test_the_script_needs_nothing_but_python():
    code = f"import sys, runpy; runpy.run_path({str(SCRIPT)!r})"
    assert subprocess.run([sys.executable, "-I", "-S", "-c", code]).returncode == 0
