"""The Tiny ImageNet leaderboard."""

from snnlab.boards.leaderboard import leaderboard


board = leaderboard(
    "tiny-imagenet",
    dataset="tiny-imagenet",
    title="Tiny ImageNet leaderboard",
    description="Photographs of 64 x 64 pixels in two hundred classes: what was measured here "
    "beside what papers report, and what each result costs.",
    split="10,000 validation images, whose labels are public",
)
