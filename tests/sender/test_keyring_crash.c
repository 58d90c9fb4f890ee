/* SPDX-License-Identifier: ISC */
/*
 * The keyring is killed at each of its system calls, and the power goes afterwards: what has been
 * told to be there is there, and no key is ever another one under the same name.
 *
 * What a power cut leaves is the least that is promised: of a file the bytes of its last fsync(),
 * of a folder the names of its last one. Both are noted in a folder beside, by the number of the
 * inode.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sender/keyring.h"
#include "unit.h"

#define NOW    INT64_C(1795000000) /* 2026-11-18 */
#define DAY    INT64_C(86400)
#define HOME   "example.test"
#define KILLED 77
#define POOL   4U /* keys of each kind, made once */
#define PATH   512U

static char top[64], home[80], disk[80];
static unsigned left; /* calls until the kill; 0: none */
static EVP_PKEY *pool[2][POOL];
static unsigned made[2];

/* ------------------------------------------------------------------ what is on the disk */

static void copy(const char *from, const char *to) {
    char bytes[16384];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t n = in < 0 ? 0 : read(in, bytes, sizeof bytes);
    assert_true(out >= 0 && n >= 0 && n < (ssize_t)sizeof bytes);
    assert_int_equal(pwrite(out, bytes, (size_t)n, 0), n);
    (void)close(out);
    if (in >= 0)
        (void)close(in);
}

static void note_name(char note[static PATH], ino_t inode) {
    (void)snprintf(note, PATH, "%s/%llu", disk, (unsigned long long)inode);
}

static void note_folder(int fd, const char *note) {
    FILE *f = fopen(note, "we");
    DIR *listing = fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    assert_true(f && listing);
    for (struct dirent *e; (e = readdir(listing));)
        if (e->d_name[0] != '.')
            (void)fprintf(f, "%llu %d %s\n", (unsigned long long)e->d_ino, e->d_type == DT_DIR,
                          e->d_name);
    (void)closedir(listing);
    assert_int_equal(fclose(f), 0);
}

static void note_synced(int fd) {
    char note[PATH], self[64];
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    note_name(note, st.st_ino);
    (void)snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    if (S_ISDIR(st.st_mode))
        note_folder(fd, note);
    else
        copy(self, note);
}

