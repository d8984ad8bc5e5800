"""As much of Thrift's compact protocol as a Parquet file's notes about itself need."""

from collections.abc import Sequence
from typing import Any


I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12
Numbered = Sequence[tuple[int, int, Any]]


def struct(fields: Numbered) -> bytes:
    """Fields as (number, type, value) in the order of their numbers; without what is None."""
    out, last = bytearray(), 0
    for number, kind, value in fields:
        if value is not None:
            out.append((number - last) << 4 | kind)
            out += encoded(kind, value)
            last = number
    return bytes(out) + b"\0"


def encoded(kind: int, value: Any) -> bytes:
    if kind in (I32, I64):
        return varint(value << 1 if value >= 0 else (-value << 1) - 1)
    if kind == BINARY:
        data = value.encode() if isinstance(value, str) else value
        return varint(len(data)) + data
    if kind == LIST:
        of, items = value
        size = len(items)
        head = bytes([size << 4 | of]) if size < 15 else bytes([0xF0 | of]) + varint(size)
        return head + b"".join(encoded(of, item) for item in items)
    return bytes(value)  # a struct is encoded already


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
