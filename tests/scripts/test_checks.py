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
        path = (self.path / "src/one" / name).resolve()
        path.write_text(LICENCE + text)
        if name.endswith(".c"):
            output = f"{path.stem}.o"
            subprocess.run(["gcc", "-I", self.path / "src", "-c", path, "-o",
                            self.path / "build" / output], check=True)
            self.commands.append({"directory": str(self.path / "build"), "file": str(path),
                                  "output": output, "command": f"gcc -I{self.path}/src -c {path}"})

    def check(self, name):
        (self.path / "build/compile_commands.json").write_text(json.dumps(self.commands))
        if not (self.path / "scripts" / name).exists():
            self.script(name)
        done = subprocess.run([self.path / "scripts" / name, "build"], cwd=self.path, text=True,
                              capture_output=True, check=False)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(name="tree")
def make_tree(tmp_path):
    return Tree(tmp_path)


def floors(tree, known=""):
    """What check-floors finds with this list of known rings."""
    script = tree.script("check-floors")
    text = script.read_text()
    begin, end = text.index("KNOWN_RINGS = {"), text.index("\n}\n")
    script.write_text(text[:begin] + "KNOWN_RINGS = {" + known + text[end:])
    return tree.check("check-floors")[1]


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
    said = floors(tree, '"one": [("a b", "a reason")]')
    assert "there is no such ring in src/one any more: a b\n" in said


# -------------------------------------------------------------------- check-calls

PARK = """
static void leave(void) {}
int park(void) { leave(); return 0; }
"""
HEADER = """#pragma once
#ifdef CHECK_WAITS
#define WAITS __attribute__((annotate("waits")))
#else
#define WAITS
#endif
#define _cleanup_(fn) __attribute__((cleanup(fn)))
typedef void fiber_fn(void *arg) WAITS;
struct ops {
    int (*quick)(void *arg);
    int (*read)(void *arg) WAITS;
};
int park(void) WAITS;
int start(fiber_fn *fn);
int sort(int (*compare)(void *arg));
"""


def waits(tree, text, header=""):
    """What check-calls finds in a file with this text, above a function park() that waits."""
    (tree.path / "src/fiber").mkdir(exist_ok=True)
    (tree.path / "src/one/one.h").write_text(LICENCE + HEADER + header)
    tree.add("../fiber/fiber.c", '#include "one/one.h"\n' + PARK)
    tree.add("one.c", '#include "one/one.h"\n' + text)
    _, said = tree.check("check-calls")
    return said


def test_who_says_that_he_waits_is_in_order(tree):
    said = waits(tree, """
static int wait_long(void *arg) WAITS { return park() + park(); }
static int add(void *arg) { return 1; }
static const struct ops ops = {.quick = add, .read = wait_long};
static void fiber(void *arg) WAITS { ops.read(arg); }
int all(void) { return start(fiber) + sort(add) + ops.quick(0); }
""", "int all(void);\n")
    assert said == "calls: in order\n"


def test_a_function_that_calls_one_that_waits_says_so(tree):
    said = waits(tree, """
static int step(void) { return park(); }
int all(void) { return step(); }
""", "int all(void);\n")
    assert "one.c:4: step() waits in park(), line 4, and its declaration does not say WAITS" in said
    assert "one.c:5: all() waits in step(), line 5" in said


def test_many_files_show_the_same_as_one(tree):
    """Then the system's headers are precompiled: what they declare is not seen, and one file means
    something else by a name that they define."""
    for name in "abcdef":
        tree.add(f"{name}.c", f"#include <signal.h>\nstatic void {name}_do(void) {{ raise(1); }}\n")
    (tree.path / "src/one/one.h").write_text(LICENCE + HEADER)
    tree.add("odd.c", '#include "one/one.h"\nenum odd { SIGHUP };\nint odd(void) { return park(); }\n')
    said = waits(tree, """
#include <signal.h>
int all(struct sigaction *to) { *to = (struct sigaction){.sa_flags = 1}; return park(); }
""", "struct sigaction;\nint all(struct sigaction *to);\nint odd(void);\n")
    assert "all() waits in park()" in said
    assert "odd() waits in park()" in said
    assert "2 slips" in said


