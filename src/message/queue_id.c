/* SPDX-License-Identifier: ISC */
/*
 * The counter runs on through the milliseconds instead of starting again in each: when it comes
 * round within one millisecond, the next one is used up early. (last_ms, counter) therefore only
 * grows, whatever the clock does.
 *
 * A machine without a clock begins before 2020 each time. Its processes would give the counters of
 * one millisecond again and again, and a mailbox takes a message under an id that it knows for one
 * that it has. So each of them begins somewhere in the first weeks of 2020.
 */
#include "message/queue_id.h"

#include "base/error.h"
#include "base/random.h"

#define EPOCH_2020   (1577836800 * USEC_SEC)
#define MS_SHIFT     22U
#define WORKER_SHIFT 14U
#define COUNTER_MASK ((1U << WORKER_SHIFT) - 1)
#define MS_MAX       ((UINT64_C(1) << (64U - MS_SHIFT)) - 1)
#define MS_NO_CLOCK  (UINT64_C(1) << 31)

static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

void queue_ids_init(struct queue_ids *ids, uint8_t worker) {
    *ids = (struct queue_ids){
        .worker = worker,
        .counter = (uint16_t)random_below(COUNTER_MASK + 1),
    };
}

static uint64_t ms_since_2020(usec_t wall) {
    if (wall < EPOCH_2020)
        return 0;
    return MIN((uint64_t)(wall - EPOCH_2020) / (uint64_t)USEC_MS, MS_MAX);
}

queue_id queue_id_next(struct queue_ids *ids, usec_t wall) {
    uint64_t ms = ms_since_2020(wall);
    ids->counter = (uint16_t)((ids->counter + 1U) & COUNTER_MASK);
    if (ms == 0 && ids->last_ms == 0)
        ms = 1 + random_below(MS_NO_CLOCK);
    if (ms > ids->last_ms)
        ids->last_ms = ms;
    else if (ids->counter == 0)
        ids->last_ms++;
    MUST(ids->last_ms <= MS_MAX);
    return ids->last_ms << MS_SHIFT | (uint64_t)ids->worker << WORKER_SHIFT | ids->counter;
}

usec_t queue_id_time(queue_id id) {
    return EPOCH_2020 + (usec_t)(id >> MS_SHIFT) * USEC_MS;
}

queue_id queue_id_from(usec_t wall) {
    return ms_since_2020(wall) << MS_SHIFT;
}

unsigned queue_id_worker(queue_id id) {
    return (id >> WORKER_SHIFT) & ((1U << (MS_SHIFT - WORKER_SHIFT)) - 1);
}

struct slice queue_id_format(queue_id id, char text[static QUEUE_ID_SIZE]) {
    text[QUEUE_ID_DIGITS] = '\0';
    for (size_t i = QUEUE_ID_DIGITS; i > 0; i--) {
        text[i - 1] = digits[id & 31];
        id >>= 5;
    }
    return slice_of(text, QUEUE_ID_DIGITS);
}

static int digit_value(char c) {
    c = ascii_lower(c);
    if (c == 'o')
        return 0;
    if (c == 'i' || c == 'l')
        return 1;
    const char *at = c ? memchr(digits, c, sizeof digits - 1) : NULL;
    return at ? (int)(at - digits) : -1;
}

int queue_id_parse(struct slice text, queue_id *ret) {
    queue_id id = 0;
    if (text.len != QUEUE_ID_DIGITS)
        return -E_SYNTAX;
    for (size_t i = 0; i < QUEUE_ID_DIGITS; i++) {
        int value = digit_value(text.ptr[i]);
        if (value < 0 || (i == 0 && value > 15))
            return -E_SYNTAX;
        id = id << 5 | (queue_id)value;
    }
    *ret = id;
    return 0;
}
