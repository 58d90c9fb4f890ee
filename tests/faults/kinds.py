# SPDX-License-Identifier: ISC
"""The kinds of faults. Each is a function of a stage and the time at which to end; it plays rounds:
a fault under load, then everything that was promised is looked for."""
import os
import signal
import time

from disk import Disk, NoDisk
from roles import ROLES
from senders import Senders
from server import wait_until
from stage import Stage
from sabotage import Injection, Saboteur

MIB = 1 << 20
JUDGES = ["scan", "keys", "resolver", "fetcher"]
ERRORS = ["EIO", "ENOSPC", "KILL"]
QUEUE_CALLS = ["fdatasync", "pwritev", "fsync", "fallocate", "openat", "renameat", "unlinkat",
               "pread64", "preadv"]
MAIL_CALLS = ["fdatasync", "pwritev", "pwrite64", "fsync", "fallocate", "openat", "ftruncate",
              "mkdir", "unlink", "rename", "pread64"]
OTHER_CALLS = [("edge", "pwrite64", ERRORS), ("directory", "pread64", ERRORS),
               ("events", "pwrite64", ERRORS), ("events", "fdatasync", ERRORS),
               ("queue", "sendmsg", ["ENOBUFS", "ETOOMANYREFS", "KILL"]),
               ("mail", "sendmsg", ["ENOBUFS", "ENOMEM", "KILL"]),
               ("edge", "recvmsg", ["ENOMEM", "KILL"]),
               ("relay", "connect", ["ENETUNREACH", "ETIMEDOUT", "KILL"]),
               ("relay", "recvfrom", ["ECONNRESET", "KILL"])]
START_CALLS = ["openat", "fsync", "fdatasync", "pwritev", "pwrite64", "fallocate", "renameat",
               "mkdirat", "getdents64", "pread64", "unlinkat"]


# -------------------------------------------------------------------- nothing


def calm(stage, deadline):
    """Nothing fails: so nobody is put off, and readers and messages do not get into each other's
    way."""
    while time.monotonic() < deadline:
        with stage.load(pace=stage.chance.choice([300, 0])):
            stage.pause(1.0, 3.0)
        stage.settle("with nothing failing", prompt=True)
        for reply in list(stage.book.replies):
            stage.book.complain("put off", f"{stage.book.replies.pop(reply)} times {reply}")


# -------------------------------------------------------------------- kill -9


def kill_role(stage, role):
    """Kills one process of the role, or all of them."""
    pids = [pid for (name, _), pid in stage.server.pids().items() if name == role]
    if not pids:
        return
    chosen = pids if stage.chance.random() < 0.3 else [stage.chance.choice(pids)]
    for pid in chosen:
        try:
            os.kill(pid, signal.SIGKILL)
            stage.strikes += 1
        except ProcessLookupError:
            stage.misses += 1


def kill_master(stage):
    """The others must see that it is gone and end; then all begins again, with the accounts shared
    out among another number of processes."""
    stage.server.kill_master()
    stage.strikes += 1
    if not wait_until(stage.server.gone, 5.0):
        stage.book.complain("left over", f"processes without a master after 5 s: "
                            f"{stage.server.leftovers()}")
        stage.server.cut_off()
    stage.server.configure({"workers.mail": stage.chance.choice([1, 2, 3])})
    stage.server.start()


def kill(stage, deadline):
    """kill -9 of each role in turn, sometimes of two at once, and of the master."""
    while time.monotonic() < deadline:
        victims = stage.chance.sample(ROLES, 4) + (["master"] if stage.rounds % 2 == 0 else [])
        stage.chance.shuffle(victims)
        with stage.load():
            stage.pause(0.2, 0.6)
            for role in victims:
                stage.say(f"kill {role}")
                if role == "master":
                    kill_master(stage)
                else:
                    kill_role(stage, role)
                stage.pause(0.02, 0.7)
            stage.recover(f"after kill -9 of {', '.join(victims)}")
            stage.pause(0.1, 0.3)
        stage.settle(f"after kill -9 of {', '.join(victims)}")


# -------------------------------------------------------------------- who judges and who signs


