# SPDX-License-Identifier: ISC
"""Mail programs as tests run them, and messages for them."""
import base64
import os
import pty
import re
import select
import shutil
import subprocess
import urllib.parse

from network import wait_until
from recorder import Recorder
from world import strip_trace


def plain(charset, encoding, text):
    return (f"Content-Type: text/plain; charset={charset}\r\n"
            f"Content-Transfer-Encoding: {encoding}\r\n\r\n").encode() + text


def lines(*texts):
    return b"".join(text + b"\r\n" for text in texts)


def attachment():
    """A message with every byte value in an attachment."""
    text = base64.encodebytes(bytes(range(256)) * 40).replace(b"\n", b"\r\n")
    return (b"Content-Type: multipart/mixed; boundary=\"=-=\"\r\n\r\n"
            b"This is in several parts.\r\n--=-=\r\n"
            + plain("iso-2022-jp", "7bit", "地図を添えます。\r\n".encode("iso-2022-jp"))
            + b"--=-=\r\nContent-Type: application/octet-stream; name=map.bin\r\n"
              b"Content-Disposition: attachment; filename=map.bin\r\n"
              b"Content-Transfer-Encoding: base64\r\n\r\n" + text + b"--=-=--\r\n")


BODIES = {
    "eight-bit": plain("utf-8", "8bit", lines("早馬が走る。".encode(), "Grüße, ½ €".encode())),
    "raw-bytes": plain("x-unknown", "8bit", lines(bytes(b for b in range(1, 256)
                                                        if b not in (10, 13)))),
    "iso-2022-jp": plain("iso-2022-jp", "7bit",
                         "手紙は無事に届きましたか。\r\n返事を待つ。\r\n".encode("iso-2022-jp")),
    "long-lines": plain("us-ascii", "7bit", lines(b"x" * 998, b"", b"y" * 997 + b".", b"z")),
    "dots": plain("us-ascii", "7bit", lines(b".", b"..", b".x", b"...", b"", b".", b"From me",
                                            b">From me", b" . ", b".")),
    "empty-lines": plain("us-ascii", "7bit", lines(b"", b"", b"a  ", b"\tb\t", b"", b"")),
    "attachment": attachment(),
}
JAPANESE = ("From: =?iso-2022-jp?B?GyRCNkwbKEI=?= <tama@far.test>\r\n"
            "To: kiku@a.test\r\n"
            "Subject: =?iso-2022-jp?B?GyRCRjtDZjBGRmIbKEI=?=\r\n"
            "Date: Sat, 21 Nov 2026 09:00:00 +0900\r\n"
            "Message-ID: <michi@far.test>\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=iso-2022-jp\r\n"
            "Content-Transfer-Encoding: 7bit\r\n"
            "\r\n").encode() + "品川から藤沢まで、馬は宿場ごとに替わる。\r\n".encode("iso-2022-jp")
JAPANESE_SUBJECT, JAPANESE_WORDS = "道中案内", "馬は宿場ごとに替わる"
FOLDER, FOLDER_UTF7 = "仕事", "&TtVOiw-"


def quoted(text):
    return urllib.parse.quote(text, safe="")


class Screen:
    """A program on a terminal, for those that need one."""

    def __init__(self, command, environment, folder):
        self.pid, self.handle = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, environment)
        self.text, self.over = b"", False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ended(self):
        ready, _, _ = select.select([self.handle], [], [], 0.05)
        try:
            if ready:
                self.text += os.read(self.handle, 65536)
                return False
        except OSError:
            pass
        self.over = self.over or os.waitpid(self.pid, os.WNOHANG)[0] == self.pid
        return self.over

    def press(self, keys):
        os.write(self.handle, keys if isinstance(keys, bytes) else keys.encode())

    def until(self, words, limit=30):
        """Waits for words that it writes; what it wrote until they were there is gone."""
        words = words if isinstance(words, bytes) else words.encode()

        def is_there():
            assert not self.ended(), self.said()
            return words in self.text
        wait_until(is_there, limit, 0.01, self.said)
        self.text = self.text.partition(words)[2]

    def until_ended(self, limit=30):
        wait_until(self.ended, limit, 0.01, self.said)

    def said(self):
        return self.text.decode(errors="replace")

    def close(self):
        os.close(self.handle)  # hangs up on it


