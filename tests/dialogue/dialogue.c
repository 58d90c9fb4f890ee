/* SPDX-License-Identifier: ISC */
/*
 * The script runs in the first fiber, each connection's session in a child. A step that reads has a
 * deadline on the fake clock (one second unless `within` says more), so a session that says nothing
 * is found at once. The first thing that does not fit ends the script: what was expected and what
 * came goes into the report together with the last lines of the conversation.
 *
 * Every step has its function in one table: those of one side are in send.c and expect.c.
 */
#include "dialogue/dialogue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/random.h"
#include "dialogue/talk.h"

#define READ_WITHIN (1 * USEC_SEC)
#define ENDS_WITHIN (60 * USEC_SEC) /* after the other side has closed */

/* ------------------------------------------------------------------ connections */

static void run_session(void *arg) {
    struct connection *c = arg;
    struct stream *s = wire_stream(&c->wire);
    c->talk->d->session(s, c->talk->world);
    (void)stream_shutdown(s);
    stream_free(s);
}

/* The session has begun when this returns: what is set from now on is not for its beginning. */
static int connect_session(struct talk *t) {
    struct connection *c = t->c;
    wire_init(&c->wire, DIALOGUE_ROOM);
    c->wire.keeps = t->d->judge;
    c->end_seen = false;
    int r = fiber_start("session", run_session, c, &c->session);
    if (r < 0)
        talk_report(t, "no session: %s", error_text(r));
    return r < 0 ? r : fiber_yield();
}

static void judge(struct connection *c) {
    struct talk *t = c->talk;
    struct problem problem = {0};
    if (!t->d->judge || t->result < 0 || t->judgement < 0 || c->wire.cut || c->wire.hung_up)
        return;
    t->judgement = t->d->judge(buf_slice(&c->wire.whole), &problem);
    if (t->judgement < 0)
        talk_report(t, "%s", problem.text);
}

static void end_session(struct connection *c) {
    fiber_cancel(c->session);
    fiber_join(c->session);
    c->session = NULL;
    judge(c);
    wire_done(&c->wire);
}

/* Nothing may be left unread; then closes the script's side and waits for the session's end. */
static int disconnect(struct talk *t) {
    struct connection *c = t->c;
    (void)fiber_sleep(1);
    if (c->wire.said.len > 0 && !c->wire.cut) {
        talk_report(t, "%s said more than the script has read", talk_tested_name(t));
        talk_report_bytes(t, "came", buf_slice(&c->wire.said));
        talk_report_log(t);
        return -E_REFUSED;
    }
    wire_send_end(&c->wire);
    usec_t deadline = fiber_now() + ENDS_WITHIN;
    while (!c->wire.closed) {
        int r = fiber_cond_wait_until(&c->wire.to_script, deadline);
        if (r < 0) {
            talk_report(t, "the session did not end after the connection was closed");
            talk_report_log(t);
            return r;
        }
    }
    end_session(c);
    return 0;
}

static int reconnect(struct talk *t, const struct step *step) {
    int r = disconnect(t);
    if (r < 0)
        return r;
    talk_log_sent(t, S("(connects anew)"));
    return connect_session(t);
}

/* ------------------------------------------------------------------ other steps */

static int wait_span(struct talk *t, const struct step *step) {
    return fiber_sleep(step->span);
}

static int set_within(struct talk *t, const struct step *step) {
    t->within = step->span;
    return 0;
}

/* The text of a step `set` or `let`. */
static void step_value(const struct talk *t, const struct step *step, struct buf *to) {
    struct slice rest = step->text, line;
    if (step->form == FORM_BYTES)
        buf_add(to, step->text);
    else if (step->form == FORM_TEXT)
        match_expand(&t->names, step->text, to);
    else
        while (slice_next(&rest, '\n', &line)) {
            match_expand(&t->names, line, to);
            buf_add_str(to, "\r\n");
        }
}

static int let(struct talk *t, const struct step *step) {
    _cleanup_(buf_done) struct buf value = {0};
    step_value(t, step, &value);
    match_keep(&t->names, step->name, buf_slice(&value));
    return 0;
}

static int set_world(struct talk *t, const struct step *step) {
    struct problem problem = {0};
    _cleanup_(buf_done) struct buf value = {0};
    step_value(t, step, &value);
    int r = t->d->set ? t->d->set(t->world, step->name, buf_slice(&value), &problem) : -E_UNKNOWN;
    if (r < 0)
        talk_report(t, "cannot set \"%.*s\": %s", SLICE_ARG(step->name),
                    problem.text[0] ? problem.text : "this test has no such name");
    return r;
}

static int expect_world(struct talk *t, const struct step *step) {
    _cleanup_(buf_done) struct buf value = {0};
    (void)fiber_sleep(1);
    int r = t->d->get ? t->d->get(t->world, step->name, &value) : -E_UNKNOWN;
    if (r < 0) {
        talk_report(t, "this test has nothing called \"%.*s\"", SLICE_ARG(step->name));
        return r;
    }
    if (step->form == FORM_BYTES ? slice_eq(step->text, buf_slice(&value))
                                 : match(&t->names, step->text, buf_slice(&value)))
        return 0;
    talk_report(t, "\"%.*s\" is not as expected", SLICE_ARG(step->name));
    talk_report_bytes(t, "expected", step->text);
    talk_report_bytes(t, "is", buf_slice(&value));
    talk_report_log(t);
    return -E_REFUSED;
}

/* ------------------------------------------------------------------ running */

