# SPDX-License-Identifier: ISC
"""Certificates by path: what check and reload say of them, and that TLS never stops while the files
change one after the other."""
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import tempfile

import pytest
from server import FAILED, REFUSED, SETTINGS, hayauma
from pki import Authority, Certbot
from test_running import wait_for

NAME = "mail.example.test"


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def bot(server, authority, tmp_path):
    """certbot's folder with a first certificate, and the settings that name it."""
    made = Certbot(tmp_path / "letsencrypt", NAME, authority.issue(NAME), authority)
    with server.settings.open("a") as settings:
        settings.write(made.settings)
    return made


def said(server, level, code):
    return [one["text"] for one in server.json("check", "--no-dns", code=code)
            if one["level"] == level]


def errors(server):
    return said(server, "error", FAILED)


def warnings(server):
    return said(server, "warning", 0)


def write(bot, chain=None, key=None):
    for name, text in (("fullchain", chain), ("privkey", key)):
        if text is not None:
            (bot.live / f"{name}.pem").write_text(text)


# -------------------------------------------------------------------- check


def test_check_takes_certbots_layout_as_it_is(server, bot):
    good = said(server, "ok", 0)
    text = next(text for text in good if NAME in text and "good until" in text)
    assert "by Example Middle" in text and "1 intermediate" in text
    assert f"{bot.live}/fullchain.pem" in text
    assert any(f"{bot.live}/privkey.pem" in text and "nobody else's to read" in text
               for text in good)
    assert not any("keys/default" in text for text in good)


def test_one_path_without_the_other_is_no_setting(server):
    with server.settings.open("a") as settings:
        settings.write("tls {\n    certificate /etc/ssl/x.pem\n}\n")
    assert "tls.key is none, expected the file of the private key" in server(
        "check", code=SETTINGS).stdout


@pytest.mark.parametrize("names, warned", [
    (("smtp.example.test", "pop.example.test"), "smtp.example.test, pop.example.test"),
    (("*.example.test",), ""), (("MAIL.example.test",), ""), (("*.test",), "*.test")])
def test_check_compares_the_name(server, bot, authority, names, warned):
    made = authority.issue(*names)
    write(bot, made.chain, made.key)
    told = [text for text in warnings(server) if "and not for mail.example.test" in text]
    assert (len(told) == 1 and f"is for {warned}, and not" in told[0]) if warned else told == []


@pytest.mark.parametrize("chain, text", [
    (lambda made, up: made.leaf, "without an intermediate certificate"),
    (lambda made, up: made.leaf + up.root + up.middle, "in the wrong order"),
    (lambda made, up: made.leaf + made.leaf, "does not belong to the chain")])
def test_check_finds_what_is_wrong_with_the_chain(server, bot, authority, chain, text):
    made = authority.issue(NAME)
    write(bot, chain(made, authority), made.key)
    told = [one for one in warnings(server) if text in one]
    assert len(told) == 1 and f"{bot.live}/fullchain.pem" in told[0]


def test_check_says_who_is_not_known_as_an_authority_here(server, bot):
    assert any("Example Root" in one and "is not among those that this host trusts" in one
               for one in warnings(server))


def test_check_says_that_the_certificate_of_init_is_its_own(server):
    assert any("signed by itself" in one for one in warnings(server))


@pytest.mark.parametrize("chain, text", [
    (lambda made, up: up.middle + made.leaf, "number 2 is this host's and has to come first"),
    (lambda made, up: made.chain.replace("M", "!", 40), "certificate number 1 cannot be read"),
    (lambda made, up: made.leaf + up.middle[:200] + "\n-----END CERTIFICATE-----\n",
     "certificate number 2 cannot be read"),
    (lambda made, up: made.key, "no certificate found"),
    (lambda made, up: "", "no certificate found"),
    (lambda made, up: made.leaf * 200, "is larger than")])
def test_check_finds_a_chain_that_cannot_be_used(server, bot, authority, chain, text):
    made = authority.issue(NAME)
    write(bot, chain(made, authority), made.key)
    assert any(text in one and f"{bot.live}/fullchain.pem" in one for one in errors(server))


def protect(key):
    return subprocess.run(["openssl", "pkcs8", "-topk8", "-passout", "pass:x"], input=key, text=True,
                          capture_output=True, check=True).stdout


@pytest.mark.parametrize("key, text", [
    (lambda made, other: other.key, "is not the key of the first certificate"),
    (lambda made, other: made.chain, "no private key found"),
    (lambda made, other: protect(made.key), "is protected by a passphrase")])
def test_check_finds_a_key_that_cannot_be_used(server, bot, authority, key, text):
    made, other = authority.issue(NAME), authority.issue(NAME)
    write(bot, made.chain, key(made, other))
    assert any(text in one and f"{bot.live}/privkey.pem" in one for one in errors(server))


