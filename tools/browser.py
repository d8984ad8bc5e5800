#!/usr/bin/env python3
"""Installs the browser that tests drive, where it is missing and we may."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys


PACKAGES = ["chromium", "chromium-driver"]


def main() -> None:
    if shutil.which("chromium") and shutil.which("chromedriver"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(
            "no Chromium: browser tests will be skipped. To run them:"
            f" apt-get install {' '.join(PACKAGES)}",
            file=sys.stderr,
        )
        return
    print("installing Chromium for the browser tests (once)", file=sys.stderr, flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
        subprocess.run(
            ["apt-get", "-qq", *command], check=True, env=environment, stdout=subprocess.DEVNULL
        )


if __name__ == "__main__":
    main()
