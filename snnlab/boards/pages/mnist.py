"""The MNIST leaderboard."""

from snnlab.boards.leaderboard import leaderboard


board = leaderboard(
    "mnist",
    dataset="mnist",
    title="MNIST leaderboard",
    description="Handwritten digits: what was measured here beside what papers report, "
    "and what each result costs.",
    split="10,000 test images",
)
