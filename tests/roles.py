# SPDX-License-Identifier: ISC
"""The roles of the server that are processes, as src/conf/roles.h lists them; the master is apart."""
import pathlib
import re

_LIST = (pathlib.Path(__file__).resolve().parent.parent / "src/conf/roles.h").read_text()
ROLES = [name.lower() for name in
         re.findall(r"^    ROLE_(\w+),", _LIST.partition("ROLE_CLI,")[0], re.MULTILINE)]
ROLES.remove("master")
