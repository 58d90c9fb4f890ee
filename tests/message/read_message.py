# SPDX-License-Identifier: ISC
"""Prints what Python's email package reads in a message, one fact per line, for the unit tests."""
import email
import email.policy
import sys

with open(sys.argv[1], "rb") as file:
    message = email.message_from_binary_file(file, policy=email.policy.default)


def show(part, depth):
    pad = "  " * depth
    for defect in part.defects:
        print(f"{pad}defect {defect!r}")
    for name, value in part.items():
        for defect in getattr(value, "defects", ()):
            print(f"{pad}defect {name}: {defect!r}")
        print(f"{pad}{name}={value}")
    if part.get_filename():
        print(f"{pad}file {part.get_filename()}")
    if part.is_multipart():
        for child in part.get_payload():
            print(f"{pad}part")
            show(child, depth + 1)
    else:
        content = part.get_content()
        print(f"{pad}content {content!r}")


sys.stdout.reconfigure(encoding="utf-8")
show(message, 0)
