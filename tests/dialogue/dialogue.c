/* SPDX-License-Identifier: ISC */
/*
 * The script runs in the first fiber, each connection's session in a child. A step that reads has a
 * deadline on the fake clock (one second unless `within` says more), so a session that says nothing
 * is found at once. The first thing that does not fit ends the script: what was expected and what
 * came goes into the report together with the last lines of the conversation.
 *
 * Every step has its function in one table. They return 0, or negative when the report is written.
 */
#include "dialogue/dialogue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/random.h"
#include "dialogue/match.h"
#include "dialogue/script.h"
#include "dialogue/wire.h"
#include "fiber/fiber.h"

#define READ_WITHIN  (1 * USEC_SEC)
#define ENDS_WITHIN  (60 * USEC_SEC) /* after the other side has closed */
#define LINE_MAX_LEN ((size_t)1 << 20)
#define LOG_LINES    16 /* of the conversation, shown in a report */
#define SHOWN        200

struct pace {
    uint64_t bytes, left;
    usec_t span;
};

struct talk {
    const char *path;
    const struct dialogue *d;
    const struct script *script;
    const struct step *step;
    struct buf *report;
    struct arena arena;
    struct names names;
    void *world;
    struct wire wire;
    bool connected;
    bool each_byte;
    struct pace sending, reading;
    usec_t within;
    struct buf log[LOG_LINES];
    size_t logged;
    int result;
};

/* ------------------------------------------------------------------ reports */

static char own_side(const struct talk *t) {
    return t->d->tests_client ? 'S' : 'C';
}
static char tested_side(const struct talk *t) {
    return t->d->tests_client ? 'C' : 'S';
}
static const char *tested_name(const struct talk *t) {
    return t->d->tests_client ? "the client" : "the server";
}

static void log_said(struct talk *t, char side, struct slice bytes) {
    while (bytes.len > 0) {
        ssize_t lf = slice_find_byte(bytes, '\n');
        size_t len = lf < 0 ? bytes.len : (size_t)lf + 1;
        struct buf *line = &t->log[t->logged++ % LOG_LINES];
        buf_clear(line);
        buf_printf(line, "%c: ", side);
        struct slice shown = slice_first(bytes, len);
        if (slice_ends(shown, S("\r\n")))
            shown.len -= 2;
        show_bytes(line, shown, SHOWN);
        bytes = slice_from(bytes, len);
    }
}

static void report_log(struct talk *t) {
    size_t from = t->logged > LOG_LINES ? t->logged - LOG_LINES : 0;
    if (t->logged > 0)
        buf_add_str(t->report, "  what was said before:\n");
    for (size_t i = from; i < t->logged; i++)
        buf_printf(t->report, "    %s\n", buf_str(&t->log[i % LOG_LINES]));
}

/* Begins the report of the present step: "file:line: what". */
static void report(struct talk *t, const char *format, ...) PRINTF_LIKE(2, 3);
static void report(struct talk *t, const char *format, ...) {
    va_list args;
    va_start(args, format);
    buf_printf(t->report, "%s:%u: ", t->path, t->step ? t->step->line : 0);
    buf_printf_v(t->report, format, args);
    buf_add_byte(t->report, '\n');
    va_end(args);
}

static void report_bytes(struct talk *t, const char *what, struct slice bytes) {
    buf_printf(t->report, "  %-10s", what);
    show_bytes(t->report, bytes, SHOWN);
    buf_add_byte(t->report, '\n');
}

/* The report of a step that read something else than it wanted. */
static int differs(struct talk *t, const char *what, struct slice expected, struct slice came) {
    report(t, "%s", what);
    report_bytes(t, "expected", expected);
    report_bytes(t, "came", came);
    report_log(t);
    return -E_REFUSED;
}

static int nothing_came(struct talk *t, int error, struct slice expected) {
    char span[TIME_TEXT_SIZE];
    if (error == -ETIMEDOUT)
        report(t, "%s said nothing for %.*s", tested_name(t),
               SLICE_ARG(time_format_span(t->within, span)));
    else
        report(t, "%s has closed the connection", tested_name(t));
    report_bytes(t, "expected", expected);
    if (t->wire.said.len > 0)
        report_bytes(t, "came", buf_slice(&t->wire.said));
    report_log(t);
    return -E_REFUSED;
}

/* ------------------------------------------------------------------ connections */

static void run_session(void *arg) {
    struct talk *t = arg;
    struct stream *s = wire_stream(&t->wire);
    t->d->session(s, t->world);
    (void)stream_shutdown(s);
    stream_free(s);
}

