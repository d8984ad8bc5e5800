"""The fused scan in machine code. Whoever cannot use it gets the same bits from loop.py."""
