"""One of many that claim at once: prints how many runs it took, and when it began and ended."""

import os
import time

import django


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "snnlab.settings")
django.setup()

from snnlab.experiments import queue  # noqa: E402


if __name__ == "__main__":
    offer = queue.Offer(name=f"bench:{os.getpid()}")
    queue.claim("warm-up", ["nothing"], offer)
    print("ready", flush=True)
    input()
    began = time.monotonic()
    taken = sum(
        1 for _ in iter(lambda: queue.claim(f"worker:{offer.name}:0", ["cpu"], offer), None)
    )
    print(taken, began, time.monotonic())
