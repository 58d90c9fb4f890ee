/* SPDX-License-Identifier: ISC */
/*
 * A line goes through take_bytes() piece by piece as it comes. Once something is wrong with a
 * command nothing more is held of it, but it is still followed to its end: quotes, and the last
 * bytes of each line, which say whether a literal comes.
 */
#include "imap/syntax/reader.h"

#include <errno.h>

#include "base/alloc.h"

#define KIB ((size_t)1024)

const struct imap_reader_limits imap_limits_before_login = {
    .line = 8 * KIB,
    .literal = 4 * KIB,
    .literals = 8 * KIB,
    .discard = 64 * KIB,
};
const struct imap_reader_limits imap_limits_after_login = {
    .line = 64 * KIB,
    .literal = 128 * KIB,
    .literals = 1024 * KIB,
    .sets = 1024 * KIB,
    .discard = 64 * KIB * KIB,
};

#define SET_COSTS 3U /* bytes of ranges for each of the text, while they grow */

static void give_back(struct imap_reader *r) {
    if (r->held)
        *r->held -= r->counted;
    r->large = r->counted = 0;
}

void imap_reader_done(struct imap_reader *r) {
    give_back(r);
    for (size_t i = 0; i < r->set_count + r->in_set; i++)
        imap_set_reader_done(&r->set_readers[i]);
    free(r->set_readers);
    free(r->sets);
    if (r->secret)
        mem_wipe(r->text.ptr, r->text.size);
    buf_done(&r->text);
    *r = (struct imap_reader){.stream = r->stream,
                              .limits = r->limits,
                              .timeout = r->timeout,
                              .secret = r->secret,
                              .held = r->held};
}

struct imap_text imap_reader_text(const struct imap_reader *r) {
    return (struct imap_text){
        .bytes = buf_slice(&r->text),
        .sets = r->sets,
        .set_count = r->set_count,
    };
}

static void went_wrong(struct imap_reader *r, const char *wrong) {
    if (!r->wrong)
        r->wrong = wrong;
}

/* More of a command is going to be held; false: it is too much beside what others hold. */
static bool may_hold(struct imap_reader *r, uint64_t bytes) {
    r->large += bytes;
    if (!r->held || r->large <= IMAP_HELD_EACH)
        return true;
    if (bytes > IMAP_HELD_MAX - MIN(*r->held, (uint64_t)IMAP_HELD_MAX))
        return false;
    *r->held += bytes;
    r->counted += bytes;
    return true;
}

/* ------------------------------------------------------------------ long sets */

static void feed_set(struct imap_reader *r, struct slice bytes) {
    r->set_bytes += bytes.len;
    if (r->set_bytes > r->limits->sets || !may_hold(r, SET_COSTS * bytes.len))
        went_wrong(r, "a shorter set of numbers");
    else if (imap_set_read(&r->set_readers[r->set_count], bytes) < 0)
        went_wrong(r, "a set of numbers such as 1:3,7,9:*");
}

/* What was taken for text until now goes into a set. */
static void open_set(struct imap_reader *r) {
    r->set_readers = mem_grow(r->set_readers, (r->set_count + 1) * sizeof *r->set_readers);
    r->set_readers[r->set_count] = (struct imap_set_reader){0};
    r->in_set = true;
    size_t begin = r->text.len - r->run;
    feed_set(r, slice_of(r->text.ptr + begin, r->run));
    r->text.len = begin;
    r->line_bytes -= r->run;
    r->run = 0;
    buf_add_byte(&r->text, '\0');
}

static void close_set(struct imap_reader *r) {
    r->sets = mem_grow(r->sets, (r->set_count + 1) * sizeof *r->sets);
    struct imap_set set = {0};
    if (imap_set_read_end(&r->set_readers[r->set_count], &set) < 0)
        went_wrong(r, "a set of numbers such as 1:3,7,9:*");
    r->sets[r->set_count++] = set;
    r->in_set = false;
}

/* ------------------------------------------------------------------ lines */

/* How many bytes at the front are held together: a run of a set, or up to where one may begin. */
static size_t measure(struct imap_reader *r, struct slice line, bool *ret_run) {
    size_t len = 0;
    bool run = !r->in_quotes && (r->in_set || r->run > 0 || r->word_begins);
    while (run && len < line.len && imap_set_byte(line.ptr[len]))
        len++;
    *ret_run = len > 0;
    if (len > 0)
        return len;
    while (len < line.len) {
        char c = line.ptr[len++];
        if (c == '\0')
            went_wrong(r, "no NUL");
        if (r->escaped)
            r->escaped = false;
        else if (r->in_quotes && c == '\\')
            r->escaped = true;
        else if (c == '"')
            r->in_quotes = !r->in_quotes;
        if (!r->in_quotes && (c == ' ' || c == '('))
            break;
    }
    return len;
}