static int connect_session(struct talk *t) {
    wire_init(&t->wire, DIALOGUE_ROOM);
    t->connected = true;
    return fiber_spawn("session", run_session, t);
}

/* Nothing may be left unread; then closes the script's side and waits for the session's end. */
static int disconnect(struct talk *t) {
    if (!t->connected)
        return 0;
    (void)fiber_sleep(1);
    if (t->wire.said.len > 0 && !t->wire.cut) {
        report(t, "%s said more than the script has read", tested_name(t));
        report_bytes(t, "came", buf_slice(&t->wire.said));
        report_log(t);
        return -E_REFUSED;
    }
    wire_send_end(&t->wire);
    usec_t deadline = fiber_now() + ENDS_WITHIN;
    while (!t->wire.closed) {
        int r = fiber_cond_wait_until(&t->wire.to_script, deadline);
        if (r < 0) {
            report(t, "the session did not end after the connection was closed");
            report_log(t);
            return r;
        }
    }
    fiber_cancel_children();
    wire_done(&t->wire);
    t->connected = false;
    return 0;
}

/* ------------------------------------------------------------------ steps that send */

static void send_piece(struct talk *t, struct slice bytes) {
    while (bytes.len > 0) {
        size_t len = t->each_byte ? 1 : bytes.len;
        if (t->sending.bytes > 0) {
            if (t->sending.left == 0) {
                (void)fiber_sleep(t->sending.span);
                t->sending.left = t->sending.bytes;
            }
            len = MIN(len, t->sending.left);
            t->sending.left -= len;
        }
        wire_send(&t->wire, slice_first(bytes, len));
        bytes = slice_from(bytes, len);
    }
}

static int send_lines(struct talk *t, const struct step *step) {
    _cleanup_(buf_done) struct buf bytes = {0};
    struct slice rest = step->text, line;
    if (rest.len == 0)
        buf_add_str(&bytes, "\r\n");
    while (rest.len > 0 && slice_next(&rest, '\n', &line)) {
        match_expand(&t->names, line, &bytes);
        buf_add_str(&bytes, "\r\n");
    }
    log_said(t, own_side(t), buf_slice(&bytes));
    send_piece(t, buf_slice(&bytes));
    return 0;
}

static int send_bytes(struct talk *t, const struct step *step) {
    _cleanup_(buf_done) struct buf bytes = {0};
    for (uint64_t i = 0; i < step->count; i++)
        buf_add(&bytes, step->text);
    log_said(t, own_side(t), buf_slice(&bytes));
    send_piece(t, buf_slice(&bytes));
    return 0;
}

static int send_end(struct talk *t, const struct step *step) {
    log_said(t, own_side(t), S("(sends no more)"));
    wire_send_end(&t->wire);
    return 0;
}

static int hang_up(struct talk *t, const struct step *step) {
    log_said(t, own_side(t), S("(hangs up)"));
    wire_drop(&t->wire, t->wire.said.len);
    wire_hang_up(&t->wire);
    return 0;
}

static int cut(struct talk *t, const struct step *step) {
    log_said(t, own_side(t), S("(cuts the connection)"));
    wire_drop(&t->wire, t->wire.said.len);
    wire_cut(&t->wire);
    return 0;
}

static int each_byte(struct talk *t, const struct step *step) {
    t->each_byte = step->count > 0;
    return 0;
}

static int send_pace(struct talk *t, const struct step *step) {
    t->sending = (struct pace){step->count, step->count, step->span};
    return 0;
}

static int reconnect(struct talk *t, const struct step *step) {
    int r = disconnect(t);
    if (r < 0)
        return r;
    log_said(t, own_side(t), S("(connects anew)"));
    return connect_session(t);
}

/* ------------------------------------------------------------------ steps that read */

/* Drops `len` bytes as read, in the pace that was set. */
static void take(struct talk *t, size_t len) {
    log_said(t, tested_side(t), slice_first(buf_slice(&t->wire.said), len));
    while (len > 0) {
        size_t some = len;
        if (t->reading.bytes > 0) {
            if (t->reading.left == 0) {
                (void)fiber_sleep(t->reading.span);
                t->reading.left = t->reading.bytes;
            }
            some = MIN(len, t->reading.left);
            t->reading.left -= some;
        }
        wire_drop(&t->wire, some);
        len -= some;
    }
}

