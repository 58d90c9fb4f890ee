# SPDX-License-Identifier: ISC
"""IMAP as mail programs meet it: over TLS, with a login, at a server that is reloaded, stopped and
killed; and what strangers and bad clients get."""
import base64
import contextlib
import email
import email.policy
import imaplib
import re
import socket
import time

import pytest

from mail_programs import JAPANESE
from network import wait_until
from test_restart import fallen, wait_for_return
from wire import Closed, Imap, loose_tls
from world import MESSAGE, PASSWORD, Failure, strip_trace

NEW_PASSWORD = "granite-Umbrella-71-ladders"
SERVICES = ["imap", "imaps"]
DEFAULTS = [b"Archive", b"Drafts", b"Junk", b"Sent", b"Trash"]


@pytest.fixture(scope="module")
def host(world):
    host = world.host("imap")
    yield host
    world.remove(host)


@pytest.fixture(scope="module")
def killed(world):
    """A host whose processes are killed one after the other."""
    host = world.host("imapk")
    yield host
    world.remove(host)


def connection(host, service="imaps", **more):
    """One that has TLS and has not logged in."""
    wire = Imap(host.address, host.ports[service], **more)
    return wire.tls().greeted() if service == "imaps" else wire.greeted().starttls()


def selected(host, user, service="imaps"):
    wire = connection(host, service)
    assert wire.login(user, PASSWORD)[0] == "OK"
    wire.ok("SELECT INBOX")
    return wire


def program(host, user, service):
    """As Python's own library does it."""
    if service == "imaps":
        mail = imaplib.IMAP4_SSL(host.address, host.ports[service], ssl_context=loose_tls(),
                                 timeout=20)
    else:
        mail = imaplib.IMAP4(host.address, host.ports[service], timeout=20)
        mail.starttls(loose_tls())
    mail.login(user, PASSWORD)
    return mail


def got(answer):
    status, data = answer
    assert status == "OK", data
    return data


# ---------------------------------------------------------------- a mail program


@pytest.mark.parametrize("service", SERVICES)
def test_a_mail_program_reads_a_japanese_message(host, service):
    user = host.account()
    host.deliver(user, JAPANESE)
    host.wait_for_messages(user)
    mail = program(host, user, service)
    assert sorted(got(mail.list())) == sorted([
        b'(\\HasNoChildren) "/" INBOX', *(b'(\\HasNoChildren \\%b) "/" %b' % (use, use)
                                          for use in DEFAULTS)])
    assert got(mail.select("INBOX")) == [b"1"]
    (_, whole), _ = got(mail.fetch("1", "(BODY.PEEK[])"))
    assert strip_trace(whole) == JAPANESE
    parsed = email.message_from_bytes(whole, policy=email.policy.default)
    assert parsed["Subject"] == "道中案内"
    assert parsed.get_content() == "品川から藤沢まで、馬は宿場ごとに替わる。\r\n"
    envelope, = got(mail.fetch("1", "(ENVELOPE)"))
    assert b'"<michi@far.test>"' in envelope and b'"tama" "far.test"' in envelope
    structure, = got(mail.fetch("1", "(BODYSTRUCTURE)"))
    assert b'"text" "plain" ("charset" "iso-2022-jp")' in structure.lower()
    assert b"\\Seen" not in got(mail.fetch("1", "(FLAGS)"))[0]
    got(mail.fetch("1", "(BODY[TEXT])"))
    assert b"\\Seen" in got(mail.fetch("1", "(FLAGS)"))[0]
    mail.logout()


