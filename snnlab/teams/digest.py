"""What is kept of a token: enough to know it again, not enough to use it."""

import hashlib


def digest(token: str) -> str:
    """The SHA-256 of a token of 256 random bits, which needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()
