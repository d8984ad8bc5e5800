"""The CIFAR-10 leaderboard."""

from snnlab.boards.leaderboard import leaderboard


board = leaderboard(
    "cifar-10",
    dataset="cifar-10",
    title="CIFAR-10 leaderboard",
    description="Photographs in ten classes: what was measured here beside what papers report, "
    "and what each result costs.",
    split="10,000 test images",
)