@pytest.mark.parametrize("service", SERVICES)
def test_a_mail_program_stores_copies_moves_and_removes(host, service):
    user = host.account()
    mail = program(host, user, service)
    got(mail.create("&ZeVnLIqe-"))  # 日本語
    got(mail.create("Work/2026"))
    assert {line.split(b' "/" ')[1] for line in got(mail.list())} == {
        b"INBOX", b"Work", b"Work/2026", b"&ZeVnLIqe-", *DEFAULTS}
    for number in range(5):
        got(mail.append("INBOX", "(\\Flagged)", '"20-Nov-2026 09:00:00 +0900"',
                        b"Subject: %d\r\n\r\ntext %d\r\n" % (number, number)))
    assert got(mail.select("INBOX")) == [b"5"]
    assert b'INTERNALDATE "20-Nov-2026' in got(mail.fetch("3", "(INTERNALDATE)"))[0]
    got(mail.store("1", "+FLAGS", "(\\Answered $Forwarded)"))
    flags = got(mail.fetch("1", "(FLAGS)"))[0]
    assert all(flag in flags for flag in (b"\\Answered", b"\\Flagged", b"$Forwarded"))
    got(mail.copy("1:2", "&ZeVnLIqe-"))
    status, _ = mail._simple_command("MOVE", "3", "Work/2026")
    assert status == "OK"
    got(mail.store("1", "+FLAGS", "(\\Deleted)"))
    assert got(mail.expunge()) == [b"3", b"1"] or got(mail.noop())
    assert got(mail.select("INBOX")) == [b"3"]
    assert got(mail.select("&ZeVnLIqe-")) == [b"2"]
    (_, whole), _ = got(mail.fetch("1", "(BODY.PEEK[])"))
    assert whole == b"Subject: 0\r\n\r\ntext 0\r\n"
    assert got(mail.select("Work/2026")) == [b"1"]
    assert got(mail.search(None, "ALL")) == [b"1"]
    assert got(mail.uid("SEARCH", None, "SUBJECT", "nothing")) == [b""]
    got(mail.rename("Work", "Arbeit"))
    assert got(mail.status("Arbeit/2026", "(MESSAGES)")) == [b"Arbeit/2026 (MESSAGES 1)"]
    got(mail.select("INBOX"))
    got(mail.delete("Arbeit/2026"))
    mail.logout()
    line = wait_until(lambda: [line for line in host.run("log", user).splitlines()
                               if "session:" in line and "stored 5" in line], 5)
    assert "by IMAP from" in line[0] and "removed 2" in line[0], line


def test_what_a_program_sends_ahead_of_its_login_s_answer_is_obeyed(server):
    """It comes to the edge, and is obeyed beside the mailbox."""
    host = server("ahead", settings={"login.allow-plaintext": "yes"})
    user = host.account()
    login = f'a LOGIN "{user}" {{{len(PASSWORD)}+}}\r\n{PASSWORD}\r\n'
    for service, tls in (("imap", False), ("imap", True), ("imaps", True)):
        wire = connection(host, service) if tls else Imap(host.address, host.ports[service]).greeted()
        with wire:
            wire.send(login + "b SELECT INBOX\r\nc NOOP\r\nd LOGOUT\r\n")
            said = wire.until_closed()
        assert re.search(rb"^a OK \[CAPABILITY IMAP4rev1 [^\]]*\] .*\r\nb OK \[READ-WRITE\] .*"
                         rb"\r\nc OK .*\r\nd OK [^\r]*\r\n$", said, re.S), said


# ---------------------------------------------------------------- several devices


@pytest.mark.parametrize("service", SERVICES)
def test_idle_sees_a_delivery(host, service):
    user = host.account()
    with selected(host, user, service) as wire:
        wire.send("i IDLE\r\n")
        assert wire.line().startswith(b"+ ")
        host.deliver(user)
        assert wire.response(5) == b"* 1 EXISTS"
        wire.send("DONE\r\nf FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]\r\n")
        assert wire.answer(b"i")[0] == "OK"
        assert b"Subject: a message" in wire.answer(b"f")[2][0]


def test_two_devices_see_each_other_s_changes(host):
    user = host.account()
    with selected(host, user, "imaps") as desk, selected(host, user, "imap") as phone:
        phone.send("i IDLE\r\n")
        assert phone.line().startswith(b"+ ")
        for number in range(3):
            desk.append(b"Subject: %d\r\n\r\n" % number)
        assert [phone.response(5) for _ in range(3)][-1] == b"* 3 EXISTS"
        desk.ok("STORE 2 +FLAGS.SILENT (\\Flagged)")
        assert phone.response(5) == b"* 2 FETCH (FLAGS (\\Flagged))"
        desk.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
        assert phone.response(5) == b"* 1 FETCH (FLAGS (\\Deleted))"
        desk.ok("EXPUNGE")
        assert phone.response(5) == b"* 1 EXPUNGE"
        phone.send("DONE\r\n")
        assert phone.answer(b"i")[0] == "OK"
        phone.ok("UID MOVE 2 INBOX")
        assert b"* 1 EXPUNGE" in desk.ok("NOOP")


