# SPDX-License-Identifier: ISC
"""Says what Python's email package finds different between two messages; nothing when all that is
read is the same. Encodings may differ, and folds."""
import email
import email.policy
import sys


def read(path):
    with open(path, "rb") as file:
        return email.message_from_binary_file(file, policy=email.policy.compat32)


def value(text):
    return str(text).replace("\r", "").replace("\n", "")


def fields(part):
    return [(name, value(text)) for name, text in part.items()
            if name.lower() not in ("content-transfer-encoding", "mime-version")]


def compare(one, other, where="message"):
    if fields(one) != fields(other):
        print(f"{where}: fields {fields(one)} and {fields(other)}")
    if one.is_multipart() != other.is_multipart():
        print(f"{where}: parts and no parts")
    elif one.is_multipart():
        if len(one.get_payload()) != len(other.get_payload()):
            print(f"{where}: another number of parts")
        for number, pair in enumerate(zip(one.get_payload(), other.get_payload()), 1):
            compare(*pair, f"{where} {number}")
    elif one.get_payload(decode=True) != other.get_payload(decode=True):
        print(f"{where}: {one.get_payload(decode=True)[:80]} and {other.get_payload(decode=True)[:80]}")
    if (one.preamble, one.epilogue) != (other.preamble, other.epilogue):
        print(f"{where}: what is between the parts")


compare(*map(read, sys.argv[1:3]))
