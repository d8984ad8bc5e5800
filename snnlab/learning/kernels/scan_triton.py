"""Triton's source of the scan; cuda.py says when it is used, loop.py what it computes.

Shapes are numbered as in kernels.cpu.SHAPES.
"""

import triton
import triton.language as tl


@triton.jit
def forward(
    given, out, kept, steps, neurons, stride, alpha, threshold, v_reset, v_initial,
    HARD: tl.constexpr, KEEP: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < neurons
    v = tl.zeros((BLOCK,), tl.float32) + v_initial
    for _ in range(steps):
        h = alpha * v + tl.load(given + at, mask=inside, other=0.0)
        s = tl.where(h >= threshold, 1.0, 0.0)
        if KEEP:
            tl.store(kept + at, h, mask=inside)
        tl.store(out + at, s, mask=inside)
        v = tl.where(h >= threshold, v_reset, h) if HARD else h - threshold * s
        given += stride
        kept += neurons
        out += neurons


@triton.jit
def slope_at(z, SHAPE: tl.constexpr):
    size = tl.abs(z)
    if SHAPE == 0:
        y = tl.where(size < 0.5, 1.0, 0.0)
    elif SHAPE == 1:
        y = tl.maximum(1.0 - size, 0.0)
    elif SHAPE == 2:
        y = 1.0 / ((1.0 + size) * (1.0 + size))
    else:
        y = 1.0 / (1.0 + z * z)
    return y


@triton.jit
def backward(
    given, kept, out, steps, neurons, stride, alpha, threshold, v_reset, v_initial, width, height,
    SHAPE: tl.constexpr, HARD: tl.constexpr, DETACHED: tl.constexpr, TOTAL: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    # `given` and `kept` point to the last step
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < neurons
    g = tl.zeros((BLOCK,), tl.float32)
    total = tl.zeros((BLOCK,), tl.float32)
    for _ in range(steps):
        h = tl.load(kept + at, mask=inside, other=0.0)
        slope = slope_at((h - threshold) / width, SHAPE) * height
        if HARD:
            through = tl.where(h < threshold, 1.0, 0.0)
            if not DETACHED:
                through += slope * (v_reset - h)
            g *= through
        elif not DETACHED:
            g -= threshold * g * slope
        g = alpha * g + tl.load(given + at, mask=inside, other=0.0) * slope
        if TOTAL:
            total += g
        else:
            tl.store(kept + at, g, mask=inside)
        given -= stride
        kept -= neurons
    if TOTAL:
        tl.store(out + at, total, mask=inside)
