/* SPDX-License-Identifier: ISC */
/*
 * IMAP against a model: several clients (client.h) do random things (acts.h) to the mailboxes of
 * one account, while messages are delivered, and compare all that they are told with what all of
 * them were told before (truth.h, names.h). The disk is slow and sometimes fails; in their midst
 * the server is killed or the power fails. When they rest, everything is looked at (inspect.h).
 *
 *     test_imap_model [SEEDS [FIRST [trace]]]
 *
 * The sessions are the real ones (imap/session.h) over the real store, in this process and on
 * simulated time. So a seed is the same at every time it is run, years pass in seconds, and a kill
 * costs nothing; what it leaves is what the store has written so far. What is not here, the edge,
 * the passing on of connections, processes that are really killed, is in tests/world and
 * tests/faults. A run that fails says its seed, the rule, and the last lines of all conversations.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../neighbours.h"
#include "acts.h"
#include "base/random.h"
#include "fiber/sync.h"
#include "inspect.h"
#include "store/model/disk.h"
#include "store/rights.h"
#include "store/world.h"
#include "trace.h"

#define CLIENTS 200U /* in one seed of CROWD; else up to 6 */
#define CROWD   20U
#define ROUNDS  6U
#define ROOM    65536U /* bytes each way that a connection holds */
#define OWNER   "tama@example.test"
#define VISITOR "hana@example.test"

static uint64_t seed;
static bool trace;

struct model { /* a seed's run */
    struct run run;
    struct neighbours neighbours; /* the owner, the visitor */
    struct world *world;
    struct search_indexes *indexes; /* NULL: texts are read for each search */
    struct fiber *fiber;
    size_t count;
    struct client clients[CLIENTS];
};

/* ------------------------------------------------------------------ the server */

struct server {
    struct model *model;
    struct stream *stream;
    struct neighbour at;
    struct fiber_cond ended;
    bool is_over;
};

static void serve(void *arg) {
    struct server *s = arg;
    struct imap_session_counts counts;
    (void)imap_session(s->stream, &s->at.config, s->model->world->store, s->at.account, &counts);
    (void)stream_shutdown(s->stream);
    while (fiber_children() > 0) /* a visit to another account, which hears that we have gone */
        (void)fiber_sleep(USEC_MS);
    s->is_over = true;
    fiber_cond_wake_all(&s->ended);
}

static bool connect_to(struct run *run, struct client *c) {
    struct model *m = (struct model *)run;
    struct server *s = NEW(struct server);
    struct stream *ends[2];
    stream_pair(ROOM, ends);
    s->model = m;
    s->stream = ends[1];
    struct imap_session_config config = imap_session_defaults;
    config.tag = S("in");
    config.indexes = m->indexes;
    neighbour_init(&s->at, &m->neighbours, c->visits, &config);
    fiber_cond_init(&s->ended);
    assert_int_equal(fiber_spawn_under(m->fiber, "session", serve, s), 0);
    c->stream = ends[0];
    c->server = s;
    struct slice line;
    int r = stream_read_line(c->stream, STREAM_WINDOW, &line);
    assert_true(r < 0 || slice_starts(line, S("in OK")) || run->truth.is_trouble || run->over);
    return r == 0 && slice_starts(line, S("in OK")) && !run->over;
}

static void disconnect(struct run *run, struct client *c) {
    struct server *s = c->server;
    stream_free(c->stream);
    while (!s->is_over)
        (void)fiber_cond_wait(&s->ended);
    stream_free(s->stream);
    free(s);
}

static bool deliver(struct run *run, unsigned wish, uint32_t serial) {
    struct model *m = (struct model *)run;
    _cleanup_(buf_done) struct buf text = {0};
    message_text(serial, &text);
    struct slice part = buf_slice(&text);
    struct store_delivered d;
    struct store_delivery delivery = {.mailbox = STORE_INBOX,
                                      .return_path = S("tama@example.test"),
                                      .parts = &part,
                                      .part_count = 1,
                                      .quota = run->quota,
                                      .patient = rng_one_in(&run->rng, 2)};
    uint64_t asked = truth_tick(&run->truth);
    int error = store_deliver(m->world->store, TEST_ACCOUNT, &delivery, &d);
    if (run->over)
        return false;
    RULE(error == 0 || run->truth.is_trouble || (error == -E_LIMIT && run->is_tight),
         "a delivery fails: %d", error);
    if (error == 0)
        truth_came(&run->truth, wish, truth_box(&run->truth, run->inbox), d.uid, serial, asked);
    return error == 0 || error == -E_LIMIT;
}

