/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/notice.h"

/* An emulator says a line of its own about a process that is aborted. */
static void end(int number) {
    _exit(128 + number);
}

/* What a process of its own says on stderr; `marked`: where systemd has connected the journal. */
static void assert_said(void (*say)(void), bool aborts, bool marked, const char *expected) {
    FILE *file = tmpfile();
    char stream[64], got[4096];
    struct stat st;
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &st), 0);
    (void)snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev,
                   (unsigned long long)st.st_ino);
    pid_t pid = fork();
    if (pid == 0) {
        (void)signal(SIGABRT, end);
        (void)dup2(fileno(file), STDERR_FILENO);
        (void)setenv("JOURNAL_STREAM", marked ? stream : "1:1", 1);
        say();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), aborts ? 128 + SIGABRT : 0);
    rewind(file);
    size_t n = fread(got, 1, sizeof got - 1, file);
    got[n] = '\0';
    assert_string_equal(got, expected);
    (void)fclose(file);
}

static void say_two_lines(void) {
    notice(LOG_WARNING, "%s\n%s", "one", "two");
}

static void test_each_line_in_the_journal_has_its_priority(void **state) {
    (void)state;
    assert_said(say_two_lines, false, true, "<4>one\n<4>two\n");
}

static void test_elsewhere_the_name_stands_before_it(void **state) {
    (void)state;
    assert_said(say_two_lines, false, false, "hayauma: one\ntwo\n");
}

static void break_a_promise(void) {
    panic("%s is not there", "it");
}

static void test_a_broken_promise_is_critical_in_the_journal(void **state) {
    (void)state;
    assert_said(break_a_promise, true, true, "<2>broken promise: it is not there\n");
}

static void test_a_broken_promise_elsewhere_is_the_programs(void **state) {
    (void)state;
    assert_said(break_a_promise, true, false, "hayauma: broken promise: it is not there\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_line_in_the_journal_has_its_priority),
        cmocka_unit_test(test_elsewhere_the_name_stands_before_it),
        cmocka_unit_test(test_a_broken_promise_is_critical_in_the_journal),
        cmocka_unit_test(test_a_broken_promise_elsewhere_is_the_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
