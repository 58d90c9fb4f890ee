/* SPDX-License-Identifier: ISC */
#include "cli/terminal/when.h"

#include <time.h>

#include "cli/cli.h"

#define DATE_SIZE 10U /* 2026-11-29 */

/* Two or four digits at a place. */
static bool digits(struct slice text, size_t at, size_t count, int *ret) {
    uint64_t number = 0;
    if (at + count > text.len || slice_to_u64(slice_of(text.ptr + at, count), 9999, &number) < 0)
        return false;
    *ret = (int)number;
    return true;
}

static bool parse_date(struct slice text, struct tm *ret) {
    bool good = text.len == DATE_SIZE && text.ptr[4] == '-' && text.ptr[7] == '-' &&
                digits(text, 0, 4, &ret->tm_year) && digits(text, 5, 2, &ret->tm_mon) &&
                digits(text, 8, 2, &ret->tm_mday);
    ret->tm_year -= 1900;
    ret->tm_mon -= 1;
    return good;
}

static bool parse_clock(struct slice text, struct tm *ret) {
    if ((text.len != 5 && text.len != 8) || text.ptr[2] != ':' ||
        !digits(text, 0, 2, &ret->tm_hour) || !digits(text, 3, 2, &ret->tm_min))
        return false;
    return text.len == 5 || (text.ptr[5] == ':' && digits(text, 6, 2, &ret->tm_sec));
}

/* A day that no month has, or an hour that no day has, is a mistake and not another time. */
static int to_wall(struct tm *tm, usec_t *ret) {
    struct tm there = *tm;
    there.tm_isdst = -1;
    time_t seconds = mktime(&there);
    if (seconds == (time_t)-1 || tm->tm_mon != there.tm_mon || tm->tm_mday != there.tm_mday ||
        tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 59)
        return -E_SYNTAX;
    *ret = (usec_t)seconds * USEC_SEC;
    return 0;
}

static int parse_span_ago(struct slice text, usec_t now, usec_t *ret) {
    char compact[24];
    usec_t span = 0;
    uint64_t weeks = 0;
    size_t len = 0;
    if (slice_ends_nocase(text, S("ago")))
        text = slice_trim(slice_first(text, text.len - 3));
    if (slice_starts(text, S("-")))
        text = slice_from(text, 1);
    for (size_t i = 0; i < text.len; i++) { /* "2 h" too */
        if (len == sizeof compact)
            return -E_SYNTAX;
        compact[len] = text.ptr[i];
        len += text.ptr[i] != ' ' ? 1 : 0;
    }
    text = slice_of(compact, len);
    if (slice_ends_nocase(text, S("w")) &&
        slice_to_u64(slice_trim(slice_first(text, text.len - 1)), 5000, &weeks) == 0)
        span = (usec_t)weeks * 7 * USEC_DAY;
    else if (time_parse_span(text, &span) < 0)
        return -E_SYNTAX;
    *ret = now > span ? now - span : 1;
    return 0;
}

int when_parse(struct slice text, usec_t now, usec_t *ret) {
    time_t seconds = (time_t)(now / USEC_SEC);
    struct tm today, tm;
    (void)localtime_r(&seconds, &today);
    today.tm_hour = today.tm_min = today.tm_sec = 0;
    tm = today;
    text = slice_trim(text);
    if (slice_eq_nocase(text, S("now"))) {
        *ret = now;
        return 0;
    }
    if (slice_eq_nocase(text, S("today")) || parse_clock(text, &tm))
        return to_wall(&tm, ret);
    if (slice_eq_nocase(text, S("yesterday"))) {
        today.tm_mday--; /* mktime() knows what is before the first */
        today.tm_isdst = -1;
        *ret = (usec_t)mktime(&today) * USEC_SEC;
        return 0;
    }
    tm = today;
    if (!parse_date(slice_first(text, (size_t)DATE_SIZE), &tm))
        return parse_span_ago(text, now, ret);
    struct slice clock = slice_from(text, DATE_SIZE);
    if (clock.len > 0 && clock.ptr[0] != ' ' && clock.ptr[0] != 'T')
        return -E_SYNTAX;
    if (clock.len > 0 && !parse_clock(slice_from(clock, 1), &tm))
        return -E_SYNTAX;
    return to_wall(&tm, ret);
}

static int parse_option(const struct cli *c, const char *name, usec_t *ret,
                        struct problem *problem) {
    struct slice text = cli_text(c->call, name);
    *ret = 0;
    if (!text.ptr)
        return 0;
    return when_parse(text, fiber_wall(), ret) == 0
               ? 0
               : problem_set(problem, -E_SYNTAX,
                             _("--%s: found \"%.*s\", expected a time such as 2026-11-29,"
                               " \"2026-11-29 10:30\", 10:30, yesterday, or 2h for two hours ago"),
                             name, SLICE_ARG(text));
}

int when_range(const struct cli *c, struct when_range *ret, struct problem *problem) {
    int r = parse_option(c, "since", &ret->since, problem);
    if (r == 0)
        r = parse_option(c, "until", &ret->until, problem);
    if (r == 0 && ret->until > 0 && ret->since >= ret->until)
        return problem_set(problem, -E_SYNTAX, _("--since has to be before --until"));
    return r;
}
