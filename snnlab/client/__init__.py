"""What people import and type: the command `snnlab` and all it does."""
