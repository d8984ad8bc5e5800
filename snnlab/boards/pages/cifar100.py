"""The CIFAR-100 leaderboard."""

from snnlab.boards.leaderboard import leaderboard


board = leaderboard(
    "cifar-100",
    dataset="cifar-100",
    title="CIFAR-100 leaderboard",
    description="Photographs in a hundred classes: what was measured here beside what papers "
    "report, and what each result costs.",
    split="10,000 test images",
)