/* Waits for a whole line; it stays in the wire's buffer, its length with LF is given back. */
static int wait_line(struct talk *t, usec_t deadline, size_t *ret_len) {
    for (;;) {
        struct buf *said = &t->wire.said;
        ssize_t lf = slice_find_byte(buf_slice(said), '\n');
        if (lf >= 0) {
            *ret_len = (size_t)lf + 1;
            return 0;
        }
        if (said->len > LINE_MAX_LEN)
            return -E_LIMIT;
        size_t have = said->len;
        int r = wire_wait(&t->wire, have, deadline);
        if (r < 0)
            return r;
        if (t->wire.said.len == have)
            return -E_EOF;
    }
}

static int read_line(struct talk *t, const struct step *step, usec_t deadline, bool *ret_matches) {
    size_t len;
    int r = wait_line(t, deadline, &len);
    if (r < 0)
        return nothing_came(t, r, step->text);
    struct slice line = slice_first(buf_slice(&t->wire.said), len);
    if (!slice_ends(line, S("\r\n")))
        return differs(t, "a line must end with CRLF", step->text, line);
    line.len -= 2;
    *ret_matches = match(&t->names, step->text, line);
    if (step->kind == STEP_LINE && !*ret_matches)
        return differs(t, "something else was said", step->text, line);
    take(t, len);
    return 0;
}

static int expect_line(struct talk *t, const struct step *step) {
    bool matches;
    return read_line(t, step, fiber_now() + t->within, &matches);
}

