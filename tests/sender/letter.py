# SPDX-License-Identifier: ISC
"""A message that is signed, sealed and spoiled as a case of a suite says.

It knows RFC 6376 §3.4 and §3.7, RFC 8463 and RFC 8617 §5.1 by itself, so that a signature can be wrong in each
way; the arithmetic is that of `cryptography`. Its keys are those of suites/keys.pem.
"""
import base64
import hashlib
import re

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from suites import FOLDER, unescape

DER = serialization.Encoding.DER
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def read_keys():
    parts = re.split(r"^# (\S+)\n(?=-----)", (FOLDER / "keys.pem").read_text(), flags=re.M)
    return {name: serialization.load_pem_private_key(pem.encode(), None)
            for name, pem in zip(parts[1::2], parts[2::2])}


KEYS = read_keys()


def der(kind, *contents):
    data = b"".join(contents)
    length = len(data).to_bytes((len(data).bit_length() + 7) // 8, "big")
    return bytes([kind]) + (length if len(data) < 128 else bytes([0x80 | len(length)]) + length) + data


def der_number(number):
    return der(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def rsa_info(modulus, exponent):
    """A SubjectPublicKeyInfo, also of numbers that are no key."""
    return der(0x30, bytes.fromhex("300d06092a864886f70d0101010500"),
               der(3, b"\0", der(0x30, der_number(modulus), der_number(exponent))))


def public_bytes(name):
    """What stands for `<name>` in a key record. Behind "-": another form of the key."""
    name, _, form = name.partition("-")
    if name == "rsa16384":
        return rsa_info((1 << 16383) + 1, 65537)
    private = KEYS["ed-other" if (name, form) == ("ed", "other") else name]
    if not isinstance(private, rsa.RSAPrivateKey):
        raw = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        info = private.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return {"": raw, "other": raw, "info": info, "short": raw[:31], "long": raw + b"\0"}[form]
    numbers = private.public_key().public_numbers()
    info = rsa_info(numbers.n, numbers.e)
    return {"": info, "one": rsa_info(numbers.n, 1), "even": rsa_info(numbers.n, 65536),
            "more": info + b"\0", "cut": info[:-1],
            "bare": private.public_key().public_bytes(DER, serialization.PublicFormat.PKCS1),
            "dsa": info.replace(bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a864886f70d010201"))}[form]


def in_base64(name):
    """`key-blanks` has blanks in it."""
    key = name.removesuffix("-blanks")
    text = base64.b64encode(public_bytes(key)).decode()
    return text if key == name else " ".join(re.findall(".{1,60}", text))


def fill_in(text):
    """With each `<key>` replaced by its Base64."""
    return re.sub(r"<([a-z0-9-]+)>", lambda m: in_base64(m[1]), text)


def fill_in_records(records):
    return {key: [one if isinstance(one, str) else [fill_in(text) for text in one] for one in values]
            for key, values in records.items()}


def make_signature(name, text):
    name, _, form = name.partition("-")
    if form == "one":  # what the exponent 1 lets pass
        digest = SHA256_INFO + hashlib.sha256(text).digest()
        return b"\0\1" + b"\xff" * (256 - 3 - len(digest)) + b"\0" + digest
    private = KEYS["ed-other" if (name, form) == ("ed", "other") else name]
    if isinstance(private, rsa.RSAPrivateKey):
        return private.sign(text, padding.PKCS1v15(), hashes.SHA1() if form == "sha1" else hashes.SHA256())
    return private.sign(hashlib.sha256(text).digest())


# ------------------------------------------------------------------ canonical forms

def canonical_field(field, relaxed):
    if not relaxed:
        return field + b"\r\n"
    name, _, value = field.partition(b":")
    value = re.sub(rb"[ \t\r\n]+", b" ", value).strip()
    return name.strip().lower() + b":" + value + b"\r\n"


def canonical_body(body, relaxed):
    if relaxed:
        body = re.sub(rb"[ \t]+", b" ", body)
        body = re.sub(rb" (?=\r\n|$)", b"", body)
    body = re.sub(rb"(\r\n)*$", b"", body)
    return body + b"\r\n" if body or not relaxed else b""


def field_name(field):
    return field.partition(b":")[0].strip().lower()


def tag_list(tags):
    return "; ".join(f"{name}={value}" for name, value in tags.items()).encode("latin-1")


class Letter:
    def __init__(self, domain):
        self.domain = domain
        self.fields = [f"From: Tama <tama@{domain}>".encode(), b"To: hanako@example.jp", b"Subject: Lunch",
                       b"Date: Mon, 30 Nov 2026 12:00:00 +0900", f"Message-ID: <1@{domain}>".encode()]
        self.body = b"At noon?\r\n"
        self.instance = 0

    def as_bytes(self):
        return b"".join(field + b"\r\n" for field in self.fields) + b"\r\n" + self.body

    def do(self, word, rest):
        """One line of a case. False: it is none of this."""
        text = unescape(rest).encode("latin-1")
        if word == "field":
            self.fields.append(text)
        elif word == "above":
            self.fields.insert(0, text)
        elif word == "without":
            self.fields = [field for field in self.fields if field_name(field) != text.lower()]
        elif word == "body":
            self.body = text
        elif word == "more":
            self.body += text
        elif word == "change":
            self._change(text)
        elif word == "turn":
            self.fields.reverse()
        elif word == "seals":
            for _ in range(int(rest)):
                self.seal({})
        elif word in ("sign", "seal"):
            tags = dict(one.partition("=")[::2] for one in filter(None, rest.split("; ")))
            getattr(self, word)(tags)
        else:
            return False
        return True

    def _change(self, text):
        old, _, new = text.partition(b" =>")
        new = new.removeprefix(b" ")
        whole = self.as_bytes()
        assert whole.count(old) >= 1, f"{old} is not in {whole}"
        header, _, self.body = whole.replace(old, new, 1).partition(b"\r\n\r\n")
        self.fields = re.split(rb"\r\n(?![ \t])", header)

    # -------------------------------------------------------------- signing

    def _select(self, names):
        """The fields of h=, from the last one of a name upwards."""
        left, chosen = list(self.fields), []
        for name in names:
            for at in range(len(left) - 1, -1, -1):
                if field_name(left[at]) == name.strip().lower().encode():
                    chosen.append(left.pop(at))
                    break
        return chosen

    def _signed(self, header, tags, special):
        """The field with its signature: `tags` is all but b=. `special` has "key", and maybe "b", what it says
        in place of the signature, and "hash", the canonical body."""
        head, _, body = re.sub(r"\s", "", tags.get("c", "simple/simple")).lower().partition("/")
        if "bh" in tags and not tags["bh"]:
            canonical = canonical_body(self.body, body == "relaxed")
            canonical = unescape(special["hash"]).encode("latin-1") if "hash" in special else canonical
            length = tags.get("l", "").strip()
            canonical = canonical[:int(length) if length.isdigit() else None]
            tags["bh"] = base64.b64encode(hashlib.sha256(canonical).digest()).decode()
        own = header + b": " + tag_list({**{name: unescape(value) for name, value in tags.items()}, "b": ""})
        end = unescape(special.get("end", "")).encode("latin-1")
        text = b"".join(canonical_field(field, head == "relaxed") for field in self._select(
            re.sub(r"\s", "", unescape(tags.get("h", ""))).split(":")))
        text += canonical_field(own + end, head == "relaxed")[:-2]
        b = base64.b64encode(make_signature(special["key"], text)).decode()
        if "fold" in special:
            b = "\r\n\t" + "\r\n\t".join(b[at:at + 60] for at in range(0, len(b), 60))
        b = unescape(special.get("b", b))
        return own + b.encode() + end if "no-b" not in special else own.rpartition(b"; b=")[0]

    def sign(self, changes):
        """A DKIM-Signature on top. Of `changes`, `-x` leaves out the tag x; key, hash, fold, b, no-b, end and
        times say how it is made; the rest are tags."""
        tags = {"v": "1", "a": "rsa-sha256", "c": "relaxed/relaxed", "d": self.domain, "s": "rsa",
                "h": "from:to:subject:date", "bh": ""}
        special = {"key": "rsa2048", **{name: changes[name] for name in (
            "key", "hash", "fold", "b", "no-b", "end") if name in changes}}
        for name in changes:
            tags.pop(name[1:] if name.startswith("-") else None, None)
        tags.update((name, value) for name, value in changes.items()
                    if name not in special and name != "times" and not name.startswith("-"))
        times = int(changes.get("times", 1))
        self.fields[:0] = [self._signed(b"DKIM-Signature", tags, special)] * times

    # -------------------------------------------------------------- sealing

    def seal(self, changes):
        """An ARC set on top. `as.x`, `ams.x`, `aar` and `results` change a field of it, `i`, `cv`, `d`, `s` and
        `key` all; `without` leaves one of the fields out, `alone` seals without the sets below."""
        self.instance = int(changes.get("i", self.instance + 1))
        instance = str(self.instance)
        common = {"d": changes.get("d", self.domain), "s": changes.get("s", "rsa")}
        special = {"key": changes.get("key", "rsa2048")}
        found = f"i={instance}; " + changes.get("aar", "mx.example.jp; spf=pass smtp.mailfrom=example.org")
        results = "ARC-Authentication-Results: " + unescape(changes.get("results", found))
        message = {"i": instance, "a": "rsa-sha256", "c": "relaxed/relaxed", **common,
                   "h": "from:to:subject:date", "bh": ""}
        seal = {"i": instance, "a": "rsa-sha256", "cv": changes.get("cv", "none" if instance == "1" else "pass"),
                **common}
        specials = {"ams": dict(special), "as": dict(special)}
        for name, value in changes.items():
            field, dot, tag = name.partition(".")
            if not dot:
                continue
            if tag in ("key", "b", "no-b", "hash", "fold", "end"):
                specials[field][tag] = value
            elif tag[0] == "-":
                (message if field == "ams" else seal).pop(tag[1:])
            else:
                (message if field == "ams" else seal)[tag] = value
        ams = self._signed(b"ARC-Message-Signature", message, specials["ams"])
        sets = self._sets() + [results.encode("latin-1"), ams]
        if seal.get("cv") == "fail" or "alone" in changes:
            sets = sets[-2:]
        sealed = Letter(self.domain)
        sealed.fields = sets
        own = sealed._seal_of(seal, specials["as"])  # pylint: disable=protected-access
        set_of_three = {"as": own, "ams": ams, "aar": results.encode("latin-1")}
        self.fields[:0] = [field for name, field in set_of_three.items() if name != changes.get("without")]

    def _sets(self):
        """The fields of the sets that are there, in the order in which they are sealed."""
        order = {b"arc-authentication-results": 0, b"arc-message-signature": 1, b"arc-seal": 2}
        found = [field for field in self.fields if field_name(field) in order]
        return sorted(found, key=lambda field: (int((re.search(rb"\bi=\s*(\d+)", field) or [0, b"0"])[1]),
                                                order[field_name(field)]))

    def _seal_of(self, tags, special):
        own = b"ARC-Seal: " + tag_list({**{name: unescape(value) for name, value in tags.items()}, "b": ""})
        end = unescape(special.get("end", "")).encode("latin-1")
        text = b"".join(canonical_field(field, True) for field in self.fields)
        text += canonical_field(own + end, True)[:-2]
        b = unescape(special.get("b", base64.b64encode(make_signature(special["key"], text)).decode()))
        return own + b.encode() + end if "no-b" not in special else own.rpartition(b"; b=")[0]


def write(case, domain):
    """The message of a case, as bytes."""
    letter = Letter(domain)
    for word, rest in case.details:
        letter.do(word, rest)
    return letter.as_bytes()