static void count_line(struct imap_reader *r, size_t bytes) {
    r->line_bytes += bytes;
    if (r->line_bytes > r->limits->line)
        went_wrong(r, "a shorter command");
}

/* A part of a line without its end. */
static void take_bytes(struct imap_reader *r, struct slice line) {
    while (line.len > 0) {
        bool run;
        size_t len = measure(r, line, &run);
        if (run && !r->in_set && !r->wrong && r->limits->sets > 0)
            len = MIN(len, IMAP_SET_HELD + 1 - r->run);
        struct slice part = slice_first(line, len);
        line = slice_from(line, len);
        if (r->in_set && run && !r->wrong) {
            feed_set(r, part);
            continue;
        }
        if (r->in_set)
            close_set(r);
        count_line(r, len);
        if (!r->wrong)
            buf_add(&r->text, part);
        else
            r->dropped += len;
        r->run = run ? r->run + len : 0;
        r->word_begins =
            !run && !r->in_quotes && (part.ptr[len - 1] == ' ' || part.ptr[len - 1] == '(');
        if (r->run > IMAP_SET_HELD && r->limits->sets > 0 && !r->wrong)
            open_set(r);
    }
}

static void remember_tail(struct imap_reader *r, struct slice bytes) {
    struct slice last = slice_from(bytes, bytes.len - MIN(bytes.len, sizeof r->tail));
    size_t old = MIN(r->tail_len, sizeof r->tail - last.len);
    memmove(r->tail, r->tail + r->tail_len - old, old);
    if (last.len > 0)
        memcpy(r->tail + old, last.ptr, last.len);
    r->tail_len = old + last.len;
}

/* Whether the line announces a literal: ~{123+} */
static bool find_literal(const struct imap_reader *r, struct imap_literal *ret) {
    struct slice tail = slice_of(r->tail, r->tail_len);
    if (r->in_quotes || !slice_ends(tail, S("}")))
        return false;
    tail.len--;
    struct imap_literal literal = {.waits = !slice_ends(tail, S("+"))};
    tail.len -= !literal.waits;
    size_t begin = tail.len;
    while (begin > 0 && ascii_is_digit(tail.ptr[begin - 1]))
        begin--;
    struct slice number = slice_from(tail, begin);
    bool cut = begin == 0 && r->tail_len == sizeof r->tail;
    if (number.len == 0 || (!cut && (begin == 0 || tail.ptr[begin - 1] != '{')))
        return false;
    literal.eight = begin > 1 && tail.ptr[begin - 2] == '~';
    if (cut || slice_to_u64(number, INT64_MAX, &literal.size) < 0)
        literal.size = UINT64_MAX;
    *ret = literal;
    return true;
}

static void end_line(struct imap_reader *r) {
    if (r->in_set)
        close_set(r);
    r->before_literal = find_literal(r, &r->literal);
    r->run = 0;
    r->tail_len = 0;
    r->word_begins = r->in_quotes = r->escaped = false;
    if (!r->before_literal)
        return;
    count_line(r, strlen("\r\n"));
    if (!r->wrong)
        buf_add_str(&r->text, "\r\n");
}

/* A CR that may be the first half of a line end stays in the window until more has come. */
static int read_some(struct imap_reader *r, bool *ret_ended) WAITS {
    int e = stream_fill(r->stream, 1);
    if (e < 0)
        return e;
    struct slice window = stream_window(r->stream);
    if (window.len == 1 && window.ptr[0] == '\r') {
        e = stream_fill(r->stream, 2);
        if (e < 0)
            return e;
        window = stream_window(r->stream);
    }
    ssize_t lf = slice_find_byte(window, '\n');
    *ret_ended = lf >= 0;
    size_t taken = lf >= 0 ? (size_t)lf + 1 : window.len;
    struct slice line = slice_first(window, lf >= 0 ? (size_t)lf : window.len);
    if (slice_ends(line, S("\r"))) {
        line.len--;
        taken -= lf < 0;
    }
    remember_tail(r, line);
    take_bytes(r, line);
    stream_consume(r->stream, taken);
    (void)fiber_yield_if_long();
    return 0;
}

