/* SPDX-License-Identifier: ISC */
/*
 * The files of a certificate, as certbot and hands leave them: links that are replaced, keys that
 * others can read, files that are written over while somebody looks.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "role/master/certificate_files.h"

static char folder[] = "/tmp/hayauma-certificate-XXXXXX";
static struct conf conf;

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? chdir(folder) : -1;
}

/* Every test has files of its own. */
static int use_files(void **state) {
    (void)state;
    conf.tls.certificate = S("chain");
    conf.tls.key = S("key");
    return 0;
}

static int remove_files(void **state) {
    static const char *const names[] = {"chain", "key", "chain1",   "chain2",  "key1",
                                        "key2",  "new", "safe/key", "open/key"};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        (void)unlink(names[i]);
    (void)rmdir("safe");
    (void)rmdir("open");
    (void)chmod(folder, 0700);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    return chdir("/") < 0 ? -1 : rmdir(folder);
}

static void put(const char *name, const char *text, mode_t mode) {
    FILE *f = fopen(name, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(name, mode), 0);
}

static void refuse(int error, const char *says) {
    struct certificate_files f;
    struct problem problem = {0};
    assert_int_equal(certificate_files_open(&conf, &f, &problem), error);
    if (!strstr(problem.text, says))
        fail_msg("\"%s\" does not say \"%s\"", problem.text, says);
    assert_true(f.certificate == -1 && f.key == -1);
}

/* ------------------------------------------------------------------ opening */

static void test_a_file_that_cannot_be_opened_is_named_with_its_setting(void **state) {
    (void)state;
    refuse(-ENOENT, "tls.certificate: chain is not there");
    put("chain", "x", 0644);
    refuse(-ENOENT, "tls.key: key is not there");
    conf.tls.key = S("chain/key");
    refuse(-ENOTDIR, "tls.key: chain/key is not there");
    conf.tls.key = S("key");
    assert_int_equal(symlink("key", "key"), 0);
    refuse(-ELOOP, "tls.key: key cannot be read");
}

/* Nobody writes into the pipe: whoever waited for that would stand still. */
static void test_what_is_no_file_is_refused_without_a_wait(void **state) {
    (void)state;
    put("chain", "x", 0644);
    assert_int_equal(mkfifo("key", 0600), 0);
    refuse(-EINVAL, "tls.key: key is no regular file");
}

static void test_without_paths_nothing_is_open(void **state) {
    struct certificate_files f;
    struct stat looks[2];
    struct problem problem = {0};
    (void)state;
    conf.tls.certificate = conf.tls.key = S("");
    assert_int_equal(certificate_files_open(&conf, &f, &problem), 0);
    assert_true(f.certificate == -1 && f.key == -1);
    assert_false(certificate_files_look(&conf, looks));
}

/* ------------------------------------------------------------------ who may read the key */

static int judge(bool *ret_loose, struct problem *problem) {
    struct certificate_files f;
    *problem = (struct problem){0};
    assert_int_equal(certificate_files_open(&conf, &f, problem), 0);
    int r = certificate_files_judge(&conf, &f, ret_loose, problem);
    certificate_files_close(&f);
    return r;
}

static void test_a_key_that_others_can_read_or_change_is_refused(void **state) {
    static const mode_t loose_ones[] = {0604, 0602, 0644, 0666};
    static const mode_t tight_ones[] = {0600, 0640, 0660, 0400};
    struct problem problem;
    bool loose = false;
    (void)state;
    assert_int_equal(chmod(folder, 0755), 0);
    put("chain", "x", 0644);
    for (size_t i = 0; i < ARRAY_SIZE(loose_ones); i++) {
        put("key", "x", loose_ones[i]);
        assert_int_equal(judge(&loose, &problem), -EPERM);
        assert_true(loose);
        assert_non_null(strstr(problem.text, "chmod o= key"));
    }
    for (size_t i = 0; i < ARRAY_SIZE(tight_ones); i++) {
        put("key", "x", tight_ones[i]);
        assert_int_equal(judge(&loose, &problem), 0);
        assert_false(loose);
    }
}

