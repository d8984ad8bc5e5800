"""A lab for spiking neural networks: where a claim becomes a fact that anybody can run again."""

__version__ = "0.1.0"