@pytest.mark.parametrize("service", SERVICES)
def test_who_listens_is_told_between_commands(host, service):
    user = host.account()
    with selected(host, user, service) as wire, selected(host, user) as other:
        wire.ok("CREATE Work")
        wire.ok("NOTIFY SET (selected (MessageNew (UID) MessageExpunge)) "
                "(mailboxes Work (MessageNew MessageExpunge))")
        host.deliver(user)
        assert wire.response(5) == b"* 1 EXISTS"
        assert wire.response(5) == b"* 1 FETCH (UID 1)"
        other.ok("UID MOVE 1 Work")
        assert wire.response(5) == b"* 1 EXPUNGE"
        assert wire.response(5) == b"* STATUS Work (MESSAGES 1 UIDNEXT 2)"
        assert wire.ok("NOOP") == []


# ---------------------------------------------------------------- what is announced


WORKS = [  # capability, commands that are answered with OK when it is announced, and else with BAD
    (b"ACL", ["GETACL INBOX", "SETACL INBOX hana lr", "MYRIGHTS INBOX"]),
    (b"APPENDLIMIT", ["STATUS INBOX (APPENDLIMIT)"]),
    (b"BINARY", ["FETCH 1 BINARY.PEEK[1]", "FETCH 1 BINARY.SIZE[1]"]),
    (b"CATENATE", ['APPEND INBOX CATENATE (URL ";UID=1")']),
    (b"CHILDREN", ['LIST "" "%"']),
    (b"CONDSTORE", ["FETCH 1 MODSEQ", "SEARCH MODSEQ 1", "STATUS INBOX (HIGHESTMODSEQ)"]),
    (b"CONTEXT=SEARCH", ["SEARCH RETURN (UPDATE CONTEXT COUNT) ALL", "CANCELUPDATE x"]),
    (b"CONTEXT=SORT", ["SORT RETURN (UPDATE) (DATE) UTF-8 ALL"]),
    (b"CREATE-SPECIAL-USE", ["DELETE Archive", "CREATE Papers (USE (\\Archive))"]),
    (b"ENABLE", ["ENABLE CONDSTORE"]),
    (b"ESEARCH", ["SEARCH RETURN (COUNT) ALL"]),
    (b"ESORT", ["SORT RETURN (COUNT) (DATE) UTF-8 ALL"]),
    (b"ID", ['ID ("name" "test")', "ID NIL"]),
    (b"I18NLEVEL=1", ["COMPARATOR"]),
    (b"I18NLEVEL=2", ['COMPARATOR "i;*"']),
    (b"LANGUAGE", ["LANGUAGE", "LANGUAGE en"]),
    (b"LIST-EXTENDED", ['LIST (SUBSCRIBED) "" ("*" "%") RETURN (CHILDREN)']),
    (b"LIST-METADATA", ['LIST "" "*" RETURN (METADATA (/shared/comment))']),
    (b"LIST-MYRIGHTS", ['LIST "" "*" RETURN (MYRIGHTS)']),
    (b"LIST-STATUS", ['LIST "" "*" RETURN (STATUS (MESSAGES))']),
    (b"LITERAL+", ["STATUS {5+}\r\nINBOX (MESSAGES)"]),
    (b"METADATA", ['GETMETADATA "" /shared/comment', 'SETMETADATA INBOX (/shared/comment "x")']),
    (b"MOVE", ["UID MOVE 1000 INBOX"]),
    (b"MULTIAPPEND", ["APPEND INBOX {1+}\r\n1 {1+}\r\n2"]),
    (b"MULTISEARCH", ["ESEARCH IN (personal) SUBJECT message"]),
    (b"NAMESPACE", ["NAMESPACE"]),
    (b"OBJECTID", ["FETCH 1 (EMAILID THREADID)", "STATUS INBOX (MAILBOXID)"]),
    (b"PARTIAL", ["SEARCH RETURN (PARTIAL 1:10) ALL", "UID FETCH 1:* UID (PARTIAL 1:10)"]),
    (b"PREVIEW", ["FETCH 1 PREVIEW", "FETCH 1 PREVIEW (LAZY)"]),
    (b"QRESYNC", ["ENABLE QRESYNC", "UID FETCH 1:* UID (CHANGEDSINCE 1 VANISHED)"]),
    (b"QUOTA", ["GETQUOTAROOT INBOX"]),
    (b"QUOTA=RES-STORAGE", ["STATUS INBOX (DELETED DELETED-STORAGE)"]),
    (b"RIGHTS=kxte", ["LISTRIGHTS INBOX hana"]),
    (b"REPLACE", ["REPLACE 2 INBOX {0+}\r\n"]),
    (b"SAVEDATE", ["FETCH 1 SAVEDATE", "SEARCH SAVEDATESUPPORTED SAVEDON 1-Feb-2026"]),
    (b"SEARCH=FUZZY", ["SEARCH FUZZY SUBJECT message"]),
    (b"SEARCHRES", ["SEARCH RETURN (SAVE) ALL", "FETCH $ UID"]),
    (b"SORT", ["SORT (DATE) UTF-8 ALL"]),
    (b"SORT=DISPLAY", ["SORT (DISPLAYFROM) UTF-8 ALL"]),
    (b"SPECIAL-USE", ['LIST "" "*" RETURN (SPECIAL-USE)', 'LIST (SPECIAL-USE) "" "*"']),
    (b"STATUS=SIZE", ["STATUS INBOX (SIZE)"]),
    (b"THREAD=ORDEREDSUBJECT", ["THREAD ORDEREDSUBJECT UTF-8 ALL"]),
    (b"THREAD=REFERENCES", ["THREAD REFERENCES UTF-8 ALL"]),
    (b"THREAD=REFS", ["THREAD REFS UTF-8 ALL"]),
    (b"UIDPLUS", ["UID EXPUNGE 1000"]),
    (b"URL-PARTIAL", ['APPEND INBOX CATENATE (URL ";UID=1/;PARTIAL=0.10")']),
    (b"URLAUTH", ["RESETKEY INBOX", "URLFETCH x"]),
    (b"WITHIN", ["SEARCH YOUNGER 100"]),
    (b"NOTIFY", ["NOTIFY NONE"]),
    (b"UIDBATCHES", ["UIDBATCHES 500"]),
    (b"UNSELECT", ["UNSELECT"]),
    (b"UTF8=ACCEPT", ["ENABLE UTF8=ACCEPT"]),
    (b"IMAP4rev2", ["ENABLE IMAP4rev2"]),
]
ELSEWHERE = {b"IMAP4rev1", b"IDLE", b"INPROGRESS", b"COMPRESS=DEFLATE",
             b"UNAUTHENTICATE"}  # other tests have these


