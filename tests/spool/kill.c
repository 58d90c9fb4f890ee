/* SPDX-License-Identifier: ISC */
/*
 * The process dies at any instant (kill -9), again and again on the same spool, with small segments
 * so that beginning, freeing and copying segments are hit as well. The child tells through a pipe
 * what was acknowledged; the parent opens the spool and compares.
 */
#include "world.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/map.h"
#include "base/random.h"

#define ROUNDS  20
#define FIBERS  6
#define KEPT_IN 9 /* each so manieth message stays */

enum { ACCEPTED = 1, LEAVING, SETTLED };

/* What the child says; written in one piece. */
struct word {
    uint64_t id;
    uint64_t what;
};

static struct {
    char path[64];
    int dir;
    struct map known; /* of struct word: the last word on each message */
} test;

static const struct spool_options OPTIONS = {
    .segment_size = TEST_SEGMENT, .reserve = 1, .compact_rate = 1U << 30};

/* ------------------------------------------------------------------ the child */

static struct {
    struct spool *spool;
    int out;
    unsigned count;
} child;

static void say(uint64_t id, uint64_t what) {
    struct word word = {id, what};
    MUST(write(child.out, &word, sizeof word) == sizeof word);
}

static void make_text(uint64_t id, char text[static 3000]) {
    size_t len = 100 + id % 2800;
    memset(text, 0, 3000);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)('a' + (id + i) % 26);
}

static void work(void *arg) {
    static const struct recipient to = {.address = {"hanako@example.org", 18}};
    static const struct envelope envelope = {.recipients = &to, .count = 1};
    char text[3000];
    for (;;) {
        struct spool_message *message;
        uint64_t id = spool_new_id(child.spool);
        make_text(id, text);
        struct spool_content content = {.bytes = slice_of_str(text)};
        MUST(spool_accept(child.spool, id, &envelope, &content, &message) == 0);
        say(id, ACCEPTED);
        if (child.count++ % KEPT_IN == 0)
            continue;
        say(id, LEAVING);
        struct spool_change done = {.kind = SPOOL_DONE, .id = id};
        MUST(spool_update(child.spool, &done, 1) == 0);
        say(id, SETTLED);
    }
}

static void live(void *arg) {
    MUST(spool_open(test.dir, &OPTIONS, &child.spool, NULL) == 0);
    for (int i = 0; i < FIBERS; i++)
        MUST(fiber_spawn("work", work, NULL) == 0);
    while (fiber_sleep(USEC_HOUR) == 0) {
    }
}

static pid_t start_child(int *ret_out) {
    int pipe_fds[2];
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct fiber_config config = {0};
        child.out = pipe_fds[1];
        (void)fiber_run(&config, live, NULL);
        _exit(1);
    }
    close(pipe_fds[1]);
    *ret_out = pipe_fds[0];
    return pid;
}

/* ------------------------------------------------------------------ the parent */

static void note(const struct word *word) {
    struct word *known = map_get(&test.known, map_u64(&word->id));
    if (known) {
        known->what = word->what;
        return;
    }
    known = mem_copy(word, sizeof *word);
    (void)map_put(&test.known, map_u64(&known->id), known);
}

/* Listens for a while, kills, and takes in what was said until then. */
static void listen_and_kill(pid_t pid, int out, int span_ms) {
    struct word word;
    struct pollfd p = {.fd = out, .events = POLLIN};
    unsigned heard = 0;
    while (heard < 50 && poll(&p, 1, 20000) == 1 && read(out, &word, sizeof word) == sizeof word) {
        note(&word);
        heard++;
    }
    assert_int_equal(heard, 50);
    (void)poll(NULL, 0, span_ms);
    assert_int_equal(kill(pid, SIGKILL), 0);
    while (read(out, &word, sizeof word) == sizeof word)
        note(&word);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    close(out);
}

static void check_message(struct spool *s, struct word *known) {
    char text[3000];
    struct spool_body body;
    bool there = spool_find(s, known->id);
    if (known->what == ACCEPTED)
        MUST(there);
    if (known->what == SETTLED)
        MUST(!there);
    known->what = there ? ACCEPTED : SETTLED;
    if (!there)
        return;
    make_text(known->id, text);
    MUST(spool_body_open(s, known->id, &body) == 0);
    MUST(slice_eq(body.bytes, slice_of_str(text)));
    spool_body_close(&body);
}

static void notice(void *arg, enum spool_notice kind, const char *text) {
    if (kind != SPOOL_NOTICE_TORN)
        panic("notice %d: %s", (int)kind, text);
}

static void check(void *arg) {
    struct spool *s;
    struct spool_options options = OPTIONS;
    options.notice = notice;
    MUST(spool_open(test.dir, &options, &s, NULL) == 0);
    struct map_entry *e;
    size_t at = 0;
    while ((e = map_next(&test.known, &at)))
        check_message(s, e->value);
    spool_close(s);
}

/* D1, D5; "any role may die at any instant" */
static void nothing_acknowledged_is_lost_by_kill_9(void **state) {
    for (int round = 0; round < ROUNDS; round++) {
        int out;
        pid_t pid = start_child(&out);
        listen_and_kill(pid, out, (int)random_below(150));
        struct fiber_config config = {0};
        assert_int_equal(fiber_run(&config, check, NULL), 0);
    }
    assert_true(test.known.count > 50 * ROUNDS / 3);
}

static int set_up(void **state) {
    (void)snprintf(test.path, sizeof test.path, "/tmp/hayauma-kill-XXXXXX");
    if (!mkdtemp(test.path))
        return -1;
    test.dir = open(test.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return test.dir < 0 ? -1 : 0;
}

static int tear_down(void **state) {
    struct map_entry *e;
    size_t at = 0;
    while ((e = map_next(&test.known, &at)))
        free(e->value);
    map_done(&test.known);
    world_empty(test.dir);
    close(test.dir);
    return rmdir(test.path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_acknowledged_is_lost_by_kill_9, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("spool kill", tests, NULL, NULL);
}
