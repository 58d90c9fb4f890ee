#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Makes calls.h, calls.c and docs/rpc.md out of schema.rpc.

usage: generate.py SCHEMA header|source|document > FILE

The schema, line by line ('#' begins a comment, indentation marks what belongs to a line):

    struct target "one mailbox"
        account u64
        address text 320

    call mail.deliver "Stores a message in a mailbox." from queue makes directory
        in
            address text 512
        out
            targets list target 1000

`makes`: the roles that the handler may call before it answers; it may make those of their calls
that are for its role and have an answer. No call may lead to itself in that way.

Types: bool u8 u16 u32 u64 i64, size (a size_t), text MAX, bytes MAX (both are slices), texts MAX
MOST (an array of slices), enum NAME LAST, one STRUCT, list STRUCT MOST, fd (a descriptor or -1),
envelope MOST (message/envelope.h, with so many recipients).
The number of elements is in NAME_count, or in what `by` names. A line `send ...` instead of
`call ...` is a call without an answer.

    struct account in people/account.h "an account"

is a struct that a header of a lower floor declares. Its fields stand here in any order; one that is
not listed does not travel and arrives as zero. All other structs are made here, as struct rpc_NAME;
one with descriptors comes with RPC_NAME_NONE, which has none, and rpc_NAME_close().
"""
import hashlib
import pathlib
import re
import sys

# Those of enum role, by their names (role_name).
ROLES = [name.lower() for name in re.findall(r"^    ROLE_(\w+),", (
    pathlib.Path(__file__).resolve().parent.parent / "conf/roles.h").read_text(encoding="utf-8"), re.M)]
NUMBERS = {"size": ("size_t", "u64"), "bool": ("bool", "u8"), "u8": ("uint8_t", "u8"), "u16": ("uint16_t", "u16"),
           "u32": ("uint32_t", "u32"), "u64": ("uint64_t", "u64"), "i64": ("int64_t", "u64")}


class Bad(Exception):
    pass


class Struct:
    def __init__(self, name, header, doc):
        self.name, self.header, self.doc, self.fields = name, header, doc, []
        self.c = name if header else "rpc_" + name


    @property
    def fds(self):
        return [f.name for f in self.fields if f.type == "fd"]


class Field:
    def __init__(self, words, structs):
        self.name, self.type, rest = words[0], words[1], words[2:]
        self.max, self.of = 0, None
        self.count = rest[rest.index("by") + 1] if "by" in rest else self.name + "_count"
        if self.type in ("text", "bytes", "envelope"):
            self.max = int(rest[0])
        elif self.type == "texts":
            self.max, self.most = int(rest[0]), int(rest[1])
        elif self.type == "enum":
            self.of, self.last = rest[0], rest[1]
        elif self.type in ("list", "one"):
            if rest[0] not in structs:
                raise Bad(f"unknown struct {rest[0]}")
            self.of, self.max = structs[rest[0]], int(rest[1]) if self.type == "list" else 1
        elif self.type != "fd" and self.type not in NUMBERS:
            raise Bad(f"unknown type {self.type}")

    def declare(self):
        if self.type in NUMBERS:
            return [f"{NUMBERS[self.type][0]} {self.name};"]
        if self.type in ("text", "bytes"):
            return [f"struct slice {self.name}; /* at most {self.max} bytes */"]
        if self.type == "texts":
            return [f"struct slice *{self.name}; /* of at most {self.max} bytes */",
                    f"size_t {self.count}; /* at most {self.most} */"]
        if self.type == "enum":
            return [f"enum {self.of} {self.name};"]
        if self.type == "one":
            return [f"struct {self.of.c} {self.name};"]
        if self.type == "list":
            return [f"struct {self.of.c} *{self.name};",
                    f"size_t {self.count}; /* at most {self.max} */"]
        if self.type == "envelope":
            return [f"struct envelope {self.name}; /* at most {self.max} recipients */"]
        return [f"int {self.name}; /* a descriptor, or -1 */"]

    def encode(self):
        v, count = f"v->{self.name}", f"v->{self.count}"
        if self.type in NUMBERS:
            return [f"buf_add_{NUMBERS[self.type][1]}(to, ({NUMBERS[self.type][1].replace('u', 'uint')}_t){v});"]
        if self.type in ("text", "bytes"):
            return [f"if (!put_slice(to, {v}, {self.max}))", "    return false;"]
        if self.type == "texts":
            return [f"if (!put_slices(to, {v}, {count}, {self.max}, {self.most}))", "    return false;"]
        if self.type == "enum":
            return [f"buf_add_u8(to, (uint8_t){v});"]
        if self.type == "one":
            return [f"if (!encode_{self.of.name}(to, &{v}, fds))", "    return false;"]
        if self.type == "list":
            return [f"if ({count} > {self.max})", "    return false;",
                    f"buf_add_u32(to, (uint32_t){count});",
                    f"for (size_t i = 0; i < {count}; i++) {{",
                    f"    if (!encode_{self.of.name}(to, &{v}[i], fds))", "        return false;", "}"]
        if self.type == "envelope":
            return [f"if (!put_envelope(to, &{v}, {self.max}))", "    return false;"]
        return [f"if (!put_fd(to, {v}, fds))", "    return false;"]

    def decode(self):
        v, count = f"v->{self.name}", f"v->{self.count}"
        if self.type == "bool":
            return [f"if (!get_bool(from, &{v}))", "    return false;"]
        if self.type in NUMBERS:
            return [f"{v} = ({NUMBERS[self.type][0]})read_{NUMBERS[self.type][1]}(from);"]
        if self.type in ("text", "bytes"):
            return [f"if (!get_slice(from, {self.max}, &{v}))", "    return false;"]
        if self.type == "texts":
            return [f"if (!get_slices(from, a, {self.max}, {self.most}, &{v}, &{count}))",
                    "    return false;"]
        if self.type == "enum":
            return [f"uint8_t {self.name} = read_u8(from);", f"if ({self.name} > {self.last})", "    return false;",
                    f"{v} = (enum {self.of}){self.name};"]
        if self.type == "one":
            return [f"if (!decode_{self.of.name}(from, a, &{v}, fds))", "    return false;"]
        if self.type == "list":
            return [f"if (!get_count(from, {self.max}, &{count}))", "    return false;",
                    f"{v} = arena_array(a, {count}, sizeof *{v});",
                    f"for (size_t i = 0; i < {count}; i++) {{",
                    f"    if (!decode_{self.of.name}(from, a, &{v}[i], fds))", "        return false;", "}"]
        if self.type == "envelope":
            return [f"if (!get_envelope(from, a, {self.max}, &{v}))", "    return false;"]
        return [f"if (!get_fd(from, &{v}, fds))", "    return false;"]

    def document(self):
        return self.name + " " + {"list": f"list of {self.of and getattr(self.of, 'name', '')}, at most {self.max}",
                                  "one": f"{self.of and getattr(self.of, 'name', '')}",
                                  "enum": f"one of enum {self.of}",
                                  "texts": f"at most {getattr(self, 'most', 0)} texts, each at most {self.max} bytes",
                                  "text": f"text, at most {self.max} bytes",
                                  "envelope": f"envelope, at most {self.max} recipients",
                                  "bytes": f"bytes, at most {self.max}"}.get(self.type, self.type)


class Call:
    def __init__(self, kind, name, words, callers, makes):
        self.one_way, self.doc, self.callers, self.makes = kind == "send", words, callers, makes
        self.role, self.verb = name.split(".")
        self.fields = {"in": [], "out": []}
        self.level = 0
        for role in [self.role, *callers, *makes]:
            if role not in ROLES:
                raise Bad(f"unknown role {role}")

    @property
    def gives_fds(self):
        return any(f.type == "fd" or getattr(f.of, "fds", ()) for f in self.fields["out"])

    @property
    def c(self):
        return f"{self.role}_{self.verb}"


def parse(path):
    structs, calls, fields = {}, [], None
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        code = line.split("#")[0].rstrip()
        doc = code.split('"')[1] if '"' in code else ""
        words = (code.split('"')[0] + " " + code.split('"')[2] if doc else code).split()
        try:
            if not words:
                continue
            if words[0] == "struct" and not line[0].isspace():
                struct = Struct(words[1], words[3] if words[2:3] == ["in"] else None, doc)
                structs[struct.name], fields = struct, struct.fields
            elif words[0] in ("call", "send") and not line[0].isspace():
                who = words[words.index("from") + 1:]
                callers, makes = (who[:who.index("makes")], who[who.index("makes") + 1:]) if "makes" in who else (who, [])
                calls.append(Call(words[0], words[1], doc, callers, makes))
                fields = None
            elif words in (["in"], ["out"]):
                fields = calls[-1].fields[words[0]]
            elif fields is not None and line[0].isspace():
                fields.append(Field(words, structs))
            else:
                raise Bad("expected struct, call, send, in, out or a field")
        except (Bad, IndexError, ValueError) as e:
            sys.exit(f"{path}:{number}: {e}")
    for call in calls:
        call.level = level(call, calls, [])
    return structs, calls


def level(call, calls, above):
    """One more than that of the calls its handler may make."""
    if call in above:
        sys.exit("calls wait for themselves: " + " -> ".join(f"{c.role}.{c.verb}" for c in [*above, call]))
    roles = set(ROLES) - {"cli"} if call.role == "process" else {call.role}  # that answer it
    made = [c for c in calls if c.role in call.makes and roles & set(c.callers) and not c.one_way]
    return max((level(c, calls, [*above, call]) + 1 for c in made), default=0)


def protocol(path):
    """A number made of what the schema says, and of nothing else in the file."""
    lines = (re.sub(r"#.*|\"[^\"]*\"", "", line).split() for line in open(path, encoding="utf-8"))
    text = "\n".join(" ".join(words) for words in lines if words)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def comment(text):
    return [f"/* {text} */"] if text else []


def struct_lines(name, fields, doc):
    lines = comment(doc) + [f"struct {name} {{"]
    for f in fields:
        lines += ["    " + d for d in f.declare()]
    if not fields:
        lines.append("    char nothing; /* no fields */")
    return lines + ["};", ""]


def header(structs, calls, number):
    out = ["/* Made by src/rpc/generate.py out of src/rpc/schema.rpc: do not edit. */", "#pragma once", "",
           *[f'#include "{header}"' for header in sorted({"message/envelope.h"} | {s.header for s in structs.values() if s.header})],
           '#include "rpc/rpc.h"', "",
           "/* Made of the schema: programs with the same number understand each other. */",
           f"#define RPC_PROTOCOL UINT64_C(0x{number:016x})", ""]
    for s in structs.values():
        if not s.header:
            out += struct_lines(s.c, s.fields, s.doc)
        if s.fds:
            none = ", ".join(f".{name} = -1" for name in s.fds)
            out += [f"#define RPC_{s.name.upper()}_NONE ((struct {s.c}){{{none}}})",
                    f"void {s.c}_close(struct {s.c} *v); /* its descriptors, and makes it NONE */", ""]
    for c in calls:
        out += struct_lines(f"rpc_{c.c}_in", c.fields["in"], "")
        if not c.one_way:
            out += struct_lines(f"rpc_{c.c}_out", c.fields["out"], "")
        out += comment(c.doc)
        if c.one_way:
            out += [f"int send_{c.c}(struct rpc_link *to, const struct rpc_{c.c}_in *in);", ""]
        else:
            out += [f"int call_{c.c}(struct rpc_link *to, const struct rpc_{c.c}_in *in, struct arena *a,",
                    f"    struct rpc_{c.c}_out *ret_out, struct problem *problem) WAITS;", ""]
    for role in ROLES:
        mine = [c for c in calls if c.role == role]
        if not mine:
            continue
        out += [f"/* What the {role} role answers; a missing handler answers -ENOSYS. */",
                f"struct rpc_{role}_handlers {{"]
        for c in mine:
            if c.one_way:
                out.append(f"    int (*{c.verb})(void *arg, const struct rpc_caller *caller, "
                           f"const struct rpc_{c.c}_in *in);")
            else:
                out.append(f"    int (*{c.verb})(void *arg, const struct rpc_caller *caller, "
                           f"const struct rpc_{c.c}_in *in, struct arena *a, "
                           f"struct rpc_{c.c}_out *out, struct problem *problem) WAITS;")
        out += ["};", f"extern const struct rpc_service rpc_{role}_service;", ""]
    out += ["/* The services of all roles by role; NULL for a role that answers nothing. */",
            "extern const struct rpc_service *const rpc_services[ROLES];", ""]
    return out


def coder(name, ctype, fields, elsewhere=False):
    out = [f"static bool encode_{name}(struct buf *to, const void *value, struct rpc_fds *fds) {{"]
    if fields:
        out += [f"    const struct {ctype} *v = value;"]
    out += ["    (void)to;", "    (void)value;", "    (void)fds;"]
    for f in fields:
        out += ["    " + line for line in f.encode()]
    out += ["    return true;", "}", "",
            f"static bool decode_{name}(struct reader *from, struct arena *a, void *value, struct rpc_fds *fds) {{"]
    if fields:
        out += [f"    struct {ctype} *v = value;"]
    if elsewhere:
        out += [f"    *v = (struct {ctype}){{0}};"]
    out += ["    (void)a;", "    (void)value;", "    (void)fds;"]
    for f in fields:
        out += ["    " + line for line in f.decode()]
    return out + ["    return !from->bad;", "}", ""]


def invoke(c):
    out = [f"static int invoke_{c.c}(const void *handlers, void *arg, const struct rpc_caller *caller,",
           "    const void *in, struct arena *a, void *out, struct problem *problem) " +
           ("{" if c.one_way else "WAITS {"),
           f"    const struct rpc_{c.role}_handlers *h = handlers;",
           f"    if (!h->{c.verb})", "        return -ENOSYS;"]
    if c.one_way:
        out += ["    (void)a;", "    (void)out;", "    (void)problem;", f"    return h->{c.verb}(arg, caller, in);"]
    else:
        out += [f"    return h->{c.verb}(arg, caller, in, a, out, problem);"]
    return out + ["}", ""]


def caller(c, place):
    entry = f"&calls_{c.role}[{place}]"
    if c.one_way:
        return [f"int send_{c.c}(struct rpc_link *to, const struct rpc_{c.c}_in *in) {{",
                f"    return rpc_do_send(to, {entry}, in);", "}", ""]
    return [f"int call_{c.c}(struct rpc_link *to, const struct rpc_{c.c}_in *in, struct arena *a,",
            f"    struct rpc_{c.c}_out *ret_out, struct problem *problem) {{",
            f"    return rpc_do_call(to, {entry}, in, a, ret_out, problem);", "}", ""]


def source(structs, calls, _):
    out = ["/* Made by src/rpc/generate.py out of src/rpc/schema.rpc: do not edit. */",
           '#include "rpc/calls.h"', "", "#include <errno.h>", "", '#include "rpc/marshal.h"', ""]
    for s in structs.values():
        out += coder(s.name, s.c, s.fields, s.header is not None)
        if s.fds:
            out += [f"void {s.c}_close(struct {s.c} *v) {{", *(f"    leave_fd(v->{name});" for name in s.fds),
                    f"    *v = RPC_{s.name.upper()}_NONE;", "}", ""]
    for c in calls:
        out += coder(f"{c.c}_in", f"rpc_{c.c}_in", c.fields["in"])
        if not c.one_way:
            out += coder(f"{c.c}_out", f"rpc_{c.c}_out", c.fields["out"])
        out += invoke(c)
    for role in ROLES:
        mine = [c for c in calls if c.role == role]
        if not mine:
            continue
        out += [f"static const struct rpc_call calls_{role}[] = {{"]
        for i, c in enumerate(mine):
            bits = " | ".join(f"ROLE_BIT(ROLE_{r.upper()})" for r in c.callers)
            answer = "" if c.one_way else (f", .out_size = sizeof(struct rpc_{c.c}_out), "
                                           f".encode_out = encode_{c.c}_out, .decode_out = decode_{c.c}_out")
            out += [f"    {{.name = \"{c.role}.{c.verb}\", .number = ROLE_{role.upper()} << 8 | {i}, "
                    f".one_way = {str(c.one_way).lower()}, .gives_fds = {str(c.gives_fds).lower()}, "
                    f".level = {c.level}, .from = {bits},",
                    f"     .in_size = sizeof(struct rpc_{c.c}_in), .encode_in = encode_{c.c}_in, "
                    f".decode_in = decode_{c.c}_in{answer},", f"     .invoke = invoke_{c.c}}},"]
        out += ["};", "", f"const struct rpc_service rpc_{role}_service = {{ROLE_{role.upper()}, calls_{role}, "
                f"{len(mine)}}};", ""]
        for i, c in enumerate(mine):
            out += caller(c, i)
    out += ["const struct rpc_service *const rpc_services[ROLES] = {"]
    for role in ROLES:
        if any(c.role == role for c in calls):
            out.append(f"    [ROLE_{role.upper()}] = &rpc_{role}_service,")
    return out + ["};"]


def document(structs, calls, _):
    out = ["# Calls between the roles", "",
           "Made by `src/rpc/generate.py` out of `src/rpc/schema.rpc`. A call that a role may not make ends the caller.", ""]
    for role in ROLES:
        mine = [c for c in calls if c.role == role]
        if mine:
            out += [f"## {role}", "", "| call | what it does | made by | makes calls to | takes | answers |",
                    "|---|---|---|---|---|---|"]
        for c in mine:
            answers = "nothing (one way)" if c.one_way else "; ".join(f.document() for f in c.fields["out"]) or "done"
            takes = "; ".join(f.document() for f in c.fields["in"]) or "nothing"
            out.append(f"| {c.verb} | {c.doc} | {', '.join(c.callers)} | {', '.join(c.makes)} | {takes} | {answers} |")
        if mine:
            out.append("")
    out += ["## Structs", ""]
    for s in structs.values():
        where = f" (`{s.header}`)" if s.header else ""
        out += [f"- **{s.name}**{where}: {s.doc}. " + "; ".join(f.document() for f in s.fields)]
    return out


def main():
    if len(sys.argv) != 3 or sys.argv[2] not in ("header", "source", "document"):
        sys.exit(__doc__)
    make = {"header": header, "source": source, "document": document}[sys.argv[2]]
    print("\n".join(make(*parse(sys.argv[1]), protocol(sys.argv[1]))))


main()
