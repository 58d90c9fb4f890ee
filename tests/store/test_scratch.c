/* SPDX-License-Identifier: ISC */
/* Files without a name, where the file system has none (NFS, some of FUSE). */
#include <fcntl.h>
#include <stdio.h>

#include "store/incoming.h"
#include "world.h"

static bool has_none;

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);

int __wrap_open64(const char *path, int flags, ...) {
    va_list args;
    va_start(args, flags);
    const int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, int) : 0;
    va_end(args);
    if (has_none && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return __real_open64(path, flags, mode);
}

static void begin(struct world *w, struct store_incoming *in) WAITS {
    char *bytes = mem_zero(STORE_INCOMING_HELD + 1);
    store_incoming_init(in, w->account);
    assert_int_equal(store_incoming_add(in, slice_of(bytes, STORE_INCOMING_HELD + 1)), 0);
    free(bytes);
}

static void end(struct store_incoming *in) WAITS {
    const struct store_delivery d = {.mailbox = STORE_INBOX};
    struct store_delivered done;
    assert_int_equal(store_incoming_deliver(in, &d, &done), 0);
    store_incoming_done(in);
}

WORLD_TEST(messages_come_in_files_whose_names_are_gone_at_once) {
    struct store_incoming one, two;
    world_open(w);
    char *name = world_path(w, "67/4711/incoming");
    FILE *left = fopen(name, "we"); /* by a process that died */
    assert_non_null(left);
    assert_int_equal(fclose(left), 0);
    has_none = true;
    begin(w, &one);
    assert_false(file_exists(name));
    begin(w, &two);
    assert_false(file_exists(name));
    end(&one);
    end(&two);
    has_none = false;
    struct snapshot *s = world_snapshot(w);
    assert_int_equal(s->count, 2);
    assert_int_equal(s->bytes, 2 * (STORE_INCOMING_HELD + 1));
    free(s);
    free(name);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_in_files_whose_names_are_gone_at_once),
    };
    return cmocka_run_group_tests_name("scratch", tests, NULL, NULL);
}
