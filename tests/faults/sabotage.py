# SPDX-License-Identifier: ISC
"""System calls that fail, or kill the caller, on their way into the kernel: strace as saboteur.

A refused call is turned into getpid(), which every role may make: strace's own choice, a call of
no number, would be caught by the system call filter that the roles are under. The error is put in
on the way back; a strace that goes meanwhile lets the caller see what getpid() said: to a write,
that so many bytes are written. So the process stands still when strace leaves it.
"""
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import time

from server import NotReady, die_with_us, is_still, reap, wait_until

STANDS_STILL = 5.0  # seconds a process may need to
WAIT4 = {"x86_64": "61", "aarch64": "260"}[os.uname().machine]


class Injection:
    """What happens to which call: ("fdatasync", "EIO", "3"), ("rename", "KILL", "1+")."""

    def __init__(self, call, what, when):
        self.call, self.what, self.when = call, what, when

    def __str__(self):
        return f"{self.call} {self.what} when={self.when}"

    def words(self):
        how = "signal=KILL" if self.what == "KILL" else f"error={self.what}:syscall=getpid"
        return ["-e", f"trace={self.call}", "-e", f"inject={self.call}:{how}:when={self.when}"]


class Saboteur:
    """Attached to one process, with all its threads and those to come."""

    def __init__(self, pid, injection, notes):
        self.pid, self.notes, self.injection = pid, notes, injection
        self.notes.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            ["strace", "-f", "-q", "-o", str(notes), *injection.words(), "-p", str(pid)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            preexec_fn=die_with_us)

    def struck(self):
        """How many calls it has spoilt."""
        text = self.notes.read_text(errors="replace") if self.notes.exists() else ""
        return text.count("(INJECTED)") + text.count("killed by SIGKILL")

    def wait(self, limit):
        """Until it has struck, or its victim has ended."""
        wait_until(lambda: self.struck() or self.process.poll() is not None, limit)
        return self.struck()

    def leave(self):
        """Lets go of the process. How often it has struck."""
        if self.process.poll() is None:
            with self._victim_stopped():
                self.process.send_signal(signal.SIGINT)
                try:
                    self.process.wait(5)
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    self.process.wait()
        said = self.process.communicate()[1]
        reap(self.process.pid)
        if "Operation not permitted" in said:
            raise PermissionError(f"strace: {said.strip()}")
        return self.struck()

    @contextlib.contextmanager
    def _victim_stopped(self):
        """No thread of the process is inside a call that strace has changed."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGSTOP)
        if not wait_until(self._nothing_moves, STANDS_STILL, 0.001):
            raise NotReady(f"process {self.pid} could not be stopped under strace")
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGCONT)

    def _nothing_moves(self):
        """The threads are stopped, strace waits for them, and does so a moment later as well: it
        has not worked in between."""
        before = self._strace_waits()
        if not before or not is_still(self.pid, whole=True):
            return False
        time.sleep(0.002)
        return is_still(self.pid, whole=True) and self._strace_waits() == before

    def _strace_waits(self):
        """How often strace has gone to sleep until now, if it sleeps and waits for its victims;
        "ended" when it has."""
        if self.process.poll() is not None:
            return "ended"
        about = pathlib.Path("/proc", str(self.process.pid))
        with contextlib.suppress(OSError):
            if about.joinpath("syscall").read_text().split()[0] == WAIT4:
                return re.findall("_switches:.*", about.joinpath("status").read_text())
        return None
