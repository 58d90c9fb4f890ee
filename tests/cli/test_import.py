# SPDX-License-Identifier: ISC
"""Accounts and aliases of another mail system, from the files that it has."""
import json
import poplib
import subprocess

import pytest
from server import PASSWORD, REFUSED, USAGE
from test_accounts import changes

HASH = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=PASSWORD, text=True, check=True,
                      capture_output=True).stdout.strip()
BLOWFISH = "$2y$05$abcdefghijklmnopqrstuu5LoVJ8ALFL7HqV1dnk0aKO5oU0dVQKW"  # whole, of no password
OTHER = "other-" + PASSWORD


def addresses(server):
    return [one["address"] for one in server.json("account", "list")]


def aliases(server):
    return {one["address"]: one["targets"] for one in server.json("alias", "list")}


def shown(server, address):
    return server.json("account", "show", address)


def logs_in(server, address, password=PASSWORD):
    client = poplib.POP3("127.0.0.1", server.port(110), timeout=20)
    client.stls()
    client.user(address)
    try:
        return client.pass_(password).startswith(b"+OK")
    except poplib.error_proto:
        return False
    finally:
        client.close()


# -------------------------------------------------------------------- accounts


def test_a_passwd_file_of_dovecot(either):
    text = ("# users\n"
            f"tama@example.test:{{SHA512-CRYPT}}{HASH}:5000:5000:Tama Suzuki:/var/mail/tama::"
            "userdb_mail=maildir:~/Maildir userdb_quota_rule=*:storage=2G\r\n"
            "\n"
            f"hana@Example.Test:{HASH}\n"
            f"kiku@example.org:{HASH}::::::userdb_quota_storage_size=500M allow_nets=10.0.0.0/8\n")
    done = either("account", "import", "-", stdin=text)
    assert done.stdout == "Added 3 accounts.\n" and done.stderr == ""
    assert addresses(either) == ["tama@example.test", "hana@example.test", "kiku@example.org"]
    tama = shown(either, "tama@example.test")
    assert (tama["name"], tama["quota"], tama["password"]) == ("Tama Suzuki", 2 << 30, "sha512-crypt")
    assert shown(either, "kiku@example.org")["quota"] == 500 << 20
    # Once more: what is there stays as it is.
    done = either("account", "import", "-", stdin=text.replace("Suzuki", "Sato") +
                  f"new@example.test:{HASH}\n")
    assert done.stdout == "Added 1 account.\n3 were there already.\n"
    assert shown(either, "tama@example.test")["name"] == "Tama Suzuki"


def test_shadow_and_vpasswd_name_no_domain(server):
    shadow = (f"root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\nsshd:!:19000::::::\n"
              f"tama:{HASH}:19000:0:99999:7:::\nkiku:!{HASH}:19000:0:99999:7:::\n")
    said = server("account", "import", "-", stdin=shadow, code=REFUSED).stderr
    assert "--domain" in said and ":4:" in said
    done = server("account", "import", "-", "--domain", "example.test", stdin=shadow)
    assert done.stdout == ("Added 1 account.\nLeft out, since nobody can log in to them: "
                           "root, daemon, sshd, kiku\n")
    assert shown(server, "tama@example.test")["name"] == ""
    vpasswd = (f"hana:{HASH}:1:0:Hana Ito:/home/vpopmail/domains/x/hana:52428800S,1000C\n"
               f"mike:{HASH}:1:0:mike:/home/vpopmail/domains/x/mike:NOQUOTA:clear\n")
    server("account", "import", "-", "--domain", "example.test", stdin=vpasswd)
    hana = shown(server, "hana@example.test")
    assert (hana["name"], hana["quota"]) == ("Hana Ito", 50 << 20)
    assert shown(server, "mike@example.test")["quota"] in (0, None)


def test_columns_of_a_database(server, tmp_path):
    """As mysql -BN and psql -At -F (a tab) print them: address, hash, name, bytes of quota."""
    file = tmp_path / "accounts.tsv"
    file.write_text(f"tama@example.test\t{HASH}\t鈴木 たま\t1073741824\n"
                    f"hana@example.test\t{{BLF-CRYPT}}{BLOWFISH}\tNULL\t0\n"
                    "kiku@example.test\t\\N\t\\N\t\\N\n")
    done = server("account", "import", file)
    assert "Added 3 accounts." in done.stdout
    assert "without a password: kiku@example.test" in done.stdout
    tama = shown(server, "tama@example.test")
    assert (tama["name"], tama["quota"]) == ("鈴木 たま", 1 << 30)
    assert shown(server, "hana@example.test")["name"] == ""
    assert shown(server, "kiku@example.test")["password"] in ("", None)


