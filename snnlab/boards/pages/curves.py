"""The board of curves."""

from snnlab.boards import trends


board = trends.board()
