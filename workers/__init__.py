"""What trains: slots that claim runs, a supervisor per run, and the child process that computes."""
