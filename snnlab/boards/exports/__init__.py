"""Tables of boards as files: one format a file, each a function of a table."""
