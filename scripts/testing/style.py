# SPDX-License-Identifier: ISC
"""The jobs of the style: clang-format, clang-tidy, and the checks in scripts/.

What clang-tidy finds depends on a file, on what it includes, on how it is compiled, on the settings
and on clang-tidy itself. The name of an empty file in build/tidy/ is the sum over all of these; it
is made when nothing was found, and then that is not looked at again. A fresh clone has none.
"""
import functools
import hashlib
import json
import pathlib
import subprocess
import time

from .jobs import BEHIND, Job, Result
from .programs import CHECKED, TOP

NODES = 75000  # states that clang's analyzer looks at in a function
DEEP_NODES = 225000  # its own measure of a deep look
CLEAN = TOP / "build/tidy"
KEPT_DAYS = 30
CHECKS = (("check-floors", CHECKED), ("check-calls", CHECKED), ("check-shape",), ("check-settings",),
          ("check-words",))


def c_files(*folders, endings=(".c", ".h")):
    return [path for folder in folders for path in sorted((TOP / folder).rglob("*"))
            if path.suffix in endings]


def check_format(runner):
    code, said = runner.run("clang-format", "--dry-run", "-Werror",
                            *c_files("src", "tests", "bench"))
    lines = [line for line in said.splitlines() if "error:" in line]
    return Result(int(code == 0), int(code != 0), "clang-format -i would change:\n" + "\n".join(lines))


def run_check(*command):
    def work(runner):
        code, said = runner.run(*command)
        return Result(int(code == 0), int(code != 0), said)
    return work


# -------------------------------------------------------------------- clang-tidy


def output(*command):
    return subprocess.run([str(word) for word in command], cwd=TOP, check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def changed_files():
    """Files that differ from what others have seen, new ones included: from where this branch left the
    one it is pushed to, or without that one from the commit before the last."""
    for before in ("@{upstream}", "HEAD~1", "HEAD"):
        found = subprocess.run(("git", "merge-base", "HEAD", before), cwd=TOP, check=False, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if found.returncode == 0:
            break
    names = output("git", "diff", "--name-only", found.stdout.strip())
    names += output("git", "ls-files", "--others", "--exclude-standard")
    return {(TOP / name).resolve() for name in names.splitlines()}


def calls_unchanged():
    """Whether check-calls would find what it found in what others have seen."""
    return not any(path.is_relative_to(TOP / "src") or path.name == "check-calls"
                   for path in changed_files())


@functools.cache
def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def included():
    """{object: files it was made from}, as ninja knows it from the compiler."""
    found, name = {}, None
    for line in output("ninja", "-C", CHECKED, "-t", "deps").splitlines():
        if not line.startswith(" "):
            name = line.partition(": ")[0]
            found[name] = []
        elif line.strip():
            found[name].append((CHECKED / line.strip()).resolve())
    return found


def sum_over(entry, files, common):
    """The name of the file that says that nothing was found. None: not known from what it is made."""
    if not files or not all(path.exists() for path in files):
        return None
    words = [common, entry["command"], *(f"{path} {digest(path)}" for path in files)]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def run_tidy(path, nodes, clean):
    def work(runner):
        analyzer = [f"--extra-arg={word}" for word in
                    ("-Xclang", "-analyzer-config", "-Xclang", f"max-nodes={nodes}")]
        code, said = runner.run("clang-tidy", "-p", CHECKED, "--quiet", *analyzer, path, limit=1200)
        found = [line for line in said.splitlines() if "error:" in line or "warning:" in line]
        if code == 0 and clean:
            CLEAN.mkdir(exist_ok=True)
            clean.touch()
        return Result(int(code == 0), int(code != 0),
                      f"clang-tidy {path.relative_to(TOP)}:\n" + "\n".join(found[:10]))
    return work


def forget_old():
    if CLEAN.exists():
        for path in CLEAN.iterdir():
            if path.stat().st_mtime < time.time() - 86400 * KEPT_DAYS:
                path.unlink()


def tidy(options):
    """A job for each file of src/; one that is known to be clean passes at once."""
    nodes = DEEP_NODES if options.deep else NODES
    common = "\n".join((output("clang-tidy", "--version"), digest(TOP / ".clang-tidy"), str(nodes)))
    made_from, only = included(), changed_files() if options.quick else None
    forget_old()
    entries = {(CHECKED / entry["file"]).resolve(): entry
               for entry in json.loads((CHECKED / "compile_commands.json").read_text())}
    for path, entry in entries.items():
        if path.suffix != ".c" or not path.is_relative_to(TOP / "src"):
            continue
        if only is not None and path not in only:
            continue
        name = sum_over(entry, made_from.get(entry["output"]), common)
        clean = CLEAN / name if name else None
        if clean and clean.exists():
            clean.touch()
            yield Job("style", f"clang-tidy {path.relative_to(TOP)}", lambda _: Result(1),
                      lane=BEHIND, seconds=0.0)
        else:
            yield Job("style", f"clang-tidy {path.relative_to(TOP)}", run_tidy(path, nodes, clean),
                      lane=BEHIND)


def style(options):
    yield Job("style", "clang-format", check_format, lane=BEHIND)
    for name, *words in CHECKS:
        yield Job("style", name, run_check(f"scripts/{name}", *words), lane=BEHIND)
    yield from tidy(options)
