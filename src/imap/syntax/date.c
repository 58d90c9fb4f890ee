/* SPDX-License-Identifier: ISC */
#include "imap/syntax/date.h"

#include <time.h>

#include "base/error.h"

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* Cuts `least` to `most` digits off the front. */
static bool cut_digits(struct slice *rest, size_t least, size_t most, unsigned *ret) {
    size_t len = 0;
    unsigned value = 0;
    for (; len < rest->len && len < most && ascii_is_digit(rest->ptr[len]); len++)
        value = value * 10 + (unsigned)(rest->ptr[len] - '0');
    *rest = slice_from(*rest, len);
    *ret = value;
    return len >= least;
}

static bool cut_byte(struct slice *rest, char c) {
    if (rest->len == 0 || rest->ptr[0] != c)
        return false;
    *rest = slice_from(*rest, 1);
    return true;
}

/* Cuts "1-Feb-2026" off the front. */
static bool cut_date(struct slice *rest, int32_t *ret_day) {
    unsigned day, year, month = 0;
    const char *name = months;
    if (!cut_digits(rest, 1, 2, &day) || !cut_byte(rest, '-'))
        return false;
    for (; month < 12 && !slice_eq_nocase(slice_first(*rest, 3), slice_of(name, 3)); name += 3)
        month++;
    if (month++ == 12)
        return false;
    *rest = slice_from(*rest, 3);
    if (!cut_byte(rest, '-') || !cut_digits(rest, 4, 4, &year))
        return false;
    if (!time_is_day(year, month, day))
        return false;
    *ret_day = (int32_t)time_days(year, month, day);
    return true;
}

int imap_date_parse(struct slice text, int32_t *ret_day) {
    int32_t day;
    if (!cut_date(&text, &day) || text.len > 0)
        return -E_SYNTAX;
    *ret_day = day;
    return 0;
}

int imap_date_time_parse(struct slice text, struct imap_date_time *ret) {
    int32_t day;
    unsigned h, m, s, zone_h, zone_m;
    (void)cut_byte(&text, ' ');
    if (!cut_date(&text, &day) || !cut_byte(&text, ' ') || !cut_digits(&text, 2, 2, &h) ||
        !cut_byte(&text, ':') || !cut_digits(&text, 2, 2, &m) || !cut_byte(&text, ':') ||
        !cut_digits(&text, 2, 2, &s) || !cut_byte(&text, ' '))
        return -E_SYNTAX;
    bool west = cut_byte(&text, '-');
    if ((!west && !cut_byte(&text, '+')) || !cut_digits(&text, 2, 2, &zone_h) ||
        !cut_digits(&text, 2, 2, &zone_m) || text.len > 0)
        return -E_SYNTAX;
    if (h > 23 || m > 59 || s > 60 || zone_h > 23 || zone_m > 59)
        return -E_SYNTAX;
    int zone = (int)(zone_h * 60 + zone_m) * (west ? -1 : 1);
    usec_t seconds =
        (usec_t)day * 86400 + (usec_t)h * 3600 + (usec_t)m * 60 + s - (usec_t)zone * 60;
    *ret = (struct imap_date_time){.at = seconds * USEC_SEC, .zone = (int16_t)zone};
    return 0;
}

/* "Z", or an offset in minutes. */
static bool cut_zone(struct slice *rest, int *ret) {
    unsigned h, m;
    *ret = 0;
    if (cut_byte(rest, 'Z') || cut_byte(rest, 'z'))
        return true;
    const bool west = cut_byte(rest, '-');
    if ((!west && !cut_byte(rest, '+')) || !cut_digits(rest, 2, 2, &h) || !cut_byte(rest, ':') ||
        !cut_digits(rest, 2, 2, &m) || h > 23 || m > 59)
        return false;
    *ret = (int)(h * 60 + m) * (west ? -1 : 1);
    return true;
}

int imap_rfc3339_parse(struct slice text, usec_t *ret) {
    unsigned year, month, day, h, m, s, fraction;
    int zone;
    if (!cut_digits(&text, 4, 4, &year) || !cut_byte(&text, '-') ||
        !cut_digits(&text, 2, 2, &month) || !cut_byte(&text, '-') ||
        !cut_digits(&text, 2, 2, &day) || !(cut_byte(&text, 'T') || cut_byte(&text, 't')) ||
        !cut_digits(&text, 2, 2, &h) || !cut_byte(&text, ':') || !cut_digits(&text, 2, 2, &m) ||
        !cut_byte(&text, ':') || !cut_digits(&text, 2, 2, &s))
        return -E_SYNTAX;
    if (cut_byte(&text, '.') && !cut_digits(&text, 1, 9, &fraction))
        return -E_SYNTAX;
    if (!cut_zone(&text, &zone) || text.len > 0 || !time_is_day(year, month, day) || h > 23 ||
        m > 59 || s > 60)
        return -E_SYNTAX;
    usec_t seconds = time_days(year, month, day) * 86400 + (usec_t)h * 3600 + (usec_t)m * 60 + s -
                     (usec_t)zone * 60;
    *ret = seconds * USEC_SEC;
    return 0;
}

/* Seconds since 1970 on the clocks of the zone, within the years that have a form. */
static usec_t local_seconds(struct imap_date_time t) {
    usec_t seconds = t.at / USEC_SEC - (t.at % USEC_SEC < 0) + (usec_t)t.zone * 60;
    const usec_t first = -719162LL * 86400, last = 2932897LL * 86400 - 1;
    return MIN(MAX(seconds, first), last);
}

int32_t imap_date_time_day(struct imap_date_time t) {
    usec_t seconds = local_seconds(t);
    return (int32_t)(seconds / 86400 - (seconds % 86400 < 0));
}

void imap_date_time_write(struct buf *to, struct imap_date_time t) {
    MUST(t.zone > -24 * 60 && t.zone < 24 * 60);
    time_t seconds = local_seconds(t);
    struct tm day;
    unsigned zone = (unsigned)(t.zone < 0 ? -t.zone : t.zone);
    MUST(gmtime_r(&seconds, &day));
    buf_printf(to, "%2d-%.3s-%04d %02d:%02d:%02d %c%02u%02u", day.tm_mday,
               months + 3 * (size_t)day.tm_mon, day.tm_year + 1900, day.tm_hour, day.tm_min,
               day.tm_sec, t.zone < 0 ? '-' : '+', zone / 60, zone % 60);
}