/* ------------------------------------------------------------------ kills and bad days */

static void vary(struct world *w, struct rng *rng) {
    static const uint64_t pack_sizes[] = {900, 20000, 400000, 0};
    static const uint64_t memories[] = {1, 20000, 0};
    static const unsigned counts[] = {1, 2, 5, 0};
    w->solo.pack_size = pack_sizes[rng_below(rng, 4)];
    w->solo.take_in_count = counts[rng_below(rng, 4)];
    w->solo.max_handles = counts[rng_below(rng, 4)];
    w->solo.io = &slow_disk_io;
    w->options.writers = counts[rng_below(rng, 4)];
    w->options.memory = memories[rng_below(rng, 3)];
}

static void open_store(struct model *m) {
    static const usec_t afters[] = {1, 20 * USEC_MS, 0};
    struct rng *rng = &m->run.rng;
    const struct search_indexes_options options = {.after = afters[rng_below(rng, 3)], .least = 1};
    vary(m->world, rng);
    m->indexes = rng_one_in(rng, 3) ? NULL : search_indexes_new(&options);
    m->world->options.arrived = m->indexes ? search_indexes_arrived : NULL;
    m->world->options.arrived_arg = m->indexes;
    world_open(m->world);
    if (m->indexes)
        assert_int_equal(search_indexes_start(m->indexes, m->world->store), 0);
}

static void close_store(struct model *m) {
    if (m->indexes)
        search_indexes_stop(m->indexes);
    world_close(m->world);
    search_indexes_free(m->indexes);
    m->indexes = NULL;
}

/* Copies what is there now, as a kill or a power cut leaves it. */
static void server_dies(void *arg) {
    struct model *m = arg;
    if (m->run.over)
        return;
    world_image(m->world);
    if (rng_one_in(&m->run.rng, 3))
        slow_disk_move(m->world->dir, m->world->other);
    else
        slow_disk_lose(m->world->dir, m->world->other);
    m->run.over = true;
    trace_line(trace, "   (the server dies)");
}

static void set_bad_day(struct run *run) {
    static const int errors[][2] = {{ENOSPC, 0}, {EIO, 0}, {0, EIO}};
    const int *e = errors[rng_below(&run->rng, 3)];
    slow_disk.write_error = e[0];
    slow_disk.sync_error = e[1];
    slow_disk.fail_after = rng_below(&run->rng, 30);
    slow_disk.fail_times = 1 + rng_below(&run->rng, 3);
    run->truth.is_trouble = true;
}

static void drop_all(struct model *m) {
    for (size_t i = 0; i < m->count; i++)
        client_drop(&m->clients[i]);
}

static void go_on_with_image(struct model *m) {
    drop_all(m);
    close_store(m);
    world_use_image(m->world);
    slow_disk_keep(m->world->dir);
    m->run.over = false;
    open_store(m);
}

/* So that it is too long ago to know what has vanished. */
static void let_time_pass(struct model *m) {
    drop_all(m);
    (void)fiber_sleep(40 * USEC_DAY);
}

static void start_again(struct model *m) {
    drop_all(m);
    close_store(m);
    open_store(m);
}

/* ------------------------------------------------------------------ rounds */

struct start {
    struct client *client;
    unsigned acts;
};

static void client_main(void *arg) {
    const struct start *start = arg;
    struct client *c = start->client;
    for (unsigned i = 0; i < start->acts && !c->run->over; i++) {
        if (c->dropped)
            client_connect(c);
        c->run->steps++;
        if (!c->dropped)
            act(c);
        if (c->dropped)
            client_drop(c);
    }
}