def test_what_is_announced_is_what_works(host):
    user = host.account()
    with connection(host) as wire:
        announced = re.search(rb"CAPABILITY ([^\]]*)\]", wire.greeting).group(1).split()
        assert wire.ok("CAPABILITY") == [b"* CAPABILITY " + b" ".join(announced)]
        assert {b"AUTH=PLAIN", b"AUTH=LOGIN", b"SASL-IR"} <= set(announced)
        assert not {b"STARTTLS", b"LOGINDISABLED"} & set(announced)
        secret = base64.b64encode(f"\0{user}\0{PASSWORD}".encode()).decode()
        status, text, _ = wire.say(f"AUTHENTICATE PLAIN {secret}", 60)
        assert status == "OK", text
        announced = re.match(rb"\[CAPABILITY ([^\]]*)\]", text).group(1).split()
        assert wire.ok("CAPABILITY") == [b"* CAPABILITY " + b" ".join(announced)]
        announced = [re.sub(rb"^APPENDLIMIT=\d+$", b"APPENDLIMIT", name) for name in announced]
        assert b"IMAP4rev1" in announced
        assert set(announced) - ELSEWHERE <= {capability for capability, _ in WORKS}
        assert not {b"AUTH=PLAIN", b"SASL-IR", b"STARTTLS"} & set(announced)
        wire.append(MESSAGE)
        wire.ok("SELECT INBOX")
        for capability, commands in WORKS:
            status = {wire.say(command)[0] for command in commands}
            assert status == ({"OK"} if capability in announced else {"BAD"}), (capability, status)
    with Imap(host.address, host.ports["imap"]).greeted() as wire:
        announced = re.search(rb"CAPABILITY ([^\]]*)\]", wire.greeting).group(1).split()
        assert {b"STARTTLS", b"LOGINDISABLED"} <= set(announced)
        status, text, _ = wire.say(f'LOGIN "{user}" "{PASSWORD}"')
        assert (status, text[:17]) == ("NO", b"[PRIVACYREQUIRED]")


