/* SPDX-License-Identifier: ISC */
/*
 * The file of MTA-STS policies: the queue process dies, and the power goes, at each call that
 * writes it. A domain that had a policy has one afterwards, the old or the new: without, its
 * messages could be had by whoever keeps the next one from being fetched.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dns/message.h"
#include "folder.h"
#include "role/lone.h"

#define POLICY(host) "version: STSv1\nmode: enforce\nmax_age: 604800\nmx: " host "\n"
#define NEW          "tls-policies.new"

/* ------------------------------------------------------------------ the disk */

static struct {
    unsigned left; /* calls until the death; 0: none */
    bool dead;     /* nothing gets to the disk any more */
    bool synced;   /* all of the new file */
    bool unsafe;   /* it got its name before */
} disk;

static bool dies(void) {
    if (disk.left > 0 && --disk.left == 0)
        disk.dead = true;
    if (disk.dead)
        errno = EIO;
    return disk.dead;
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...) {
    bool is_new = strcmp(path, NEW) == 0;
    return is_new && dies() ? -1 : __real_open64(path, flags, 0600);
}

/* Half of it, and then the rest. */
ssize_t __real_pwrite64(int fd, const void *bytes, size_t len, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t len, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t len, off_t at) {
    disk.synced = false;
    return dies() ? -1 : __real_pwrite64(fd, bytes, at == 0 ? (len + 1) / 2 : len, at);
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd) {
    if (dies())
        return -1;
    disk.synced = true;
    return __real_fdatasync(fd);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to) {
    if (dies())
        return -1;
    disk.unsafe |= !disk.synced;
    return __real_rename(from, to);
}

/* ------------------------------------------------------------------ the queue, and who serves it
 */

static struct {
    const char *record, *policy; /* NULL: nobody answers */
    char folder[64];
} world;

static int on_query(void *arg, const struct rpc_caller *caller,
                    const struct rpc_resolver_query_in *in, struct arena *a,
                    struct rpc_resolver_query_out *out, struct problem *problem) {
    struct dns_answer answer = {.code = DNS_TIMEOUT, .type = in->type};
    _cleanup_(buf_done) struct buf flat = {0};
    (void)arg;
    (void)caller;
    (void)problem;
    if (world.record) {
        answer.code = DNS_OK;
        answer.data = arena_array(a, 1, sizeof *answer.data);
        answer.data[0] = arena_printf(a, "%c%s", (int)strlen(world.record), world.record);
        answer.count = 1;
        dns_answer_decode_records(&answer, a);
    }
    dns_answer_encode(&flat, &answer);
    out->answer = arena_copy(a, buf_slice(&flat));
    return 0;
}

static int on_get(void *arg, const struct rpc_caller *caller, const struct rpc_fetcher_get_in *in,
                  struct arena *a, struct rpc_fetcher_get_out *out, struct problem *problem) {
    (void)arg;
    (void)caller;
    (void)in;
    if (!world.policy)
        return problem_set(problem, -E_TEMPORARY, "the server is ill");
    out->body = arena_copy(a, slice_of_str(world.policy));
    return 0;
}

static const struct rpc_resolver_handlers resolver = {.query = on_query};
static const struct rpc_fetcher_handlers fetcher = {.get = on_get};

static struct lone *begin(const char *record, const char *policy) WAITS {
    struct lone *l = lone_new(ROLE_QUEUE);
    world.record = record;
    world.policy = policy;
    lone_peer(l, ROLE_RESOLVER, &resolver, NULL);
    lone_peer(l, ROLE_FETCHER, &fetcher, NULL);
    lone_open(l);
    return l;
}

/* The policy that holds, and whether it names a host. */
static bool names(struct lone *l, const char *host) WAITS {
    static const struct rpc_caller cli = {.role = ROLE_CLI};
    _cleanup_(arena_done) struct arena a = {0};
    const struct rpc_queue_handlers *calls = l->process.role->work->handlers;
    struct rpc_queue_sts_in in = {S("example.net")};
    struct rpc_queue_sts_out out = {0};
    assert_int_equal(calls->sts(&l->process, &cli, &in, &a, &out, NULL), 0);
    return slice_find(out.policy, slice_of_str(host)) >= 0;
}

/* True: it died; false: the file was written before. */
static bool dies_at(unsigned at) WAITS {
    struct lone *l = begin("v=STSv1; id=1", POLICY("old.example.net"));
    assert_true(names(l, "old.example.net"));
    lone_end(l);
    l = begin("v=STSv1; id=2", POLICY("new.example.net"));
    assert_true(names(l, "new.example.net"));
    disk.left = at;
    lone_end(l); /* which writes it */
    bool died = disk.dead;
    disk.left = 0;
    disk.dead = false;
    assert_false(disk.unsafe);
    l = begin(NULL, NULL);
    assert_true(names(l, "new.example.net") || (died && names(l, "old.example.net")));
    lone_end(l);
    assert_int_equal(unlink("tls-policies"), 0);
    return died;
}

REAL_FIBER_TEST(no_death_costs_a_policy) {
    unsigned at = 1;
    (void)snprintf(world.folder, sizeof world.folder, "/tmp/hysts.XXXXXX");
    assert_non_null(mkdtemp(world.folder));
    assert_int_equal(chdir(world.folder), 0);
    while (dies_at(at))
        at++;
    assert_true(at > 5);
    empty_folder(AT_FDCWD, world.folder);
    assert_int_equal(chdir("/"), 0);
    (void)rmdir(world.folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_death_costs_a_policy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