def test_check_says_what_cannot_be_read(server, bot):
    (bot.live / "privkey.pem").unlink()
    os.mkfifo(bot.live / "privkey.pem")
    assert any("is no regular file" in one for one in errors(server))
    (bot.live / "privkey.pem").unlink()
    assert any("tls.key" in one and "is not there" in one for one in errors(server))


def test_check_tells_once_of_a_loose_key_of_init(server):
    (server.folder / "keys/default.key").chmod(0o644)
    assert len([one for one in errors(server) if "default.key" in one]) == 1


def test_check_says_that_a_key_of_init_is_a_link(server):
    key = server.folder / "keys/default.key"
    key.rename(server.folder / "keys/elsewhere.key")
    key.symlink_to("elsewhere.key")
    assert any(f"{key} is a symbolic link" in one for one in errors(server))


def test_check_tells_of_a_key_that_everybody_may_read(server, authority):
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are nobody else's to enter
        folder = pathlib.Path(name)
        made = Certbot(folder / "letsencrypt", NAME, authority.issue(NAME), authority)
        with server.settings.open("a") as settings:
            settings.write(made.settings)
        (made.archive / "privkey1.pem").chmod(0o644)
        for path in (made.archive.parent, folder):
            path.chmod(0o755)
        told = [one for one in errors(server) if "may be read by others (mode 644)" in one]
        assert len(told) == 1 and "tls.key" in told[0]
        refused = server("run", code=FAILED).stderr
        assert "may be read by others (mode 644)" in refused
        (made.archive / "privkey1.pem").chmod(0o640)  # as Debian's group ssl-cert has it
        assert said(server, "error", 0) == []
        (made.archive / "privkey1.pem").chmod(0o644)
        made.archive.parent.chmod(0o700)
        assert any("has mode 644; only its folder" in one for one in warnings(server))


def test_an_rsa_key_and_both_in_one_file_will_do(server, bot, authority):
    made = authority.issue(NAME, key=("rsa", 2048))
    both = made.key + made.chain
    write(bot, both, both)
    said(server, "ok", 0)


# -------------------------------------------------------------------- running