def test_a_call_through_a_marked_pointer_waits(tree):
    said = waits(tree, """
int one(struct ops *ops) { return ops->read(ops) + ops->quick(ops); }
int two(struct ops *ops) { return ops->quick(ops); }
""", "int one(struct ops *ops);\nint two(struct ops *ops);\n")
    assert "one() waits in read" in said
    assert "two()" not in said


def test_the_cleanup_of_a_local_counts(tree):
    said = waits(tree, """
static void done(int *i) WAITS { *i = park(); }
int all(void) { _cleanup_(done) int i = 0; return i; }
""", "int all(void);\n")
    assert "all() waits in done()" in said


def test_a_mark_on_what_does_not_wait_is_found(tree):
    said = waits(tree, "int all(void) { return 1; }\n", "int all(void) WAITS;\n")
    assert "one.c:3: all() says WAITS and calls nothing that waits" in said


@pytest.mark.parametrize("use, holder", [
    ("static const struct ops ops = {.quick = wait_long};\nint all(void) { return !!ops.quick; }",
     "quick"),
    ("int all(void) { struct ops ops; ops.quick = wait_long; return !!ops.quick; }", "quick"),
    ("int all(void) { int (*p)(void *) = 1 ? wait_long : 0; return !!p; }", "p"),
    ("int all(void) { return sort(wait_long); }", "parameter compare of sort"),
    ("static struct ops o;\nint all(void) { return sort(o.read); }", "parameter compare of sort"),
])
def test_a_pointer_that_is_not_marked_holds_nothing_that_waits(tree, use, holder):
    said = waits(tree, "static int wait_long(void *arg) WAITS { return park(); }\n"
                 f"int keep(void) WAITS {{ return wait_long(0); }}\n{use}\n",
                 "int keep(void) WAITS;\nint all(void);\n")
    assert f" waits, and {holder}, which gets it, does not say WAITS" in said


SCHEMA = """
call one.write "Writes." from two makes three
call three.read "Reads." from one      # for what is written
call four.read "Reads, too." from one
call three.count "Counts." from two
"""
CALLS = """
struct rpc_one_handlers { int (*write)(void *arg) WAITS; };
int call_three_read(void) WAITS;
int call_four_read(void) WAITS;
int call_three_count(void) WAITS;
extern const struct rpc_one_handlers handlers;
extern struct ops kept;
int fiber_spawn(const char *name, fiber_fn *fn, void *arg);
int keep(int (*read)(void *arg) WAITS);
"""


@pytest.mark.parametrize("body, made", [
    ("return call_three_read();", None),
    ("return call_four_read();", "four.read (by on_write())"),
    ("return call_three_count();", "three.count (by on_write())"),
    ("return deeper(arg);", "four.read (by on_write(), deeper())"),
    ("return kept.read(arg);", "four.read (by on_write(), deeper())"),
    ("return fiber_spawn(0, fiber, 0) + park();", "four.read (by on_write(), fiber(), deeper())"),
])
def test_who_answers_a_call_makes_those_that_the_schema_says(tree, body, made):
    (tree.path / "src/rpc").mkdir()
    (tree.path / "src/rpc/schema.rpc").write_text(SCHEMA)
    said = waits(tree, f"""
struct ops kept;
static int deeper(void *arg) WAITS {{ return call_four_read(); }}
static void fiber(void *arg) WAITS {{ deeper(arg); }}
static int on_write(void *arg) WAITS {{ {body} }}
const struct rpc_one_handlers handlers = {{.write = on_write}};
int keep(int (*read)(void *arg) WAITS) {{ kept.read = read; return start(fiber); }}
int all(void) {{ return keep(deeper); }}
""", CALLS + "int all(void);\n")
    if made:
        assert f"one.c:7: one.write makes {made}, and the schema does not say so" in said
    else:
        assert said == "calls: in order\n"


def test_what_is_missing_can_be_written(tree):
    waits(tree, "static int step(void) { return park(); }\nint all(void) { return step(); }\n",
          "int all(void);\n")
    subprocess.run([tree.script("check-calls"), "--mark", "build"], cwd=tree.path, check=True)
    assert tree.check("check-calls")[1] == "calls: in order\n"
    assert "static int step(void) WAITS {" in (tree.path / "src/one/one.c").read_text()
    assert "int all(void) WAITS;" in (tree.path / "src/one/one.h").read_text()


