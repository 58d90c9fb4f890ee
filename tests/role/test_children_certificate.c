/* SPDX-License-Identifier: ISC */
/*
 * The files of a certificate that others renew: when the keys role gets them anew, and what one
 * that is started again meanwhile gets.
 */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "role/master/children.h"

static char folder[] = "/tmp/children-certificate-XXXXXX";
static struct children children;
static char chain_path[64], key_path[64];

static void put(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

/* As certbot does: a new file under the old name. */
static void replace(const char *path, const char *text) {
    char other[80];
    (void)snprintf(other, sizeof other, "%s.new", path);
    put(other, text);
    assert_int_equal(rename(other, path), 0);
}

static struct child *begin(void) {
    struct problem problem = {0};
    struct conf *conf = conf_new();
    (void)snprintf(chain_path, sizeof chain_path, "%s/fullchain.pem", folder);
    (void)snprintf(key_path, sizeof key_path, "%s/privkey.pem", folder);
    put(chain_path, "chain 1");
    put(key_path, "key 1");
    assert_int_equal(conf_set(conf, "tls.certificate", slice_of_str(chain_path), &problem), 0);
    assert_int_equal(conf_set(conf, "tls.key", slice_of_str(key_path), &problem), 0);
    children_init(&children, "/nowhere", conf);
    return children_find(&children, ROLE_KEYS, 0);
}

static void end(void) {
    certificate_files_close(&children.certificate_taken);
    conf_free(children.conf);
    (void)unlink(chain_path);
    (void)unlink(key_path);
}

static void assert_holds(int fd, const char *text) {
    char bytes[64] = {0};
    assert_true(pread(fd, bytes, sizeof bytes - 1, 0) >= 0);
    assert_string_equal(bytes, text);
}

/* Opens the pair and has it taken, as a keys process does that can use it. */
static void give(struct child *keys) {
    struct certificate_files files;
    struct problem problem = {0};
    if (children_open_certificate(keys, true, &files, &problem) < 0)
        fail_msg("%s", problem.text);
    children_keep_certificate(keys, &files);
}

static void test_only_the_keys_role_gets_them(void **state) {
    struct certificate_files files;
    struct problem problem = {0};
    (void)state;
    struct child *keys = begin();
    assert_int_equal(
        children_open_certificate(children_find(&children, ROLE_EDGE, 0), true, &files, &problem),
        0);
    assert_int_equal(files.certificate, -1);
    assert_int_equal(files.key, -1);
    assert_int_equal(children_open_certificate(keys, true, &files, &problem), 0);
    assert_holds(files.certificate, "chain 1");
    assert_holds(files.key, "key 1");
    certificate_files_close(&files);
    end();
}

/* A file that is just being written looks different each time. */
static void test_a_renewal_counts_when_it_looks_the_same_twice(void **state) {
    (void)state;
    struct child *keys = begin();
    give(keys);
    (void)children_certificate_changed(&children);
    assert_false(children_certificate_changed(&children));
    replace(chain_path, "chain 2");
    assert_false(children_certificate_changed(&children)); /* seen for the first time */
    replace(key_path, "key 2");
    assert_false(children_certificate_changed(&children)); /* it goes on */
    assert_true(children_certificate_changed(&children));
    give(keys);
    assert_false(children_certificate_changed(&children));
    end();
}

/* In the middle of a renewal, and when the files have gone. */
static void test_a_process_that_starts_again_gets_the_pair_that_was_taken(void **state) {
    struct certificate_files files;
    struct problem problem = {0};
    (void)state;
    struct child *keys = begin();
    give(keys);
    replace(chain_path, "chain 2");
    assert_int_equal(unlink(key_path), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(children_open_certificate(keys, false, &files, &problem), 0);
        assert_holds(files.certificate, "chain 1");
        assert_holds(files.key, "key 1");
        certificate_files_close(&files);
    }
    assert_true(children_open_certificate(keys, true, &files, &problem) < 0);
    assert_non_null(strstr(problem.text, "privkey.pem"));
    end();
}

/* What it could not use is not what the next one begins with. */
static void test_a_pair_that_was_not_taken_is_forgotten(void **state) {
    struct certificate_files files;
    struct problem problem = {0};
    (void)state;
    struct child *keys = begin();
    give(keys);
    children_keep_certificate(keys, NULL);
    replace(chain_path, "chain 2");
    replace(key_path, "key 2");
    assert_int_equal(children_open_certificate(keys, false, &files, &problem), 0);
    assert_holds(files.certificate, "chain 2");
    certificate_files_close(&files);
    end();
}

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_the_keys_role_gets_them),
        cmocka_unit_test(test_a_renewal_counts_when_it_looks_the_same_twice),
        cmocka_unit_test(test_a_process_that_starts_again_gets_the_pair_that_was_taken),
        cmocka_unit_test(test_a_pair_that_was_not_taken_is_forgotten),
    };
    return cmocka_run_group_tests_name("certificates of children", tests, make_folder,
                                       remove_folder);
}
