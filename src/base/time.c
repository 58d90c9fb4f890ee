/* SPDX-License-Identifier: ISC */
#include "base/time.h"

#include <stdio.h>
#include <time.h>

#include "base/error.h"
#include "base/words.h"

/* Wall time cut into whole seconds and milliseconds, also before 1970. */
static time_t whole_seconds(usec_t wall, int *ret_ms) {
    usec_t seconds = wall / USEC_SEC;
    if (wall % USEC_SEC < 0)
        seconds--;
    *ret_ms = (int)((wall - seconds * USEC_SEC) / USEC_MS);
    return (time_t)seconds;
}

struct slice time_format_log(usec_t wall, char text[static TIME_TEXT_SIZE]) {
    int ms = 0;
    time_t seconds = whole_seconds(wall, &ms);
    struct tm tm;
    if (!localtime_r(&seconds, &tm))
        return S("?");
    size_t n = strftime(text, TIME_TEXT_SIZE, "%Y-%m-%d %H:%M:%S", &tm);
    n += (size_t)snprintf(text + n, TIME_TEXT_SIZE - n, ".%03d", ms);
    return slice_of(text, n);
}

struct slice time_format_rfc3339(usec_t wall, char text[static TIME_TEXT_SIZE]) {
    int ms = 0;
    time_t seconds = whole_seconds(wall, &ms);
    struct tm tm;
    if (!gmtime_r(&seconds, &tm))
        return S("?");
    size_t n = strftime(text, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    n += (size_t)snprintf(text + n, TIME_TEXT_SIZE - n, ".%03dZ", ms);
    return slice_of(text, n);
}

struct slice time_format_rfc5322(usec_t wall, char text[static 40]) {
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int ms = 0;
    time_t seconds = whole_seconds(wall, &ms);
    struct tm tm;
    if (!localtime_r(&seconds, &tm))
        return S("Thu, 1 Jan 1970 00:00:00 +0000");
    long zone = tm.tm_gmtoff / 60;
    int n = snprintf(text, 40, "%s, %d %s %04d %02d:%02d:%02d %c%02ld%02ld", days[tm.tm_wday],
                     tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                     tm.tm_sec, zone < 0 ? '-' : '+', labs(zone) / 60, labs(zone) % 60);
    return slice_of(text, (size_t)n);
}

struct slice time_format_span(usec_t span, char text[static TIME_TEXT_SIZE]) {
    long long s = (long long)(span / USEC_SEC);
    int n;
    if (span < USEC_MS)
        n = snprintf(text, TIME_TEXT_SIZE, _("%lld us"), (long long)span);
    else if (span < USEC_SEC)
        n = snprintf(text, TIME_TEXT_SIZE, _("%lld ms"), (long long)(span / USEC_MS));
    else if (s < 60)
        n = snprintf(text, TIME_TEXT_SIZE, _("%lld s"), s);
    else if (s < 3600)
        n = snprintf(text, TIME_TEXT_SIZE, _("%lld min %lld s"), s / 60, s % 60);
    else if (s < 86400)
        n = snprintf(text, TIME_TEXT_SIZE, _("%lld h %lld min"), s / 3600, s % 3600 / 60);
    else if (s % 86400 < 3600)
        n = snprintf(text, TIME_TEXT_SIZE, _("%lld d"), s / 86400);
    else
        n = snprintf(text, TIME_TEXT_SIZE, _("%lld d %lld h"), s / 86400, s % 86400 / 3600);
    return slice_of(text, (size_t)n);
}

int time_parse_span(struct slice text, usec_t *ret) {
    static const struct {
        struct slice unit;
        usec_t usec;
    } units[] = {
        {{"ms", 2}, USEC_MS},  {{"s", 1}, USEC_SEC}, {{"min", 3}, USEC_MIN},
        {{"h", 1}, USEC_HOUR}, {{"d", 1}, USEC_DAY},
    };
    size_t digits = 0;
    while (digits < text.len && ascii_is_digit(text.ptr[digits]))
        digits++;
    struct slice unit = slice_from(text, digits);
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (!slice_eq(unit, units[i].unit))
            continue;
        uint64_t number = 0;
        int r = slice_to_u64(slice_first(text, digits), INT64_MAX / (uint64_t)USEC_DAY, &number);
        if (r < 0)
            return r;
        *ret = (usec_t)number * units[i].usec;
        return 0;
    }
    return -E_SYNTAX;
}

bool time_is_day(int64_t year, int64_t month, int64_t day) {
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day <= lengths[month - 1] + (month == 2 && leap);
}

/* Years begin in March, so that a leap day is the last of its year. */
int64_t time_days(int64_t year, int64_t month, int64_t day) {
    int64_t y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}
