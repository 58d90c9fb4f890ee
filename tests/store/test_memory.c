/* SPDX-License-Identifier: ISC */
/*
 * How much memory the store takes: over a backend that makes its mailboxes up as they are read, so
 * that there can be ten million messages.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "fiber/fiber.h"
#include "store/backend.h"

#define ACCOUNTS 500U
#define MESSAGES 20000U
#define BUDGET   (64U << 20)

/* An account with a mailbox of its own kind. */
#define HUGE_ACCOUNT  (ACCOUNTS + 1)
#define HUGE_MESSAGES 1000000U

/* ------------------------------------------------------------------ the backend */

struct made_up {
    struct store_backend base;
    unsigned loads[HUGE_ACCOUNT + 1]; /* by account: pieces that begin a mailbox */
};

struct made_up_account {
    struct backend_account base;
    uint64_t id;
};

static uint32_t messages_of(uint64_t account) {
    return account == HUGE_ACCOUNT ? HUGE_MESSAGES : MESSAGES;
}

static int made_up_open(struct store_backend *b, uint64_t account, const struct backend_sink *sink,
                        struct backend_state *ret_state, struct backend_account **ret) {
    struct made_up_account *a = NEW(struct made_up_account);
    uint32_t messages = messages_of(account);
    a->base.backend = b;
    a->id = account;
    sink->mailbox(sink->arg, &(struct backend_mailbox){.info = {.mailbox = STORE_INBOX,
                                                                .uidvalidity = 1,
                                                                .uidnext = messages + 1,
                                                                .role = STORE_ROLE_INBOX,
                                                                .modseq = messages,
                                                                .name = S("INBOX")},
                                                       .messages = messages});
    *ret_state = (struct backend_state){.counters = {.born = 1,
                                                     .modseq = messages,
                                                     .body_next = messages + 1,
                                                     .mailbox_next = STORE_INBOX + 1}};
    *ret = &a->base;
    return 0;
}

static int made_up_account_close(struct backend_account *a, bool forced) {
    free(CONTAINER_OF(a, struct made_up_account, base));
    return 0;
}

/* Entries that share ten bodies. Reading takes a while, and others run meanwhile. */
static int made_up_load(struct backend_account *account, uint32_t mailbox, uint32_t above,
                        struct store_entry *entries, size_t size, struct buf *sets,
                        size_t *ret_count) {
    const struct made_up_account *a = CONTAINER_OF(account, struct made_up_account, base);
    struct made_up *b = CONTAINER_OF(account->backend, struct made_up, base);
    size_t count = MIN(size, messages_of(a->id) - above);
    (void)fiber_yield();
    b->loads[a->id] += above == 0;
    for (uint32_t i = 0; i < count; i++)
        entries[i] = (struct store_entry){
            .uid = above + i + 1, .size = 1000, .modseq = above + i + 1, .body = i % 10 + 1};
    *ret_count = count;
    return 0;
}

static void made_up_stats(const struct store_backend *b, struct backend_stats *ret) {
    *ret = (struct backend_stats){0};
}

static void made_up_keep_keys(struct store_backend *b, usec_t lifetime) {
}

static void made_up_close(struct store_backend *b) {
}

static const struct backend_ops ops = {
    .name = "made up",
    .close = made_up_close,
    .stats = made_up_stats,
    .account_open = made_up_open,
    .account_close = made_up_account_close,
    .load = made_up_load,
    .keep_keys = made_up_keep_keys,
};

static struct made_up made_up;

static int open_made_up(const void *options, const struct backend_host *host,
                        struct store_backend **ret, struct problem *problem) {
    made_up = (struct made_up){.base.ops = &ops};
    *ret = &made_up.base;
    return 0;
}

/* ------------------------------------------------------------------ tests */

static void look(struct store *s, uint64_t account) {
    struct store_account *a;
    struct store_view *v;
    struct store_view_info info;
    struct store_message m;
    assert_int_equal(store_account_open(s, account, &a), 0);
    assert_int_equal(store_view_open(a, STORE_INBOX, &v), 0);
    store_view_info(v, &info);
    assert_int_equal(info.count, messages_of(account));
    store_view_at(v, info.count - 1, &m);
    assert_int_equal(m.uid, info.count);
    store_view_close(v);
    store_account_close(a);
}