def certificate_of(plain):
    """The certificate that is shown on a connection, as PEM; and it was signed with its key."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(plain, server_hostname=NAME) as wire:
        return ssl.DER_cert_to_PEM_cert(wire.getpeercert(True))


def connect(server, port=465):
    return socket.create_connection(("127.0.0.1", server.port(port)), timeout=10)


def shown(server):
    with connect(server) as plain:
        return certificate_of(plain)



def role(server, name):
    return next(one for one in server.json("status")["processes"] if one["role"] == name)


def end_keys(server, pid):
    """Until there is another one."""
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: role(server, "keys")["restarts"] == 1 and
             role(server, "keys")["state"] == "working")


@pytest.fixture
def begun(encrypted):
    """A connection whose handshake has begun, and waits for what the client says."""
    with connect(encrypted) as plain:
        wait_for(lambda: any(one["sessions"] for one in encrypted.json("status")["processes"]
                             if one["role"] == "edge"))
        yield plain


def renew(bot, authority):
    made = authority.issue(NAME)
    bot.put(made)
    bot.point("privkey")
    bot.point("fullchain")
    return made.leaf


def logged(server, text):
    return [one["text"] for one in server.json_lines("log", "--lines", 200) if text in one["text"]]


@pytest.fixture
def encrypted(bot, running):
    return running


def test_a_running_one_shows_the_certificate_of_the_path(encrypted, bot, authority):
    chain = shown(encrypted)
    assert chain.strip() == (bot.archive / "cert1.pem").read_text().strip()
    connected = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{encrypted.port(995)}", "-CAfile",
         authority.folder / "root.crt", "-verify_return_error", "-verify_hostname", NAME],
        input=b"QUIT\r\n", capture_output=True, check=False, timeout=20)
    assert b"Verification: OK" in connected.stdout, connected


def test_a_renewal_without_a_hook_is_taken_when_both_files_have_changed(encrypted, bot, authority):
    """Step by step, slower than any certbot; at no moment is there no TLS."""
    old, made = shown(encrypted), authority.issue(NAME)
    bot.put(made)
    bot.point("privkey")
    text = wait_for(lambda: logged(encrypted, "cannot be used yet"), 30)
    assert len(text) == 1 and "the one before stays in use" in text[0]
    assert f"{bot.live}/privkey.pem is not the key" in text[0]
    assert shown(encrypted) == old
    bot.point("fullchain")
    wait_for(lambda: shown(encrypted) == made.leaf, 40)
    assert len(logged(encrypted, "cannot be used yet")) == 1
    taken = logged(encrypted, "A new certificate is in use")
    assert len(taken) == 1 and f"for {NAME}" in taken[0] and str(bot.live) in taken[0]


def test_a_keys_process_that_ends_between_the_two_steps_gets_the_pair_before(encrypted, bot,
                                                                             authority):
    old, made = shown(encrypted), authority.issue(NAME)
    bot.put(made)
    bot.point("privkey")
    end_keys(encrypted, role(encrypted, "keys")["pid"])
    assert shown(encrypted) == old
    bot.point("fullchain")
    wait_for(lambda: shown(encrypted) == made.leaf, 40)


def test_a_handshake_ends_with_the_certificate_with_which_it_began(encrypted, bot, authority,
                                                                   begun):
    old = (bot.archive / "cert1.pem").read_text()
    for _ in range(3):
        new = renew(bot, authority)
        encrypted("reload")
    assert certificate_of(begun) == old
    assert shown(encrypted) == new


def test_a_handshake_outlives_the_keys_process_and_a_renewal(encrypted, bot, authority, begun):
    old = (bot.archive / "cert1.pem").read_text()
    end_keys(encrypted, role(encrypted, "keys")["pid"])
    new = renew(bot, authority)
    encrypted("reload")
    assert certificate_of(begun) == old
    assert shown(encrypted) == new


def test_what_a_new_keys_process_has_is_shown_from_its_first_moment(running, authority):
    made, pid = authority.issue(NAME), role(running, "keys")["pid"]
    os.kill(pid, signal.SIGSTOP)  # this one shall not see them
    for name, text in (("key", made.key), ("crt", made.chain)):
        (running.folder / f"keys/default.{name}").write_text(text)
    end_keys(running, pid)
    for _ in range(8):  # whichever edge answers
        assert shown(running) == made.leaf


def test_reload_takes_a_renewal_at_once_and_says_so(encrypted, bot, authority):
    made = authority.issue(NAME)
    bot.put(made)
    bot.point("privkey")
    refused = encrypted("reload", code=REFUSED).stderr
    assert "is not the key of the first certificate" in refused
    bot.point("fullchain")
    done = encrypted("reload").stdout
    assert re.search(rf"certificate for {NAME} by Example Middle .*good until", done), done
    assert shown(encrypted) == made.leaf


def test_reload_says_what_is_doubtful(encrypted, bot, authority):
    made = authority.issue("other.example.test")
    bot.put(made)
    bot.point("privkey")
    bot.point("fullchain")
    assert "is for other.example.test, and not for mail.example.test" in encrypted("reload").stdout
    assert logged(encrypted, "and not for mail.example.test")


def test_files_that_are_gone_or_nonsense_leave_the_old_certificate(encrypted, bot):
    old = shown(encrypted)
    (bot.live / "fullchain.pem").unlink()
    wait_for(lambda: logged(encrypted, "is not there"), 30)
    assert shown(encrypted) == old
    write(bot, "nonsense")
    wait_for(lambda: logged(encrypted, "no certificate found"), 30)
    assert shown(encrypted) == old
    assert "no certificate found" in encrypted("reload", code=REFUSED).stderr
    bot.point("fullchain")
    assert f"for {NAME}" in encrypted("reload").stdout


def test_paths_can_be_set_and_taken_back_while_it_runs(running, authority, tmp_path):
    own = shown(running)
    bot = Certbot(tmp_path / "letsencrypt", NAME, authority.issue(NAME), authority)
    before = running.settings.read_text()
    running.settings.write_text(before + bot.settings)
    running("reload")
    assert shown(running) == (bot.archive / "cert1.pem").read_text()
    running.settings.write_text(before)
    running("reload")
    assert shown(running) == own


def test_a_certificate_that_cannot_be_used_is_named_at_the_start(server, bot):
    (bot.live / "privkey.pem").unlink()
    done = hayauma("-C", server.folder, "run", code=FAILED)
    assert f"tls.key: {bot.live}/privkey.pem is not there" in done.stderr


def test_no_key_is_where_the_other_processes_could_see_it(encrypted, bot):
    """The master keeps descriptors and reads nothing; only keys has read the bytes."""
    secret = (bot.archive / "privkey1.pem").read_text().splitlines()[1].encode()
    for one in encrypted.json("status")["processes"]:
        if one["role"] == "master":
            assert secret not in memory(one["pid"])
            continue
        for path in os.listdir(f"/proc/{one['pid']}/fd"):
            try:
                assert "letsencrypt" not in os.readlink(f"/proc/{one['pid']}/fd/{path}")
            except FileNotFoundError:
                continue


def memory(pid):
    found = b""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            low, high = (int(one, 16) for one in line.split()[0].split("-"))
            if "rw" not in line.split()[1] or high - low > 1 << 28:
                continue
            try:
                mem.seek(low)
                found += mem.read(high - low)
            except OSError:
                continue
    return found