class Desk:
    """Where mail programs run: a folder for their files. With RECORD=FOLDER in the environment what
    they and a server say to each other is kept there."""

    def __init__(self, folder):
        self.folder, self.recorders = folder, []

    def certificate(self, host):
        """A file with that of a host."""
        copy = self.folder / f"{host.name}.pem"
        if not copy.exists():
            shutil.copy(host.folder / "keys/default.crt", copy)
        return copy

    def door(self, host, service):
        """Address and port at which a program reaches a service that speaks TLS at once."""
        folder = os.environ.get("RECORD")
        if not folder:
            return host.address, host.ports[service]
        self.recorders.append(Recorder(host, service, folder))
        return self.recorders[-1].address

    def close(self):
        for recorder in self.recorders:
            recorder.close()

    def file(self, name, data):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        path.chmod(0o600)
        return path

    def environment(self, **more):
        return dict(os.environ, HOME=str(self.folder), LC_ALL="C.UTF-8", TERM="vt100",
                    FETCHMAILHOME=str(self.folder), **more)

    def client(self, *command, limit=60, environment=None, **more):
        """Runs a mail program, which must be content; what it says."""
        done = subprocess.run([str(word) for word in command], cwd=self.folder,
                              env=self.environment(**environment or {}), capture_output=True,
                              timeout=limit, check=False, **more)
        assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")
        return done.stdout

    def screen(self, *command, **environment):
        return Screen([str(word) for word in command], self.environment(**environment), self.folder)


class Reader(Desk):
    """Somebody who reads his mail at a host with some program."""

    def __init__(self, host, folder):
        super().__init__(folder)
        self.host, self.user = host, host.account()
        if "Sent" not in self.names():
            with host.imap(self.user) as wire:
                wire.ok("CREATE Sent (USE (\\Sent))")
                wire.ok("SUBSCRIBE Sent")
        if os.environ.get("RECORD"):
            with host.imap(self.user) as wire:  # so that what is recorded can be read
                wire.ok("SETMETADATA \"\" (/private/vendor/hayauma/imap/capabilities-off"
                        " \"UIDONLY COMPRESS=DEFLATE\")")
        self.trust = self.certificate(host)

    def fill(self, *names):
        """Messages that come from elsewhere, with a Japanese one at the end."""
        for name in names:
            self.host.deliver(self.user, re.sub(rb"(?m)^\.", b"..", message(name)))
        self.host.deliver(self.user, JAPANESE)
        self.host.wait_for_messages(self.user, len(names) + 1)

    def mailbox(self, name="INBOX"):
        """{message without its trace fields: its flags} of what the host has in a mailbox."""
        with self.host.imap(self.user) as wire:
            wire.ok(f'EXAMINE "{name}"')
            found = {}
            for response in wire.ok("UID FETCH 1:* (FLAGS BODY.PEEK[])"):
                flags = re.search(rb"FLAGS \(([^)]*)\)", response).group(1).split()
                whole = re.search(rb"BODY\[\] \{\d+\}\r\n(.*)\)$", response, re.S).group(1)
                found[strip_trace(whole)] = set(flags) - {b"\\Recent"}
            return found

    def names(self):
        with self.host.imap(self.user) as wire:
            return {re.sub(rb'.* "/" ', b"", line).decode() for line in wire.ok('LIST "" *')}


def message(name):
    head = (f"From: Tama <tama@far.test>\r\nTo: kiku@far.test\r\nSubject: {name}\r\n"
            f"Date: Sat, 21 Nov 2026 09:00:00 +0900\r\nMessage-ID: <{name}@far.test>\r\n"
            "MIME-Version: 1.0\r\n")
    return head.encode() + BODIES[name]


__all__ = ["BODIES", "Desk", "FOLDER", "FOLDER_UTF7", "JAPANESE", "JAPANESE_SUBJECT", "JAPANESE_WORDS",
           "Reader", "message", "quoted"]
