"""A kernel must give the bits of the loop, so that no result depends on whether it was there."""

import subprocess
from itertools import product

import pytest
import torch
from torch.nn.functional import max_pool2d

from snnlab.learning import loop
from snnlab.learning.kernels import build, cpu
from snnlab.learning.machine import environment
from snnlab.learning.scan import can_pool, empty_steps, scan
from snnlab.learning.surrogates import SHAPES, Surrogate


needs_kernel = pytest.mark.skipif(not cpu.kernel(), reason="no C compiler here")
MODES = list(cpu.modes())
SOME = MODES[::5]  # each of the resets, with changing shapes
SMOOTH = MODES[0]._replace(surrogate=Surrogate("gaussian"))


def drawn(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(3)) + 0.5


def images(*shape):
    """Channels-last, as convolutions leave them."""
    return drawn(*shape).flatten(0, 1).to(memory_format=torch.channels_last).view(shape)


def results(current, dynamics, steps, errors, *, overwrite=False, pool=False):
    """Spikes and gradient, through the graph."""
    x = current.detach().clone(memory_format=torch.preserve_format).requires_grad_()
    fresh = x.mul(1.0)
    spikes = scan(fresh, dynamics, steps, overwrite=overwrite, pool=pool)
    return spikes.detach(), *torch.autograd.grad(spikes, x, errors)


def by_loop(monkeypatch, *arguments, **options):
    with monkeypatch.context() as patch:
        patch.setattr(cpu, "takes", lambda _: False)
        return results(*arguments, **options)


def equal_bits(mine, theirs):
    return all(
        torch.equal(a, b) and torch.equal(a.signbit(), b.signbit())
        for a, b in zip(mine, theirs, strict=True)
    )


@needs_kernel
@pytest.mark.parametrize("dynamics", [*MODES, SMOOTH], ids=str)
def test_every_mode_gives_the_bits_of_the_loop(dynamics, monkeypatch):
    case = (drawn(7, 3, 1111), dynamics, 7, drawn(7, 3, 1111))
    mine = results(*case)
    assert 0.05 < mine[0].mean() < 0.95
    assert mine[1].any()
    assert equal_bits(mine, by_loop(monkeypatch, *case))


@needs_kernel
@pytest.mark.parametrize("dynamics", SOME, ids=str)
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_constant_current_gives_the_bits_of_the_loop(dynamics, overwrite, monkeypatch):
    case = (drawn(1, 3, 999), dynamics, 6, drawn(6, 3, 999))
    mine = results(*case, overwrite=overwrite)
    assert equal_bits(mine, by_loop(monkeypatch, *case))


ERRORS = {
    "of images": images(4, 2, 6, 5, 8),
    "channels first": drawn(4, 2, 6, 5, 8),
    "the same at every step": images(1, 2, 6, 5, 8).expand(4, 2, 6, 5, 8),
    "one number": torch.tensor(0.3).expand(4, 2, 6, 5, 8),
}


@needs_kernel
@pytest.mark.parametrize("layout", ["channels last", "channels first"])
@pytest.mark.parametrize("errors", ERRORS.values(), ids=ERRORS.keys())
def test_memory_may_lie_in_any_order(layout, errors, monkeypatch):
    currents = (images if layout == "channels last" else drawn)(4, 2, 6, 5, 8)
    mine = results(currents, MODES[0], 4, errors, overwrite=True)
    assert equal_bits(mine, by_loop(monkeypatch, currents, MODES[0], 4, errors))


@needs_kernel
def test_the_number_of_threads_changes_no_bit():
    case = (drawn(3, 100_003), MODES[9], 3, drawn(3, 100_003))
    before, found = torch.get_num_threads(), []
    for threads in 1, 2, 3:
        torch.set_num_threads(threads)
        found.append(results(*case))
    torch.set_num_threads(before)
    assert equal_bits(found[0], found[1])
    assert equal_bits(found[0], found[2])


