"""Real PostgreSQL and Valkey, run from installed packages as child processes.

Nothing listens on TCP, no system user is made, nothing outside the data folder is touched.
"""
