/* SPDX-License-Identifier: ISC */
#include "journey/value.h"

#include <stdio.h>

#include "base/error.h"
#include "base/words.h"
#include "journey/record.h"

/* With commas between the thousands. */
static void add_size(struct buf *to, uint64_t n) {
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    for (int i = 0; i < len; i++) {
        buf_add_byte(to, digits[i]);
        if (i < len - 1 && (len - 1 - i) % 3 == 0)
            buf_add_byte(to, ',');
    }
    buf_add_str(to, P_(" byte", " bytes", n));
}

static void add_time(struct buf *to, usec_t at, usec_t wall) {
    struct value_clock clock, then;
    value_clock(&clock, at);
    value_clock(&then, wall);
    if (!slice_eq(clock.date, then.date))
        buf_printf(to, "%.*s ", SLICE_ARG(clock.date));
    buf_add(to, slice_first(clock.time, 8));
    if (at > wall) {
        char span[TIME_TEXT_SIZE];
        buf_printf(to, _(", in %.*s"), SLICE_ARG(time_format_span(at - wall, span)));
    }
}

/* "fail; domain: example.org; record: v=spf1 -all" */
static void add_finding(struct buf *to, struct slice value) {
    struct slice line;
    for (bool first = true; slice_next(&value, '\n', &line); first = false) {
        _cleanup_(buf_done) struct buf label = {0};
        ssize_t colon = slice_find(line, S(": "));
        struct slice rest = slice_from(line, colon < 0 ? line.len : (size_t)colon + 2);
        buf_add(&label, slice_first(line, line.len - rest.len - (colon < 0 ? 0 : 2)));
        buf_add_str(to, first ? "" : "; ");
        buf_add_str(to, translated(buf_str(&label)));
        if (colon < 0)
            continue;
        buf_add_str(to, ": ");
        if (!slice_eq(buf_slice(&label), S("reason"))) {
            buf_add(to, rest);
            continue;
        }
        buf_clear(&label);
        buf_add(&label, rest);
        buf_add_str(to, translated(buf_str(&label)));
    }
}

void value_words(struct buf *to, const struct fact *fact, struct slice value, usec_t wall) {
    enum fact_type type = fact ? fact->type : FACT_IS_TEXT;
    uint64_t number = 0;
    bool is_number = slice_to_u64(value, INT64_MAX, &number) == 0;
    if (type == FACT_IS_ADDRESSES) {
        struct slice address;
        for (bool first = true; event_next_address(&value, &address); first = false) {
            buf_add_str(to, first ? "" : ", ");
            buf_add(to, address);
        }
    } else if (type == FACT_IS_SIZE && is_number) {
        add_size(to, number);
    } else if (type == FACT_IS_TIME && is_number) {
        add_time(to, (usec_t)number, wall);
    } else if (type == FACT_IS_FINDING) {
        add_finding(to, value);
    } else {
        buf_add(to, value);
    }
}

void value_span(struct buf *to, usec_t span) {
    char text[TIME_TEXT_SIZE];
    if (span < USEC_MS)
        buf_printf(to, _("0.%lld ms"), (long long)MIN((span + 50) / 100, (usec_t)9));
    else if (span < USEC_SEC || span >= USEC_MIN)
        buf_add(to, time_format_span(span, text));
    else
        buf_printf(to, _("%lld.%02lld s"), (long long)(span / USEC_SEC),
                   (long long)(span / (10 * USEC_MS) % 100));
}

void value_span_short(struct buf *to, usec_t span) {
    static const struct {
        usec_t unit;
        const char *name;
    } units[] = {{USEC_DAY, "d"}, {USEC_HOUR, "h"}, {USEC_MIN, "min"}};
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (span < units[i].unit)
            continue;
        buf_printf(to, "%lld.%lld %s", (long long)(span / units[i].unit),
                   (long long)(span % units[i].unit * 10 / units[i].unit), units[i].name);
        return;
    }
    if (span < USEC_MS)
        buf_printf(to, "0.%lld ms", (long long)MIN((span + 50) / 100, (usec_t)9));
    else if (span < USEC_SEC)
        buf_printf(to, "%lld ms", (long long)(span / USEC_MS));
    else
        buf_printf(to, "%lld.%02lld s", (long long)(span / USEC_SEC),
                   (long long)(span / (10 * USEC_MS) % 100));
}

void value_clock(struct value_clock *c, usec_t wall) {
    struct slice text = time_format_log(wall, c->text);
    ssize_t blank = slice_find_byte(text, ' ');
    c->date = slice_first(text, blank < 0 ? 0 : (size_t)blank);
    c->time = slice_from(text, blank < 0 ? 0 : (size_t)blank + 1);
}

unsigned value_colour(enum kind_disposition disposition) {
    static const unsigned colours[] = {
        [DISPOSITION_NONE] = 0,     [DISPOSITION_WAITING] = 33, [DISPOSITION_PASSED_ON] = 36,
        [DISPOSITION_ARRIVED] = 32, [DISPOSITION_REFUSED] = 31, [DISPOSITION_FAILED] = 31,
    };
    return disposition < ARRAY_SIZE(colours) ? colours[disposition] : 0;
}

void value_paint(struct buf *to, bool wanted, unsigned number) {
    if (wanted)
        buf_printf(to, "\033[%um", number);
}

static bool goes_on(struct slice s) {
    char c = s.len > 0 ? s.ptr[0] : ' ';
    if (c == '.' && s.len > 1) /* the end of a sentence, or a part of a name */
        c = s.ptr[1];
    return ascii_is_alpha(c) || ascii_is_digit(c) || c == '-' || c == '@';
}

bool value_mentioned(struct slice text, struct slice words) {
    ssize_t at;
    char before = ' ';
    if (words.len == 0)
        return true;
    while ((at = slice_find(text, words)) >= 0) {
        if (at > 0)
            before = text.ptr[at - 1];
        text = slice_from(text, (size_t)at + words.len);
        if (!goes_on(slice_of(&before, 1)) && before != '.' && !goes_on(text))
            return true;
        before = words.ptr[words.len - 1];
    }
    return false;
}
