# SPDX-License-Identifier: ISC
"""Prints every character of two bytes or more of a codec, its bytes in hexadecimal and itself, but
for those that Windows takes for others (the wave dash and its like): for the unit tests."""
import itertools
import sys

codec, leads = sys.argv[1], [bytes.fromhex(lead) for lead in sys.argv[2:]]
sys.stdout.reconfigure(encoding="utf-8")
for lead, high, low in itertools.product(leads or [b""], range(0x80, 0x100), range(0x40, 0x100)):
    data = lead + bytes([high, low])
    try:
        text = data.decode(codec)
    except UnicodeDecodeError:
        continue
    if len(text) == 1 and not "\ue000" <= text <= "\uf8ff" and text not in "〜‖−¢£¬～":
        print(data.hex(), text)
