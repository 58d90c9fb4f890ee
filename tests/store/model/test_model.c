/* SPDX-License-Identifier: ISC */
/*
 * The store against a model (model.h): sessions do random things at the same time (session.c), on
 * a disk that is slow and sometimes fails (disk.h); between them, or in their midst, the store is
 * closed, the process dies, or the power fails. Afterwards the store must hold what the model
 * holds, with all numbers.
 *
 *     test_store_model [SEEDS [FIRST [trace]]]
 *
 * Each seed is a run of its own, on simulated time, and is the same at every time it is run. A run
 * that fails says its seed; `test_store_model 1 SEED trace` runs it
 * again and shows what is done.
 */
#include "session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "disk.h"
#include "fiber/fiber.h"

#define ROUNDS    10U
#define SIDE_DB   "67/4967/mail.db"
#define TEST_MAPS "67/4711/maps.db"
#define SIDE_MAPS "67/4967/maps.db"
#define WINDOW    (7 * USEC_DAY)

static uint64_t seed;
static bool trace;

/* ------------------------------------------------------------------ what a crash leaves */

/* Both accounts stay open: what has failed is tried again, and does not come back from the disk. */
static void open_again(struct run *run) {
    look_vary(run->world, &run->rng);
    world_open(run->world);
    assert_int_equal(store_account_open(run->world->store, SIDE_ACCOUNT, &run->second), 0);
}

static void close_accounts(struct run *run) {
    store_account_close(run->second);
    run->second = NULL;
    world_close(run->world);
}

/* Copies what is there now, as a kill or a power cut would leave it. */
static void take_image(struct run *run, bool power) {
    struct world *w = run->world;
    world_image(w);
    if (power)
        slow_disk_lose(w->dir, w->other);
    else
        slow_disk_move(w->dir, w->other);
}

/* Goes on with the image. The store ends in peace where it was; what it does there is of no
 * interest any more. */
static void use_image(struct run *run) {
    close_accounts(run);
    world_use_image(run->world);
    slow_disk_keep(run->world->dir);
    open_again(run);
}

/* ------------------------------------------------------------------ between the sessions */

static void do_nothing(struct run *run) {
    (void)run;
}

static void do_close(struct run *run) {
    close_accounts(run);
    open_again(run);
}

static void do_kill(struct run *run) {
    take_image(run, false);
    use_image(run);
}

/* What mail.db knows is in the packs too. */
static void do_lose_index(struct run *run) {
    static const char *const names[] = {TEST_DB, TEST_DB "-wal", SIDE_DB, SIDE_DB "-wal"};
    close_accounts(run);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char *path = world_path(run->world, names[i]);
        (void)unlink(path);
        free(path);
    }
    open_again(run);
}

static void do_repair(struct run *run) {
    close_accounts(run);
    struct backend_repaired r;
    struct problem p;
    for (size_t i = 0; i < SIDES && !run->world->memory.memory; i++)
        assert_int_equal(solo_offline.repair(run->world->dir, run->sides[i].id, &r, &p), 0);
    open_again(run);
}

/* Some of their bytes, or all; what they knew is made from the messages. */
static void do_spoil_maps(struct run *run) {
    static const char *const names[] = {TEST_MAPS, TEST_MAPS "-wal", SIDE_MAPS, SIDE_MAPS "-wal"};
    close_accounts(run);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        char *path = world_path(run->world, names[i]);
        if (file_exists(path) && rng_one_in(&run->rng, 2))
            (void)unlink(path);
        else if (file_exists(path) && rng_one_in(&run->rng, 2))
            file_damage(path, rng_below(&run->rng, 8192), 100);
        free(path);
    }
    open_again(run);
}

static void do_compact_and_lose_index(struct run *run) {
    (void)store_compact(run->world->account);
    do_lose_index(run);
}

/* What was removed is over; messages and keys are not. */
static void do_let_time_pass(struct run *run) {
    if (run->time_passed) /* keys live for ten days */
        return;
    run->time_passed = true;
    (void)fiber_sleep(WINDOW + USEC_DAY);
    for (size_t i = 0; i < SIDES; i++)
        run->sides[i].model->removals.count = 0;
}

static const struct between {
    const char *name;
    unsigned weight;
    void (*run)(struct run *run) WAITS;
} betweens[] = {{"nothing", 3, do_nothing},
                {"close", 2, do_close},
                {"kill", 2, do_kill},
                {"lose the index", 1, do_lose_index},
                {"repair", 1, do_repair},
                {"spoil the maps", 1, do_spoil_maps},
                {"compact and lose the index", 1, do_compact_and_lose_index},
                {"let time pass", 1, do_let_time_pass}};

/* ------------------------------------------------------------------ in their midst */

