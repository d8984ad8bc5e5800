"""The memory of the lab: experiments, runs, and everything that was measured."""
