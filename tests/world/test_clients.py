# SPDX-License-Identifier: ISC
"""Six mail programs hand messages in and fetch them, over TLS and with a login; nothing of a message
may change on its way but the trace fields in front of it. Each message goes from a to b."""
import email
import email.policy
import re

import pytest

from mail_programs import BODIES, Desk, quoted
from world import PASSWORD, strip_trace

HEAD = ("From: =?utf-8?B?546J?= <{sender}>\r\nTo: {reader}\r\nSubject: {name}\r\n"
        "Date: Sat, 21 Nov 2026 09:00:00 +0900\r\nMessage-ID: <{name}.{tag}@a.test>\r\n"
        "MIME-Version: 1.0\r\n")


class Party(Desk):
    """A writer at host a and a reader at host b, and a folder for a client's files."""

    def __init__(self, a, b, folder):
        super().__init__(folder)
        self.a, self.b = a, b
        self.writer, self.reader = a.account(), b.account()
        for host in (a, b):
            self.certificate(host)

    def message(self, name, tag):
        head = HEAD.format(sender=self.writer, reader=self.reader, name=name, tag=tag)
        return head.encode() + BODIES[name]

    def messages(self, tag):
        return {name: self.message(name, tag) for name in BODIES}

    def must_arrive(self, sent):
        """The reader has just these messages, to the byte, in any order."""
        found = [strip_trace(message)
                 for message in self.b.wait_for_messages(self.reader, len(sent), 20)]
        assert sorted(found) == sorted(sent.values() if isinstance(sent, dict) else sent)

    def fill(self, tag):
        """Messages wait at b."""
        sent = self.messages(tag)
        with self.b.smtp() as wire:
            for data in sent.values():
                wire.accepted(self.writer, [self.reader], re.sub(rb"(?m)^\.", b"..", data))
        self.b.wait_for_messages(self.reader, len(sent))
        return sent


@pytest.fixture
def party(a, b, tmp_path):
    return Party(a, b, tmp_path)


# ---------------------------------------------------------------- handing in


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_swaks_hands_in(party, way):
    """Ports 587 with STARTTLS and AUTH LOGIN, 465 with AUTH PLAIN."""
    sent = party.messages("swaks")
    port = party.a.ports["submission" if way == "starttls" else "submissions"]
    for name, data in sent.items():
        party.client("swaks", "--server", party.a.address, "--port", port,
                     "--tls" if way == "starttls" else "--tlsc",
                     "--auth", "LOGIN" if way == "starttls" else "PLAIN",
                     "--auth-user", party.writer, "--auth-password", PASSWORD,
                     "--from", party.writer, "--to", party.reader, "--no-data-fixup",
                     "--data", f"@{as_on_the_wire(party, name, data)}")
    party.must_arrive(sent)


def as_on_the_wire(party, name, data):
    """A file for swaks, which sends it as it is: dots are doubled, and one is at the end."""
    return party.file(name, re.sub(rb"(?m)^\.", b"..", data) + b".")


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_msmtp_hands_in(party, way):
    """It verifies the certificate against the name of the host."""
    sent = party.messages("msmtp")
    port = party.a.ports["submission" if way == "starttls" else "submissions"]
    settings = party.file("msmtprc", f"""account default
host {party.a.address}
port {port}
tls on
tls_starttls {"on" if way == "starttls" else "off"}
tls_trust_file {party.folder}/a.pem
tls_host_override {party.a.hostname}
auth on
user {party.writer}
password {PASSWORD}
from {party.writer}
""")
    for data in sent.values():
        party.client("msmtp", "-C", settings, party.reader, input=data.replace(b"\r\n", b"\n"))
    party.must_arrive(sent)


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_curl_hands_in(party, way):
    """It verifies the certificate against the name of the host."""
    sent = party.messages("curl")
    scheme, service = ("smtp", "submission") if way == "starttls" else ("smtps", "submissions")
    port = party.a.ports[service]
    for name, data in sent.items():
        party.client("curl", "-sS", "--ssl-reqd", "--cacert", party.folder / "a.pem",
                     "--resolve", f"{party.a.hostname}:{port}:{party.a.address}",
                     "--url", f"{scheme}://{party.a.hostname}:{port}/client.test",
                     "--user", f"{party.writer}:{PASSWORD}", "--mail-from", party.writer,
                     "--mail-rcpt", party.reader, "--upload-file", party.file(name, data))
    party.must_arrive(sent)


