# SPDX-License-Identifier: ISC
"""What OpenDKIM, rspamd and mailauth sign verifies here (RFC 6376)."""
import base64
import time

import pytest
from cryptography.hazmat.primitives import serialization
from judged import HERE, ask_program, judge_messages
from letter import KEYS, public_bytes
from signers import opendkim, rspamd
from suites import Suite

HEADER = (b"Received: from a by b\r\nFrom: =?utf-8?q?Tama?= <tama@example.jp>\r\nTo: hanako@example.org\r\n"
          b"Subject:  Lunch\r\n\tat noon \r\nDate: Mon, 30 Nov 2026 12:00:00 +0900\r\n"
          b"Message-ID: <1@example.jp>\r\n")
BODIES = [b"One  line \r\n\r\n \t\r\nand another\t one\r\n\r\n\r\n", b"", b"\r\n", b"a\r\n     \r\n\t\r\n"]
MESSAGES = [HEADER + b"\r\n" + body for body in BODIES]


class Records(Suite):
    """The key of example.jp alone."""

    def __init__(self):  # pylint: disable=super-init-not-called
        self.records, self.cases = {}, []
        for selector, key in (("sel", "rsa2048"), ("ed", "ed25519")):
            kind = "rsa" if selector == "sel" else key
            text = base64.b64encode(public_bytes(key)).decode()
            self.add(f"{selector}._domainkey.example.jp", "TXT", f"v=DKIM1; k={kind}; p={text}")


def pem_of(name):
    return KEYS[name].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
                                    if name.startswith("rsa") else serialization.PrivateFormat.PKCS8,
                                    serialization.NoEncryption()).decode()


@pytest.fixture(name="key")
def make_key(tmp_path):
    path = tmp_path / "key.pem"
    path.write_text(pem_of("rsa2048"))
    return path


def expect_pass(signed):
    """Each of them, and none any more once the Subject is another one."""
    changed = [message.replace(b"Lunch", b"Dinner") for message in signed]
    told = judge_messages(Records(), signed + changed, [{"time": int(time.time())}] * 2 * len(signed))
    results = [[one["result"] for one in verdict["dkim"]] for verdict in told]
    assert results == [["pass"]] * len(signed) + [["fail"]] * len(changed), told


@pytest.mark.parametrize("forms", ["simple/simple", "relaxed/simple", "relaxed/relaxed"])
def test_what_opendkim_signs(tmp_path, key, forms):
    with opendkim(tmp_path, key, forms) as sign:
        expect_pass([sign(message) + message for message in MESSAGES])


def test_what_rspamd_signs(tmp_path, key):
    with rspamd(tmp_path, key, "127.0.0.1:1") as ask:
        said = [ask(message, "127.0.0.1") for message in MESSAGES]
    expect_pass([b"DKIM-Signature: " + one["dkim-signature"].encode() + b"\r\n" + message
                 for one, message in zip(said, MESSAGES)])


def test_what_mailauth_signs():
    asked = [{"message": message.decode("latin-1"), "key": pem_of(key), "selector": selector, "forms": forms}
             for message in MESSAGES for selector, key in (("sel", "rsa2048"), ("ed", "ed25519"))
             for forms in ("simple/simple", "relaxed/relaxed")]
    fields = ask_program(["node", str(HERE / "mailauth.mjs"), "sign"], Records(), asked)
    expect_pass([field.encode() + one["message"].encode("latin-1") for field, one in zip(fields, asked)])
