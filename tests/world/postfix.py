# SPDX-License-Identifier: ISC
"""A Postfix at a place of its own, that asks a validating resolver (unbound) beside it.

    there = Postfix(place, folder, domains, names, anchor, certificate)
    there.log()                     what it has logged
    there.close()

It takes messages for `domains` and throws them away; those for others it sends by DANE ("dane"),
so that what it logs says how it has judged them. Nothing of the system's own settings is read. Needs
root and namespaces.
"""
import os
import pathlib
import pwd
import shutil
import socket
import subprocess

from network import stop_process, wait_until

MASTER = "/usr/lib/postfix/sbin/master"
QUEUES = ("incoming", "active", "deferred", "maildrop", "hold", "bounce", "corrupt", "defer",
          "flush", "private", "public", "saved", "trace", "pid")
SERVICES = ("cleanup unix n - n - 0 cleanup", "qmgr unix n - n 300 1 qmgr",
            "rewrite unix - - n - - trivial-rewrite", "bounce unix - - n - 0 bounce",
            "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce",
            # with its own resolv.conf, thanks to a root of its own
            "smtp unix - - y - - smtp", "discard unix - - n - - discard",
            "error unix - - n - - error", "retry unix - - n - - error",
            "flush unix n - n 1000? 0 flush", "proxymap unix - - n - - proxymap",
            "anvil unix - - n - 1 anvil", "scache unix - - n - 1 scache",
            "tlsmgr unix - - n 1000? 1 tlsmgr", "postlog unix-dgram n - n - 1 postlogd")


def installed():
    return pathlib.Path(MASTER).exists() and shutil.which(
        "unbound", path=os.environ["PATH"] + ":/usr/sbin") is not None


class Postfix:
    def __init__(self, place, folder, domains, names, anchor, certificate):
        self.folder, self.started = pathlib.Path(folder), []
        self._make_resolver(names, anchor)
        self._make(place, domains, certificate)
        self._start(place, "unbound", "-d", "-p", "-c", self.folder / "unbound.conf")
        self._start(place, MASTER, "-c", self.folder / "etc", "-d")
        wait_until(lambda: self._answers(place), 15, why=self.log)

    def _make_resolver(self, names, anchor):
        self.folder.mkdir(parents=True)
        (self.folder / "unbound.conf").write_text(
            f"server:\n interface: 127.0.0.1\n username: \"\"\n chroot: \"\"\n"
            f" directory: \"{self.folder}\"\n pidfile: \"\"\n use-syslog: no\n"
            f" logfile: \"{self.folder}/unbound.log\"\n do-not-query-localhost: no\n"
            f" local-zone: \"test.\" transparent\n trust-anchor-file: \"{anchor}\"\n"
            f"remote-control:\n control-enable: no\n"
            f"forward-zone:\n name: \".\"\n forward-addr: {names.address}@{names.port}\n")

    def _make(self, place, domains, certificate):
        owner = pwd.getpwnam("postfix")
        for name in ("spool", "data", "etc", "spool/etc"):
            (self.folder / name).mkdir()
        for name in QUEUES:
            (self.folder / "spool" / name).mkdir(mode=0o700)
            os.chown(self.folder / "spool" / name, 0 if name == "pid" else owner.pw_uid, -1)
        os.chown(self.folder / "data", owner.pw_uid, owner.pw_gid)
        (self.folder / "spool/etc/resolv.conf").write_text(
            "nameserver 127.0.0.1\noptions trust-ad\n")
        (self.folder / "spool/etc/services").write_text("smtp 25/tcp\n")
        (self.folder / "etc/main.cf").write_text("".join(f"{line}\n" for line in (
            "compatibility_level = 3.6", f"queue_directory = {self.folder}/spool",
            f"data_directory = {self.folder}/data", "command_directory = /usr/sbin",
            "daemon_directory = /usr/lib/postfix/sbin", "mail_owner = postfix",
            "setgid_group = postdrop", f"maillog_file = {self.folder}/log",
            f"maillog_file_prefixes = {self.folder}", f"inet_interfaces = {place.ipv4}",
            "inet_protocols = ipv4", f"myhostname = {domains[0]}", "mydestination =",
            "mynetworks = 192.0.2.0/24", "alias_maps =", "relay_domains = " + " ".join(domains),
            "relay_transport = discard:", "smtpd_relay_restrictions = permit_mynetworks, reject",
            "smtp_dns_support_level = dnssec", "smtp_host_lookup = dns",
            "smtp_tls_security_level = dane", "smtp_tls_loglevel = 1",
            "smtpd_tls_security_level = may", f"smtpd_tls_chain_files = {certificate}")))
        (self.folder / "etc/master.cf").write_text("".join(
            f"{line}\n" for line in (f"{place.ipv4}:25 inet n - n - - smtpd", *SERVICES)))

    def _start(self, place, program, *words):
        path = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin")
        with (self.folder / "stderr").open("a") as errors:
            self.started.append(subprocess.Popen(
                place.command(path, *words), stdin=subprocess.DEVNULL, stdout=errors,
                stderr=errors, start_new_session=True))

    @staticmethod
    def _answers(place):
        try:
            with socket.create_connection((place.ipv4, 25), 1) as probe:
                return probe.recv(100).startswith(b"220")
        except OSError:
            return False

    def log(self):
        return "".join(file.read_text(errors="replace") for file in (
            self.folder / "log", self.folder / "stderr") if file.exists())

    def close(self):
        for process in reversed(self.started):
            stop_process(process)