def from_mbox(message):
    """A message that lay in an mbox file: without the fields that mail programs note there for
    themselves, the quoting of "From ", and the empty line behind it."""
    head, body = message.split(b"\n\n", 1)
    own = re.compile(rb"(?:Status|X-Status|Content-Length|Lines): .*")
    head = b"\n".join(line for line in head.split(b"\n") if not own.fullmatch(line))
    body = re.sub(rb"(?m)^>From ", rb"From ", body)
    return (head + b"\n\n" + body.removesuffix(b"\n")).replace(b"\n", b"\r\n")


def as_mbox_can_tell(message):
    """Mbox quotes "From " and so cannot tell what was quoted before; nor, as s-nail writes it,
    whether an empty line at the end was the message's."""
    return strip_trace(message).replace(b"\r\n>From ", b"\r\nFrom ").rstrip(b"\r\n")


def assert_in_mbox(path, sent):
    found = sorted(map(as_mbox_can_tell, messages_in_mbox(path)))
    assert found == sorted(map(as_mbox_can_tell, sent.values()))


def messages_in_mbox(path):
    text = path.read_bytes()
    return [from_mbox(message) for message in re.split(rb"(?m)^From \S+ +\w{3} \w{3} .*\n", text)[1:]]


def without_date(message):
    """mutt looks at the clock once for the message and once for its copy."""
    return re.sub(rb"(?m)^Date: .*\r\n", b"", message, count=1)


def test_mutt_hands_in(party):
    """Port 587, STARTTLS; it makes a message of its own, with an attachment, and keeps a copy."""
    url = f"smtp://{quoted(party.writer)}@{party.a.address}:{party.a.ports['submission']}/"
    settings = party.file("muttrc", f"""set smtp_url="{url}"
set smtp_pass="{PASSWORD}"
set ssl_force_tls=yes ssl_verify_host=no certificate_file="{party.folder}/a.pem"
set from="{party.writer}" use_from=yes realname="玉" envelope_from=yes
set charset=utf-8 send_charset="us-ascii:iso-2022-jp:utf-8"
set copy=yes record="{party.folder}/sent" mbox_type=mbox
set hostname=client.test
""")
    body = party.file("body", "菊さま\n\n. 早馬の手紙です。\n.\nFrom here\n")
    data = party.file("map.bin", bytes(range(256)))
    party.client("mutt", "-n", "-F", settings, "-s", "道中案内", "-a", data, "--", party.reader,
                 input=body.read_bytes())
    message, = party.b.wait_for_messages(party.reader)
    copy, = messages_in_mbox(party.folder / "sent")
    assert without_date(strip_trace(message)) == without_date(copy)
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    assert parsed["Subject"] == "道中案内"
    assert parsed.get_body().get_content().startswith("菊さま")
    assert next(parsed.iter_attachments()).get_content() == bytes(range(256))


def test_s_nail_hands_in(party):
    """Port 465; it makes a message of its own, with an attachment, and keeps a copy."""
    url = (f"submissions://{quoted(party.writer)}:{quoted(PASSWORD)}@{party.a.address}:"
           f"{party.a.ports['submissions']}")
    data = party.file("map.bin", bytes(range(256)))
    settings = [f"mta={url}", "smtp-auth=plain", "tls-verify=ignore", f"from={party.writer}",
                f"record={party.folder}/sent", "ttycharset=utf-8", "sendcharsets=utf-8",
                "hostname=client.test", "v15-compat=yes"]
    words = [word for setting in settings for word in ("-S", setting)]
    party.client("s-nail", "-n", *words, "-s", "道中案内", "-a", data, party.reader,
                 input="菊さま\n\n. 早馬の手紙です。\n.\nFrom here\n".encode())
    message, = party.b.wait_for_messages(party.reader)
    assert [strip_trace(message)] == messages_in_mbox(party.folder / "sent")
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    assert parsed["Subject"] == "道中案内"
    assert next(parsed.iter_attachments()).get_content() == bytes(range(256))