def test_all_or_none_and_every_line_is_named(server, tmp_path):
    file = tmp_path / "users"
    file.write_text(f"tama@example.test:{HASH}\n"
                    "# a comment\n"
                    "kiku@example.test:{SSHA}abcdefghijkl\n"
                    f"no domain:{HASH}\n"
                    f"hana@elsewhere.test:{HASH}\n"
                    f"TAMA@example.test:{HASH}\n"
                    f"mike@example.test:{HASH[:-4]}\n"
                    f"mike+x@example.test:{HASH}\n"
                    f"quota@example.test:{HASH}::::::userdb_quota_rule=*:storage=many\n")
    done = server("account", "import", file, code=REFUSED)
    assert addresses(server) == [] and done.stdout == ""
    lines = done.stderr.splitlines()
    for number, word in ((3, "{SSHA}"), (4, "no domain"), (5, "elsewhere.test"), (6, "line 1"),
                         (7, "not whole"), (8, "separator"), (9, "many")):
        assert any(f"users:{number}: " in line and word in line for line in lines), (number, lines)
    assert lines[-1].endswith("nothing was changed; mend those lines, or say --keep-going")
    assert HASH[10:] not in done.stderr
    told = server.json("account", "import", file, code=REFUSED)
    assert told["added"] == 0 and [one["line"] for one in told["errors"]] == [3, 4, 5, 6, 7, 8, 9]
    done = server("account", "import", file, "--keep-going", code=REFUSED)
    assert done.stdout == "Added 1 account.\n" and addresses(server) == ["tama@example.test"]


def test_a_dry_run_changes_nothing_and_finds_the_same(either):
    text = f"tama@example.test:{HASH}\nhana@example.test:{HASH}\n"
    either.add("hana@example.test")
    done = either("account", "import", "-", "--dry-run", stdin=text)
    assert done.stdout == "1 account would be added.\n1 was there already.\n"
    assert addresses(either) == ["hana@example.test"]
    assert either.json("account", "import", "-", "--dry-run", stdin=text)["added"] == 1
    assert "x:" not in either("account", "import", "-", "--dry-run", stdin=text + "nobody@elsewhere.test\n",
                              code=REFUSED).stdout


def test_passwords_come_along_or_are_made(running):
    text = (f"tama@example.test:{HASH}\nhana@example.test:{{PLAIN}}{OTHER}\n"
            "kiku@example.test\nmike@example.test:{SSHA}abcdefghijkl\n")
    done = running("account", "import", "-", "--generate", stdin=text)
    made = dict(line.split() for line in done.stdout.splitlines() if "@" in line)
    assert made.keys() == {"kiku@example.test", "mike@example.test"}
    assert logs_in(running, "tama@example.test") and logs_in(running, "hana@example.test", OTHER)
    assert all(logs_in(running, *one) for one in made.items())
    assert not logs_in(running, "kiku@example.test", "")
    told = running.json("account", "import", "-", "--generate", stdin=text + "neko@example.test\n")
    assert told["added"] == 1 and told["existing"] == 4
    assert [one["address"] for one in told["passwords"]] == ["neko@example.test"]
    everything = running("log", "-n", 500).stdout
    assert OTHER not in everything and "$6$" not in everything
    assert [e["facts"]["name"] for e in changes(running) if e["facts"]["change"] == "account.add"] == \
        ["tama@example.test", "hana@example.test", "kiku@example.test", "mike@example.test",
         "neko@example.test"]


def test_a_plain_password_that_is_easily_guessed(server):
    text = "hana@example.test:{PLAIN}hana1\n"
    assert "easy to guess" in server("account", "import", "-", stdin=text, code=REFUSED).stderr
    server("account", "import", "-", "--force-weak", stdin=text)


def test_many(either):
    text = "".join(f"user{i:04}@example.test:{HASH}:::User {i}:::\n" for i in range(1200))
    broken = text.replace("user1100@example.test", "user1100@nowhere.test")
    assert "<stdin>:1101: " in either("account", "import", "-", stdin=broken, code=REFUSED).stderr
    assert addresses(either) == []  # also what came long before the bad line
    assert either.json("account", "import", "-", stdin=text)["added"] == 1200
    assert len(addresses(either)) == 1200


