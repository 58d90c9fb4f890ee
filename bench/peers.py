# SPDX-License-Identifier: ISC
"""Postfix and Dovecot with their defaults, in folders of their own.

Nothing of the system's own configuration is read or changed; both end by pid. They need root.
"""
import os
import pathlib
import pwd
import shutil
import subprocess

from measure import Meter, wait_for
from servers import answers, messages_in, wait_gone

HERE = pathlib.Path(__file__).resolve().parent
POSTFIX = "/usr/lib/postfix/sbin/master"
MAIL_UID = 61990  # of nobody else; Dovecot wants one for its mailboxes
QUEUES = ("incoming", "active", "deferred", "maildrop", "hold")
FOLDERS = (*QUEUES, "bounce", "corrupt", "defer", "flush", "private", "public", "saved", "trace",
           "pid")


def installed():
    return pathlib.Path(POSTFIX).exists() and shutil.which("dovecot") is not None


def fill(name, to, **words):
    text = (HERE / "conf" / f"{name}.in").read_text()
    to.write_text(text.format(**words))


class Postfix:
    """`transport` says where messages for bench.test go; others go to the sink.

    `at_best` adds the settings with which a good postmaster makes it quicker.
    """

    name = "Postfix"

    def __init__(self, folder, ports, transport, at_best=False):
        self.folder, self.ports, self.meter = folder, ports, Meter(f"postfix-{folder.name}")
        self.process = None
        try:
            self.make(transport, at_best)
            self.start()
        except BaseException:
            self.close()
            raise

    def make(self, transport, at_best):
        folder = self.folder
        owner = pwd.getpwnam("postfix")
        folder.mkdir(parents=True)
        for name in ("spool", "data", "etc"):
            (folder / name).mkdir()
        for name in FOLDERS:
            (folder / "spool" / name).mkdir(mode=0o700)
            os.chown(folder / "spool" / name, 0 if name == "pid" else owner.pw_uid, -1)
        os.chown(folder / "data", owner.pw_uid, owner.pw_gid)
        (folder / "mailboxes").write_text("@bench.test x\n")
        words = {"folder": folder, "transport": transport, **self.ports}
        fill("postfix-main.cf", folder / "etc/main.cf", **words)
        if at_best:
            with (folder / "etc/main.cf").open("a") as settings:
                settings.write((HERE / "conf/postfix-best.cf").read_text())
        fill("postfix-master.cf", folder / "etc/master.cf", **words)
        subprocess.run(["postmap", "-c", folder / "etc", f"hash:{folder}/mailboxes"], check=True)

    def start(self):
        with (self.folder / "stderr").open("w") as errors:
            self.process = subprocess.Popen(
                self.meter.inside(POSTFIX, "-c", str(self.folder / "etc"), "-d"), stderr=errors,
                start_new_session=True)
        self.meter.root = self.process.pid
        wait_for("Postfix answers", 15, lambda: answers(self.ports["smtp"]))

    def cpu(self):
        return self.meter.seconds()

    def is_empty(self):
        return all(messages_in(self.folder / "spool" / name) == 0 for name in QUEUES)

    def waiting(self):
        return "\n".join(f"{name}: {messages_in(self.folder / 'spool' / name)}" for name in QUEUES)

    def close(self):
        if self.process:
            self.process.terminate()
            wait_gone(self.process)
        self.meter.close()


class Dovecot:
    """`kind` is the format of its mailboxes. It begins without syncing when it is to be filled quickly; `sync`
    starts it anew as it is usually."""

    def __init__(self, folder, ports, password, kind="sdbox", fsync="optimized"):
        self.folder, self.ports, self.password, self.kind = folder, ports, password, kind
        self.name = f"Dovecot ({kind})"
        self.meter = Meter(f"dovecot-{folder.parent.name}")
        self.process = None
        try:
            self.make()
            self.configure(fsync)
            self.start()
        except BaseException:
            self.close()
            raise

    def make(self):
        folder = self.folder
        for name in ("run", "state", "mail"):
            (folder / name).mkdir(parents=True)
        os.chown(folder / "mail", MAIL_UID, MAIL_UID)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "2",
             "-subj", "/CN=mail.bench.test"], check=True, capture_output=True)

    def configure(self, fsync):
        fill("dovecot.conf", self.folder / "dovecot.conf", folder=self.folder, uid=MAIL_UID, fsync=fsync,
             password=self.password, kind=self.kind, **self.ports)

    def sync(self):
        self.stop()
        os.sync()
        self.configure("optimized")
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            self.meter.inside("dovecot", "-F", "-c", str(self.folder / "dovecot.conf")),
            stderr=subprocess.DEVNULL, start_new_session=True)
        self.meter.root = self.process.pid
        wait_for("Dovecot answers", 15, lambda: answers(self.ports["pop3"]))

    def stop(self):
        self.process.terminate()
        wait_gone(self.process)

    def close(self):
        if self.process:
            self.stop()
        self.meter.close()


class Pair:
    """Both together: Postfix hands messages to Dovecot over LMTP."""

    name = "Postfix + Dovecot"
    login = "user%03d"  # Dovecot knows people by the name before the @

    def __init__(self, folder, ports, password, at_best=False):
        self.ports, self.password = ports, password
        self.dovecot = Dovecot(folder / "dovecot", ports, password)
        try:
            self.postfix = Postfix(folder / "postfix", ports,
                                   f"lmtp:inet:127.0.0.1:{ports['lmtp']}", at_best)
        except BaseException:
            self.dovecot.close()
            raise

    def cpu(self):
        return self.postfix.cpu() + self.dovecot.meter.seconds()

    def is_empty(self):
        return self.postfix.is_empty()

    def waiting(self):
        return self.postfix.waiting()

    def close(self):
        self.postfix.close()
        self.dovecot.close()