static int (*const step_functions[])(struct talk *t, const struct step *step) = {
    [STEP_SEND_LINES] = step_send_lines,
    [STEP_SEND_BYTES] = step_send_bytes,
    [STEP_SEND_END] = step_send_end,
    [STEP_HANG_UP] = step_hang_up,
    [STEP_CUT] = step_cut,
    [STEP_EACH_BYTE] = step_each_byte,
    [STEP_SEND_PACE] = step_send_pace,
    [STEP_CONNECT] = reconnect,
    [STEP_LINE] = step_expect_line,
    [STEP_UNTIL] = step_expect_until,
    [STEP_BYTES] = step_expect_bytes,
    [STEP_SKIP] = step_skip_bytes,
    [STEP_END] = step_expect_end,
    [STEP_READ_PACE] = step_read_pace,
    [STEP_WRITES] = step_expect_writes,
    [STEP_WAIT] = wait_span,
    [STEP_SILENCE] = step_expect_silence,
    [STEP_WITHIN] = set_within,
    [STEP_SET] = set_world,
    [STEP_LET] = let,
    [STEP_EXPECT] = expect_world,
};

static bool is_connected(const struct talk *t) {
    for (size_t i = 0; i < SCRIPT_CONNECTIONS; i++)
        if (t->connections[i].session)
            return true;
    return false;
}

/*
 * A connection is opened by the first step of its side; the first one also by any step that is not
 * of a side, but for those that arrange the world and the names before.
 */
static bool opens(const struct talk *t, const struct step *step) {
    if (step->of_side)
        return !t->c->session;
    return step->kind != STEP_SET && step->kind != STEP_LET && !is_connected(t);
}

static int run_step(struct talk *t, const struct step *step) {
    t->step = step;
    t->c = &t->connections[step->connection];
    if (opens(t, step)) {
        int r = connect_session(t);
        if (r < 0 || step->kind == STEP_CONNECT)
            return r;
    }
    int r = step_functions[step->kind](t, step);
    if (step->kind != STEP_WITHIN)
        t->within = READ_WITHIN;
    return r;
}

static void run_script(void *arg) {
    struct talk *t = arg;
    t->within = READ_WITHIN;
    t->world = t->d->world_new ? t->d->world_new() : NULL;
    for (size_t i = 0; i < SCRIPT_CONNECTIONS; i++) {
        struct connection *c = &t->connections[i];
        c->talk = t;
        if (t->script->numbered)
            (void)snprintf(c->label, sizeof c->label, "%u", (unsigned)i % 9 + 1);
    }
    for (size_t i = 0; i < t->script->count && t->result == 0; i++)
        t->result = run_step(t, &t->script->steps[i]);
    for (size_t i = 0; i < SCRIPT_CONNECTIONS; i++) {
        t->c = &t->connections[i];
        if (t->c->session && t->result == 0)
            t->result = disconnect(t);
    }
    for (size_t i = 0; i < SCRIPT_CONNECTIONS; i++)
        if (t->connections[i].session)
            end_session(&t->connections[i]);
    t->result = MIN(t->result, t->judgement);
    if (t->d->world_free)
        t->d->world_free(t->world);
}

static int read_file(const char *path, struct buf *to) {
    _cleanup_(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    for (;;) {
        buf_reserve(to, 65536);
        ssize_t got = read(fd, to->ptr + to->len, 65536);
        if (got <= 0)
            return got < 0 ? -errno : 0;
        to->len += (size_t)got;
    }
}

static void talk_done(struct talk *t) {
    map_done(&t->names.values);
    arena_done(&t->arena);
    for (size_t i = 0; i < TALK_LINES; i++)
        buf_done(&t->log[i]);
}

/* A file named in a script is found from the folder of the script. */
static int read_included(void *arg, struct slice name, struct slice *ret_text,
                         const char **ret_path) {
    struct talk *t = arg;
    _cleanup_(buf_done) struct buf text = {0};
    struct slice folder = slice_of_str(t->path);
    folder.len = (size_t)(slice_rfind_byte(folder, '/') + 1);
    char *path = arena_str(&t->arena,
                           arena_printf(&t->arena, "%.*s%.*s", SLICE_ARG(folder), SLICE_ARG(name)));
    int r = read_file(path, &text);
    if (r < 0)
        return r;
    *ret_text = arena_copy(&t->arena, buf_slice(&text));
    *ret_path = path;
    return 0;
}

int dialogue_run(const char *path, const struct dialogue *d, struct buf *report) {
    _cleanup_(buf_done) struct buf text = {0};
    _cleanup_(talk_done) struct talk t = {.path = path, .d = d, .report = report};
    struct script script;
    struct problem problem = {0};
    struct script_place bad = {0};
    t.names.a = &t.arena;
    t.script = &script;
    int r = read_file(path, &text);
    if (r < 0) {
        buf_printf(report, "%s: %s\n", path, error_text(r));
        return r;
    }
    const struct script_source source = {.path = path,
                                         .text = buf_slice(&text),
                                         .own = talk_own_side(&t),
                                         .include = read_included,
                                         .arg = &t};
    r = script_parse(&t.arena, &source, &script, &bad, &problem);
    if (r < 0) {
        buf_printf(report, "%s:%u: %s\n", bad.file, bad.line, problem.text);
        return r;
    }
    random_fix(1);
    r = fiber_run(&(struct fiber_config){.simulate_from = DIALOGUE_START}, run_script, &t);
    if (r < 0)
        buf_printf(report, "%s: the scheduler did not start: %s\n", path, error_text(r));
    return r < 0 ? r : t.result;
}
