# SPDX-License-Identifier: ISC
"""The jobs of test programs: those of the sanitizer build, pytest's files, the demonstration."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import time
import xml.etree.ElementTree

from .jobs import OPEN, QUIET, Job, Result

TOP = pathlib.Path(__file__).resolve().parents[2]
CHECKED = TOP / "build/check"
PROGRAM = TOP / "build/hayauma"
CONFIGURES = "install.py"  # its tests configure build/ anew
PYTEST_LIMIT = 900  # seconds for one file
WHOLE_LIMIT = 7200  # the same with SCALE=1
DEMO_LIMIT = 10.0  # seconds from its start to the journey
NOTHING_RAN = 5  # pytest's exit code when no test was asked for
SANITIZERS = {"ASAN_OPTIONS": "halt_on_error=1:abort_on_error=1:print_summary=1",
              "UBSAN_OPTIONS": "halt_on_error=1:abort_on_error=1:print_summary=1"
                               ":print_stacktrace=1"}
# Seconds, before they have run here: these begin first, and --quick is without them.
LONGEST = {"search/search_indexes": 35.0, "journey/event_log": 30.0, "imap/find": 25.0,
           "imap/crash": 22.0, "imap/imap_model": 18.0, "store/store_fault": 15.0,
           "imap/results": 11.0, "imap/secret": 10.0}
MARK = re.compile(r"pytest\.mark\.quiet\b")


# -------------------------------------------------------------------- of the sanitizer build


def count_cases(code, said):
    """Passed and failed cases of one program, as cmocka counts them; a program counts as one."""
    passed = sum(map(int, re.findall(r"\[  PASSED  \] (\d+) test", said)))
    failed = sum(map(int, re.findall(r"\[  FAILED  \] [^\n]*?(\d+) test\(s\), listed", said)))
    return (passed or 1, failed) if code == 0 else (passed, failed or 1)


def run_program(test, key):
    def work(runner):
        code, said = runner.run(*test["cmd"], limit=5 * test["timeout"],
                                cwd=test["workdir"] or CHECKED,
                                env=os.environ | SANITIZERS | test["env"])
        passed, failed = count_cases(code, said)
        return Result(passed, failed, f"{key}: exit code {code}\n{said[-6000:]}")
    return work


def built_tests():
    """A job for each test of the sanitizer build."""
    said = subprocess.run(["meson", "introspect", "--tests", CHECKED], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    libraries = sorted((CHECKED / "src").glob("*/*.so"))
    for test in json.loads(said):
        suite = test["suite"][0].split(":")[-1]
        inputs = [word for word in test["cmd"] if pathlib.Path(word).is_absolute()]
        job = Job(suite, test["name"], run_program(test, f"{suite} {test['name']}"),
                  inputs=(*inputs, *libraries))
        job.seconds = LONGEST.get(job.key, job.seconds)
        yield job


# -------------------------------------------------------------------- the program of a run


@contextlib.contextmanager
def own_program():
    """The tests of this run have $HAYAUMA, the program as it is now: a build beside them takes
    away build/hayauma and puts another one there."""
    beside = PROGRAM.parent
    for left in beside.glob("run-*"):
        if not pathlib.Path("/proc", left.name.removeprefix("run-")).exists():
            shutil.rmtree(left)
    folder = beside / f"run-{os.getpid()}"
    folder.mkdir()
    before = os.environ.get("HAYAUMA")
    try:
        os.link(PROGRAM, folder / PROGRAM.name)
        shutil.copytree(beside / "po", folder / "po")  # where the program looks for its Japanese
        os.environ["HAYAUMA"] = str(folder / PROGRAM.name)
        yield
    finally:
        os.environ.pop("HAYAUMA", None)
        if before is not None:
            os.environ["HAYAUMA"] = before
        shutil.rmtree(folder)


# -------------------------------------------------------------------- pytest


def count_junit(report):
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    if report.exists():
        for one in xml.etree.ElementTree.parse(report).iter("testsuite"):
            for key in counts:
                counts[key] += int(one.get(key, 0))
    # A test that did not run has not passed: everything it needs can be installed.
    failed = counts["failures"] + counts["errors"] + counts["skipped"]
    return counts["tests"] - failed, failed


def run_pytest(path, lane, seed):
    def work(runner):
        report = CHECKED / f"pytest-{path.parent.name}-{path.stem}-{lane}.xml"
        report.unlink(missing_ok=True)
        environment = os.environ | {"LC_ALL": "C", "SEED": str(seed),
                                    "PYTHONDONTWRITEBYTECODE": "1"}
        code, said = runner.run("/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider",
                                "--tb=short", f"--junitxml={report}", "-m",
                                "quiet" if lane == QUIET else "not quiet", path,
                                limit=WHOLE_LIMIT if "SCALE" in os.environ else PYTEST_LIMIT,
                                env=environment)
        passed, failed = count_junit(report)
        if code not in (0, NOTHING_RAN) and not failed:
            failed = 1
        return Result(passed, failed, said[-12000:])
    return work


def pytest_files(seed):
    """A job for each file; one more for its tests that are marked quiet. Each makes the hosts and
    the network it needs, and shares them with nobody."""
    for path in sorted((TOP / "tests").rglob("test_*.py")):
        suite, inputs = path.parent.name + ".py", (PROGRAM, path.parent, *TOP.glob("tests/*.py"))
        yield Job(suite, path.stem, run_pytest(path, OPEN, seed), share=0.5, seconds=30.0,
                  inputs=inputs, holds="build" if suite == CONFIGURES else "")
        if MARK.search(path.read_text()):
            yield Job(suite, f"{path.stem} (quiet)", run_pytest(path, QUIET, seed), lane=QUIET,
                      seconds=10.0, inputs=inputs)


# -------------------------------------------------------------------- what `make run` shows


def run_demo(runner):
    """Started anew, and then again."""
    state, result = TOP / "build/demo-test", Result()
    shutil.rmtree(state, ignore_errors=True)
    for _ in range(2):
        began = time.monotonic()
        code, said = runner.run("scripts/demo", "--once", "--state", state, limit=60)
        good = code == 0 and time.monotonic() - began < DEMO_LIMIT
        result.passed += good
        result.failed += not good
        result.report += "" if good else said[-4000:]
    shutil.rmtree(state, ignore_errors=True)
    return result


def demo():
    # It has a limit on how long it takes.
    yield Job("demo", "demo", run_demo, lane=QUIET, inputs=(PROGRAM, TOP / "scripts/demo"))