/* The inode may have been that of another file. */
static void note_new(int folder, const char *name) {
    char note[PATH];
    struct stat st;
    assert_int_equal(fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    note_name(note, st.st_ino);
    (void)unlink(note);
}

static void put_back(ino_t inode, const char *to) {
    char note[PATH], path[PATH], name[128];
    unsigned long long number;
    int folder;
    assert_int_equal(mkdir(to, 0700), 0);
    note_name(note, inode);
    FILE *f = fopen(note, "re");
    while (f && fscanf(f, "%llu %d %127s", &number, &folder, name) == 3) {
        assert_true(snprintf(path, sizeof path, "%s/%s", to, name) < (int)sizeof path);
        note_name(note, (ino_t)number);
        if (folder)
            put_back((ino_t)number, path); /* NOLINT(misc-no-recursion): two levels */
        else
            copy(note, path);
    }
    if (f)
        (void)fclose(f);
}

/* ------------------------------------------------------------------ the calls */

static void step(void) {
    if (left > 0 && --left == 0)
        _exit(KILLED);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd) {
    step();
    int r = __real_fsync(fd);
    note_synced(fd);
    return r;
}

int __real_mkdirat(int folder, const char *name, mode_t mode);
int __wrap_mkdirat(int folder, const char *name, mode_t mode);
int __wrap_mkdirat(int folder, const char *name, mode_t mode) {
    step();
    int r = __real_mkdirat(folder, name, mode);
    if (r == 0)
        note_new(folder, name);
    return r;
}

int __real_renameat(int from, const char *old, int to, const char *name);
int __wrap_renameat(int from, const char *old, int to, const char *name);
int __wrap_renameat(int from, const char *old, int to, const char *name) {
    step();
    return __real_renameat(from, old, to, name);
}

int __real_unlinkat(int folder, const char *name, int flags);
int __wrap_unlinkat(int folder, const char *name, int flags);
int __wrap_unlinkat(int folder, const char *name, int flags) {
    step();
    return __real_unlinkat(folder, name, flags);
}

int __real_openat64(int folder, const char *name, int flags, ...);
int __wrap_openat64(int folder, const char *name, int flags, ...);
int __wrap_openat64(int folder, const char *name, int flags, ...) {
    if (!(flags & O_CREAT))
        return __real_openat64(folder, name, flags);
    step();
    int fd = __real_openat64(folder, name, flags, 0600);
    note_new(folder, name);
    return fd;
}

/* Half of it, and the rest. */
int __real_write_whole(int fd, struct slice bytes);
int __wrap_write_whole(int fd, struct slice bytes);
int __wrap_write_whole(int fd, struct slice bytes) {
    struct slice rest = slice_from(bytes, bytes.len / 2);
    step();
    int r = __real_write_whole(fd, slice_first(bytes, bytes.len / 2));
    step();
    return r < 0 ? r : __real_write_whole(fd, rest);
}

/* One that nobody else was given; making keys of RSA takes long. */
EVP_PKEY *__real_EVP_PKEY_Q_keygen(OSSL_LIB_CTX *library, const char *properties, const char *type,
                                   ...);
EVP_PKEY *__wrap_EVP_PKEY_Q_keygen(OSSL_LIB_CTX *library, const char *properties, const char *type,
                                   ...);
EVP_PKEY *__wrap_EVP_PKEY_Q_keygen(OSSL_LIB_CTX *library UNUSED, const char *properties UNUSED,
                                   const char *type, ...) {
    unsigned kind = strcmp(type, "RSA") == 0 ? 0 : 1;
    EVP_PKEY *key = pool[kind][made[kind]++];
    assert_int_equal(EVP_PKEY_up_ref(key), 1);
    return key;
}

/* ------------------------------------------------------------------ what is played */

static int with_folder(int (*what)(int folder, struct problem *problem)) {
    struct problem problem = {0};
    int folder = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder >= 0);
    int r = what(folder, &problem);
    if (r < 0)
        print_error("%s\n", problem.text);
    (void)close(folder);
    return r;
}

static int keep(int folder, struct problem *problem) {
    return keyring_keep(folder, S(HOME), NOW, problem);
}

static int see(int folder, struct problem *problem) {
    struct keyring_domain *d = NULL;
    int r = keyring_read(folder, S(HOME), &d, problem);
    for (size_t i = 0; r >= 0 && i < d->count; i++)
        r = keyring_seen(folder, S(HOME), slice_of_str(d->list[i].selector), NOW + 1, problem);
    keyring_domain_free(d);
    return r;
}

static int rotate(int folder, struct problem *problem) {
    return keyring_rotate(folder, S(HOME), NOW + 2 * DAY, problem);
}

static int drop(int folder, struct problem *problem) {
    return keyring_drop(folder, S(HOME), NOW + 3 * DAY, problem);
}

static struct keyring_domain *known;

static int look(int folder, struct problem *problem) {
    return keyring_read(folder, S(HOME), &known, problem);
}

static struct keyring_domain *now_there(void) {
    assert_int_equal(with_folder(look), 0);
    assert_string_equal(known->damaged, "");
    return known;
}

/* True: it was killed at that call; false: it had come to its end before. */
static bool dies(int (*what)(int folder, struct problem *problem), unsigned at) {
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        left = at;
        _exit(with_folder(what) < 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) != KILLED)
        assert_int_equal(WEXITSTATUS(status), 0);
    made[0]++; /* its keys are nobody's any more */
    made[1]++;
    return WEXITSTATUS(status) == KILLED;
}

static void cut_power(void) {
    char command[PATH];
    struct stat st;
    assert_int_equal(stat(home, &st), 0);
    (void)snprintf(command, sizeof command, "rm -rf %s", home);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a name of our own */
    put_back(st.st_ino, home);
}