static void run_round(struct model *m) {
    struct run *run = &m->run;
    struct start starts[CLIENTS];
    struct fiber *fibers[CLIENTS];
    run->is_quarrel = rng_one_in(&run->rng, 5);
    run->is_tight = rng_one_in(&run->rng, 5);
    run->quota = run->is_tight ? 1 + run->used + rng_below(&run->rng, 20000) : 1U << 30;
    if (rng_one_in(&run->rng, 6))
        set_bad_day(run);
    if (rng_one_in(&run->rng, 2))
        slow_disk.cut_after = 1 + rng_below(&run->rng, 150);
    unsigned acts = m->count < CLIENTS ? 4 + rng_below(&run->rng, 25) : 1 + rng_below(&run->rng, 3);
    for (size_t i = 0; i < m->count; i++) {
        starts[i] = (struct start){&m->clients[i], acts};
        assert_int_equal(fiber_start("client", client_main, &starts[i], &fibers[i]), 0);
    }
    for (size_t i = 0; i < m->count; i++)
        fiber_join(fibers[i]);
    slow_disk.write_error = slow_disk.sync_error = 0;
    slow_disk.fail_times = slow_disk.cut_after = 0;
    if (run->over)
        go_on_with_image(m);
    else if (run->truth.is_trouble || rng_one_in(&run->rng, 4))
        start_again(m);
    run->truth.is_trouble = false;
    if (rng_one_in(&run->rng, 10))
        let_time_pass(m);
    trace_line(trace, "   (all is looked at)");
    inspect(run, m->clients, m->count);
}

/* In every other run somebody else visits the account; at first he may do all in the INBOX. */
static void begin_sharing(struct model *m) {
    struct run *run = &m->run;
    struct store_account *a;
    struct store_mailbox inbox;
    run->owner = OWNER;
    run->visitor = VISITOR;
    m->neighbours = (struct neighbours){
        .store = &m->world->store,
        .first = TEST_ACCOUNT,
        .count = 2,
        .people = {slice_of_str(run->owner), slice_of_str(run->visitor)},
        .quotas = {&run->quota},
    };
    if (rng_one_in(&run->rng, 2))
        return;
    assert_int_equal(store_account_open(m->world->store, TEST_ACCOUNT + 1, &a), 0);
    assert_int_equal(store_mailbox_get(a, STORE_INBOX, &inbox), 0);
    store_account_close(a);
    run->home = inbox.uidvalidity | TRUTH_ELSEWHERE;
    (void)truth_box(&run->truth, run->home);
    assert_int_equal(store_set_rights(m->world->account, STORE_INBOX, slice_of_str(run->visitor),
                                      S("lrswipkxtea")),
                     0);
}

static void begin(struct model *m) {
    struct run *run = &m->run;
    struct store_mailbox inbox;
    random_fix(seed);
    slow_disk_reset();
    slow_disk.rng = &run->rng;
    slow_disk.longest = 1 + rng_below(&run->rng, 3 * USEC_MS);
    slow_disk.cut = server_dies;
    slow_disk.arg = m;
    run->quota = 1U << 30;
    open_store(m);
    assert_int_equal(store_mailbox_get(m->world->account, STORE_INBOX, &inbox), 0);
    run->inbox = inbox.uidvalidity;
    (void)truth_box(&run->truth, run->inbox);
    begin_sharing(m);
    names_init(&run->names, inbox.uidvalidity);
    for (unsigned i = 0; i < m->count; i++) {
        client_init(&m->clients[i], run, i);
        m->clients[i].dropped = true;
    }
}

WORLD_TEST(clients_are_told_what_is_there) {
    struct model *m = NEW(struct model);
    m->run.rng.state = seed;
    m->run.trace = trace;
    m->run.is_exact = true;
    m->run.connect = connect_to;
    m->run.disconnect = disconnect;
    m->run.deliver = deliver;
    m->world = w;
    m->fiber = fiber_self();
    trace_begin("again: test_imap_imap_model 1 %" PRIu64 " trace", seed);
    m->count = seed % CROWD == 0 ? CLIENTS : 2 + rng_below(&m->run.rng, 5);
    begin(m);
    for (unsigned i = 0; i < ROUNDS; i++)
        run_round(m);
    for (size_t i = 0; i < m->count; i++)
        client_done(&m->clients[i]);
    close_store(m);
    truth_done(&m->run.truth);
    free(m);
}

int main(int argc, char **argv) {
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    trace = argc > 3;
    (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
    if (access("/dev/shm", W_OK) == 0) /* the disk is a play: nothing has to wait for a real one */
        (void)setenv("TMPDIR", "/dev/shm", 0);
    const struct CMUnitTest tests[] = {cmocka_unit_test(clients_are_told_what_is_there)};
    for (seed = first; seed < first + count; seed++) {
        fprintf(stderr, "seed %" PRIu64 "\n", seed);
        if (cmocka_run_group_tests(tests, NULL, NULL) != 0)
            return 1;
    }
    return 0;
}