/* /etc/letsencrypt/archive is so. What counts is the folder behind the link, not that before it. */
static void test_a_folder_that_others_cannot_enter_protects_a_loose_key(void **state) {
    struct problem problem;
    bool loose = false;
    (void)state;
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(mkdir("safe", 0700), 0);
    assert_int_equal(mkdir("open", 0755), 0);
    assert_int_equal(chmod("open", 0755), 0);
    put("chain", "x", 0644);
    put("safe/key", "x", 0644);
    assert_int_equal(symlink("safe/key", "key"), 0);
    assert_int_equal(judge(&loose, &problem), 0);
    assert_true(loose);
    assert_int_equal(unlink("key"), 0);
    put("open/key", "x", 0644);
    assert_int_equal(unlink("safe/key"), 0);
    assert_int_equal(symlink("../open/key", "safe/key"), 0);
    conf.tls.key = S("safe/key");
    assert_int_equal(judge(&loose, &problem), -EPERM);
}

/* ------------------------------------------------------------------ changes */

static bool has_changed(const struct stat before[static 2]) {
    struct stat now[2];
    assert_true(certificate_files_look(&conf, now));
    return !certificate_files_same(before, now);
}

static void test_a_renewal_that_replaces_links_is_a_change(void **state) {
    struct stat before[2];
    (void)state;
    put("chain1", "x", 0644);
    put("key1", "x", 0600);
    put("chain2", "x", 0644);
    assert_int_equal(symlink("chain1", "chain"), 0);
    assert_int_equal(symlink("key1", "key"), 0);
    assert_true(certificate_files_look(&conf, before));
    assert_false(has_changed(before));
    assert_int_equal(symlink("chain2", "new"), 0);
    assert_int_equal(rename("new", "chain"), 0);
    assert_true(has_changed(before));
}

/* cp -p and rsync keep times, and the clock of file systems is coarse: each part of it counts. */
static void test_whatever_differs_is_a_change(void **state) {
    struct stat before[2], other[6];
    (void)state;
    put("chain", "x", 0644);
    put("key", "x", 0600);
    assert_true(certificate_files_look(&conf, before));
    for (size_t i = 0; i < ARRAY_SIZE(other); i++)
        other[i] = before[1];
    other[0].st_dev++;
    other[1].st_ino++;
    other[2].st_size++;
    other[3].st_mtim.tv_nsec ^= 1;
    other[4].st_mtim.tv_sec--;
    other[5].st_ctim.tv_sec--;
    for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
        struct stat now[2] = {before[0], other[i]};
        assert_false(certificate_files_same(before, now));
        now[0] = other[i];
        now[1] = before[1];
        assert_false(certificate_files_same(now, before));
    }
    assert_true(certificate_files_same(before, before));
}

static void test_a_file_that_has_gone_or_comes_is_a_change(void **state) {
    struct stat before[2], without[2];
    (void)state;
    put("chain", "x", 0644);
    put("key", "x", 0600);
    assert_true(certificate_files_look(&conf, before));
    assert_int_equal(unlink("key"), 0);
    assert_true(has_changed(before));
    assert_true(certificate_files_look(&conf, without));
    assert_int_equal(without[1].st_ino, 0);
    put("key", "x", 0600);
    assert_true(has_changed(without));
}

static void test_new_rights_are_a_change(void **state) {
    struct stat before[2];
    (void)state;
    put("chain", "x", 0644);
    put("key", "x", 0644);
    assert_true(certificate_files_look(&conf, before));
    before[1].st_ctim.tv_sec--; /* the clock of file systems is coarse */
    assert_int_equal(chmod("key", 0600), 0);
    assert_true(has_changed(before));
}

#define WITH_FILES(name) cmocka_unit_test_setup_teardown(name, use_files, remove_files)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_FILES(test_a_file_that_cannot_be_opened_is_named_with_its_setting),
        WITH_FILES(test_what_is_no_file_is_refused_without_a_wait),
        WITH_FILES(test_without_paths_nothing_is_open),
        WITH_FILES(test_a_key_that_others_can_read_or_change_is_refused),
        WITH_FILES(test_a_folder_that_others_cannot_enter_protects_a_loose_key),
        WITH_FILES(test_a_renewal_that_replaces_links_is_a_change),
        WITH_FILES(test_whatever_differs_is_a_change),
        WITH_FILES(test_a_file_that_has_gone_or_comes_is_a_change),
        WITH_FILES(test_new_rights_are_a_change),
    };
    return cmocka_run_group_tests_name("certificate files", tests, make_folder, remove_folder);
}
