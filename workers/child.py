"""A trainer process, as its supervisor sees it."""

import codecs
import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from workers import protocol
from workers.protocol import Message


ROOT = Path(__file__).parent.parent
LOG_LIMIT = 5 * 2**20
CUT = "\n[the log is cut here: a run may print 5 MB]\n"
GONE: Message = {"kind": "gone"}

# A trainer gets these and nothing else: no address of a database or broker, no secret.
PASSED = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "SNNLAB_DATA_DIR",
    "SNNLAB_KERNELS",
    "CC",
    "CUDA_VISIBLE_DEVICES",
)


class Child:
    """Starts a trainer, which imports torch and then waits for its job.

    The thread that makes a child must outlive it: the kernel ends the child with that thread.
    """

    def __init__(self, engine: str, threads: int) -> None:
        command = [sys.executable, "-m", "workers.trainer"]
        self.process = subprocess.Popen(
            [*command, "--parent", str(os.getpid()), "--engine", engine],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=environment(threads),
        )
        self.messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.log = Log()
        self._writing = threading.Lock()
        threading.Thread(target=self._hear, daemon=True).start()
        threading.Thread(target=self._read_log, daemon=True).start()

    def send(self, message: Message) -> None:
        """Tell the child something; one that is gone is noticed by `next`."""
        assert self.process.stdin
        with self._writing, contextlib.suppress(OSError, ValueError):
            protocol.write(self.process.stdin, message)

    def next(self, timeout: float) -> Message | None:
        """The next message; GONE after the last one; None if there is none yet."""
        try:
            return self.messages.get(timeout=timeout)
        except queue.Empty:
            return None

    def ready(self, timeout: float) -> bool:
        """Wait until the child can take a job; False if it died or takes too long."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            if message := self.next(left):
                return bool(message["kind"] == "ready")
        return False

    def kill(self) -> None:
        """End the child and whatever it started, now."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> int:
        """End the child if it still runs, free its pipes and give its exit code."""
        if self.process.poll() is None:
            self.kill()
        code = self.process.wait()
        self.log.closed.wait(timeout=2)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        return code

    def _hear(self) -> None:
        assert self.process.stdout
        with contextlib.suppress(OSError, ValueError):
            while (message := protocol.read(self.process.stdout)) is not None:
                self.messages.put(message)
        self.messages.put(GONE)

    def _read_log(self) -> None:
        assert self.process.stderr
        with contextlib.suppress(OSError, ValueError):
            while data := os.read(self.process.stderr.fileno(), 65536):
                self.log.add(data)
        self.log.closed.set()


class Log:
    """What a child printed and nobody took yet, up to a limit in total."""

    def __init__(self, limit: int = LOG_LIMIT) -> None:
        self.closed = threading.Event()
        self._left, self._text = limit, ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._lock = threading.Lock()

    def add(self, data: bytes) -> None:
        with self._lock:
            if self._left <= 0:
                return
            self._text += self._decoder.decode(data[: self._left])
            self._left -= len(data)
            if self._left <= 0:
                self._text += CUT

    def take(self) -> str:
        """What came since the last call."""
        with self._lock:
            text, self._text = self._text, ""
        return text


def environment(threads: int) -> dict[str, str]:
    """The environment of a trainer: what it needs, and nothing secret."""
    kept = {name: os.environ[name] for name in PASSED if name in os.environ}
    path = os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH"))))
    return {
        **kept,
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
    }
