# SPDX-License-Identifier: ISC
"""The rows of the bench about who has sent a message: what strangers bring is judged (SPF, DKIM,
DMARC, ARC, iprev), what leaves is signed. Each is measured with and without, on one server, in turns."""
import base64
import contextlib
import hashlib
import json
import os
import poplib
import subprocess
import sys
import time

from measure import TOOLS, TOP, Failure, cpu_of, figures, tool
from servers import HERE, Hayauma
from table import Row

sys.path += [str(TOP / "tests"), str(TOP / "tests/cli")]
from fake_dns import FakeDns  # noqa: E402
from namespaces import CLONE_NEWNET, LIBC, call, enter_own_network  # noqa: E402

STRANGERS = ["198.51.100.%d" % (number + 1) for number in range(20)]  # as many as smtp_load has sessions
SENDER = "load@elsewhere.test"
SIGNED, BARE = "load@bench.test", "load@bare.test"  # both of the host; DNS shows the keys of one
KEYS_LIMIT = 100  # seconds until what DNS shows is used; that there was nothing is kept for a minute


@contextlib.contextmanager
def network_with_strangers():
    """Loopback, and addresses beside it: clients of loopback are never judged."""
    if os.geteuid() != 0:
        raise Failure("strangers need a network of their own, which only root can make")
    with open("/proc/self/ns/net", "rb") as before:
        enter_own_network()
        try:
            subprocess.run(["ip", "address", "add", f"{STRANGERS[0]}/24", "dev", "lo"], check=True)
            yield
        finally:
            call(LIBC.setns, before.fileno(), CLONE_NEWNET)


def openssl(*words, data=b""):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, input=data).stdout