static struct store *open_store(uint64_t memory) {
    struct store *s;
    struct store_options o = {.backend = open_made_up, .memory = memory};
    assert_int_equal(store_open(&o, &s, NULL), 0);
    return s;
}

/* What is too much goes in pieces, between the turns of others: at most the end of one mailbox and
 * the beginning of the next in one, half a MiB each. */
static unsigned shrink_to(struct store *s, uint64_t bytes) {
    struct store_stats stats;
    unsigned turns = 0;
    store_stats(s, &stats);
    for (uint64_t before = stats.memory; stats.memory > bytes; before = stats.memory) {
        assert_in_range(turns++, 0, 1000);
        (void)fiber_yield();
        store_stats(s, &stats);
        assert_in_range(before - stats.memory, 0, 1100U << 10);
    }
    return turns;
}

/* Two mailboxes are looked at again and again, while all others are looked at in turn. */
static void keep_within_the_budget(void *arg) {
    struct store *s = open_store(BUDGET);
    struct store_stats stats;
    for (int round = 0; round < 2; round++)
        for (uint64_t account = 3; account <= (round ? 50 : ACCOUNTS); account++) {
            look(s, 1);
            look(s, 2);
            look(s, account);
            store_stats(s, &stats);
            assert_true(stats.memory <= BUDGET);
        }
    assert_int_equal(made_up.loads[1], 1);
    assert_int_equal(made_up.loads[2], 1);
    assert_int_equal(made_up.loads[3], 2);
    assert_true(stats.messages > 90U * MESSAGES); /* and what there is room for stays */
    store_set_memory(s, BUDGET / 8);
    (void)shrink_to(s, BUDGET / 8);
    store_close(s);
}

static void pass_the_budget_where_all_is_in_use(void *arg) {
    struct store *s = open_store(1U << 20);
    struct store_account *a[4];
    struct store_view *v[4];
    struct store_stats stats;
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(store_account_open(s, i + 1, &a[i]), 0);
        assert_int_equal(store_view_open(a[i], STORE_INBOX, &v[i]), 0);
    }
    store_stats(s, &stats);
    assert_int_equal(stats.messages, 4 * MESSAGES);
    for (unsigned i = 0; i < 4; i++) {
        store_view_close(v[i]);
        store_account_close(a[i]);
    }
    (void)shrink_to(s, 1U << 20);
    store_close(s);
}

static void let_a_large_one_go(void *arg) {
    struct store *s = open_store(BUDGET);
    look(s, 1);
    look(s, HUGE_ACCOUNT);
    look(s, 2);
    store_set_memory(s, BUDGET / 8);
    assert_in_range(shrink_to(s, BUDGET / 8), 40, 100);
    look(s, 2);
    assert_int_equal(made_up.loads[2], 1); /* nothing else went for it */
    look(s, HUGE_ACCOUNT);
    store_close(s); /* in pieces, too */
}

/* A message in memory takes 40 bytes at most, whatever the mailbox. */
static void measure(void *arg) {
    struct store *s = open_store(BUDGET);
    struct store_stats before, after;
    store_stats(s, &before);
    look(s, 1);
    store_stats(s, &after);
    assert_true(after.memory - before.memory <= 40U * MESSAGES);
    store_close(s);
}

static void run(void (*test)(void *arg)) {
    assert_int_equal(fiber_run(&(struct fiber_config){.simulate_from = USEC_SEC}, test, NULL), 0);
}

static void ten_million_messages_stay_within_the_budget_and_hot_ones_in_memory(void **state) {
    run(keep_within_the_budget);
}

static void nothing_fails_where_all_is_in_use(void **state) {
    run(pass_the_budget_where_all_is_in_use);
}

static void a_mailbox_of_a_million_goes_in_pieces(void **state) {
    run(let_a_large_one_go);
}

static void a_loaded_message_takes_at_most_40_bytes(void **state) {
    run(measure);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_million_messages_stay_within_the_budget_and_hot_ones_in_memory),
        cmocka_unit_test(nothing_fails_where_all_is_in_use),
        cmocka_unit_test(a_mailbox_of_a_million_goes_in_pieces),
        cmocka_unit_test(a_loaded_message_takes_at_most_40_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
