# SPDX-License-Identifier: ISC
"""A stage on which strangers send, who are judged, and users, whose messages leave signed.

The strangers' domains want all refused that fails (DMARC), and nothing that is sent here fails: so
a 550 is wrong, and so is a message that was taken without having passed, whatever has died
meanwhile. A message that has come to the other host has both signatures, and both verify.
"""
import base64
import json
import subprocess

from names import Names
from server import DOMAIN, HERE, PASSWORD, PROGRAM, NotReady, wait_until
from stage import Stage

STRANGER = "192.0.2.77"  # an address of this machine beside loopback, from which nothing is judged
AUTHORS = 50             # the messages program has so many names
USER = f"f000@{DOMAIN}"
NAMES_PORT = 53          # above the offset
KEYS_LIMIT = 90.0        # seconds until keys are made, and until DNS was seen to show them
SIGNATURES = 2           # RSA and Ed25519
SETTINGS = {
    "smtp.trusted-networks": "none",
    "sending.messages-per-hour": "0",
    "sending.messages-per-day": "0",
    "sending.new-recipients-per-hour": "0",
    "sending.new-recipients-per-day": "0",
}


def strangers_records():
    """That what comes from STRANGER in these names passes, and nothing else does."""
    records = {}
    for number in range(AUTHORS):
        records[f"s{number}.test TXT"] = [f"v=spf1 ip4:{STRANGER} -all"]
        records[f"_dmarc.s{number}.test TXT"] = ["v=DMARC1; p=reject"]
    return records


class Senders(Stage):
    def __init__(self, folder, name, seed):
        super().__init__(folder, name, seed, settings=SETTINGS)
        self.names = Names(self.server.offset + NAMES_PORT)
        self.names.records = strangers_records()
        self.server.addresses.append(STRANGER)
        self.server.settings["dns.resolvers"] = self.names.address
        self.book.is_right = has_passed
        self.kept = self.folder / "kept"

    def open(self):
        subprocess.run(["ip", "address", "replace", f"{STRANGER}/32", "dev", "lo"], check=True)
        self.kept.mkdir()
        self.names.start()
        super().open()
        self._show_keys()

    def close(self):
        super().close()
        self.names.die()

    # ---------------------------------------------------------------- who sends

    def strangers(self):
        return self.load(pace=150, connections=16, readers=True, run="strangers", host=STRANGER,
                         m="f@s#.test", o=0, w=120)

    def users(self):
        login = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
        return self.load(pace=100, connections=8, readers=False, run="users", service="submission",
                         m=USER, a=login, o=70, w=120)

    # ---------------------------------------------------------------- what is to come of it

    def settle(self, why, prompt=False):
        super().settle(why, prompt)
        for name, verdict in self._verify():
            passed = [one for one in verdict["dkim"]
                      if one["result"] == "pass" and one["domain"] == DOMAIN]
            self.book.counts["verified"] += 1
            if len(passed) != SIGNATURES:
                self.book.complain("unsigned", f"{name} {why}: {verdict['dkim']}")

    def _verify(self):
        """(file, verdict) of each message that has come to the other host since the last time."""
        files = sorted(self.kept.iterdir())
        asked = "".join(json.dumps({"message_file": str(file)}) + "\n" for file in files)
        done = subprocess.run([PROGRAM, "verify", "--json-lines", "--dns", self.names.address],
                              input=asked, text=True, capture_output=True, check=True)
        verdicts = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(verdicts) == len(files)
        for file, verdict in zip(files, verdicts):
            yield file.name, verdict
            file.unlink()

    def _show_keys(self):
        """Puts the keys into DNS, and has messages leave until that was seen."""
        keys = wait_until(self._keys, KEYS_LIMIT, 0.2)
        if not keys:
            raise NotReady(f"no keys after {KEYS_LIMIT:.0f} s")
        self.names.die()
        self.names.records |= {f"{one['name']} TXT": [one["value"]] for one in keys}
        self.names.start()
        with self.users():
            if not wait_until(self._keys_are_seen, KEYS_LIMIT, 0.2):
                self.book.complain("unsigned", "DNS was not seen to show the keys")
        super().settle("with keys that DNS begins to show")
        self._begin_anew()  # a scan process remembers for a minute that there was nothing
        for file in self.kept.iterdir():
            file.unlink()

    def _keys(self):
        said = self.server.command("dns", DOMAIN, "--no-check", "--json", check=False)
        keys = [one for one in json.loads(said or "[]")
                if one["purpose"] == "dkim" and one["of"] == DOMAIN]
        return keys if len(keys) == SIGNATURES else None

    def _keys_are_seen(self):
        state = self.server.folder / "keys/dkim" / DOMAIN / "state"
        lines = state.read_text().splitlines()
        return len(lines) == SIGNATURES and all(line.split()[2] != "0" for line in lines)


def has_passed(name, header):
    """What is wrong with what stands above a stranger's message, or None."""
    if not name.startswith("strangers-"):
        return None
    fields = header.count(b"Authentication-Results:")
    return None if fields == 1 and b"dmarc=pass" in header else f"it was not judged: {header!r}"
