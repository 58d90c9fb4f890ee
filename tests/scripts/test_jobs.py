# SPDX-License-Identifier: ISC
"""The scheduler of the tests: what runs beside what, that nothing outlives it, and its budgets."""
import os
import pathlib
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from testing import budget, jobs, programs, style  # noqa: E402
from testing.jobs import BEHIND, OPEN, QUIET, Job, Result, Runner, Schedule  # noqa: E402

TOP = pathlib.Path(__file__).resolve().parents[2]


def job(name, lane=OPEN, seconds=1.0, share=1.0, **more):
    return Job("suite", name, None, lane, seconds, share, **more)


def begun(schedule):
    """Names of those that begin now."""
    names = []
    while (one := schedule.next()):
        names.append(one.name)
    return names


def end(schedule, *names):
    for one in [one for one in schedule.running if one.name in names]:
        schedule.ended(one)


def test_the_longest_begins_first_and_the_processors_are_not_taken_twice():
    schedule = Schedule([job("short"), job("long", seconds=9.0), job("middle", seconds=5.0)], 2)
    assert begun(schedule) == ["long", "middle"]
    end(schedule, "middle")
    assert begun(schedule) == ["short"]


def test_who_waits_most_of_its_time_has_more_beside_it():
    schedule = Schedule([job(str(n), share=0.5) for n in range(6)], 2)
    assert len(begun(schedule)) == 4


def test_a_short_one_goes_before_a_long_one_that_does_not_fit():
    schedule = Schedule([job("a", seconds=9.0, share=1.5), job("b", seconds=8.0),
                         job("c", share=0.5)], 2)
    assert begun(schedule) == ["a", "c"]


def test_one_that_needs_more_than_there_is_runs_alone():
    schedule = Schedule([job("wide", share=4.0, seconds=9.0), job("other")], 2)
    assert begun(schedule) == ["wide"]
    end(schedule, "wide")
    assert begun(schedule) == ["other"]


def test_two_that_change_the_same_thing_do_not_run_together():
    schedule = Schedule([job("a", holds="build"), job("b", holds="build"), job("c")], 4)
    assert begun(schedule) == ["a", "c"]
    end(schedule, "a")
    assert begun(schedule) == ["b"]


def test_the_quiet_ones_come_last_and_one_at_a_time():
    schedule = Schedule([job("q1", QUIET), job("q2", QUIET), job("open")], 2)
    assert begun(schedule) == ["open"]
    end(schedule, "open")
    assert begun(schedule) == ["q1"]
    end(schedule, "q1")
    assert begun(schedule) == ["q2"]
    end(schedule, "q2")
    assert schedule.over


def test_what_only_computes_runs_behind_all_others():
    schedule = Schedule([job("b1", BEHIND), job("b2", BEHIND), job("b3", BEHIND), job("q", QUIET),
                         job("open", share=2.0)], 2)
    assert begun(schedule) == ["open", "b1", "b2"]
    end(schedule, "open", "b1")
    assert begun(schedule) == ["q", "b3"]


def test_each_job_is_told_of_once_and_one_that_breaks_has_failed():
    found = {}

    def breaks(_):
        raise ValueError("no")
    jobs.run_jobs([Job("s", "good", lambda _: Result(2)), Job("s", "bad", breaks)], TOP,
                  lambda one, result: found.setdefault(one.name, result))
    assert found["good"].passed == 2 and found["good"].failed == 0
    assert found["bad"].failed == 1 and "ValueError: no" in found["bad"].report


def lives(pid):
    try:
        return ") Z" not in pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


