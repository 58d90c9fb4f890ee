/* SPDX-License-Identifier: ISC */
/*
 * What the master prepares before any other process is there: folders, lock.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "role/master/state.h"

static char directory[] = "/tmp/hayauma-state-XXXXXX";

static int make_directory(void **state) {
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int remove_directory(void **state) {
    (void)state;
    return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static mode_t mode_of(const char *name) {
    char path[STATE_PATH];
    struct stat st;
    assert_int_equal(stat(state_path(path, directory, name), &st), 0);
    return st.st_mode & 07777;
}

static void test_each_role_has_a_folder_that_others_cannot_enter(void **state) {
    struct state_users users = {0};
    struct problem problem = {0};
    (void)state;
    for (int i = 0; i < 2; i++) /* also when all is there */
        assert_int_equal(state_prepare(directory, &users, NULL, &problem), 0);
    assert_int_equal(mode_of("keys"), 0700);
    assert_int_equal(mode_of("directory"), 0700);
    assert_int_equal(mode_of("spool"), 0700);
    assert_int_equal(mode_of("accounts"), 0700);
    assert_int_equal(mode_of("run/empty"), 0555);
}

static void test_a_state_directory_is_used_by_one_system_at_a_time(void **state) {
    struct problem problem = {0};
    int first = -1, second = -1;
    (void)state;
    assert_int_equal(state_lock(directory, &first, &problem), 0);
    assert_int_equal(state_lock(directory, &second, &problem), -E_BUSY);
    assert_non_null(strstr(problem.text, "is running already"));
    (void)close(first);
    assert_int_equal(state_lock(directory, &second, &problem), 0);
    (void)close(second);
}

static void test_a_folder_that_cannot_be_made_is_named(void **state) {
    struct state_users users = {0};
    struct problem problem = {0};
    (void)state;
    assert_int_equal(state_prepare("/proc/nowhere", &users, NULL, &problem), -ENOENT);
    assert_non_null(strstr(problem.text, "/proc/nowhere/run"));
}

static void test_who_may_not_prepare_a_folder_hears_who_may(void **state) {
    struct state_users users = {0};
    struct problem problem = {0};
    (void)state;
    if (geteuid() != 0)
        return; /* the folder is this user's own */
    assert_int_equal(seteuid(65534), 0);
    int r = state_prepare(directory, &users, NULL, &problem);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(r, -EACCES);
    assert_non_null(strstr(problem.text, "; run this as root, or as the user to whom it belongs"));
}

static void test_no_link_in_a_folder_is_followed(void **state) {
    struct state_users users = {.change = geteuid() == 0,
                                .mail = {.uid = 61842, .gid = 61842},
                                .vault = {.uid = 61841, .gid = 61841}};
    struct problem problem = {0};
    char inside[STATE_PATH], outside[STATE_PATH], second[STATE_PATH];
    struct stat st;
    (void)state;
    (void)state_path(outside, directory, "outside");
    (void)state_path(inside, directory, "spool/link");
    (void)state_path(second, directory, "spool/second");
    assert_int_equal(close(open(outside, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)), 0);
    assert_int_equal(symlink(outside, inside), 0);
    assert_int_equal(state_prepare(directory, &users, NULL, &problem), 0);
    assert_int_equal(stat(outside, &st), 0);
    assert_int_equal(st.st_uid, geteuid());
    users.mail.uid++; /* all is given anew */
    assert_int_equal(link(outside, second), 0);
    assert_int_equal(state_prepare(directory, &users, NULL, &problem), users.change ? -EMLINK : 0);
    assert_int_equal(stat(outside, &st), 0);
    assert_int_equal(st.st_uid, geteuid());
    assert_int_equal(unlink(second), 0);
    assert_int_equal(unlink(inside), 0);
}

