/* SPDX-License-Identifier: ISC */
/*
 * Files of passwords and authorities: which are refused, and what of one that vanishes, is replaced
 * or cut while it is read.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fiber/fiber.h"
#include "role/queue/relay_files.h"

static char folder[] = "/tmp/hayauma-relay-files-XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? chdir(folder) : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return chdir("/") < 0 ? -1 : rmdir(folder);
}

static void put(const char *name, const char *text, mode_t mode) {
    (void)unlink(name);
    FILE *f = fopen(name, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(name, mode), 0);
}

static int open_files(const char *passwords, const char *authorities, struct relay_files *ret,
                      struct problem *problem) {
    struct conf *conf = conf_new();
    *problem = (struct problem){0};
    if (passwords)
        conf->relay.password_file = slice_of_str(passwords);
    if (authorities)
        conf->relay.authorities = slice_of_str(authorities);
    conf->relay.smart_host_tls = CONF_RELAY_TLS_VERIFY; /* so that authorities are needed */
    int r = relay_files_open(conf, GIVEN_PASSWORDS | GIVEN_AUTHORITIES, ret, problem);
    conf_free(conf);
    return r;
}

static void refuse(const char *passwords, const char *authorities, int error, const char *says) {
    struct relay_files files;
    struct problem problem;
    assert_int_equal(open_files(passwords, authorities, &files, &problem), error);
    if (!strstr(problem.text, says))
        fail_msg("\"%s\" does not say \"%s\"", problem.text, says);
    assert_true(passwords == NULL || files.passwords == -1);
    relay_files_close(&files);
}

static void test_passwords_that_others_may_read_or_change_are_refused(void **state) {
    static const mode_t loose[] = {0640, 0604, 0620, 0602, 0610, 0601};
    struct relay_files files;
    struct problem problem;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(loose); i++) {
        put("passwords", "a b c\n", loose[i]);
        refuse("passwords", NULL, -EPERM, "chmod 600 passwords");
    }
    put("passwords", "a b c\n", 0600);
    assert_int_equal(open_files("passwords", NULL, &files, &problem), 0);
    assert_true(files.passwords >= 0);
    relay_files_close(&files);
    (void)unlink("passwords");
}

static void test_passwords_of_another_user_are_refused(void **state) {
    (void)state;
    if (geteuid() != 0)
        return;
    put("passwords", "a b c\n", 0600);
    assert_int_equal(chown("passwords", 12345, 0), 0);
    refuse("passwords", NULL, -EPERM, "chown root passwords");
    (void)unlink("passwords");
}

/* Nobody writes into the pipe: whoever waited for that would stand still. */
static void test_what_is_no_file_is_refused_without_a_wait(void **state) {
    (void)state;
    refuse("nowhere", NULL, -ENOENT, "relay.password-file: nowhere cannot be read");
    assert_int_equal(mkdir("folder", 0700), 0);
    refuse("folder", NULL, -EINVAL, "no regular file");
    assert_int_equal(rmdir("folder"), 0);
    assert_int_equal(mkfifo("pipe", 0600), 0);
    refuse("pipe", NULL, -EINVAL, "no regular file");
    refuse(NULL, "pipe", -EINVAL, "relay.authorities: pipe is no regular file");
    assert_int_equal(unlink("pipe"), 0);
}

static void test_one_that_cannot_be_had_does_not_cost_the_other(void **state) {
    struct relay_files files;
    struct problem problem;
    (void)state;
    put("passwords", "a b c\n", 0600);
    assert_int_equal(open_files("passwords", "nowhere", &files, &problem), -ENOENT);
    assert_true(files.passwords >= 0 && files.authorities == -1);
    assert_non_null(strstr(problem.text, "relay.authorities: nowhere"));
    relay_files_close(&files);
    put("authorities", "x", 0644); /* no secret */
    assert_int_equal(open_files("nowhere", "authorities", &files, &problem), -ENOENT);
    assert_true(files.passwords == -1 && files.authorities >= 0);
    assert_non_null(strstr(problem.text, "relay.password-file: nowhere"));
    relay_files_close(&files);
    assert_int_equal(files.authorities, -1);
    (void)unlink("passwords");
    (void)unlink("authorities");
}

/* ------------------------------------------------------------------ reading */

static int open_one(const char *name) {
    int fd = open(name, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

FIBER_TEST(what_is_open_is_read_though_its_name_has_gone_or_leads_elsewhere) {
    struct slice text;
    put("file", "first", 0600);
    int fd = open_one("file");
    put("file", "another one", 0600);
    assert_int_equal(relay_files_read(fd, 100, &text), 0);
    assert_slice(text, "first");
    relay_files_forget(&text);
    assert_null(text.ptr);
    assert_int_equal(unlink("file"), 0);
    assert_int_equal(relay_files_read(fd, 100, &text), 0);
    assert_slice(text, "first");
    relay_files_forget(&text);
    (void)close(fd);
}

FIBER_TEST(a_file_is_read_whole_or_not_at_all) {
    struct slice text = {"x", 1};
    put("file", "12345", 0600);
    int fd = open_one("file");
    assert_int_equal(relay_files_read(fd, 4, &text), -E_LIMIT);
    assert_null(text.ptr);
    assert_int_equal(relay_files_read(fd, 5, &text), 0);
    assert_slice(text, "12345");
    relay_files_forget(&text);
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(relay_files_read(fd, 5, &text), 0);
    assert_int_equal(text.len, 0);
    relay_files_forget(&text);
    assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0); /* sparse: no memory is asked for */
    assert_int_equal(relay_files_read(fd, RELAY_PASSWORDS_MAX, &text), -E_LIMIT);
    (void)close(fd);
    assert_int_equal(unlink("file"), 0);
}

FIBER_TEST(what_cannot_be_read_is_an_error_and_no_file_is_an_empty_text) {
    struct slice text = {"x", 1};
    put("file", "12345", 0600);
    int fd = open("file", O_WRONLY | O_CLOEXEC);
    assert_int_equal(relay_files_read(fd, 100, &text), -EBADF);
    assert_null(text.ptr);
    (void)close(fd);
    assert_int_equal(relay_files_read(-1, 100, &text), 0);
    assert_int_equal(text.len, 0);
    assert_int_equal(unlink("file"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passwords_that_others_may_read_or_change_are_refused),
        cmocka_unit_test(test_passwords_of_another_user_are_refused),
        cmocka_unit_test(test_what_is_no_file_is_refused_without_a_wait),
        cmocka_unit_test(test_one_that_cannot_be_had_does_not_cost_the_other),
        cmocka_unit_test(test_what_is_open_is_read_though_its_name_has_gone_or_leads_elsewhere),
        cmocka_unit_test(test_a_file_is_read_whole_or_not_at_all),
        cmocka_unit_test(test_what_cannot_be_read_is_an_error_and_no_file_is_an_empty_text),
    };
    return cmocka_run_group_tests_name("relay files", tests, make_folder, remove_folder);
}