static int expect_until(struct talk *t, const struct step *step) {
    usec_t deadline = fiber_now() + t->within;
    bool matches = false;
    while (!matches) {
        int r = read_line(t, step, deadline, &matches);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Reads `want` bytes in parts; each goes through `part` with the number of bytes before it. */
static int read_parts(struct talk *t, const struct step *step, uint64_t want,
                      int (*part)(struct talk *t, const struct step *step, uint64_t before,
                                  struct slice bytes)) {
    usec_t deadline = fiber_now() + t->within;
    for (uint64_t done = 0; done < want;) {
        int r = wire_wait(&t->wire, 0, deadline);
        if (r == 0 && t->wire.said.len == 0)
            r = -E_EOF;
        if (r < 0)
            return nothing_came(t, r, step->text);
        struct slice some = slice_first(buf_slice(&t->wire.said), want - done);
        r = part(t, step, done, some);
        if (r < 0)
            return r;
        done += some.len;
        usec_t before = fiber_now();
        take(t, some.len);
        deadline += fiber_now() - before;
    }
    return 0;
}

static int same_bytes(struct talk *t, const struct step *step, uint64_t before,
                      struct slice bytes) {
    for (size_t i = 0; i < bytes.len; i++) {
        size_t at = (before + i) % step->text.len;
        if (bytes.ptr[i] != step->text.ptr[at])
            return differs(t, "other bytes came", slice_from(step->text, at), slice_from(bytes, i));
    }
    return 0;
}

static int any_bytes(struct talk *t, const struct step *step, uint64_t before, struct slice bytes) {
    return 0;
}

static int expect_bytes(struct talk *t, const struct step *step) {
    return read_parts(t, step, step->count * step->text.len, same_bytes);
}

static int skip_bytes(struct talk *t, const struct step *step) {
    return read_parts(t, step, step->count, any_bytes);
}

static int expect_end(struct talk *t, const struct step *step) {
    int r = wire_wait(&t->wire, 0, fiber_now() + t->within);
    if (t->wire.said.len > 0)
        return differs(t, "something was said", S("(the end)"), buf_slice(&t->wire.said));
    if (r < 0) {
        report(t, "%s did not close the connection", tested_name(t));
        report_log(t);
        return -E_REFUSED;
    }
    log_said(t, tested_side(t), S("(says no more)"));
    return 0;
}

static int read_pace(struct talk *t, const struct step *step) {
    t->reading = (struct pace){step->count, step->count, step->span};
    return 0;
}

static int expect_writes(struct talk *t, const struct step *step) {
    (void)fiber_sleep(1);
    unsigned writes = t->wire.writes;
    t->wire.writes = 0;
    if (writes == step->count)
        return 0;
    report(t, "expected output in %u writes, it came in %u", (unsigned)step->count, writes);
    report_log(t);
    return -E_REFUSED;
}

/* ------------------------------------------------------------------ other steps */

static int wait_span(struct talk *t, const struct step *step) {
    return fiber_sleep(step->span);
}

static int expect_silence(struct talk *t, const struct step *step) {
    int r = wire_wait(&t->wire, 0, fiber_now() + step->span);
    if (r == -ETIMEDOUT)
        return 0;
    if (t->wire.said.len > 0)
        return differs(t, "something was said", S("(silence)"), buf_slice(&t->wire.said));
    report(t, "%s has closed the connection instead of waiting in silence", tested_name(t));
    report_log(t);
    return -E_REFUSED;
}

static int set_within(struct talk *t, const struct step *step) {
    t->within = step->span;
    return 0;
}

static int set_world(struct talk *t, const struct step *step) {
    struct problem problem = {0};
    _cleanup_(buf_done) struct buf value = {0};
    if (step->count == 0)
        buf_add(&value, step->text);
    else
        match_expand(&t->names, step->text, &value);
    int r = t->d->set ? t->d->set(t->world, step->name, buf_slice(&value), &problem) : -E_UNKNOWN;
    if (r < 0)
        report(t, "cannot set \"%.*s\": %s", SLICE_ARG(step->name),
               problem.text[0] ? problem.text : "this test has no such name");
    return r;
}

static int expect_world(struct talk *t, const struct step *step) {
    _cleanup_(buf_done) struct buf value = {0};
    (void)fiber_sleep(1);
    int r = t->d->get ? t->d->get(t->world, step->name, &value) : -E_UNKNOWN;
    if (r < 0) {
        report(t, "this test has nothing called \"%.*s\"", SLICE_ARG(step->name));
        return r;
    }
    if (step->count == 0 ? slice_eq(step->text, buf_slice(&value))
                         : match(&t->names, step->text, buf_slice(&value)))
        return 0;
    report(t, "\"%.*s\" is not as expected", SLICE_ARG(step->name));
    report_bytes(t, "expected", step->text);
    report_bytes(t, "is", buf_slice(&value));
    report_log(t);
    return -E_REFUSED;
}

/* ------------------------------------------------------------------ running */

static int (*const step_functions[])(struct talk *t, const struct step *step) = {
    [STEP_SEND_LINES] = send_lines,
    [STEP_SEND_BYTES] = send_bytes,
    [STEP_SEND_END] = send_end,
    [STEP_HANG_UP] = hang_up,
    [STEP_CUT] = cut,
    [STEP_EACH_BYTE] = each_byte,
    [STEP_SEND_PACE] = send_pace,
    [STEP_CONNECT] = reconnect,
    [STEP_LINE] = expect_line,
    [STEP_UNTIL] = expect_until,
    [STEP_BYTES] = expect_bytes,
    [STEP_SKIP] = skip_bytes,
    [STEP_END] = expect_end,
    [STEP_READ_PACE] = read_pace,
    [STEP_WRITES] = expect_writes,
    [STEP_WAIT] = wait_span,
    [STEP_SILENCE] = expect_silence,
    [STEP_WITHIN] = set_within,
    [STEP_SET] = set_world,
    [STEP_EXPECT] = expect_world,
};

/* The first step that is not `set` opens the connection: the world is arranged before. */
static int run_step(struct talk *t, const struct step *step) {
    t->step = step;
    if (!t->connected && step->kind != STEP_SET) {
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
    for (size_t i = 0; i < t->script->count && t->result == 0; i++)
        t->result = run_step(t, &t->script->steps[i]);
    if (t->result == 0)
        t->result = disconnect(t);
    if (t->connected) {
        fiber_cancel_children();
        wire_done(&t->wire);
    }
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
    for (size_t i = 0; i < LOG_LINES; i++)
        buf_done(&t->log[i]);
}

int dialogue_run(const char *path, const struct dialogue *d, struct buf *report) {
    _cleanup_(buf_done) struct buf text = {0};
    _cleanup_(talk_done) struct talk t = {.path = path, .d = d, .report = report};
    struct script script;
    struct problem problem = {0};
    unsigned bad_line = 0;
    t.names.a = &t.arena;
    t.script = &script;
    int r = read_file(path, &text);
    if (r < 0) {
        buf_printf(report, "%s: %s\n", path, error_text(r));
        return r;
    }
    r = script_parse(&t.arena, buf_slice(&text), own_side(&t), &script, &bad_line, &problem);
    if (r < 0) {
        buf_printf(report, "%s:%u: %s\n", path, bad_line, problem.text);
        return r;
    }
    random_fix(1);
    r = fiber_run(&(struct fiber_config){.simulate_from = DIALOGUE_START}, run_script, &t);
    if (r < 0)
        buf_printf(report, "%s: the scheduler did not start: %s\n", path, error_text(r));
    return r < 0 ? r : t.result;
}
