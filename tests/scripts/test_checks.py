# SPDX-License-Identifier: ISC
"""The checks of the code find what they are for: each gets a small tree with a planted slip."""
import json
import pathlib
import shutil
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
LICENCE = "/* SPDX-License-Identifier: ISC */\n"


class Tree:
    """A source tree of one floor, with the check's script in it."""

    def __init__(self, path):
        self.path = path
        (path / "src/one").mkdir(parents=True)
        (path / "tests/one").mkdir(parents=True)
        (path / "tests/one/test_one.py").write_text("# SPDX-License-Identifier: ISC\n")
        (path / "scripts").mkdir()
        (path / "src/meson.build").write_text("floors = ['one']\n")
        (path / "build").mkdir()
        self.commands = []

    def script(self, name):
        shutil.copy(TOP / "scripts" / name, self.path / "scripts" / name)
        return self.path / "scripts" / name

    def add(self, name, text):
        path = self.path / "src/one" / name
        path.write_text(LICENCE + text)
        if name.endswith(".c"):
            output = f"{name}.o"
            subprocess.run(["gcc", "-I", self.path / "src", "-c", path, "-o",
                            self.path / "build" / output], check=True)
            self.commands.append({"directory": str(self.path / "build"), "file": str(path),
                                  "output": output, "command": f"gcc -I {self.path}/src -c {path}"})

    def check(self, name):
        (self.path / "build/compile_commands.json").write_text(json.dumps(self.commands))
        done = subprocess.run([self.script(name), "build"], cwd=self.path, text=True,
                              capture_output=True, check=False)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(name="tree")
def make_tree(tmp_path):
    return Tree(tmp_path)


def floors(tree):
    """What check-floors finds; the list of known rings is that of the real tree."""
    script = tree.script("check-floors")
    text = script.read_text()
    begin, end = text.index("KNOWN_RINGS = {"), text.index("\n}\n")
    shortened = text[:begin] + "KNOWN_RINGS = {" + text[end:]
    (tree.path / "scripts/check-none-known").write_text(shortened)
    (tree.path / "build/compile_commands.json").write_text(json.dumps(tree.commands))
    done = subprocess.run(["/usr/bin/python3", tree.path / "scripts/check-none-known", "build"],
                          cwd=tree.path, text=True, capture_output=True, check=False)
    return done.stdout + done.stderr


def test_files_that_look_one_way_are_in_order(tree):
    tree.add("low.h", "#pragma once\nint low(void);\n")
    tree.add("high.h", "#pragma once\n#include \"one/low.h\"\nint high(void);\n")
    tree.add("low.c", "#include \"one/low.h\"\nint low(void) { return 1; }\n")
    tree.add("high.c", "#include \"one/high.h\"\nint high(void) { return low(); }\n")
    assert floors(tree) == "floors: in order\n"


def test_files_that_call_each_other_in_a_ring_are_found(tree):
    tree.add("all.h", "#pragma once\nint a(void);\nint b(void);\nint c(void);\nint d(void);\n")
    for own, other in ("ab", "bc", "ca", "da"):
        tree.add(f"{own}.c", f"#include \"one/all.h\"\nint {own}(void) {{ return {other}(); }}\n")
    said = floors(tree)
    assert "src/one: in a ring: a, b, c\n" in said
    assert "    c uses a: a\n" in said


def test_a_table_that_names_who_reads_it_is_a_ring(tree):
    tree.add("all.h", "#pragma once\nextern int (*const table[])(void);\nint a(void);\n")
    tree.add("a.c", "#include \"one/all.h\"\nint a(void) { return table[0] == a; }\n")
    tree.add("t.c", "#include \"one/all.h\"\nint (*const table[])(void) = {a};\n")
    assert "src/one: in a ring: a, t\n" in floors(tree)


def test_headers_that_include_each_other_in_a_ring_are_found(tree):
    tree.add("a.h", "#pragma once\n#include \"one/b.h\"\n")
    tree.add("b.h", "#pragma once\n#include \"one/a.h\"\n")
    tree.add("a.c", "int a(void);\nint a(void) { return 1; }\n")
    assert "src/one: in a ring: a.h, b.h\n" in floors(tree)


def test_a_known_ring_that_is_gone_has_to_leave_the_list(tree):
    tree.add("a.c", "int a(void);\nint a(void) { return 1; }\n")
    _, said = tree.check("check-floors")
    assert "there is no such ring in src/base any more: problem words\n" in said