/* Or only the process is killed. */
static void power_fails(void *arg) {
    struct run *run = arg;
    if (run->over)
        return;
    take_image(run, !rng_one_in(&run->rng, 3));
    run->over = true;
}

static void set_bad_day(struct run *run) {
    static const int errors[][2] = {{ENOSPC, 0}, {EIO, 0}, {0, EIO}};
    const int *e = errors[rng_below(&run->rng, 3)];
    slow_disk.write_error = e[0];
    slow_disk.sync_error = e[1];
    slow_disk.fail_after = rng_below(&run->rng, 30);
    slow_disk.fail_times = 1 + rng_below(&run->rng, 3);
    run->trouble = true;
}

static void end_bad_day(struct run *run) {
    slow_disk.write_error = slow_disk.sync_error = 0;
    slow_disk.fail_times = slow_disk.cut_after = 0;
    run->trouble = false;
}

static void go_on_after_cut(struct run *run) {
    if (run->trace)
        fprintf(stderr, "  cut\n");
    run->over = false;
    use_image(run);
    sessions_check(run, true);
}

static void run_round(struct run *run) {
    if (rng_one_in(&run->rng, 5))
        set_bad_day(run);
    if (rng_one_in(&run->rng, 2))
        slow_disk.cut_after = 1 + rng_below(&run->rng, 120);
    sessions_run(run, 4 + rng_below(&run->rng, 14));
    end_bad_day(run);
    if (run->over) {
        go_on_after_cut(run);
        return;
    }
    sessions_check(run, false);
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof betweens / sizeof *betweens; i++)
        sum += betweens[i].weight;
    unsigned at = rng_below(&run->rng, sum);
    const struct between *b = betweens;
    while (at >= b->weight)
        at -= b++->weight;
    if (run->trace)
        fprintf(stderr, "  %s\n", b->name);
    b->run(run);
    sessions_check(run, true);
}

static void begin_side(struct run *run, struct side *side, uint64_t id) {
    struct store_account *a;
    struct store_mailbox inbox;
    assert_int_equal(store_account_open(run->world->store, id, &a), 0);
    assert_int_equal(store_mailbox_get(a, STORE_INBOX, &inbox), 0);
    side->id = id;
    side->model = mem_zero(sizeof *side->model);
    side->model->remembers = run->world->options.undelete > 0;
    side->model->forgets = run->world->options.undelete_bytes > 0;
    struct model_mailbox *b = &side->model->mailboxes[side->model->count++];
    b->id = inbox.id;
    b->uidvalidity = inbox.uidvalidity;
    b->uidnext = b->promised = 1;
    strcpy(b->name, "INBOX");
    store_account_close(a);
}

static void run_seed(struct world *w, struct memory *memory) {
    struct run *run = mem_zero(sizeof *run);
    run->world = w;
    run->rng.state = seed;
    run->trace = trace;
    random_fix(seed);
    slow_disk_reset();
    slow_disk.rng = &run->rng;
    slow_disk.longest = 1 + rng_below(&run->rng, 3 * USEC_MS);
    slow_disk.cut = power_fails;
    slow_disk.arg = run;
    w->memory = (struct memory_options){.memory = memory, .before_commit = slow_disk_commit};
    w->options.undelete = rng_one_in(&run->rng, 3) ? 0 : WINDOW;
    w->options.undelete_bytes = w->options.undelete && rng_one_in(&run->rng, 2) ? 3000 : 0;
    open_again(run);
    begin_side(run, &run->sides[0], TEST_ACCOUNT);
    begin_side(run, &run->sides[1], SIDE_ACCOUNT);
    for (unsigned i = 0; i < ROUNDS; i++)
        run_round(run);
    close_accounts(run);
    for (size_t i = 0; i < SIDES; i++)
        free(run->sides[i].model);
    free(run);
}

WORLD_TEST(the_store_on_packs_is_what_the_model_is) {
    run_seed(w, NULL);
}

WORLD_TEST(the_store_in_memory_is_what_the_model_is) {
    run_seed(w, memory_new());
}

int main(int argc, char **argv) {
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    trace = argc > 3;
    /* What fails ends the program at once, and leaves its folder to be looked at. */
    (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
    if (access("/dev/shm", W_OK) == 0) /* the disk is a play: nothing has to wait for a real one */
        (void)setenv("TMPDIR", "/dev/shm", 0);
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_store_on_packs_is_what_the_model_is),
                                       cmocka_unit_test(the_store_in_memory_is_what_the_model_is)};
    for (seed = first; seed < first + count; seed++) {
        fprintf(stderr, "seed %" PRIu64 "\n", seed);
        if (cmocka_run_group_tests(tests, NULL, NULL) != 0)
            return 1;
    }
    return 0;
}