@pytest.mark.parametrize("service", SERVICES)
def test_a_client_that_compresses(host, service):
    user = host.account()
    large = b"Subject: large\r\n\r\n" + (b"0123456789" * 7 + b"\r\n") * 20000
    with selected(host, user, service) as wire, selected(host, user) as other:
        wire.ok("COMPRESS DEFLATE")
        wire.compress()
        uid = wire.append(large)
        wire.came = 0
        assert wire.body(uid) == large
        assert wire.came < len(large) / 20
        assert wire.say("COMPRESS DEFLATE")[0] == "NO"
        wire.send("i IDLE\r\n")
        assert wire.line().startswith(b"+ ")
        other.append(MESSAGE)
        assert wire.line() == b"* 2 EXISTS"
        wire.send("DONE\r\n")
        assert wire.line().startswith(b"i OK")


def test_a_client_that_leaves_an_account_for_another(host):
    """RFC 8437, several times; the wrong password of one does not matter to the next."""
    users = [host.account(), host.account()]
    wire = connection(host)
    for turn in range(4):
        user = users[turn % 2]
        assert wire.say(f'LOGIN "{user}" "wrong"')[0] == "NO"
        assert wire.login(user, PASSWORD)[0] == "OK"
        wire.ok("CREATE turn%d" % turn)
        names = {line.split(b' "/" ')[1] for line in wire.ok('LIST "" turn*')}
        assert names == {b"turn%d" % i for i in range(turn % 2, turn + 1, 2)}
        wire.ok("SELECT INBOX")
        wire.ok("UNAUTHENTICATE")
        assert wire.say("NOOP")[0] == "OK"
        assert wire.say("SELECT INBOX")[0] == "BAD"
    with selected(host, users[0]) as wire:
        wire.ok("COMPRESS DEFLATE")
        wire.compress()
        assert wire.say("UNAUTHENTICATE")[0] == "NO"
    with selected(host, users[0], "imap") as wire:
        wire.ok("UNAUTHENTICATE")
        assert wire.login(users[1], PASSWORD)[0] == "OK"


# ---------------------------------------------------------------- the server's life


@pytest.mark.parametrize("role", ["edge", "mail", "directory"])
@pytest.mark.parametrize("service", SERVICES)
def test_kill_during_a_session(killed, role, service):
    """The session ends, or goes on when it did not need the process; what was stored is there."""
    user = killed.account()
    with selected(killed, user, service) as wire:
        uid = wire.append(MESSAGE)
        wire.ok(f"UID STORE {uid} +FLAGS (\\Flagged)")
        before = fallen(killed, role)
        with contextlib.suppress(Closed, OSError):
            assert wire.say("NOOP", 15)[0] == "OK"
            assert role == "directory", "TLS and mailbox have gone, the session has not"
    wait_for_return(killed, before)
    with selected(killed, user, service) as wire:
        assert wire.body(uid) == MESSAGE
        assert b"\\Flagged" in wire.ok(f"UID FETCH {uid} FLAGS")[0]
        wire.ok("NOOP")


@pytest.mark.parametrize("role", ["edge", "mail"])
def test_kill_during_idle_and_during_a_fetch(killed, role):
    user = killed.account()
    large = b"Subject: large\r\n\r\n" + b"0123456789" * 7 + b"\r\n"
    large += (b"x" * 70 + b"\r\n") * 200_000  # more than the sockets on the way may hold
    with selected(killed, user) as idle, selected(killed, user) as fetching:
        uid = fetching.append(large)
        idle.send("i IDLE\r\n")
        assert idle.line().startswith(b"+ ")
        fetching.send(f"f UID FETCH {uid} BODY.PEEK[]\r\n")
        fetching.line()
        before = fallen(killed, role)
        is_whole = b"f OK" in fetching.until_closed(20)  # pytest takes minutes to show so many bytes
        assert not is_whole
        idle.until_closed(5)
    wait_for_return(killed, before)
    with selected(killed, user) as wire:
        is_whole = wire.body(uid) == large
        assert is_whole


