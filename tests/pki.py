# SPDX-License-Identifier: ISC
"""Certificates of an authority with one intermediate, made by openssl(1), in certbot's layout.

    made = Authority(folder)
    first = made.issue("mail.example.test")            first.key, first.leaf, first.chain: PEM
    kept = Certbot(folder / "letsencrypt", "mail.example.test", first, made)
    kept.put(second); kept.point("fullchain"); kept.point("privkey")     a renewal, step by step
"""
import dataclasses
import os
import subprocess


@dataclasses.dataclass
class Certificate:
    key: str
    leaf: str
    chain: str


class Authority:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._make("root", "/O=Example/CN=Example Root", ["basicConstraints=critical,CA:TRUE"])
        self._make("middle", "/O=Example/CN=Example Middle", ["basicConstraints=critical,CA:TRUE"],
                   by="root")
        self.root, self.middle = ((folder / f"{one}.crt").read_text() for one in ("root", "middle"))

    def _make(self, name, subject, extensions, by=None, days=3650, key=("ec", "P-256")):
        kind, size = key
        words = ["openssl", "req", "-x509", "-newkey", kind, "-nodes", "-subj", subject, "-days",
                 str(days), "-keyout", f"{name}.key", "-out", f"{name}.crt", "-pkeyopt",
                 f"ec_paramgen_curve:{size}" if kind == "ec" else f"rsa_keygen_bits:{size}"]
        words += ["-CA", f"{by}.crt", "-CAkey", f"{by}.key"] if by else []
        for one in extensions:
            words += ["-addext", one]
        subprocess.run(words, cwd=self.folder, check=True, capture_output=True)

    def issue(self, *names, by="middle", days=90, **more):
        """For all the names, the first of which is also the common name."""
        self._make("leaf", f"/CN={names[0]}", ["subjectAltName=" + ",".join(
            f"DNS:{name}" for name in names), "basicConstraints=CA:FALSE"], by=by, days=days, **more)
        key, leaf = ((self.folder / f"leaf.{end}").read_text() for end in ("key", "crt"))
        return Certificate(key, leaf, leaf + (self.middle if by == "middle" else ""))


class Certbot:
    """What `certbot certonly` leaves: live/NAME/*.pem, links to archive/NAME/*N.pem that a renewal
    replaces one after the other; folders and keys are root's alone."""

    def __init__(self, folder, name, first, authority):
        self.live, self.archive = folder / "live" / name, folder / "archive" / name
        self.authority, self.version = authority, 0
        for path in (self.live, self.archive):
            path.mkdir(parents=True)
            path.parent.chmod(0o700)
        self.put(first)
        for name in ("cert", "chain", "fullchain", "privkey"):
            self.point(name)

    def put(self, made):
        self.version += 1
        for name, text in (("privkey", made.key), ("cert", made.leaf), ("fullchain", made.chain),
                           ("chain", self.authority.middle)):
            path = self.archive / f"{name}{self.version}.pem"
            path.write_text(text)
            path.chmod(0o600 if name == "privkey" else 0o644)

    def point(self, name):
        link = self.live / f"{name}.pem"
        link.unlink(missing_ok=True)
        os.symlink(f"../../archive/{self.live.name}/{name}{self.version}.pem", link)

    @property
    def settings(self):
        return (f"tls {{\n    certificate {self.live}/fullchain.pem\n"
                f"    key {self.live}/privkey.pem\n}}\n")