def test_a_conversation_that_reads_the_settings_of_the_process_is_found(tree):
    for folder in ("conf", "role", "cli"):
        (tree.path / "src" / folder).mkdir()
    (tree.path / "src/conf/table.c").write_text("")
    for name in ("src/conf/roles.h", "tests/roles.py"):
        shutil.copy(TOP / name, tree.path / name)
    (tree.path / "src/role/edge_one.c").write_text("""
bool live(const struct edge_smtp *m) {
    return m->connection->edge->process->conf->smtp.soft_errors > 0;
}

bool held(const struct edge_smtp *m) {
    return m->connection->settings->conf->smtp.soft_errors > 0;
}

bool shared(const struct edge *e) {
    return e->process->conf->smtp.memory_max > 0;
}
""")
    said = tree.check("check-settings")[1]
    assert "edge_one.c: live() has a conversation, and reads the settings of the process" in said
    assert "held()" not in said and "shared()" not in said


OBJECTS = """
struct cat { int lives; };
struct dog { int tricks; };
int hand(int (*fn)(void *arg), void *arg);
struct handed { int (*fn)(void *arg); void *arg; };
struct animal { int (*feed)(void *arg); int (*call)(void *arg); };
int own(const struct animal *animal, void *arg);
int all(struct cat *cat, struct dog *dog);
"""
FUNCTIONS = """
static int stroke(void *arg) { struct cat *cat = arg; return cat->lives; }
static int teach(void *arg) { return ((struct dog *)arg)->tricks; }
static const struct animal dogs = {.feed = teach, .call = teach};
"""


@pytest.mark.parametrize("use", [
    "return hand(stroke, cat) + hand(teach, dog) + own(&dogs, dog) + hand(stroke, 0);",
    "struct handed h = {stroke, cat}; return h.fn(h.arg);",
])
def test_what_travels_as_void_may_arrive_as_what_it_was(tree, use):
    said = waits(tree, f"{FUNCTIONS}int all(struct cat *cat, struct dog *dog) {{ {use} }}\n", OBJECTS)
    assert said == "calls: in order\n"


@pytest.mark.parametrize("use, slip", [
    ("return hand(stroke, dog);", "stroke takes its void * for struct cat, and gets a struct dog"),
    ("struct handed h = {.fn = teach, .arg = cat}; return h.fn(h.arg);",
     "teach takes its void * for struct dog, and gets a struct cat"),
    ("return own(&dogs, cat);", "dogs takes its void * for struct dog, and gets a struct cat"),
    ("static const struct animal odd = {teach, stroke}; return own(&odd, dog);",
     "odd: its functions take their void * for struct cat and dog"),
])
def test_what_travels_as_void_and_arrives_as_something_else_is_found(tree, use, slip):
    said = waits(tree, f"{FUNCTIONS}int all(struct cat *cat, struct dog *dog) {{ {use} }}\n", OBJECTS)
    assert slip in said


def test_a_table_whose_functions_do_not_agree_is_found(tree):
    said = waits(tree, FUNCTIONS + "const struct animal odd = {stroke, teach};\n"
                 "int all(struct cat *cat, struct dog *dog) { return own(&dogs, dog); }\n",
                 OBJECTS + "extern const struct animal odd;\n")
    assert "odd: its functions take their void * for struct cat and dog" in said


# -------------------------------------------------------------------- check-shape


def test_a_small_function_with_one_caller_is_a_piece(tree):
    tree.add("one.c", """
int all(int);

/* once() is used at one place, twice() at two. */
static int once(int i) {
    return i;
}

static int twice(int i,
                 int j) {
    return i + j;
}

int all(int i) {
    return once(i) + twice(i, 1) + twice(i, 2);
}
""")
    script = tree.script("check-shape")
    done = subprocess.run([script, "--list"], cwd=tree.path, text=True, capture_output=True,
                          check=False)
    assert "src: 3 functions, mean 3.3 lines, pieces 50.0 % (1 of 2)" in done.stdout
    assert "src/one/one.c:6: once, 3 lines" in done.stdout
    assert "shape: pieces is 50.0" in done.stdout
    assert done.returncode == 1