def test_what_cannot_be_read(server, tmp_path):
    assert "nothing-there" in server("account", "import", tmp_path / "nothing-there", code=1).stderr
    server("account", "import", code=USAGE)
    assert server("account", "import", "-", stdin="").stdout == "There is nothing to import.\n"
    assert "longer" in server("account", "import", "-", stdin="x" * 9000 + "\n", code=REFUSED).stderr
    binary = tmp_path / "binary"
    binary.write_bytes(b"tama\0@example.test:" + HASH.encode() + b"\n\xff\xfe:x\n")
    assert server("account", "import", binary, code=REFUSED).stderr.count("binary:") == 2


# -------------------------------------------------------------------- aliases

ALIASES = """# /etc/aliases
mailer-daemon: postmaster
postmaster:    root
nobody: root
root:   tama
lab:    tama, hana,
        kiku@example.com
"staff": lab, \\hana
hana: \\hana, hana@example.com
"""


@pytest.fixture
def people(either):
    either("account", "import", "-", "--domain", "example.test", stdin=f"tama:{HASH}\nhana:{HASH}\n")
    return either


def test_the_aliases_of_a_host(people):
    done = people("alias", "import", "-", "--domain", "example.test", stdin=ALIASES)
    assert done.stdout == "Set 7 aliases.\n"
    assert aliases(people) == {
        "mailer-daemon@example.test": ["postmaster@example.test"],
        "postmaster@example.test": ["root@example.test"],
        "nobody@example.test": ["root@example.test"],
        "root@example.test": ["tama@example.test"],
        "lab@example.test": ["tama@example.test", "hana@example.test", "kiku@example.com"],
        "staff@example.test": ["lab@example.test", "hana@example.test"],
        "hana@example.test": ["hana@example.test", "hana@example.com"],
    }
    more = ALIASES.replace("root:   tama", "root: hana") + "new: tama\n"
    done = people("alias", "import", "-", "--domain", "example.test", stdin=more)
    assert done.stdout == "Set 2 aliases.\n6 were there already.\n"
    assert aliases(people)["root@example.test"] == ["hana@example.test"]


def test_virtual_alias_maps(people):
    text = ("info@example.test tama@example.test, hana@example.test\n"
            "sales@example.test\ttama@example.test kiku@example.com\n")
    assert people("alias", "import", "-", "--dry-run", stdin=text).stdout == "2 aliases would be set.\n"
    assert aliases(people) == {}
    assert people.json("alias", "import", "-", stdin=text) == {
        "set": 2, "existing": 0, "dry_run": False, "errors": []}
    assert aliases(people)["info@example.test"] == ["tama@example.test", "hana@example.test"]


def test_aliases_that_have_no_counterpart(people):
    text = ("lab: tama, nobody-here\n"                   # 1
            "list: \"|/usr/bin/list post\"\n"            # 2
            "archive: /var/mail/archive, tama\n"         # 3
            "team: :include:/etc/team\n"                 # 4
            "ring: round\n"                              # 5
            "round: ring\n"                              # 6
            "good: tama\n"                               # 7
            "tama: kiku@example.com\n"                   # 8
            "good: hana\n"                               # 9
            "@example.test tama\n"                       # 10
            "empty:\n"                                   # 11
            "x@elsewhere.test: tama\n")                  # 12
    done = people("alias", "import", "-", "--domain", "example.test", stdin=text, code=REFUSED)
    lines = done.stderr.splitlines()
    for number, word in ((1, "nobody-here"), (2, "program"), (3, "file"), (4, "include"),
                         (5, "circle"), (6, "circle"), (8, "mailbox"), (9, "line 7"),
                         (10, "catch-all"), (11, "target"), (12, "elsewhere.test")):
        assert any(f"<stdin>:{number}: " in line and word in line for line in lines), (number, lines)
    assert aliases(people) == {}
    people("alias", "import", "-", "--domain", "example.test", "--keep-going", stdin=text,
           code=REFUSED)
    assert aliases(people) == {"good@example.test": ["tama@example.test"]}


def test_json_of_errors(people):
    told = json.loads(people("alias", "import", "-", "--json", stdin="lab@example.test nobody@example.test\n",
                             code=REFUSED).stdout)
    assert told["set"] == 0 and told["errors"][0]["line"] == 1
    assert told["errors"][0]["address"] == "lab@example.test" and "nobody" in told["errors"][0]["reason"]
