"""The comparison of runs."""

from snnlab.boards import compare


board = compare.board()
