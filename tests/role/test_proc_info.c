/* SPDX-License-Identifier: ISC */
/*
 * What the kernel says of a process, also of one that has ended, or that a debugger holds.
 */
#include "unit.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "role/master/proc_info.h"

#define NOBODY 0x7fffffff /* beyond pid_max of every kernel */

/* A child that does nothing until it is killed. */
static pid_t start_child(void) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    while (pid == 0)
        (void)pause();
    return pid;
}

static void kill_child(pid_t pid) {
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_memory_of_a_process_is_known(void **state) {
    (void)state;
    assert_true(proc_memory(getpid()) > 100000);
    assert_int_equal(proc_memory(NOBODY), 0);
}

/* It has none, though it still has a number. */
static void test_a_process_that_was_not_waited_for_has_no_memory(void **state) {
    siginfo_t info;
    (void)state;
    pid_t pid = start_child();
    assert_true(proc_memory(pid) > 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(proc_memory(pid), 0);
    assert_false(proc_is_traced(pid));
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_a_process_that_a_debugger_holds_is_known(void **state) {
    (void)state;
    pid_t pid = start_child();
    assert_false(proc_is_traced(pid));
    assert_int_equal(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
    assert_true(proc_is_traced(pid));
    kill_child(pid);
    assert_false(proc_is_traced(pid));
    assert_false(proc_is_traced(NOBODY));
}

/* ------------------------------------------------------------------ units */

static void test_the_unit_of_a_process_is_read_from_its_groups(void **state) {
    char unit[PROC_UNIT_SIZE] = "";
    (void)state;
    assert_true(proc_unit_read(S("0::/system.slice/hayauma.service\n"), unit));
    assert_string_equal(unit, "hayauma.service");
    assert_true(
        proc_unit_read(S("3:cpu:/a.service\n1:name=systemd:/system.slice/b.service\n"), unit));
    assert_string_equal(unit, "b.service");
    assert_false(proc_unit_read(S("0::/user.slice/user-0.slice/session-1.scope\n"), unit));
    assert_false(proc_unit_read(S("0::/\n"), unit));
    assert_false(proc_unit_read(S(""), unit));
}

/* What is cut, or of another form, names nothing, and a name that has no room is none. */
static void test_what_is_no_list_of_groups_names_no_unit(void **state) {
    char unit[PROC_UNIT_SIZE] = "";
    char text[400] = "0::/";
    (void)state;
    assert_false(proc_unit_read(S("x.service"), unit));
    assert_false(proc_unit_read(S("0:\n\n:::\n"), unit));
    assert_false(proc_unit_read(S("0::/a.service/inner\n"), unit));
    memset(text + 4, 'a', 260);
    memcpy(text + 264, ".service\n", 10);
    assert_false(proc_unit_read(slice_of_str(text), unit));
    assert_string_equal(unit, "");
    assert_true(proc_unit_read(S("0::/.service:x.service\n"), unit)); /* colons may be in a name */
    assert_string_equal(unit, ".service:x.service");
    assert_false(proc_unit(NOBODY, unit));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_of_a_process_is_known),
        cmocka_unit_test(test_a_process_that_was_not_waited_for_has_no_memory),
        cmocka_unit_test(test_a_process_that_a_debugger_holds_is_known),
        cmocka_unit_test(test_the_unit_of_a_process_is_read_from_its_groups),
        cmocka_unit_test(test_what_is_no_list_of_groups_names_no_unit),
    };
    return cmocka_run_group_tests_name("what /proc says", tests, NULL, NULL);
}
