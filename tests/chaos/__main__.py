"""Everything that breaks things, in two halves at once, because most of it waits: `make chaos`.

With arguments, or on a PostgreSQL that is given, where two would meet, one pytest.
"""

import os
import subprocess
import sys
import tempfile


MARKED = ("-m", "chaos or thorough", "--hypothesis-profile", "explore")
FIRST = tuple(f"tests/chaos/test_{name}.py" for name in ("kill", "deploy", "worker"))
HALVES = (FIRST, [f"--ignore={file}" for file in FIRST])


def main(arguments: list[str]) -> int:
    pytest = [sys.executable, "-m", "pytest", *MARKED]
    if arguments or os.environ.get("DATABASE_URL"):
        return subprocess.run([*pytest, *arguments]).returncode
    with tempfile.TemporaryFile() as told:
        first = subprocess.Popen([*pytest, *HALVES[0]], stdout=told, stderr=subprocess.STDOUT)
        second = subprocess.run([*pytest, *HALVES[1]])
        codes = first.wait(), second.returncode
        told.seek(0)
        sys.stdout.buffer.write(told.read())
    return int(any(codes))  # a half that was killed has a code below 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