LARGE = b"Subject: large\r\n\r\n" + (b"x" * 70 + b"\r\n") * 100_000


@pytest.mark.parametrize("sent", [0.3, 0.999, 1.0])
def test_kill_during_a_large_append(killed, sent):
    """The message is there whole, once, or not at all, and then nothing of it is kept."""
    user = killed.account()
    data = b"APPEND INBOX {%d+}\r\n%s\r\n" % (len(LARGE), LARGE)
    with selected(killed, user, "imap") as wire:
        with contextlib.suppress(Closed, OSError):
            wire.send(b"a " + data[:int(len(data) * sent)])
        before = fallen(killed, "mail")
        is_stored = b"a OK" in wire.until_closed(20)
    wait_for_return(killed, before)
    with selected(killed, user) as wire:
        uids = wire.ok("UID SEARCH ALL")[0].split()[2:]
        assert len(uids) <= 1 and (uids or not is_stored) and not (uids and sent < 1)
        for uid in [*uids, b"%d" % wire.append(LARGE)]:
            is_whole = wire.body(int(uid)) == LARGE
            assert is_whole
        count, size = re.search(rb"MESSAGES (\d+).* SIZE (\d+)", wire.ok(
            "STATUS INBOX (MESSAGES SIZE)")[0]).groups()
        assert int(size) == int(count) * len(LARGE)


def test_a_login_waits_for_a_mail_process_that_comes_back(server):
    """One that has not fallen before: the master lets others rest for longer each time."""
    host = server("login-waits")
    user = host.account()
    with connection(host) as wire:
        before = fallen(host, "mail")
        assert wire.login(user, PASSWORD)[0] == "OK"
        wire.ok("SELECT INBOX")
    wait_for_return(host, before)


def test_a_reload_leaves_sessions_alone(server):
    host = server("reload", settings={"imap.hard-errors": 3})
    user = host.account()
    with selected(host, user) as old:
        host.configure({"imap.hard-errors": 5, "imap.message-size-max": "64K"})
        host.run("reload")
        assert [old.say("NONSENSE")[0] for _ in range(3)] == ["BAD"] * 3
        assert old.until_closed(5).startswith(b"* BYE ")
    with selected(host, user) as new:
        assert [new.say("NONSENSE")[0] for _ in range(4)] == ["BAD"] * 4
        status, text, _ = new.say(b"APPEND INBOX {70000}")
        assert (status, text[:8]) == ("NO", b"[TOOBIG]")


@pytest.mark.parametrize("service", SERVICES)
def test_a_stop_says_goodbye(server, service):
    host = server("stop", settings={"login.allow-plaintext": "yes"})
    user = host.account()
    with Imap(host.address, host.ports["imap"]).greeted() as plain, \
            selected(host, user, service) as idle, selected(host, user, service) as silent, \
            connection(host, service) as stranger:
        assert plain.login(user, PASSWORD)[0] == "OK"
        idle.send("i IDLE\r\n")
        assert idle.line().startswith(b"+ ")
        host.stop()
        for wire in (plain, idle, silent):
            assert wire.until_closed(5) == b"* BYE the server is being stopped, closing\r\n"
        assert stranger.until_closed(5) == b"* BYE the server is being stopped, closing\r\n"
    host.start()
    selected(host, user, service).close()


def disable(host, user):
    host.run("account", "disable", user)


def change_password(host, user):
    host.run("account", "password", user, "--password-stdin", input=NEW_PASSWORD + "\n")


def remove(host, user):
    host.run("account", "remove", user)


