# SPDX-License-Identifier: ISC
"""System calls that fail, or kill the caller, on their way into the kernel: strace as saboteur.

A refused call is turned into getpid(), which every role may make: strace's own choice, a call of
no number, would be caught by the system call filter that the roles are under.
"""
import signal
import subprocess

from office import die_with_us, reap, wait_until


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
        self.notes, self.injection = notes, injection
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
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
        said = self.process.communicate()[1]
        reap(self.process.pid)
        if "Operation not permitted" in said:
            raise PermissionError(f"strace: {said.strip()}")
        return self.struck()
