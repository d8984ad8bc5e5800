"""Plasticity that depends on the times of spikes: populations, traces, windows and protocols."""