@pytest.mark.parametrize("script, limit, code, said", [
    ("echo out; echo err >&2; exit 3", 20, 3, "out\nerr\n"),
    ("echo begun; sleep 60", 1, 1, "begun\n\nsh: not done after 1 s"),
    ("sleep 60 & echo left $!", 20, 0, "left "),
])
def test_a_command_is_bounded_in_time_and_leaves_nobody_behind(script, limit, code, said):
    began = time.monotonic()
    got, output = Runner(TOP).run("sh", "-c", script, limit=limit)
    assert (got, output.startswith(said)) == (code, True), output
    assert time.monotonic() - began < 10
    if output.startswith("left"):
        while lives(output.split()[1]):  # what was killed ends in a moment
            assert time.monotonic() - began < 10
            time.sleep(0.01)


def test_more_than_twice_its_budget_is_too_long_unless_the_machine_is_as_slow(monkeypatch):
    budgets = budget.Budgets()
    usual = budgets.of("no such suite")
    budgets.spent = {"no such suite": 1.9 * usual}
    assert budgets.passed() == []
    budgets.spent = {"no such suite": 2.5 * usual}
    monkeypatch.setattr(budget, "slowness", lambda: 1.0)
    assert len(budgets.passed()) == 1
    monkeypatch.setattr(budget, "slowness", lambda: 1.5)
    assert budgets.passed() == []


def test_a_file_is_looked_at_again_when_anything_changed_that_it_is_made_from(tmp_path):
    source, header = tmp_path / "a.c", tmp_path / "a.h"
    source.write_text("int a;")
    header.write_text("int b;")

    def name(command="cc a.c", common="tidy 14", files=(source, header)):
        style.digest.cache_clear()
        return style.sum_over({"command": command}, list(files), common)
    first = name()
    assert first == name()
    assert len({first, name(command="cc -O2 a.c"), name(common="tidy 15")}) == 3
    header.write_text("int c;")
    assert name() != first
    assert name(files=()) is None
    os.unlink(header)
    assert name() is None


def test_what_has_changed_is_what_the_upstream_branch_has_not(tmp_path, monkeypatch):
    def git(*words, at=tmp_path / "mine"):
        subprocess.run(("git", "-c", "user.name=a", "-c", "user.email=a@example", *words), cwd=at,
                       check=True, capture_output=True)

    def changed():
        return {path.name for path in style.changed_files()}
    theirs, mine = tmp_path / "theirs", tmp_path / "mine"
    theirs.mkdir()
    git("init", "-b", "main", at=theirs)
    (theirs / "a.c").write_text("int a;")
    git("add", "a.c", at=theirs)
    git("commit", "-m", "one", at=theirs)
    git("clone", theirs, mine, at=tmp_path)
    monkeypatch.setattr(style, "TOP", mine)
    assert changed() == set()
    (mine / "src").mkdir()
    (mine / "b.c").write_text("int b;")
    assert changed() == {"b.c"} and style.calls_unchanged()
    git("add", "b.c")
    git("commit", "-m", "two")
    (mine / "src/c.c").write_text("int c;")
    git("add", "src/c.c")
    git("commit", "-m", "three")
    assert changed() == {"b.c", "c.c"} and not style.calls_unchanged()
    git("branch", "--unset-upstream")
    assert changed() == {"c.c"}


def test_a_build_beside_the_tests_does_not_take_their_program_away(tmp_path, monkeypatch):
    program = tmp_path / "build/hayauma"
    (tmp_path / "build/po/ja").mkdir(parents=True)
    (tmp_path / "build/run-999999999").mkdir()  # of a run that was killed
    program.write_text("#!/bin/sh\necho one\n")
    program.chmod(0o755)
    monkeypatch.setattr(programs, "PROGRAM", program)
    monkeypatch.setenv("HAYAUMA", "as before")
    with programs.own_program():
        own = pathlib.Path(os.environ["HAYAUMA"])
        program.unlink()
        program.write_text("half of the next one")
        assert subprocess.run([own], check=True, capture_output=True).stdout == b"one\n"
        assert own.name == "hayauma" and (own.parent / "po/ja").is_dir()
    assert os.environ["HAYAUMA"] == "as before"
    assert sorted(path.name for path in program.parent.iterdir()) == ["hayauma", "po"]