@needs_kernel
@pytest.mark.parametrize("dynamics", MODES, ids=str)
@pytest.mark.parametrize(
    ("steps", "shape"), [(3, (2, 5, 6, 4)), (1, (1, 1, 2, 2)), (2, (3, 64, 16, 6))]
)
def test_scanning_and_pooling_at_once_is_scanning_then_pooling(dynamics, steps, shape, monkeypatch):
    """torch's gradient of a maximum goes to the first of several that are equal."""
    current = images(steps, *shape)
    errors = images(steps, *shape[:2], shape[2] // 2, shape[3] // 2)
    assert can_pool(current, dynamics)
    pooled, gradient = results(current, dynamics, steps, errors, pool=True)

    x = current.clone().requires_grad_()
    monkeypatch.setattr(cpu, "takes", lambda _: False)
    then = max_pool2d(scan(x, dynamics, steps).flatten(0, 1), 2).view(errors.shape)
    (expected,) = torch.autograd.grad(then, x, errors)
    assert equal_bits((pooled, gradient), (then.detach(), expected))


@needs_kernel
def test_what_cannot_be_pooled_at_once_is_told():
    steady = MODES[0]
    assert can_pool(images(2, 3, 4, 6, 8), steady)
    assert not can_pool(images(2, 3, 4, 6, 7), steady)  # odd
    assert not can_pool(drawn(2, 3, 4, 6, 8), steady)  # channels first
    assert not can_pool(images(2, 3, 4, 6, 8).double(), steady)
    assert not can_pool(images(1, 1, 1024, 2, 10), steady)  # too wide for the cache
    assert not can_pool(images(2, 3, 4, 6, 8), SMOOTH)


@needs_kernel
def test_the_kernel_leaves_holes_in_memory_alone():
    memory = torch.zeros(4, 6, 10)
    assert cpu.takes(memory)
    assert not cpu.takes(memory[:, :3])
    assert not cpu.takes(memory[::2])
    assert not cpu.takes(memory.double())
    assert not cpu.takes(memory[:, :0])


@pytest.fixture
def afresh():
    """The kernel is looked for again, now and after the test."""
    cpu.kernel.cache_clear()
    cpu.compiled.cache_clear()
    yield
    cpu.kernel.cache_clear()
    cpu.compiled.cache_clear()


def missing(*_, **__):
    raise FileNotFoundError("cc")


def broken(*_, **__):
    raise subprocess.CalledProcessError(1, "cc")


@pytest.mark.parametrize("failure", [missing, broken])
@pytest.mark.usefixtures("afresh")
def test_without_a_compiler_the_loop_computes(failure, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(build, "compiled", failure)
    assert cpu.kernel() is None
    assert "scan" not in environment("cpu")  # the bits do not depend on it
    current = drawn(3, 40)
    expected = loop.forward(current, MODES[0], empty_steps(current, 3), None)
    assert torch.equal(scan(current, MODES[0], 3), expected)


@pytest.mark.usefixtures("afresh")
def test_a_kernel_with_other_bits_is_not_used(monkeypatch):
    monkeypatch.setattr(cpu, "agrees", lambda dynamics: dynamics != MODES[-1])
    assert cpu.kernel() is None


@pytest.mark.usefixtures("afresh")
def test_kernels_can_be_turned_off(monkeypatch):
    monkeypatch.setenv("SNNLAB_KERNELS", "off")
    monkeypatch.setattr(build, "load", lambda: pytest.fail("compiled all the same"))
    assert cpu.kernel() is None


@needs_kernel
@pytest.mark.usefixtures("afresh")
def test_a_machine_compiles_once(monkeypatch):
    assert cpu.kernel()
    cpu.kernel.cache_clear()
    cpu.compiled.cache_clear()
    monkeypatch.setattr(build, "compile_to", lambda _: pytest.fail("compiled again"))
    assert cpu.kernel()


@needs_kernel
@pytest.mark.usefixtures("afresh")
def test_what_another_user_could_have_written_is_not_loaded(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "snnlab" / "kernels").mkdir(parents=True)
    (tmp_path / "snnlab" / "kernels").chmod(0o777)
    assert cpu.kernel() is None


@needs_kernel
@pytest.mark.usefixtures("afresh")
def test_half_a_library_is_compiled_again(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = tmp_path / "snnlab" / "kernels" / f"{build.name()}.so"
    place.parent.mkdir(parents=True, mode=0o700)
    place.write_bytes(b"torn")
    assert cpu.kernel()


def test_a_shape_without_exponential_function_has_a_kernel():
    assert set(SHAPES) - set(cpu.SHAPES) == {"sigmoid", "gaussian", "exponential"}


def test_self_tests_cover_every_reset():
    covered = {(d.hard, bool(d.v_reset), d.detach_reset) for d in MODES}
    assert covered == set(product((False, True), repeat=3))
