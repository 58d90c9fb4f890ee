/* SPDX-License-Identifier: ISC */
/*
 * The log file as the master opens it for the event log.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "role/master/log_file.h"

struct place {
    char folder[64], path[128];
    struct conf *conf;
    struct problem problem;
};

static void begin(struct place *p, const char *name) {
    *p = (struct place){.folder = "/tmp/log-file-XXXXXX", .conf = conf_new()};
    assert_non_null(mkdtemp(p->folder));
    (void)snprintf(p->path, sizeof p->path, "%s/%s", p->folder, name);
    assert_int_equal(conf_set(p->conf, "log.file", slice_of_str(p->path), &p->problem), 0);
}

static void end(struct place *p) {
    (void)unlink(p->path);
    assert_int_equal(rmdir(p->folder), 0);
    conf_free(p->conf);
}

/* Both ways to find out come to the same result and sentence. */
static void assert_refused(struct place *p, int error, const char *text) {
    struct problem found = {0};
    int fd = 0;
    assert_int_equal(log_file_check(p->conf, &found), -error);
    assert_non_null(strstr(found.text, text));
    assert_int_equal(log_file_open(p->conf, &fd, &p->problem), -error);
    assert_string_equal(p->problem.text, found.text);
    assert_int_equal(fd, -1);
}

static void test_without_the_setting_there_is_no_file(void **state) {
    _cleanup_(conf_free_p) struct conf *conf = conf_new();
    int fd = 0;
    (void)state;
    assert_int_equal(log_file_check(conf, NULL), 0);
    assert_int_equal(log_file_open(conf, &fd, NULL), 0);
    assert_int_equal(fd, -1);
}

static void test_a_new_file_is_0640_whatever_the_umask_and_grows_at_its_end(void **state) {
    struct place p;
    struct stat st;
    int fd = -1;
    (void)state;
    begin(&p, "log");
    mode_t before = umask(0077);
    assert_int_equal(log_file_check(p.conf, &p.problem), 0);
    assert_int_equal(access(p.path, F_OK), -1);
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(log_file_open(p.conf, &fd, &p.problem), 0);
        assert_int_equal(write(fd, "x\n", 2), 2);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_size, 2 * i);
        assert_int_equal(st.st_mode & 07777, 0640);
        assert_int_equal(close(fd), 0);
    }
    assert_int_equal(log_file_check(p.conf, &p.problem), 0);
    (void)umask(before);
    end(&p);
}

static void test_a_file_that_is_there_keeps_its_mode(void **state) {
    struct place p;
    struct stat st;
    int fd = -1;
    (void)state;
    begin(&p, "log");
    assert_int_equal(close(open(p.path, O_CREAT | O_WRONLY, 0600)), 0);
    assert_int_equal(log_file_open(p.conf, &fd, &p.problem), 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(close(fd), 0);
    end(&p);
}

static void test_a_folder_that_is_not_there_is_said(void **state) {
    struct place p;
    (void)state;
    begin(&p, "nowhere/log");
    assert_refused(&p, ENOENT, "nowhere/log is not there, expected one that exists");
    end(&p);
}

static void test_another_name_of_a_file_is_not_written_to(void **state) {
    struct place p;
    char other[160];
    (void)state;
    begin(&p, "log");
    (void)snprintf(other, sizeof other, "%s/other", p.folder);
    assert_int_equal(mknod(other, S_IFREG | 0600, 0), 0);
    assert_int_equal(link(other, p.path), 0);
    assert_refused(&p, EMLINK, "is a hard link, expected a file without a second name");
    assert_int_equal(unlink(other), 0);
    end(&p);
}

static void test_a_link_is_not_followed(void **state) {
    struct place p;
    (void)state;
    begin(&p, "log");
    assert_int_equal(symlink("/tmp/hayauma-elsewhere", p.path), 0);
    assert_refused(&p, ELOOP, "is a symbolic link, expected the file itself");
    assert_int_equal(access("/tmp/hayauma-elsewhere", F_OK), -1);
    end(&p);
}

/* Nobody reads the pipe: opening it must not wait. */
static void test_what_is_no_regular_file_is_refused(void **state) {
    struct place p;
    struct problem problem = {0};
    int fd = -1;
    (void)state;
    begin(&p, "log");
    assert_int_equal(mkfifo(p.path, 0600), 0);
    assert_int_equal(log_file_check(p.conf, &problem), -EINVAL);
    assert_non_null(strstr(problem.text, "is no regular file"));
    assert_true(log_file_open(p.conf, &fd, &problem) < 0);
    end(&p);
    begin(&p, "log");
    assert_int_equal(conf_set(p.conf, "log.file", S("/dev/null"), &problem), 0);
    assert_refused(&p, EINVAL, "/dev/null is no regular file, expected one");
    end(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_the_setting_there_is_no_file),
        cmocka_unit_test(test_a_new_file_is_0640_whatever_the_umask_and_grows_at_its_end),
        cmocka_unit_test(test_a_file_that_is_there_keeps_its_mode),
        cmocka_unit_test(test_a_folder_that_is_not_there_is_said),
        cmocka_unit_test(test_another_name_of_a_file_is_not_written_to),
        cmocka_unit_test(test_a_link_is_not_followed),
        cmocka_unit_test(test_what_is_no_regular_file_is_refused),
    };
    return cmocka_run_group_tests_name("log file", tests, NULL, NULL);
}
