/* SPDX-License-Identifier: ISC */
/*
 * Hosts that go wrong anywhere, by chance: whatever they do, nobody counts as delivered who did not
 * get the message, nobody is refused who was not, and nobody gets it twice whose host said yes.
 * A failure names the number that makes it happen again.
 */
#include "unit.h"

#include <stdlib.h>

#include "base/random.h"
#include "relay/world.h"

#define PEOPLE   6U
#define ATTEMPTS 12U

enum oddity {
    ODD_RESET,    /* hangs up instead of the reply */
    ODD_HALF,     /* in the middle of it */
    ODD_SILENT,   /* says nothing more */
    ODD_LATER,    /* 451 */
    ODD_FAREWELL, /* 421, and hangs up */
    ODD_TWICE,    /* says it two times */
    ODD_AGAIN,    /* says it again a little later */
    ODD_WORDS,    /* behind a line that is no reply */
    ODD_BLANK,    /* behind an empty line */
    ODD_LINES,    /* in several lines */
    ODD_SLOW,
    ODDITIES,
};

/* What one host makes of it, and has to answer for. */
struct chance {
    unsigned odds; /* of a hundred replies */
    bool odd[ODDITIES];
    bool pipelining, keeps_pipelining;
    unsigned got[PEOPLE];     /* said yes, whole */
    unsigned perhaps[PEOPLE]; /* has the message, and said less */
};

struct dialogue {
    struct chance *chance;
    struct stream *s;
    bool mail, told[PEOPLE]; /* accepted in this transaction */
    bool at_the_end;         /* of the message */
    bool refused;            /* the latest reply was another than was to be said */
};

/* They have the message, and the host has said so, or less than that. */
static void settle(struct dialogue *d, bool whole) {
    for (size_t i = 0; i < PEOPLE; i++) {
        d->chance->got[i] += d->told[i] && whole && !d->refused;
        d->chance->perhaps[i] += d->told[i] && !whole;
        d->told[i] = false;
    }
}

static bool happens(unsigned percent) {
    return random_below(100) < percent;
}

static enum oddity choose(const struct chance *c) {
    enum oddity odd;
    do
        odd = (enum oddity)random_below(ODDITIES);
    while (!c->odd[odd]);
    return odd;
}

static void leave(struct dialogue *d) WAITS {
    (void)stream_flush(d->s);
}

/* One reply. False: it was the last of this connection; *ret_whole: all of it was said. */
static bool reply(struct dialogue *d, const char *text, bool *ret_whole) WAITS {
    struct slice whole = slice_of_str(text);
    *ret_whole = true;
    d->refused = false;
    if (!happens(d->chance->odds)) {
        stream_printf(d->s, "%s\r\n", text);
        return true;
    }
    switch (choose(d->chance)) {
    case ODD_RESET:
        *ret_whole = false;
        return false;
    case ODD_HALF:
        stream_write(d->s, slice_first(whole, (size_t)random_below(whole.len)));
        *ret_whole = false;
        leave(d);
        return false;
    case ODD_SILENT:
        *ret_whole = false;
        (void)fiber_sleep(USEC_HOUR);
        return false;
    case ODD_LATER:
        d->refused = true;
        stream_str(d->s, "451 4.3.0 by chance\r\n");
        return true;
    case ODD_FAREWELL:
        d->refused = true;
        stream_str(d->s, "421 4.3.0 by chance\r\n");
        leave(d);
        return false;
    case ODD_TWICE:
        stream_printf(d->s, "%s\r\n%s\r\n", text, text);
        return true;
    case ODD_AGAIN:
        stream_printf(d->s, "%s\r\n", text);
        if (d->at_the_end)
            settle(d, true);
        if (stream_flush(d->s) == 0)
            (void)fiber_sleep(30 * USEC_MS);
        stream_printf(d->s, "%s\r\n", text);
        return true;
    case ODD_WORDS:
        stream_printf(d->s, "by chance\r\n%s\r\n", text);
        return true;
    case ODD_BLANK:
        stream_printf(d->s, "\r\n%s\r\n", text);
        return true;
    case ODD_LINES:
        stream_printf(d->s, "%.3s-by chance\r\n%s\r\n", text, text);
        return true;
    default:
        (void)fiber_sleep(USEC_MIN);
        stream_printf(d->s, "%s\r\n", text);
        return true;
    }
}

static bool take_rcpt(struct dialogue *d, struct slice line) WAITS {
    size_t who = (size_t)(line.ptr[sizeof "RCPT TO:<no" - 1] - '0');
    bool unknown = slice_starts(line, S("RCPT TO:<no")), whole;
    bool goes_on = reply(d, unknown ? "550 5.1.1 unknown" : "250 ok", &whole);
    if (!unknown && whole && !d->refused)
        d->told[who] = true;
    return goes_on;
}

static bool take_message(struct dialogue *d) WAITS {
    struct slice line = {0};
    bool whole, any = false;
    for (size_t i = 0; i < PEOPLE; i++)
        any = any || d->told[i];
    if (!any)
        return reply(d, "503 5.5.1 whom is it for", &whole);
    if (!reply(d, "354 go", &whole))
        return false;
    if (d->refused)
        return true;
    while (!slice_eq(line, S(".\r\n")))
        if (stream_read_line(d->s, 4096, &line) < 0)
            return false;
    d->at_the_end = true;
    bool goes_on = reply(d, "250 ok", &whole);
    d->at_the_end = false;
    settle(d, whole);
    return goes_on;
}

