"""Tensors as plain bytes, in the safetensors format: a JSON header and raw numbers, no code.

Source: https://github.com/huggingface/safetensors, section "Format". The same tensors always give
the same bytes.
"""

import json
from math import prod

import torch
from torch import Tensor


TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
}
NAMES = {dtype: name for name, dtype in TYPES.items()}
LONGEST = 100_000_000  # bytes of a header


def dumps(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))}
    body = []
    offset = 0
    for name, tensor in sorted(tensors.items()):
        raw = tensor.detach().cpu().contiguous()
        data = raw.view(-1).view(torch.uint8).numpy().tobytes() if raw.numel() else b""
        ends = [offset, offset + len(data)]
        shape = list(tensor.shape)
        header[name] = {"dtype": NAMES[raw.dtype], "shape": shape, "data_offsets": ends}
        body.append(data)
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(body)


def loads(data: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata. Raises ValueError for bytes that are no such file."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(LONGEST, len(data) - 8):
        raise ValueError(f"file must hold a whole header, got {len(data)} bytes. Copy it again")
    try:
        header = json.loads(data[8 : 8 + length])
        metadata = header.pop("__metadata__", {})
        return {name: tensor(data[8 + length :], **said) for name, said in header.items()}, metadata
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(
            f"header must describe tensors, got {error!r}. Copy the file again"
        ) from error


def tensor(body: bytes, *, dtype: str, shape: list[int], data_offsets: list[int]) -> Tensor:
    start, end = data_offsets
    size = prod(shape) * TYPES[dtype].itemsize
    if not 0 <= start <= end <= len(body) or end - start != size or min(shape, default=0) < 0:
        raise ValueError(
            f"tensor must have {size} bytes inside the file, got {start}..{end} of {len(body)}. "
            "Copy the file again"
        )
    if not size:
        return torch.empty(shape, dtype=TYPES[dtype])
    return torch.frombuffer(bytearray(body[start:end]), dtype=TYPES[dtype]).reshape(shape)