# ---------------------------------------------------------------- fetching


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_curl_fetches(party, way):
    sent = party.fill("curl")
    scheme, service = ("pop3", "pop3") if way == "starttls" else ("pop3s", "pop3s")
    port = party.b.ports[service]
    common = ["curl", "-sS", "--ssl-reqd", "--cacert", party.folder / "b.pem",
              "--resolve", f"{party.b.hostname}:{port}:{party.b.address}",
              "--user", f"{party.reader}:{PASSWORD}"]
    url = f"{scheme}://{party.b.hostname}:{port}/"
    assert len(party.client(*common, url).splitlines()) == len(sent)
    found = [party.client(*common, url + str(number)) for number in range(1, len(sent) + 1)]
    assert sorted(map(strip_trace, found)) == sorted(sent.values())


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_curl_reads_and_stores_by_imap(party, way):
    sent = party.fill("curl")
    service = "imap" if way == "starttls" else "imaps"
    port = party.b.ports[service]
    common = ["curl", "-sS", "--ssl-reqd", "--cacert", party.folder / "b.pem",
              "--resolve", f"{party.b.hostname}:{port}:{party.b.address}",
              "--user", f"{party.reader}:{PASSWORD}"]
    url = f"{service}://{party.b.hostname}:{port}/"
    listed = party.client(*common, url).split(b"\r\n")
    assert b'* LIST (\\HasNoChildren) "/" INBOX' in listed
    assert b'* LIST (\\HasNoChildren \\Sent) "/" Sent' in listed
    found = [party.client(*common, f"{url}INBOX;MAILINDEX={number}")
             for number in range(1, len(sent) + 1)]
    assert sorted(map(strip_trace, found)) == sorted(sent.values())
    data = party.message("attachment", "kept")
    party.client(*common, "-T", party.file("kept", data), url + "INBOX")
    assert party.client(*common, f"{url}INBOX;MAILINDEX={len(sent) + 1}") == data


@pytest.mark.parametrize("way", ["starttls", "tls"])
@pytest.mark.parametrize("protocol", ["pop3", "imap"])
def test_fetchmail_fetches_and_deletes(party, way, protocol):
    """It hands each message to a program, with the line ends of this machine."""
    sent = party.fill("fetchmail")
    keep = party.file("keep", "#!/bin/sh\nexec cat > \"$(mktemp " + str(party.folder)
                      + "/got.XXXXXX)\"\n")
    keep.chmod(0o700)
    service, ssl = {"starttls": (protocol, "sslproto TLS1.2+"), "tls": (protocol + "s", "ssl")}[way]
    ids = "uidl" if protocol == "pop3" else ""
    settings = party.file("fetchmailrc", f"""set no bouncemail
set invisible
poll {party.b.address} protocol {protocol} service {party.b.ports[service]} {ids}
  user "{party.reader}" password "{PASSWORD}"
  {ssl} sslcertck sslcertfile "{party.folder}/b.pem" sslcommonname "{party.b.hostname}"
  no rewrite, no mimedecode, fetchall, mda "{keep}"
""")
    party.client("fetchmail", "-f", settings, "--nosyslog", "--pidfile", party.folder / "pid",
                 "-i", party.folder / "ids")
    found = [path.read_bytes().replace(b"\n", b"\r\n") for path in party.folder.glob("got.*")]
    assert sorted(map(strip_trace, found)) == sorted(sent.values())
    assert party.b.messages(party.reader) == []


@pytest.mark.parametrize("protocol", ["pop3", "imap"])
def test_s_nail_fetches(party, protocol):
    sent = party.fill("s-nail")
    url = (f"{protocol}s://{quoted(party.reader)}:{quoted(PASSWORD)}@{party.b.address}:"
           f"{party.b.ports[protocol + 's']}" + ("/INBOX" if protocol == "imap" else ""))
    settings = ["v15-compat=yes", "tls-verify=ignore", "pop3-auth=plain", "imap-auth=login",
                "ttycharset=utf-8"]
    words = [word for setting in settings for word in ("-S", setting)]
    party.client("s-nail", "-n", "-R", *words, "-Y", f"copy * {party.folder}/got\nxit", "-f", url)
    assert_in_mbox(party.folder / "got", sent)


@pytest.mark.parametrize("protocol", ["pop", "imap"])
def test_mutt_fetches(party, protocol):
    """It opens the mailbox and copies all of it."""
    sent = party.fill("mutt")
    port = party.b.ports["imaps" if protocol == "imap" else "pop3s"]
    url = f"{protocol}s://{quoted(party.reader)}@{party.b.address}:{port}/"
    settings = party.file("muttrc", f"""set {protocol}_pass="{PASSWORD}"
set ssl_verify_host=no certificate_file="{party.folder}/b.pem"
set mbox_type=mbox charset=utf-8 confirmappend=no confirmcreate=no move=no mark_old=no
set folder="{party.folder}" wait_key=no pop_delete=no auto_tag=yes
""")
    keys = (f"<tag-pattern>~A<enter><copy-message><kill-line>{party.folder}/got<enter>"
            "<exit>")
    with party.screen("mutt", "-n", "-R", "-F", settings, "-f", url, "-e",
                      f"push \"{keys}\"") as screen:
        screen.until_ended()
    assert_in_mbox(party.folder / "got", sent)
