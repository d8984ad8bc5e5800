"""Emulated neuromorphic chips. Knows torch and the standard library, and nothing of snnlab."""