@pytest.mark.parametrize("change", [disable, change_password, remove])
@pytest.mark.parametrize("service", SERVICES)
def test_a_login_that_counts_no_more_ends_its_sessions_within_a_second(host, change, service):
    user, other = host.account(), host.account()
    with selected(host, user, service) as wire, selected(host, user, service) as idle, \
            selected(host, other, service) as others:
        idle.send("i IDLE\r\n")
        assert idle.line().startswith(b"+ ")
        change(host, user)
        for ended in (wire, idle):
            assert ended.until_closed(1) == (b"* BYE the account has changed, please log in again,"
                                             b" closing\r\n")
        others.ok("NOOP")
    with connection(host) as wire:
        status, text, _ = wire.login(user, PASSWORD)
        assert (status, text[:22]) == ("NO", b"[AUTHENTICATIONFAILED]")


def test_the_quota_of_the_account_holds_for_what_is_appended(server):
    host = server("quota")
    user = host.account(None, "--quota", "100K")
    text = b"Subject: x\r\n\r\n" + b"x" * 60000 + b"\r\n"
    with host.imap(user) as wire:
        wire.append(text)
        status, said, _ = wire.say(b"APPEND INBOX {%d+}\r\n%s" % (len(text), text))
        assert (status, said[:11]) == ("NO", b"[OVERQUOTA]")
        wire.ok("STATUS INBOX (MESSAGES)")
        host.run("account", "quota", user, "1M")  # it counts in the session that is open
        wire.append(text)
        assert wire.ok("GETQUOTA \"\"") == [b'* QUOTA "" (STORAGE 118 1024)']
        host.run("account", "quota", user, "none")
        host.configure({"delivery.quota": "200K"})
        host.run("reload")
        status, said, _ = wire.say(b"APPEND INBOX {%d+}\r\n%s" % (2 * len(text), text * 2))
        assert (status, said[:11]) == ("NO", b"[OVERQUOTA]")


# ---------------------------------------------------------------- before the login


def test_wrong_passwords_end_the_conversation_and_are_slowed_down(server):
    host = server("wrong", settings={"login.delay-first": "200ms", "login.delay-max": "1s",
                                     "imap.login-failures": 3})
    user = host.account()
    with connection(host, limit=60) as wire:
        began = time.monotonic()
        for number in range(3):
            status, text, _ = wire.login(user, f"wrong {number}")
            assert (status, text[:22]) == ("NO", b"[AUTHENTICATIONFAILED]")
        assert wire.until_closed(5) == b"* BYE too many failed logins, closing\r\n"
        assert time.monotonic() - began >= 0.2 + 0.4
    with connection(host) as wire:  # who is right is let in
        assert wire.login(user, PASSWORD)[0] == "OK"
    failed = [line for line in host.said().splitlines() if "for imaps as" in line]
    assert len(failed) == 3, failed


def test_a_password_longer_than_any_is_a_wrong_one(host):
    user = host.account()
    with connection(host, limit=60) as wire:
        for password in ("x" * 2000, PASSWORD + "x" * 3000):
            status, text, _ = wire.login(user, password)
            assert (status, text[:22]) == ("NO", b"[AUTHENTICATIONFAILED]")
        status, text, _ = wire.login("x" * 2000, PASSWORD)
        assert (status, text[:22]) == ("NO", b"[AUTHENTICATIONFAILED]")
        assert wire.login(user, PASSWORD)[0] == "OK"


def test_long_lines(host):
    """Before the login up to 8 KiB, behind it more; what is longer is refused and not obeyed."""
    user = host.account()
    with connection(host) as wire:
        wire.ok('ID ("name" "%s")' % ("x" * 5000))
        assert wire.say("NOOP " + "x" * 9000)[0] == "BAD"
        assert wire.login(user, PASSWORD)[0] == "OK"
        wire.append(MESSAGE)
        wire.ok("SELECT INBOX")
        wire.ok("FETCH 1 (%s)" % " ".join(["UID"] * 1250))
        wire.ok("UID FETCH %s UID" % ",".join(str(uid) for uid in range(1, 20000, 2)))


