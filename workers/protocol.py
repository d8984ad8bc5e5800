"""What a supervisor and its trainer say to each other: JSON, with its length before it."""

import json
import struct
from typing import IO, Any


HEAD = struct.Struct(">I")
LONGEST = 16 * 2**20

Message = dict[str, Any]
# Without a buffer: what was not asked for stays in the pipe, for a process that takes it over.
STDIN: IO[bytes] = open(0, "rb", buffering=0, closefd=False)  # noqa: SIM115


class Garbled(ValueError):
    """What came is no message."""


def write(stream: IO[bytes], message: Message) -> None:
    """Send one message. Not safe for two threads at once."""
    body = json.dumps(message).encode()
    stream.write(HEAD.pack(len(body)) + body)
    stream.flush()


def read(stream: IO[bytes]) -> Message | None:
    """The next message, or None when the other side is gone, even in the middle of one."""
    head = whole(stream, HEAD.size)
    if len(head) < HEAD.size:
        return None
    (length,) = HEAD.unpack(head)
    if length > LONGEST:
        raise Garbled(f"a message must have at most {LONGEST} bytes, got {length}")
    body = whole(stream, length)
    if len(body) < length:
        return None
    message = json.loads(body)
    if not isinstance(message, dict):
        raise Garbled(f"a message must be an object, got {type(message).__name__}")
    return message


def whole(stream: IO[bytes], length: int) -> bytes:
    """So many bytes, or those that came before the other side was gone."""
    parts = []
    while length and (part := stream.read(length)):
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
