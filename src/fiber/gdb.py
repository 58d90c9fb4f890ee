# SPDX-License-Identifier: ISC
"""Shows parked fibers in gdb.

    (gdb) source src/fiber/gdb.py
    (gdb) fibers              a line for each: name, what it waits for
    (gdb) fibers bt           with their stacks
    (gdb) fibers bt NAME      those whose name begins with NAME

Works on a live process and on a core file, in the thread of the scheduler.
"""
import gdb

# What fiber_context_switch() leaves on the stack, lowest address first (switch_*.S).
FRAMES = {
    "i386:x86-64": (["r15", "r14", "r13", "r12", "rbx", "rbp"], "rip", "rsp", 0),
    "aarch64": (["x%d" % n for n in range(19, 30)], "pc", "sp", 64),
}


def scheduler():
    pointer = gdb.parse_and_eval("fiber_scheduler")
    if int(pointer) == 0:
        raise gdb.GdbError("this thread runs no fibers; choose the scheduler's with `thread N`")
    return pointer.dereference()


def fibers():
    kind = gdb.lookup_type("struct fiber")
    offset = next(f.bitpos // 8 for f in kind.fields() if f.name == "in_all")
    head = scheduler()["all"]["head"].address
    link = head["next"]
    while link != head:
        yield (link.cast(gdb.lookup_type("char").pointer()) - offset).cast(kind.pointer()).dereference()
        link = link["next"]


def backtrace(fiber):
    """Puts the parked registers in place, prints the stack, and restores the machine's own."""
    names, pc, sp, skip = FRAMES[gdb.selected_frame().architecture().name()]
    word = gdb.lookup_type("unsigned long").pointer()
    saved = (fiber["context"]["sp"].cast(gdb.lookup_type("char").pointer()) + skip).cast(word)
    frame = gdb.newest_frame()
    frame.select()  # elsewhere, setting a register would write into a stack
    before = {name: int(frame.read_register(name)) for name in [*names, pc, sp]}
    try:
        for place, name in enumerate(names):
            gdb.execute("set $%s = %d" % (name, int(saved[place])))
        gdb.execute("set $%s = %d" % (pc, int(saved[len(names)])))
        gdb.execute("set $%s = %d" % (sp, int(saved + len(names) + 1)))
        gdb.execute("bt")
    finally:
        for name in [*names, sp, pc]:
            gdb.execute("set $%s = %d" % (name, before[name]))


class Fibers(gdb.Command):
    """Lists fibers; `fibers bt [NAME]` with their stacks."""

    def __init__(self):
        super().__init__("fibers", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        words = argument.split(None, 1)
        wanted = words[1] if len(words) > 1 else ""
        for fiber in fibers():
            name = fiber["name"].string()
            parked = bool(fiber["parked"])
            waits = fiber["waits_for"].string() if parked and int(fiber["waits_for"]) else "running"
            if not name.startswith(wanted):
                continue
            print("%-32s %s" % (name, waits))
            if words[:1] == ["bt"] and parked:
                backtrace(fiber)


Fibers()
