/* SPDX-License-Identifier: ISC */
/* The settings as the master last read them, and who changed something. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "role/author.h"
#include "role/master/settings_used.h"

static void test_settings_are_read_as_they_were_written(void **state) {
    char folder[] = "/tmp/settings-XXXXXX", path[64];
    struct conf *conf = conf_new(), *got;
    struct stat st;
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_true(settings_used_write(folder, conf) < 0); /* there is no run/ */
    (void)snprintf(path, sizeof path, "%s/run", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_null(settings_used_read(folder));
    conf->hostname = S("mail.example.test");
    conf->workers.mail = 7;
    assert_int_equal(settings_used_write(folder, conf), 0);
    got = settings_used_read(folder);
    assert_non_null(got);
    assert_slice(got->hostname, "mail.example.test");
    assert_int_equal(got->workers.mail, 7);
    conf_free(got);
    (void)snprintf(path, sizeof path, "%s/run/settings", folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof path, "%s/run", folder);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(folder), 0);
    conf_free(conf);
}

static void test_the_user_is_said_by_the_kernel_and_the_hint_shown_as_one(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    (void)state;
    assert_slice(author_text(0, S(""), &a), "root");
    assert_slice(author_text(0, S("sudo: tama"), &a), "root (sudo: tama)");
    assert_slice(author_text(1000, S("root"), &a), "uid 1000 (root)");
    assert_slice(author_text(1000, S(""), &a), "uid 1000");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_are_read_as_they_were_written),
        cmocka_unit_test(test_the_user_is_said_by_the_kernel_and_the_hint_shown_as_one),
    };
    return cmocka_run_group_tests_name("settings used", tests, NULL, NULL);
}
