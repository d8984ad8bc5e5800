"""The robustness board."""

from snnlab.boards import robustness


board = robustness.board()
