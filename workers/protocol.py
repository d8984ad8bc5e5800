"""What a supervisor and its trainer say to each other: JSON, with its length before it."""

import json
import struct
from typing import IO, Any


HEAD = struct.Struct(">I")
LONGEST = 16 * 2**20

Message = dict[str, Any]


class Garbled(ValueError):
    """What came is no message."""


def write(stream: IO[bytes], message: Message) -> None:
    """Send one message. Not safe for two threads at once."""
    body = json.dumps(message).encode()
    stream.write(HEAD.pack(len(body)) + body)
    stream.flush()


def read(stream: IO[bytes]) -> Message | None:
    """The next message, or None when the other side is gone, even in the middle of one."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    (length,) = HEAD.unpack(head)
    if length > LONGEST:
        raise Garbled(f"a message must have at most {LONGEST} bytes, got {length}")
    body = stream.read(length)
    if len(body) < length:
        return None
    message = json.loads(body)
    if not isinstance(message, dict):
        raise Garbled(f"a message must be an object, got {type(message).__name__}")
    return message