static void test_a_folder_that_is_a_link_is_refused(void **state) {
    struct state_users users = {0};
    struct problem problem = {0};
    char folder[STATE_PATH];
    struct stat st;
    (void)state;
    (void)state_path(folder, directory, "accounts");
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(chmod(directory, 0711), 0);
    assert_int_equal(symlink(directory, folder), 0);
    assert_true(state_prepare(directory, &users, NULL, &problem) < 0);
    assert_non_null(strstr(problem.text, "not a symbolic link"));
    assert_int_equal(stat(directory, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0711);
    assert_int_equal(unlink(folder), 0);
    assert_int_equal(state_prepare(directory, &users, NULL, &problem), 0);
}

static void assert_refused(const char *name, mode_t mode, mode_t good, const char *said) {
    struct problem problem = {0};
    char path[STATE_PATH], conf[STATE_PATH];
    (void)state_path(path, directory, name);
    (void)state_path(conf, directory, "hayauma.conf");
    assert_int_equal(chmod(path, mode), 0);
    assert_int_equal(state_check_rights(directory, conf, &problem), -EPERM);
    assert_non_null(strstr(problem.text, said));
    assert_int_equal(chmod(path, good), 0);
    assert_int_equal(state_check_rights(directory, conf, &problem), 0);
}

static void test_loose_modes_are_refused(void **state) {
    static const char *const files[] = {"hayauma.conf", "keys/default.key"};
    char path[STATE_PATH];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        assert_int_equal(close(open(state_path(path, directory, files[i]),
                                    O_WRONLY | O_CREAT | O_CLOEXEC, 0600)),
                         0);
    assert_refused("", 0777, 0755, "chmod go-w");
    assert_refused("hayauma.conf", 0664, 0644, "hayauma.conf has mode 0664");
    assert_refused("keys/default.key", 0640, 0600, "the private key");
    assert_refused("spool", 0777, 0700, "the folder");
    assert_refused("keys", 0720, 0700, "chmod 700");
    assert_refused("run", 0775, 0755, "chmod 755");
}

static void test_a_folder_closed_to_others_is_told(void **state) {
    struct state_users users = {0};
    struct problem problem = {0};
    _cleanup_(buf_done) struct buf told = {0};
    char path[STATE_PATH];
    (void)state;
    assert_int_equal(state_prepare(directory, &users, &told, &problem), 0);
    assert_int_equal(told.len, 0);
    assert_int_equal(chmod(state_path(path, directory, "accounts"), 0755), 0);
    assert_int_equal(state_prepare(directory, &users, &told, &problem), 0);
    assert_non_null(strstr(buf_str(&told), "accounts had mode 0755"));
    assert_int_equal(mode_of("accounts"), 0700);
}

static void test_a_folder_that_is_away_is_named(void **state) {
    struct state_users users = {0};
    struct problem problem = {0};
    char path[STATE_PATH], away[STATE_PATH];
    size_t at = 0;
    (void)state;
    assert_int_equal(state_prepare(directory, &users, NULL, &problem), 0);
    assert_null(state_next_missing(directory, &at));
    assert_int_equal(
        rename(state_path(path, directory, "spool"), state_path(away, directory, "spool.away")), 0);
    at = 0;
    assert_string_equal(state_next_missing(directory, &at), "spool");
    assert_null(state_next_missing(directory, &at));
    assert_int_equal(rename(away, path), 0);
}

static void test_users_that_do_not_exist_are_stood_in_for(void **state) {
    struct state_users users;
    struct conf *conf = conf_new();
    (void)state;
    conf->users.edge = S("no-such-user-here");
    state_find_users(conf, &users);
    assert_int_equal(users.change, geteuid() == 0);
    if (users.change) {
        assert_true(users.made_up);
        assert_true(users.edge.uid != 0 && users.edge.uid != users.vault.uid &&
                    users.vault.uid != users.mail.uid);
    } else {
        assert_int_equal(users.edge.uid, geteuid());
    }
    conf_free(conf);
}

static void make_entry(const char *name, bool folder) {
    char path[STATE_PATH];
    (void)state_path(path, directory, name);
    if (folder)
        assert_int_equal(mkdir(path, 0700), 0);
    else
        assert_int_equal(mknod(path, S_IFREG | 0600, 0), 0);
}

static void test_the_last_account_that_has_a_folder_is_found(void **state) {
    char path[STATE_PATH];
    struct state_users users = {0};
    struct problem problem = {0};
    uint64_t last = 7;
    (void)state;
    assert_int_equal(state_last_account("/proc/nowhere", &last, &problem), 0);
    assert_int_equal(last, 0);
    assert_int_equal(state_prepare(directory, &users, NULL, &problem), 0);
    assert_int_equal(state_last_account(directory, &last, &problem), 0);
    assert_int_equal(last, 0);
    make_entry("accounts/02", true);
    make_entry("accounts/02/2", true);
    make_entry("accounts/03", true);
    make_entry("accounts/03/259", true);
    make_entry("accounts/03/3", true);
    make_entry("accounts/03/515.purged", true);
    make_entry("accounts/03/01027", true);
    make_entry("accounts/03/18446744073709551619", true);
    make_entry("accounts/03/9223372036854775807", true); /* nobody counts so far */
    make_entry("accounts/lost+found", true);
    make_entry("accounts/README", false);
    assert_int_equal(state_last_account(directory, &last, &problem), 0);
    assert_int_equal(last, 259);
    assert_int_equal(symlink("/", state_path(path, directory, "accounts/04")), 0);
    assert_int_equal(state_last_account(directory, &last, &problem), 0);
    assert_int_equal(last, 259);
}

/* ------------------------------------------------------------------ names of older versions */

static void make_file(const char *name) {
    char path[STATE_PATH];
    int fd = open(state_path(path, directory, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, name, strlen(name)), (ssize_t)strlen(name));
    assert_int_equal(close(fd), 0);
}

static bool is_there(const char *name) {
    char path[STATE_PATH];
    return access(state_path(path, directory, name), F_OK) == 0;
}

static void remove_file(const char *name) {
    char path[STATE_PATH];
    assert_int_equal(remove(state_path(path, directory, name)), 0);
}

static void make_former_log(void) {
    char path[STATE_PATH];
    assert_int_equal(mkdir(state_path(path, directory, "ledger"), 0700), 0);
    make_file("ledger/ledger.db");
    make_file("ledger/ledger.db-wal");
}

static void test_the_event_log_of_an_older_version_is_taken_over(void **state) {
    _cleanup_(buf_done) struct buf notes = {0};
    (void)state;
    assert_false(state_upgrade(directory, &notes)); /* nothing to do */
    make_former_log();
    assert_true(state_upgrade(directory, &notes));
    assert_int_equal(notes.len, 0);
    assert_true(is_there("events/events.db") && is_there("events/events.db-wal"));
    assert_false(is_there("ledger"));
    remove_file("events/events.db");
    remove_file("events/events.db-wal");
}

/* The power went when one of two files had its new name. */
static void test_taking_over_goes_on_where_it_was_broken_off(void **state) {
    (void)state;
    make_former_log();
    remove_file("ledger/ledger.db-wal");
    make_file("events/events.db-wal");
    assert_true(state_upgrade(directory, NULL));
    assert_true(is_there("events/events.db") && is_there("events/events.db-wal"));
    assert_false(is_there("ledger"));
    char path[STATE_PATH]; /* or when only the empty folder was left */
    assert_int_equal(mkdir(state_path(path, directory, "ledger"), 0700), 0);
    assert_true(state_upgrade(directory, NULL));
    assert_false(is_there("ledger"));
}

static void test_an_event_log_in_use_is_not_replaced_by_an_older_one(void **state) {
    _cleanup_(buf_done) struct buf notes = {0};
    (void)state;
    make_former_log();
    assert_true(is_there("events/events.db"));
    assert_false(state_upgrade(directory, &notes));
    assert_non_null(strstr(buf_str(&notes), "left as it is"));
    assert_true(is_there("ledger/ledger.db"));
    remove_file("ledger/ledger.db");
    remove_file("ledger/ledger.db-wal");
    remove_file("ledger");
    remove_file("events/events.db");
    remove_file("events/events.db-wal");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_role_has_a_folder_that_others_cannot_enter),
        cmocka_unit_test(test_a_state_directory_is_used_by_one_system_at_a_time),
        cmocka_unit_test(test_a_folder_that_cannot_be_made_is_named),
        cmocka_unit_test(test_who_may_not_prepare_a_folder_hears_who_may),
        cmocka_unit_test(test_no_link_in_a_folder_is_followed),
        cmocka_unit_test(test_a_folder_that_is_a_link_is_refused),
        cmocka_unit_test(test_loose_modes_are_refused),
        cmocka_unit_test(test_a_folder_closed_to_others_is_told),
        cmocka_unit_test(test_a_folder_that_is_away_is_named),
        cmocka_unit_test(test_users_that_do_not_exist_are_stood_in_for),
        cmocka_unit_test(test_the_last_account_that_has_a_folder_is_found),
        cmocka_unit_test(test_the_event_log_of_an_older_version_is_taken_over),
        cmocka_unit_test(test_taking_over_goes_on_where_it_was_broken_off),
        cmocka_unit_test(test_an_event_log_in_use_is_not_replaced_by_an_older_one),
    };
    return cmocka_run_group_tests_name("state", tests, make_directory, remove_directory);
}