static int drop_octets(struct imap_reader *r, uint64_t count) WAITS {
    r->dropped += MIN(count, UINT64_MAX - r->dropped);
    if (r->dropped > r->limits->discard)
        return -E_REFUSED;
    while (count > 0) {
        int e = stream_fill(r->stream, 1);
        if (e < 0)
            return e;
        size_t here = (size_t)MIN(stream_window(r->stream).len, count);
        stream_consume(r->stream, here);
        count -= here;
    }
    return 0;
}

/* ------------------------------------------------------------------ commands */

bool imap_reader_has_begun(struct imap_reader *r) {
    struct slice window = stream_window(r->stream);
    size_t blank = 0;
    while (blank < window.len && (window.ptr[blank] == '\r' || window.ptr[blank] == '\n'))
        blank++;
    stream_consume(r->stream, blank);
    return blank < window.len;
}

int imap_reader_begin(struct imap_reader *r) {
    imap_reader_done(r);
    int e = stream_fill(r->stream, 1);
    UNUSED _cleanup_(fiber_deadline_end) struct fiber_deadline d =
        fiber_deadline_begin(fiber_now() + r->timeout);
    while (e == 0 && !imap_reader_has_begun(r))
        e = stream_fill(r->stream, 1);
    if (e < 0)
        return e;
    r->deadline = fiber_now() + r->timeout;
    r->word_begins = true;
    if (r->secret) /* a buffer that grows leaves copies */
        buf_reserve(&r->text, r->limits->line + r->limits->literals);
    return 0;
}

int imap_reader_read(struct imap_reader *r) {
    MUST(!r->before_literal);
    r->handed_on = false;
    if (r->deadline == USEC_NEVER)
        r->deadline = fiber_now() + r->timeout;
    UNUSED _cleanup_(fiber_deadline_end) struct fiber_deadline d =
        fiber_deadline_begin(r->deadline);
    bool ended = false;
    while (!ended) {
        int e = read_some(r, &ended);
        if (e < 0)
            return e;
        if (r->dropped > r->limits->discard)
            return -E_REFUSED;
    }
    end_line(r);
    return r->before_literal ? 1 : 0;
}

int imap_reader_hold(struct imap_reader *r) {
    MUST(r->before_literal);
    uint64_t room = r->limits->literals - r->literal_bytes;
    if (r->wrong || r->literal.size > MIN(r->limits->literal, room) ||
        !may_hold(r, r->literal.size)) {
        went_wrong(r, "a shorter literal");
        return -E_LIMIT;
    }
    UNUSED _cleanup_(fiber_deadline_end) struct fiber_deadline d =
        fiber_deadline_begin(r->deadline);
    size_t left = (size_t)r->literal.size;
    if (r->literal.waits)
        stream_str(r->stream, "+ go ahead\r\n");
    r->waited += r->literal.waits;
    r->literal_bytes += left;
    r->before_literal = false;
    while (left > 0) {
        int e = stream_fill(r->stream, 1);
        if (e < 0)
            return e;
        struct slice part = slice_first(stream_window(r->stream), left);
        buf_add(&r->text, part);
        left -= part.len;
        stream_consume(r->stream, part.len);
    }
    return 0;
}

int imap_reader_hand_on(struct imap_reader *r) {
    MUST(r->before_literal && !r->wrong);
    r->before_literal = false;
    r->handed_on = true;
    buf_clear(&r->text);
    give_back(r);
    r->line_bytes = r->literal_bytes = 0;
    r->waited = 0;
    if (r->literal.waits)
        stream_str(r->stream, "+ go ahead\r\n");
    r->deadline = USEC_NEVER;
    return stream_flush(r->stream);
}

int imap_reader_refuse(struct imap_reader *r) {
    went_wrong(r, "no more of this command");
    int e = r->handed_on ? imap_reader_read(r) : r->before_literal ? 1 : 0;
    while (e == 1) {
        r->before_literal = false;
        if (r->literal.waits)
            return stream_has_input(r->stream) ? -E_REFUSED : 0;
        e = drop_octets(r, r->literal.size);
        r->deadline = USEC_NEVER; /* octets have the time that the stream gives them */
        if (e == 0)
            e = imap_reader_read(r);
    }
    return e;
}

int imap_reader_line(struct imap_reader *r, size_t max, struct slice *ret) {
    struct slice line;
    int e = stream_read_line(r->stream, max, &line);
    if (e < 0)
        return e;
    if (slice_ends(line, S("\n")))
        line.len--;
    if (slice_ends(line, S("\r")))
        line.len--;
    *ret = line;
    return 0;
}