static bool take_command(struct dialogue *d, struct slice line) WAITS {
    bool whole;
    if (slice_starts(line, S("EHLO")))
        return reply(d, d->chance->pipelining ? "250-chance\r\n250 PIPELINING" : "250 chance",
                     &whole);
    if (slice_starts(line, S("MAIL"))) {
        memset(d->told, 0, sizeof d->told);
        bool goes_on = reply(d, "250 ok", &whole);
        d->mail = !d->refused;
        return goes_on;
    }
    if (slice_starts(line, S("RCPT")) && d->mail)
        return take_rcpt(d, line);
    if (slice_starts(line, S("RCPT")))
        return reply(d, "503 5.5.1 MAIL first", &whole);
    if (slice_starts(line, S("DATA")))
        return take_message(d);
    if (slice_starts(line, S("QUIT"))) {
        stream_str(d->s, "221 bye\r\n");
        return false;
    }
    memset(d->told, 0, sizeof d->told);
    return reply(d, "250 ok", &whole);
}

static void talk(struct stream *s, void *arg) {
    struct dialogue d = {.chance = arg, .s = s};
    struct slice line;
    bool whole, goes_on = reply(&d, "220 chance", &whole);
    while (goes_on && stream_read_line(s, 4096, &line) == 0) {
        bool alone = d.chance->keeps_pipelining || !stream_has_input(s);
        goes_on = alone && take_command(&d, line);
    }
}

/* ------------------------------------------------------------------ one number */

static struct recipient recipient(struct world *w, size_t number, bool unknown) {
    return (struct recipient){
        .address = arena_printf(&w->a, "%s%zu@example.net", unknown ? "no" : "at", number)};
}

static void check(uint64_t seed, const struct chance hosts[2], size_t who, bool unknown,
                  const struct relay_result *result, bool unsure) {
    unsigned got = hosts[0].got[who] + hosts[1].got[who];
    unsigned perhaps = hosts[0].perhaps[who] + hosts[1].perhaps[who];
    const char *wrong = NULL;
    if (result->disposition == RELAY_DELIVERED && got + perhaps == 0)
        wrong = "is lost";
    else if (result->disposition == RELAY_NEVER && !unknown)
        wrong = "was refused though nobody did";
    else if (got > 1 && !unsure)
        wrong = "got it twice";
    else if (result->disposition == RELAY_LATER && got > 0 && !unsure)
        wrong = "would get it twice";
    else if (perhaps > 0 && got == 0 && result->disposition == RELAY_LATER && !unsure)
        wrong = "may have it, and nobody says so";
    if (wrong)
        fail_msg("%llu: recipient %zu %s: %u %u.%u.%u %.*s", (unsigned long long)seed, who, wrong,
                 result->reply.code, result->reply.status.class, result->reply.status.subject,
                 result->reply.status.detail, SLICE_ARG(result->reply.text));
}

static void set_up(struct chance *c, bool doubles) {
    c->odds = (unsigned)random_below(50);
    for (size_t i = 0; i < ODDITIES; i++)
        c->odd[i] = happens(50);
    c->odd[ODD_TWICE] = doubles && c->odd[ODD_TWICE];
    c->odd[ODD_AGAIN] = doubles && c->odd[ODD_AGAIN];
    c->odd[ODD_SLOW] = true;
    c->pipelining = happens(50);
    c->keeps_pipelining = happens(80);
}

static void send_by_chance(uint64_t seed, bool doubles) {
    struct chance chances[2] = {{0}};
    struct fake_host hosts[] = {
        {.address = "192.0.2.1", .talk = talk, .talk_arg = &chances[0]},
        {.address = "192.0.2.2", .talk = talk, .talk_arg = &chances[1]},
        {0},
    };
    struct recipient left[PEOPLE];
    size_t who[PEOPLE], count = PEOPLE;
    bool unknown[PEOPLE], unsure[PEOPLE] = {0};
    struct world w;
    random_fix(seed);
    set_up(&chances[0], doubles);
    set_up(&chances[1], doubles);
    begin(&w, hosts);
    open_relay(&w);
    for (size_t i = 0; i < PEOPLE; i++) {
        unknown[i] = happens(30);
        who[i] = i;
        left[i] = recipient(&w, i, unknown[i]);
    }
    for (unsigned n = 0; n < ATTEMPTS && count > 0; n++) {
        struct relay_job job = job_for(&w, "example.net", left, count);
        assert_int_equal(relay_transmit(w.relay, &job, &w.a, &w.outcome), 0);
        size_t open = 0;
        for (size_t i = 0; i < count; i++) {
            const struct relay_result *result = &w.outcome.results[i];
            unsure[who[i]] = unsure[who[i]] || result->unsure;
            check(seed, chances, who[i], unknown[who[i]], result, unsure[who[i]]);
            if (result->disposition != RELAY_LATER)
                continue;
            who[open] = who[i];
            left[open++] = left[i];
        }
        count = open;
        assert_int_equal(fiber_sleep(happens(50) ? USEC_SEC : USEC_HOUR), 0);
    }
    end(&w);
}

#define SEEDS 200U

static void send_by_chances(bool doubles) {
    const char *only = getenv("CHANCE");
    uint64_t from = only ? strtoull(only, NULL, 10) : 1;
    for (uint64_t seed = from; seed < from + (only ? 1 : SEEDS); seed++)
        send_by_chance(seed, doubles);
}

FIBER_TEST(nobody_is_lost_refused_or_gets_it_twice_by_chance) {
    send_by_chances(false);
}

FIBER_TEST(nor_where_replies_come_twice) {
    send_by_chances(true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_is_lost_refused_or_gets_it_twice_by_chance),
        cmocka_unit_test(test_nor_where_replies_come_twice),
    };
    return cmocka_run_group_tests_name("chance", tests, NULL, NULL);
}
