/* SPDX-License-Identifier: ISC */
/*
 * Words are taken in any order in which only one reading is possible: the name of a month says
 * where the day (before it, or behind it in "Nov 22 2026", as asctime(3) writes it) and the year
 * are; what has colons is the time.
 */
#include "message/date.h"

#include "base/error.h"
#include "message/cfws.h"

struct date {
    int64_t day, month, year; /* month and year from 1; 0: not there */
    int64_t seconds;          /* of the day */
    int64_t zone;             /* in seconds */
    bool has_time, has_zone;
};

/* A word between blanks, commas and comments; empty at the end. */
static struct slice next_word(struct slice *rest) {
    *rest = cfws_pass(*rest);
    while (slice_starts(*rest, S(",")))
        *rest = cfws_pass(slice_from(*rest, 1));
    size_t n = 0;
    while (n < rest->len && !ascii_is_space(rest->ptr[n]) && rest->ptr[n] != ',' &&
           rest->ptr[n] != '(')
        n++;
    struct slice word = slice_first(*rest, n);
    *rest = slice_from(*rest, n);
    return word;
}

static int64_t read_month(struct slice word) {
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (size_t i = 0; i < 12 && word.len >= 3; i++) {
        if (slice_eq_nocase(slice_first(word, 3), slice_of(names + 3 * i, 3)))
            return (int64_t)i + 1;
    }
    return 0;
}

/* hh:mm or hh:mm:ss, with a fraction that is dropped; a leap second counts as the one before. */
static void read_time(struct date *d, struct slice word) {
    uint64_t part[3] = {0};
    d->has_time = true;
    for (size_t i = 0; i < 3 && word.ptr; i++) {
        struct slice digits;
        if (!slice_next(&word, ':', &digits))
            break;
        ssize_t dot = slice_find_byte(digits, '.');
        digits = i == 2 && dot > 0 ? slice_first(digits, (size_t)dot) : digits;
        if (slice_to_u64(digits, i == 0 ? 23 : i == 1 ? 59 : 60, &part[i]) < 0)
            return;
    }
    d->seconds = (int64_t)(part[0] * 3600 + part[1] * 60 + MIN(part[2], 59));
}

/* +hhmm, -hhmm, or a name of RFC 5322 §4.3; others, those of the military included, are UTC. */
static void read_zone(struct date *d, struct slice word) {
    static const struct {
        struct slice name;
        int64_t hours;
    } zones[] = {
        {{"EST", 3}, -5}, {{"EDT", 3}, -4}, {{"CST", 3}, -6}, {{"CDT", 3}, -5}, {{"MST", 3}, -7},
        {{"MDT", 3}, -6}, {{"PST", 3}, -8}, {{"PDT", 3}, -7}, {{"JST", 3}, 9},
    };
    uint64_t number = 0;
    d->has_zone = true;
    bool is_offset = word.len == 5 && (word.ptr[0] == '+' || word.ptr[0] == '-');
    if (is_offset && slice_to_u64(slice_from(word, 1), 9959, &number) == 0 && number % 100 < 60) {
        d->zone = (int64_t)(number / 100 * 3600 + number % 100 * 60);
        d->zone = word.ptr[0] == '-' ? -d->zone : d->zone;
    }
    for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
        if (slice_eq_nocase(word, zones[i].name))
            d->zone = zones[i].hours * 3600;
    }
}

static void read_number(struct date *d, struct slice word) {
    uint64_t number = 0;
    if (slice_to_u64(word, 9999, &number) < 0)
        return;
    if (d->day == 0 && word.len <= 2) {
        d->day = (int64_t)number;
    } else if (d->year == 0 && d->month > 0) {
        d->year = (int64_t)number;
        if (word.len <= 2)
            d->year += number < 50 ? 2000 : 1900;
        else if (word.len == 3)
            d->year += 1900;
    }
}

static int read_date(struct slice value, struct date *ret) {
    struct date d = {0};
    value = slice_first(value, DATE_READ);
    for (struct slice word; (word = next_word(&value)).len > 0;) {
        ssize_t dash = slice_find_byte(word, '-');
        if (dash > 0) { /* 22-Nov-2026: what is behind comes next */
            value.ptr = word.ptr + dash + 1;
            value.len += word.len - (size_t)dash - 1;
            word = slice_first(word, (size_t)dash);
        }
        if (slice_find_byte(word, ':') > 0 && !d.has_time)
            read_time(&d, word);
        else if (d.month == 0 && read_month(word) > 0)
            d.month = read_month(word);
        else if (d.has_time && !d.has_zone && d.day > 0 && d.month > 0 &&
                 (d.year > 0 || !ascii_is_digit(word.ptr[0])))
            read_zone(&d, word);
        else
            read_number(&d, word);
    }
    if (!time_is_day(d.year, d.month, d.day))
        return -E_SYNTAX;
    *ret = d;
    return 0;
}

int date_read(struct slice value, usec_t *ret) {
    struct date d;
    int error = read_date(value, &d);
    if (!error)
        *ret = (time_days(d.year, d.month, d.day) * 86400 + d.seconds - d.zone) * USEC_SEC;
    return error;
}

int date_read_day(struct slice value, int32_t *ret) {
    struct date d;
    int error = read_date(value, &d);
    if (!error)
        *ret = (int32_t)time_days(d.year, d.month, d.day);
    return error;
}
