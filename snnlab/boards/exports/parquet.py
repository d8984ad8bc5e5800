"""Parquet, written here: plain values, gzip, every column optional. Nothing is to be installed.

The format: https://github.com/apache/parquet-format, version 1 of data pages.
"""

import gzip
import json
import struct as packed
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import islice
from typing import Any, NamedTuple

from snnlab.boards.exports.table import Field, Table, labelled
from snnlab.boards.exports.thrift import BINARY, I32, I64, LIST, STRUCT, struct, varint


MAGIC = b"PAR1"
GROUP = 10_000  # rows that are held at once
INT32, INT64, DOUBLE, BYTES = 1, 2, 5, 6
TYPES = {"text": BYTES, "number": DOUBLE, "integer": INT64, "date": INT32}
CONVERTED = {"text": 0, "date": 6}  # UTF8, DATE
GZIP, PLAIN, RLE, OPTIONAL = 2, 0, 3, 1
FIRST_DAY = date(1970, 1, 1).toordinal()


class Chunk(NamedTuple):
    """One column of one group of rows."""

    place: int
    size: int
    unpacked: int
    values: int


def write(table: Table) -> Iterator[bytes]:
    """The file, a group of rows at a time."""
    yield MAGIC
    place, rows, groups = len(MAGIC), iter(table.rows), list[tuple[int, list[Chunk]]]()
    while group := list(islice(rows, GROUP)):
        chunks = []
        for number, field in enumerate(table.fields):
            data, unpacked = page([row[number] for row in group], field)
            chunks.append(Chunk(place, len(data), unpacked, len(group)))
            place += len(data)
            yield data
        groups.append((len(group), chunks))
    notes = footer(table, groups)
    yield notes + packed.pack("<I", len(notes)) + MAGIC


def page(values: Sequence[Any], field: Field) -> tuple[bytes, int]:
    """The page of a column with its head, and how large it is unpacked."""
    known = [value for value in values if value is not None and value != ""]
    levels = present([value is not None and value != "" for value in values])
    body = packed.pack("<I", len(levels)) + levels + b"".join(plain(v, field) for v in known)
    small = gzip.compress(body, 6, mtime=0)
    of_data = [(1, I32, len(values)), (2, I32, PLAIN), (3, I32, RLE), (4, I32, RLE)]
    head = struct(
        [(1, I32, 0), (2, I32, len(body)), (3, I32, len(small)), (5, STRUCT, struct(of_data))]
    )
    return head + small, len(head) + len(body)


def present(known: Sequence[bool]) -> bytes:
    """Which rows have a value: one bit each, in eights."""
    eights = -(-len(known) // 8)
    bits = bytearray(eights)
    for number, there in enumerate(known):
        bits[number // 8] |= there << number % 8
    return varint(eights << 1 | 1) + bytes(bits)


def plain(value: Any, field: Field) -> bytes:
    if field.kind == "number":
        return packed.pack("<d", value)
    if field.kind == "integer":
        return packed.pack("<q", value)
    if field.kind == "date":
        return packed.pack("<i", date.fromisoformat(value).toordinal() - FIRST_DAY)
    data = str(value).encode()
    return packed.pack("<I", len(data)) + data


def footer(table: Table, groups: Sequence[tuple[int, Sequence[Chunk]]]) -> bytes:
    """What the file says of itself, the fields' titles and units among it."""
    schema = [struct([(4, BINARY, "table"), (5, I32, len(table.fields))])]
    schema += [element(field) for field in table.fields]
    told = {f.name: {"title": labelled(f), "better": f.better} for f in table.fields}
    pair = struct([(1, BINARY, "snnlab.fields"), (2, BINARY, json.dumps(told))])
    return struct(
        [
            (1, I32, 1),
            (2, LIST, (STRUCT, schema)),
            (3, I64, sum(rows for rows, _ in groups)),
            (4, LIST, (STRUCT, [of_group(table, rows, chunks) for rows, chunks in groups])),
            (5, LIST, (STRUCT, [pair])),
            (6, BINARY, "snnlab"),
        ]
    )


def element(field: Field) -> bytes:
    return struct(
        [
            (1, I32, TYPES[field.kind]),
            (3, I32, OPTIONAL),
            (4, BINARY, field.name),
            (6, I32, CONVERTED.get(field.kind)),
        ]
    )


def of_group(table: Table, rows: int, chunks: Sequence[Chunk]) -> bytes:
    columns = [column(f, chunk) for f, chunk in zip(table.fields, chunks, strict=True)]
    size = sum(chunk.unpacked for chunk in chunks)
    return struct([(1, LIST, (STRUCT, columns)), (2, I64, size), (3, I64, rows)])


def column(field: Field, chunk: Chunk) -> bytes:
    notes = struct(
        [
            (1, I32, TYPES[field.kind]),
            (2, LIST, (I32, [PLAIN, RLE])),
            (3, LIST, (BINARY, [field.name])),
            (4, I32, GZIP),
            (5, I64, chunk.values),
            (6, I64, chunk.unpacked),
            (7, I64, chunk.size),
            (9, I64, chunk.place),
        ]
    )
    return struct([(2, I64, chunk.place), (3, STRUCT, notes)])