def write_signed(path, size):
    """A message with one signature by a new RSA key of 2048 bits; the value of its DNS record.

    It is written such that its relaxed form (RFC 6376 §3.4) is itself, but for the names of fields.
    """
    key = path.with_suffix(".pem")
    openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key)
    fields = [("From", f"Load <{SENDER}>"), ("To", "user@bench.test"), ("Subject", "a signed message"),
              ("Date", "Sun, 22 Nov 2026 11:00:00 +0000"), ("Message-ID", "<1@elsewhere.test>")]
    line = "message horse town the road and post rider river under bridge\r\n"
    body = line * ((size - 700) // len(line))  # the header is the rest
    value = ("v=1; a=rsa-sha256; c=relaxed/relaxed; d=elsewhere.test; s=bench; "
             f"h={':'.join(name for name, _ in fields)}; "
             f"bh={base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()}; b=")
    text = "".join(f"{name.lower()}:{value}\r\n" for name, value in fields) + f"dkim-signature:{value}"
    value += base64.b64encode(openssl("dgst", "-sha256", "-sign", key, data=text.encode())).decode()
    header = "".join(f"{name}: {value}\r\n" for name, value in [("DKIM-Signature", value), *fields])
    path.write_bytes(f"{header}\r\n{body}".encode())
    public = openssl("pkey", "-in", key, "-pubout", "-outform", "DER")
    return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


def records_of_strangers(key):
    records = {"elsewhere.test TXT": ["v=spf1 ip4:198.51.100.0/24 -all"],
               "_dmarc.elsewhere.test TXT": ["v=DMARC1; p=reject"],
               "bench._domainkey.elsewhere.test TXT": [key],
               "load.elsewhere.test A": STRANGERS}
    for address in STRANGERS:
        reverse = ".".join(reversed(address.split(".")))
        records[f"{reverse}.in-addr.arpa PTR"] = ["load.elsewhere.test"]
    return records


def settings_of(dns):
    return {"dns": {"resolvers": dns.address, "dnssec": "no"}}


class SenderRows:
    """Part of the Bench of `run`, which brings the rest."""

    def beside_without(self, with_it, without, what):
        """Rate and CPU belong together: with twice the CPU half the rate is all that can be."""
        work = [got["per_second"] * got["cpu_ms"] / 1e3 for got in (with_it, without)]
        self.rows.append(Row(f"  processors at work, {what}", "", *work, 0.85))

    # ---------------------------------------------------------------- judging

    def run_judge(self):
        message = self.folder / "signed.eml"
        try:
            key = write_signed(message, 4096)
            with network_with_strangers(), FakeDns(records_of_strangers(key)) as dns:
                server = self.keep(Hayauma(self.folder / "judge", self.ports["queue"], self.password, 100,
                                           settings_of(dns)))
                self.judge(server, message)
                self.end(server)
        except (OSError, subprocess.CalledProcessError, poplib.error_proto) as error:
            raise Failure(f"{error}") from None

    def judge(self, server, message):
        def measure(first):
            messages = self.few(10000)
            before = server.cpu()
            got = self.load(server, messages, "-F", message, "-b", first)
            self.drain(server)
            spent = time.monotonic() - got["began_at"]
            time.sleep(0.3)
            got = {"per_second": messages / spent, "cpu_ms": (server.cpu() - before) / messages * 1e3}
            self.say(f"{'judged' if first != HERE else 'not judged'}: {got['per_second']:.0f} messages/s, "
                     f"{got['cpu_ms']:.3f} ms CPU each")
            return got

        for first in (HERE, STRANGERS[0]):  # a mailbox is made, an answer of DNS is in hand
            self.load(server, 100, "-F", message, "-b", first)
        self.drain(server)
        self.require_verdict(server)
        with_it, without = self.turns(measure, [STRANGERS[0], HERE])
        self.rows += [
            Row("messages judged, into the mailbox; peer: not judged", "1/s", with_it["per_second"],
                without["per_second"], None),
            Row("  CPU of judging each, all processes", "ms", with_it["cpu_ms"] - without["cpu_ms"], None,
                0.3, 0.15, lower=True, absolute=True)]
        self.beside_without(with_it, without, "beside not judged")

    def require_verdict(self, server):
        """What is measured is a signature that is found right."""
        reader = poplib.POP3(HERE, server.ports["pop3"], timeout=30)
        reader.user("user000@bench.test")
        reader.pass_(self.password)
        _, lines, _ = reader.retr(reader.stat()[0])
        reader.quit()
        header = b" ".join(lines[:lines.index(b"")])
        if not all(word in header for word in (b"spf=pass", b"dkim=pass", b"dmarc=pass")):
            raise Failure(f"a message of a stranger was not found right: {header.decode()[:800]}")

    # ---------------------------------------------------------------- signing

    def run_sign(self):
        with FakeDns({}) as dns:
            server = self.keep(Hayauma(self.folder / "sign", self.ports["queue"], settings=settings_of(dns)))
            server.run("domain", "add", BARE.partition("@")[2])
            self.publish(server, dns)
            self.sign(server)
            self.end(server)

    @staticmethod
    def publish(server, dns):
        end = time.monotonic() + KEYS_LIMIT
        keys = []
        while len(keys) < 2:
            if time.monotonic() > end:
                raise Failure("there are no keys for bench.test")
            keys = [one for one in json.loads(server.run("dns", "bench.test", "--no-check", "--json"))
                    if one["purpose"] == "dkim" and one["of"] == "bench.test"]
        for one in keys:
            dns.records[f"{one['name']} TXT"] = [one["value"]]
            dns.names.add(one["name"])

    def relay(self, server, sender, messages):
        """Figures of the load, and when the last message was there and how many bore a signature."""
        with subprocess.Popen([TOOLS / "smtp_sink", HERE, str(server.ports["sink"]), str(messages)],
                              text=True, stdout=subprocess.PIPE) as sink:
            try:
                sink.stdout.readline()
                got = self.load(server, messages, "-f", sender, "-t", "user%03d@away.test")
                out, _ = sink.communicate(timeout=120)
            except (Failure, subprocess.TimeoutExpired):
                sink.kill()
                raise
        self.drain(server)
        return {**got, **figures(out)}

    def sign(self, server):
        end = time.monotonic() + KEYS_LIMIT
        while self.relay(server, SIGNED, 20)["signed"] < 20:
            if time.monotonic() > end:
                raise Failure("what is sent in the name of bench.test leaves without a signature")
            time.sleep(1)

        def measure(sender):
            messages = self.few(5000)
            signers = cpu_of(server.process.pid, "scan", "keys")
            before = server.cpu()
            got = self.relay(server, sender, messages)
            time.sleep(0.3)
            if got["signed"] != (messages if sender == SIGNED else 0):
                raise Failure(f"{got['signed']:.0f} of {messages} messages from {sender} bore a signature")
            signers = cpu_of(server.process.pid, "scan", "keys") - signers
            bare = tool("sign_cost")
            got = {"per_second": messages / (got["last_at"] - got["began_at"]),
                   "cpu_ms": (server.cpu() - before) / messages * 1e3,
                   "signers_ms": signers / messages * 1e3, "bare_ms": bare["rsa_ms"] + bare["ed25519_ms"]}
            self.say(f"{'signed' if sender == SIGNED else 'not signed'}: {got['per_second']:.0f} messages/s, "
                     f"{got['cpu_ms']:.3f} ms CPU each, {got['signers_ms']:.3f} of them scan and keys; "
                     f"OpenSSL alone {got['bare_ms']:.3f} for two signatures")
            return got

        with_it, without = self.turns(measure, [SIGNED, BARE])
        # Whether a name has keys that sign is asked in both: that counts as signing.
        whole = with_it["cpu_ms"] - without["cpu_ms"] + without["signers_ms"]
        self.rows += [
            Row("messages relayed, signed by two keys; peer: not signed", "1/s", with_it["per_second"],
                without["per_second"], None),
            Row("  CPU of signing each, all processes", "ms", whole, None, None),
            Row("  of it beside what OpenSSL alone takes", "ms", whole - with_it["bare_ms"], None, 0.12,
                lower=True, absolute=True)]
        self.beside_without(with_it, without, "beside not signed")
