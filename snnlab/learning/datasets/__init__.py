"""Data sets. One file, one data set."""