@pytest.mark.parametrize("literal", ["{5000}", "{4294967295}", "{99999999999999999999}"])
def test_a_literal_that_is_too_large_before_the_login_is_refused_and_never_a_command(host, literal):
    with connection(host) as wire:
        status, _, untagged = wire.say(f"LOGIN tama {literal}")
        assert status == "BAD" and untagged == []
        wire.ok("NOOP")
    with connection(host) as wire:  # it does not wait
        wire.send(f"a LOGIN tama {literal[:-1]}+}}\r\n" + "b LOGOUT\r\n" * 500 + "\r\nc NOOP\r\n")
        said = [wire.line(), wire.line()] if literal == "{5000}" else [wire.until_closed(5)]
        assert said[0].startswith(b"a BAD ") and b"goodbye" not in said[0], said
        assert said[-1].startswith(b"c OK ") or literal != "{5000}", said
    with connection(host) as wire:  # nor does this one, although it should
        wire.send(f"a LOGIN tama {literal}\r\nb LOGOUT\r\n")
        said = wire.until_closed(5)
        assert b"a BAD " in said and b"goodbye" not in said, said


def test_nothing_may_follow_starttls(host):
    with Imap(host.address, host.ports["imap"]).greeted() as wire:
        wire.send("a STARTTLS\r\nb NOOP\r\n")
        said = wire.until_closed(5)
        assert b"a OK" not in said and b"b OK" not in said and b"* BYE" in said


def test_slow_clients_are_given_up_and_vanished_ones_leave_nothing(server):
    host = server("slow", settings={"imap.login-timeout": "2s"})
    user = host.account()
    slow = connection(host)
    began = time.monotonic()
    with contextlib.suppress(Closed, OSError):
        while time.monotonic() - began < 10:
            slow.send(b"x")
            time.sleep(0.2)
            slow.socket.settimeout(0.01)
            with contextlib.suppress(TimeoutError):
                if not slow.socket.recv(1000).startswith(b"* BYE"):
                    break
                break
    assert 1.5 < time.monotonic() - began < 5
    large = b"Subject: large\r\n\r\n" + (b"x" * 70 + b"\r\n") * 100000
    with host.imap(user) as wire:
        uid = wire.append(large)
    for _ in range(20):  # gone in the midst of an answer, of a command, of IDLE
        for said in (f"f UID FETCH {uid} BODY.PEEK[]\r\n", "a APPEND INBOX {1000000+}\r\nSubject",
                     "i IDLE\r\n"):
            wire = selected(host, user)
            wire.send(said)
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            wire.close()
    wait_until(lambda: not any(p["sessions"] for p in host.processes()
                               if p["role"] in ("edge", "mail")), 10, 0.1, host.processes)
    with selected(host, user) as wire:
        assert wire.ok("STATUS INBOX (MESSAGES)") == [b"* STATUS INBOX (MESSAGES 1)"]


def test_connections_count_for_their_address_up_to_the_login(server):
    """Behind one address there may be an office. An account has a hundred; one that was silent for
    less than five minutes gives way to nobody."""
    host = server("many", settings={"imap.connections-per-address": 3, "workers.edge": 1})
    users = [host.account() for _ in range(2)]
    with contextlib.ExitStack() as open_ones:
        for user in users:
            for _ in range(50):
                open_ones.enter_context(host.imap(user))
        for _ in range(3):
            open_ones.enter_context(connection(host, "imap"))
        with Imap(host.address, host.ports["imap"]) as wire:
            if host.world.network.real:
                assert wire.until_closed(5).startswith(b"* BYE [LIMIT] ")
            else:  # this host itself has no limit
                wire.greeted()
    with contextlib.ExitStack() as open_ones:
        for _ in range(100):
            open_ones.enter_context(host.imap(users[0]))
        with connection(host) as wire:
            wire.send(f'a LOGIN "{users[0]}" "{PASSWORD}"\r\n')
            assert wire.until_closed(10).startswith(b"* BYE [LIMIT] the account has too many")
        open_ones.enter_context(host.imap(users[1]))


@pytest.mark.quiet
def test_who_has_not_logged_in_takes_less_than_64_kib(server):
    """In the midst of the longest command that is taken."""
    host = server("memory", settings={"imap.connections-per-address": 2000, "workers.edge": 1})

    def memory():
        return sum(p["memory"] for p in host.processes() if p["role"] == "edge")
    connection(host).close()
    before = memory()
    with contextlib.ExitStack() as open_ones:
        for _ in range(300):
            wire = open_ones.enter_context(connection(host))
            wire.send(b"a LOGIN {4096+}\r\n" + b"x" * 4096 + b" {4000+}\r\n" + b"y" * 3999)
        time.sleep(1)
        each = (memory() - before) / 300
        assert each < 65536, each
