"""One board a file; each defines `board`."""