static void begin(void) {
    (void)snprintf(top, sizeof top, "/tmp/hayauma-keyring-XXXXXX");
    assert_non_null(mkdtemp(top));
    (void)snprintf(home, sizeof home, "%s/keys", top);
    (void)snprintf(disk, sizeof disk, "%s/disk", top);
    assert_true(mkdir(home, 0700) == 0 && mkdir(disk, 0700) == 0);
    made[0] = made[1] = 0;
}

static void end(void) {
    char command[PATH];
    (void)snprintf(command, sizeof command, "rm -rf %s", top);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a name of our own */
}

static void assert_same(const struct keyring_domain *one, const struct keyring_domain *other) {
    for (size_t i = 0; i < one->count; i++) {
        const struct keyring_key *k = &one->list[i], *same = NULL;
        for (size_t n = 0; n < other->count; n++)
            if (strcmp(other->list[n].selector, k->selector) == 0)
                same = &other->list[n];
        if (!same)
            fail_msg("%s is gone", k->selector);
        assert_string_equal(same->record, k->record);
        assert_true(same->seen >= k->seen && same->left >= k->left);
    }
}

/* A power cut at once: nothing is there by half, and it can be done again. */
static bool power_goes_at(unsigned at) {
    begin();
    bool killed = dies(keep, at);
    cut_power();
    keyring_domain_free(now_there());
    assert_true(with_folder(keep) >= 0);
    struct keyring_domain *d = now_there();
    assert_int_equal(d->count, 2);
    keyring_domain_free(d);
    end();
    return killed;
}

/* A kill, and what was told after the next start outlives the power. */
static bool power_goes_later(unsigned at) {
    begin();
    bool killed = dies(keep, at);
    assert_true(with_folder(keep) >= 0);
    struct keyring_domain *told = now_there();
    cut_power();
    struct keyring_domain *d = now_there();
    assert_int_equal(d->count, 2);
    assert_same(told, d);
    keyring_domain_free(told);
    keyring_domain_free(d);
    end();
    return killed;
}

static bool later_step_is_cut(int (*what)(int folder, struct problem *problem), unsigned at) {
    begin();
    assert_int_equal(with_folder(keep), 1);
    if (what != see)
        assert_int_equal(with_folder(see), 1);
    struct keyring_domain *told = now_there();
    bool killed = dies(what, at);
    cut_power();
    struct keyring_domain *d = now_there();
    assert_same(told, d);
    keyring_domain_free(told);
    keyring_domain_free(d);
    end();
    return killed;
}

static void test_keys_are_whole_when_the_power_goes_at_each_step(void **state UNUSED) {
    unsigned at = 1;
    while (power_goes_at(at))
        at++;
    assert_true(at > 15);
}

static void test_keys_that_were_told_of_stay_what_they_are(void **state UNUSED) {
    for (unsigned at = 1; power_goes_later(at); at++)
        ;
}

static void test_no_step_costs_a_key_that_was_there(void **state UNUSED) {
    int (*const steps[])(int, struct problem *) = {see, rotate, drop};
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
        for (unsigned at = 1; later_step_is_cut(steps[i], at); at++)
            ;
}

static int make_pool(void **state UNUSED) {
    for (size_t i = 0; i < POOL; i++) {
        pool[0][i] = __real_EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
        pool[1][i] = __real_EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        if (!pool[0][i] || !pool[1][i])
            return -1;
    }
    return 0;
}

static int free_pool(void **state UNUSED) {
    for (size_t i = 0; i < POOL; i++) {
        EVP_PKEY_free(pool[0][i]);
        EVP_PKEY_free(pool[1][i]);
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_are_whole_when_the_power_goes_at_each_step),
        cmocka_unit_test(test_keys_that_were_told_of_stay_what_they_are),
        cmocka_unit_test(test_no_step_costs_a_key_that_was_there),
    };
    return cmocka_run_group_tests(tests, make_pool, free_pool);
}