def names_die(stage):
    """The name server, for a moment, or for longer than a question of DNS waits."""
    stage.names.die()
    stage.strikes += 1
    stage.pause(0.1, stage.chance.choice([0.3, 3.0]))
    stage.names.start()


def senders(stage, deadline):
    """Strangers are judged, and what users send is signed, while the processes that do so die, and
    the name server."""
    while time.monotonic() < deadline:
        victims = stage.chance.choices([*JUDGES, "names"], k=4)
        with stage.strangers(), stage.users():
            stage.pause(0.2, 0.6)
            for role in victims:
                stage.say(f"kill {role}")
                if role == "names":
                    names_die(stage)
                else:
                    kill_role(stage, role)
                stage.pause(0.02, 0.7)
            stage.recover(f"after kill -9 of {', '.join(victims)}")
            stage.pause(0.1, 0.3)
        stage.settle(f"after kill -9 of {', '.join(victims)}")


# -------------------------------------------------------------------- standing still


def stall(stage, deadline):
    """Processes stand still for a while, as on a host that is busy elsewhere or before a disk that
    does not answer. They are not taken for dead, and what has come meanwhile is not put off."""
    while time.monotonic() < deadline:
        role = stage.chance.choice([*ROLES, "mail", "queue"])
        pids = [pid for (name, _), pid in stage.server.pids().items() if name == role]
        why = f"after {role} has stood still"
        with stage.load(pace=0, connections=40):
            stage.pause(0.1, 0.4)
            stage.say(f"{role} stands still")
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            stage.pause(0.1, 4.0)
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
            stage.strikes += len(pids)
            stage.pause(0.1, 0.4)
        stage.settle(why, prompt=True)
        if set(pids) - set(stage.server.pids().values()):
            stage.book.complain("taken for dead", f"a process of {role} {why}")


# -------------------------------------------------------------------- failing system calls


def choose_calls(stage):
    """(role, call, error) in an order of the seed's: those of queue and mail, few of the others."""
    plan = [("queue", call, error) for call in QUEUE_CALLS for error in ERRORS]
    plan += [("mail", call, error) for call in MAIL_CALLS for error in ERRORS]
    plan += [(role, call, stage.chance.choice(errors)) for role, call, errors in OTHER_CALLS]
    stage.chance.shuffle(plan)
    return plan


def choose_when(stage):
    """The Nth call, all from the Nth on, or every other one."""
    n = stage.chance.choice([1, 1, 2, 3, 5, 8, 13, 21, 34])
    return f"{n}{stage.chance.choice(['', '', '', '+', '+2'])}"


def inject_once(stage, role, call, error):
    injection = Injection(call, error, choose_when(stage))
    pids = [pid for (name, _), pid in stage.server.pids().items() if name == role]
    why = f"after {role}: {injection}"
    with stage.load():
        saboteur = Saboteur(stage.chance.choice(pids), injection, stage.folder / "trace")
        saboteur.wait(3.0)
        if injection.when.endswith("+"):
            stage.pause(0.2, 1.0)
        hits = saboteur.leave()
        stage.pause(0.1, 0.4)
    stage.say(f"{role}: {injection}: {hits} calls")
    stage.strikes += hits
    stage.misses += 0 if hits else 1
    stage.settle(why)


def inject(stage, deadline):
    """Each call that writes, syncs, names or removes fails in queue and mail: EIO, ENOSPC, KILL."""
    plan = []
    while time.monotonic() < deadline:
        plan = plan or choose_calls(stage)
        inject_once(stage, *plan.pop())


def start_once(stage, call, error):
    injection = Injection(call, error, stage.chance.choice(
        ["1", "2", "3", "5", "9", "20", "50", "5+", "20+", "50+", "9+2"]))
    why = f"after a start with {injection}"
    notes = stage.folder / "trace"
    notes.unlink(missing_ok=True)
    stage.server.launch(["strace", "-f", "-q", "-o", notes, *injection.words()])
    ready = stage.server.wait_ready(15.0)
    if ready:
        with stage.load(pace=200):
            stage.pause(0.2, 0.8)
            stage.server.cut_off()
    else:
        stage.server.cut_off()
    hits = notes.read_text(errors="replace").count("(INJECTED)") + \
        notes.read_text(errors="replace").count("killed by SIGKILL")
    stage.say(f"start with {injection}: {hits} calls, {'ready' if ready else 'not ready'}")
    stage.strikes += hits
    stage.misses += 0 if hits else 1
    stage.server.start()
    stage.settle(why)


