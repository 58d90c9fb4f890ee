# SPDX-License-Identifier: ISC
"""Who promised what, and what became of it.

The messages program notes what the server has acknowledged, the other host what it was given,
and the mailboxes are read here. A message for a mailbox must be there exactly once, one for another
host must have come at least once, and each as it was sent. A message whose acknowledgement was lost,
or that was refused with a temporary reply, may have come or not, but to a mailbox never twice. What
a reader has removed, with an OK to its QUIT, never comes back.
"""
import collections
import hashlib
import threading

MARK = b"X-Fault: "


def read_new(path, position):
    """Whole lines behind `position`, and the new position."""
    if not path.exists():
        return [], position
    with path.open("rb") as notes:
        notes.seek(position)
        text = notes.read()
    whole = text[:text.rfind(b"\n") + 1]
    return whole.decode(errors="replace").splitlines(), position + len(whole)


def mark_of(message):
    """The place of its line with the mark, or None."""
    return next((at for at, line in enumerate(message) if line.startswith(MARK)), None)


def judge(message):
    """(id, what is wrong with it or None) of a message as POP3 gave it; id None without a mark."""
    at = mark_of(message)
    if at is None:
        return None, None
    line = message[at]
    words = line.split()
    if len(words) != 4 or not words[2].isdigit():
        return None, "the mark is damaged"
    name, length, rest = words[1].decode(), int(words[2]), b"".join(message[at + 1:])
    if len(rest) != length:
        return name, f"{len(rest)} bytes instead of {length}"
    if hashlib.sha256(rest).hexdigest() != words[3].decode():
        return name, "other bytes"
    return name, None


class Book:
    """All that is known of the messages of one run. Its functions may be called by any thread."""

    def __init__(self, messages, elsewhere, domain):
        self.paths, self.positions = {"messages": messages, "elsewhere": elsewhere}, {}
        self.domain = "@" + domain
        self.is_right = lambda name, header: None  # what is wrong with what the host has put above
        self.lock = threading.RLock()
        self.owed = set()          # (id, recipient) that was promised and has not been seen
        self.seen = {}             # (id, account) -> unique-ids
        self.removed = set()       # (account, unique-id) that a reader has removed
        self.counts = collections.Counter()
        self.replies = collections.Counter()  # refusals: "END 451 4.3.0"
        self.complaints = []       # sentences about what must not be

    def complain(self, kind, sentence):
        self.counts[kind] += 1
        if len(self.complaints) < 40:
            self.complaints.append(f"{kind}: {sentence}")

    # ---------------------------------------------------------------- what was promised

    def read_notes(self):
        with self.lock:
            for source, take in (("messages", self._take_promise), ("elsewhere", self._take_there)):
                lines, self.positions[source] = read_new(self.paths[source],
                                                         self.positions.get(source, 0))
                for line in lines:
                    take(line.split(" ", 3))

    def _take_promise(self, words):
        kind = words[0]
        if kind == "A":
            recipients = words[2].split(",")
            self.counts["acknowledged"] += 1
            self.counts["owed"] += len(recipients)
            self.owed |= {(words[1], r) for r in recipients
                          if not self.seen.get((words[1], r))}
        elif kind == "R":
            self._take_refusal(words)
        elif kind == "H":
            self.complain("hung", f"no reply to {words[1]} for a minute")
        else:
            self.counts["unanswered" if kind == "U" else "disconnected"] += 1

    def _take_refusal(self, words):
        stage, text = words[2], words[3]
        parts = text.split()
        status = parts[1] if len(parts) > 1 and parts[1][:1].isdigit() else ""
        self.replies[f"{stage} {parts[0]} {status}".strip()] += 1
        if parts[0].startswith("4"):
            self.counts["temporary"] += 1
        else:
            self.complain("wrong reply", f"{stage} of {words[1]}: {text}")

    # ---------------------------------------------------------------- what came

    def _take_there(self, words):
        if words[0] == "S":
            self.complain("report", " ".join(words[1:]))
            return
        if words[0] == "D":
            self.complain("damaged", f"{words[1]} elsewhere: {words[3]}")
        for recipient in words[2].split(","):
            self._see(words[1], recipient, None)

    def _see(self, name, recipient, unique):
        there = self.seen.setdefault((name, recipient), set())
        if unique is None:  # elsewhere each coming counts
            unique = len(there)
        if unique in there:
            return
        there.add(unique)
        if len(there) == 1:
            self.counts["found"] += 1
        elif recipient.endswith(self.domain):
            self.complain("duplicates", f"{name} is {len(there)} times in {recipient}")
        else:
            self.counts["again elsewhere"] += 1
        self.owed.discard((name, recipient))

    def take_message(self, account, unique, message):
        """A message as it lies in a mailbox. True when it may be removed."""
        name, fault = judge(message)
        if name and not fault:
            fault = self.is_right(name, b"".join(message[:mark_of(message)]))
        with self.lock:
            if (account, unique) in self.removed:
                self.complain("came back", f"{name} in {account} as {unique}")
            if fault:
                self.complain("damaged", f"{name} in {account}: {fault}")
            elif name is None:
                self.complain("report", f"in {account}: {b' '.join(message[:3])!r}")
            else:
                self._see(name, account, unique)
            return fault is None

    def take_removal(self, account, uniques):
        with self.lock:
            self.counts["removed"] += len(uniques)
            self.removed |= {(account, unique) for unique in uniques}

    # ---------------------------------------------------------------- the verdict

    def settle(self, why):
        """What is owed now that nothing is on its way any more is missing."""
        self.read_notes()
        with self.lock:
            for name, recipient in sorted(self.owed):
                self.complain("missing", f"{name} to {recipient} {why}")
            missing, self.owed = sorted(self.owed), set()
        return missing
