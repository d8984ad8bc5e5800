"""Reads the Parquet files that are written here, by the format's text and not by the writer's code.

https://github.com/apache/parquet-format: thrift's compact protocol, data pages of version 1.
"""

import gzip
import struct
from datetime import date, timedelta


class Reader:
    def __init__(self, data: bytes, place: int = 0) -> None:
        self.data, self.place = data, place

    def byte(self) -> int:
        self.place += 1
        return self.data[self.place - 1]

    def varint(self) -> int:
        value = shift = 0
        while True:
            part = self.byte()
            value |= (part & 0x7F) << shift
            shift += 7
            if part < 0x80:
                return value

    def value(self, kind: int):
        if kind in (5, 6):
            coded = self.varint()
            return coded >> 1 if coded % 2 == 0 else -(coded + 1) // 2
        if kind == 8:
            size = self.varint()
            self.place += size
            return self.data[self.place - size : self.place]
        if kind == 9:
            head = self.byte()
            size = self.varint() if head >> 4 == 15 else head >> 4
            return [self.value(head & 15) for _ in range(size)]
        assert kind == 12
        return self.fields()

    def fields(self) -> dict:
        found, number = {}, 0
        while head := self.byte():
            number += head >> 4
            found[number] = self.value(head & 15)
        return found


def read(data: bytes) -> dict[str, list]:
    """Each column's values."""
    assert data[:4] == data[-4:] == b"PAR1"
    size = struct.unpack("<I", data[-8:-4])[0]
    footer = Reader(data, len(data) - 8 - size).fields()
    columns = {element[4].decode(): [] for element in footer[2][1:]}
    converted = {element[4].decode(): element.get(6) for element in footer[2][1:]}
    for group in footer[4]:
        assert len(group[1]) == len(columns)
        for chunk in group[1]:
            notes = chunk[3]
            name = notes[3][0].decode()
            columns[name] += page(data, notes, converted[name])
    assert {len(values) for values in columns.values()} == {footer[3]}
    return columns


def page(data: bytes, notes: dict, converted: int | None) -> list:
    reader = Reader(data, notes[9])
    head = reader.fields()
    end = reader.place + head[3]
    assert end == notes[9] + notes[7]
    body = gzip.decompress(data[reader.place : end])
    assert len(body) == head[2]
    count = head[5][1]
    size = struct.unpack("<I", body[:4])[0]
    levels = Reader(body[4 : 4 + size])
    assert levels.varint() % 2 == 1  # bit-packed
    bits = body[4 + levels.place : 4 + size]
    rest = body[4 + size :]
    values, place = [], 0
    for number in range(count):
        if not bits[number // 8] >> number % 8 & 1:
            values.append(None)
            continue
        value, place = plain(rest, place, notes[1], converted)
        values.append(value)
    assert place == len(rest)
    return values


def plain(data: bytes, place: int, kind: int, converted: int | None):
    if kind == 5:
        return struct.unpack_from("<d", data, place)[0], place + 8
    if kind == 2:
        return struct.unpack_from("<q", data, place)[0], place + 8
    if kind == 1:
        assert converted == 6
        days = struct.unpack_from("<i", data, place)[0]
        return date(1970, 1, 1) + timedelta(days=days), place + 4
    assert (kind, converted) == (6, 0)
    size = struct.unpack_from("<I", data, place)[0]
    return data[place + 4 : place + 4 + size].decode(), place + 4 + size