def start(stage, deadline):
    """A start that goes wrong, with messages in the queue: the next one finds them all."""
    while time.monotonic() < deadline:
        with stage.load():
            stage.pause(0.1, 0.6)
            stage.server.cut_off()
        start_once(stage, stage.chance.choice(START_CALLS), stage.chance.choice(["EIO", "ENOSPC"]))


# -------------------------------------------------------------------- power cuts


def cut_power(stage):
    """In the middle of everything; or the processes outlive their disk for a while. In neither case
    is a sync under way that somebody believes afterwards."""
    outlived = stage.chance.random() < 0.5
    stage.server.freeze(whole=outlived)
    stage.disk.cut()
    if outlived:
        stage.server.thaw()
        stage.pause(0.0, 0.15)
    stage.server.cut_off()
    stage.strikes += 1


def power(stage, deadline):
    """The disk loses power at any moment, sometimes again while everything starts."""
    while time.monotonic() < deadline:
        cuts = 1
        with stage.load(pace=stage.chance.choice([200, 600, 0])):
            stage.pause(0.1, 1.6)
            cut_power(stage)
        stage.disk.unmount()
        stage.disk.mount()
        while stage.chance.random() < 0.3:
            cuts += 1
            with stage.load(readers=False):
                stage.server.launch()
                stage.pause(0.01, 0.8)
                cut_power(stage)
            stage.disk.unmount()
            stage.disk.mount()
        stage.say(f"power cut {cuts} times")
        stage.server.start()
        stage.settle(f"after {cuts} power cuts")


# -------------------------------------------------------------------- low disk


def refusals(stage):
    stage.book.read_notes()
    return {text: count for text, count in stage.book.replies.items() if count}


def low_disk_once(stage, left):
    """The disk fills up to its last `left` bytes; senders are asked to wait; space comes back."""
    why = f"with {left >> 10} KiB free"
    with stage.load(pace=300):
        stage.pause(0.3, 0.6)
        before = refusals(stage)
        stage.disk.fill(left)
        stage.strikes += 1
        if not wait_until(lambda: any("452 4.3.1" in r and n > before.get(r, 0)
                                      for r, n in refusals(stage).items()), 15.0, 0.1):
            stage.book.complain("low disk", f"nobody was told 452 4.3.1 {why}: {refusals(stage)}")
        stage.pause(0.5, 1.0)
        stage.disk.drain()
        taken = stage.book.counts["acknowledged"]

        def taken_again():
            stage.book.read_notes()
            return stage.book.counts["acknowledged"] > taken + 50
        if not wait_until(taken_again, 30.0, 0.1):
            stage.book.complain("low disk", f"no message was taken within 30 s after {why}")
    stage.say(f"low disk {why}: {refusals(stage)}")
    stage.settle(f"after a disk {why}")


def low_disk(stage, deadline):
    """No room: 452 4.3.1 in time, nothing lost, and all goes on when there is room again."""
    while time.monotonic() < deadline:
        for left in stage.chance.sample([12 * MIB, 4 * MIB, MIB // 2, 0], 4):
            if time.monotonic() < deadline:
                low_disk_once(stage, left)


# -------------------------------------------------------------------- the table


def on_disk(size):
    """A stage whose server lies on a disk of its own."""
    def make(folder, name, seed):
        disk = Disk(folder, size)
        stage = Stage(folder, name, seed, disk.place / "state")
        stage.disk = disk
        return stage
    return make


KINDS = {  # name: (function, how its stage is made, needs root)
    "calm": (calm, Stage, False),
    "kill": (kill, Stage, False),
    "senders": (senders, Senders, True),
    "stall": (stall, Stage, False),
    "inject": (inject, Stage, True),
    "start": (start, Stage, True),
    "power": (power, on_disk(2048 * MIB), True),
    "low-disk": (low_disk, on_disk(768 * MIB), True),
}
__all__ = ["KINDS", "NoDisk"]
