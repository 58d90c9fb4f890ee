# SPDX-License-Identifier: ISC
"""Programs of others that sign messages, each with a folder of its own: OpenDKIM (as a milter) and rspamd."""
import contextlib
import json
import re
import socket
import struct
import subprocess
import time
import urllib.request


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(command, port, log):
    """While it listens on the port."""
    with open(log, "wb") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
        try:
            for _ in range(600):
                assert process.poll() is None, log.read_text()
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.1)
            yield
        finally:
            process.terminate()


# ------------------------------------------------------------------ OpenDKIM

LEADING_BLANKS = 0x100000  # SMFIP_HDR_LEADSPC: the values of fields are as they stand behind the colon


class Milter:
    """What a mail server says to a milter about one message from 127.0.0.1."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.stream = self.socket.makefile("rb")
        chosen, = self.say(b"O", struct.pack(">III", 6, 0x1ff, LEADING_BLANKS))
        assert struct.unpack(">III", chosen[1:13])[2] & LEADING_BLANKS

    def say(self, command, data=b""):
        """Its answers, up to the one that ends the command."""
        self.socket.sendall(struct.pack(">I", len(data) + 1) + command + data)
        answers = []
        while not answers or answers[-1][:1] not in b"Ocar":
            length, = struct.unpack(">I", self.stream.read(4))
            answers.append(self.stream.read(length))
        return answers

    def sign(self, message):
        header, _, body = message.partition(b"\r\n\r\n")
        self.say(b"C", b"localhost\x004" + struct.pack(">H", 1025) + b"127.0.0.1\0")
        self.say(b"H", b"localhost\0")
        self.say(b"M", b"<tama@example.jp>\0")
        self.say(b"R", b"<hanako@example.org>\0")
        for field in re.split(rb"\r\n(?![ \t])", header):
            name, _, value = field.partition(b":")
            self.say(b"L", name + b"\0" + value.replace(b"\r\n", b"\n") + b"\0")
        self.say(b"N")
        if body:
            self.say(b"B", body)
        added, = [answer for answer in self.say(b"E") if answer[:1] == b"i"]
        name, value = added[5:].split(b"\0")[:2]
        self.socket.close()
        return name + b":" + value.replace(b"\n", b"\r\n") + b"\r\n"


@contextlib.contextmanager
def opendkim(folder, key, forms):
    port = free_port()
    conf = folder / "opendkim.conf"
    conf.write_text(f"Mode s\nDomain example.jp\nSelector sel\nKeyFile {key}\nCanonicalization {forms}\n"
                    "SignatureAlgorithm rsa-sha256\nRequireSafeKeys no\nOversignHeaders From\n")
    with running(["opendkim", "-f", "-x", conf, "-p", f"inet:{port}@127.0.0.1"], port, folder / "opendkim.log"):
        yield lambda message: Milter(port).sign(message)


# ------------------------------------------------------------------ rspamd

RSPAMD = """
options {{
    pidfile = "{folder}/pid"; tempdir = "{folder}"; filters = "dkim"; local_addrs = "127.0.0.0/8";
    url_tld = "{folder}/suffixes"; disable_hyperscan = true; dns {{ nameserver = ["{dns}"]; }}
}}
logging {{ type = "file"; filename = "{folder}/log"; }}
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; }}
modules {{ path = "/usr/share/rspamd/plugins/dkim_signing.lua"; }}
dkim {{ sign_headers = "(o)from:(o)to:(o)subject:date:(x)reply-to:message-id"; }}
dkim_signing {{
    sign_local = true; use_domain = "header"; use_esld = false; check_pubkey = false;
    allow_hdrfrom_mismatch = true; allow_envfrom_empty = true;
    domain {{ "example.jp" {{ path = "{key}"; selector = "sel"; }} }}
}}
"""


@contextlib.contextmanager
def rspamd(folder, key, dns):
    """Gives a function to which a message and the address of the client are told: what rspamd says of it. It
    signs what comes from 127.0.0.1, and judges the rest."""
    port = free_port()
    (folder / "suffixes").write_text("jp\n")
    conf = folder / "rspamd.conf"
    conf.write_text(RSPAMD.format(folder=folder, port=port, key=key, dns=dns))

    def ask(message, client):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/checkv2", data=message, headers={"IP": client})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    with running(["rspamd", "-f", "-i", "-c", conf], port, folder / "out"):
        yield ask
