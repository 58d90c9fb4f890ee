/* SPDX-License-Identifier: ISC */
#include "queue/schedule.h"

static const usec_t first_waits[] = {5 * USEC_MIN, 10 * USEC_MIN, 20 * USEC_MIN, 40 * USEC_MIN,
                                     80 * USEC_MIN};
static const usec_t notice_ages[] = {4 * USEC_HOUR, 24 * USEC_HOUR};

const struct queue_options queue_options_default = {
    .schedule =
        {
            .first = first_waits,
            .first_count = ARRAY_SIZE(first_waits),
            .day_one = 2 * USEC_HOUR,
            .after = 4 * USEC_HOUR,
            .jitter = 20,
            .lifetime = 5 * USEC_DAY,
            .report_lifetime = 2 * USEC_DAY,
            .full_lifetime = USEC_DAY,
            .notices = notice_ages,
            .notice_count = ARRAY_SIZE(notice_ages),
        },
    .recipients_per_transaction = 100,
    .active_max = 1000,
    .destination_max = 40,
    .memory_max = 64ULL << 20,
    .returned_max = 100ULL << 10,
    .held_max = 100,
    .held_size_max = 200ULL << 20,
    .loops_held_max = 1000,
    .loops_held_size_max = 256ULL << 20,
    .postmaster_max = 50,
    .success_max = 100,
    .call_timeout = 5 * USEC_MIN,
    .transmit_timeout = USEC_HOUR,
    .files_max = 1000,
};

usec_t schedule_wait(const struct queue_schedule *s, uint32_t attempts, usec_t age) {
    if (attempts > 0 && attempts <= s->first_count)
        return s->first[attempts - 1];
    return age < USEC_DAY ? s->day_one : s->after;
}

usec_t schedule_next(const struct queue_schedule *s, uint32_t attempts, usec_t arrival, usec_t end,
                     usec_t now, uint64_t chance) {
    usec_t wait = schedule_wait(s, attempts, now - arrival);
    /* Up to s->jitter percent longer or shorter, in steps of a thousandth. */
    usec_t most = 10 * (usec_t)s->jitter;
    usec_t by = (usec_t)(chance % (uint64_t)(2 * most + 1)) - most;
    usec_t next = now + wait + wait / 1000 * by;
    return now < end ? MIN(next, end) : next;
}

usec_t schedule_end(const struct queue_schedule *s, usec_t arrival, bool null_sender) {
    return arrival + (null_sender ? MIN(s->report_lifetime, s->lifetime) : s->lifetime);
}

usec_t schedule_end_full(const struct queue_schedule *s, usec_t arrival, bool null_sender) {
    return MIN(arrival + s->full_lifetime, schedule_end(s, arrival, null_sender));
}

#define CLOCK_STEP    USEC_HOUR /* less is no harm */
#define CLOCK_SETTLES USEC_HOUR

enum schedule_step schedule_look(struct schedule_clock *c, usec_t now, usec_t wall) {
    usec_t by = wall - now - c->ahead;
    enum schedule_step step = by > CLOCK_STEP    ? SCHEDULE_AHEAD
                              : by < -CLOCK_STEP ? SCHEDULE_BACK
                                                 : SCHEDULE_EVEN;
    c->ahead += by;
    if (step == SCHEDULE_AHEAD)
        c->since = now;
    return step;
}

usec_t schedule_doubt(const struct schedule_clock *c, usec_t planned, usec_t now, usec_t wall) {
    bool jumped = wall - now - c->ahead > CLOCK_STEP; /* since the last look */
    usec_t since = jumped ? now : c->since;
    return wall - planned <= CLOCK_STEP ? 0 : MAX(since + CLOCK_SETTLES - now, (usec_t)0);
}

bool schedule_is_void(const struct queue_schedule *s, usec_t planned, usec_t wall) {
    usec_t most = MAX(s->day_one, s->after);
    for (size_t i = 0; i < s->first_count; i++)
        most = MAX(most, s->first[i]);
    most += most / 100 * (usec_t)s->jitter;
    return planned != USEC_NEVER && planned - wall > MAX(most, USEC_DAY);
}

unsigned schedule_notices_due(const struct queue_schedule *s, usec_t arrival, usec_t now) {
    unsigned due = 0;
    while (due < s->notice_count && due < QUEUE_NOTICES && arrival + s->notices[due] <= now)
        due++;
    return due;
}

usec_t schedule_next_notice(const struct queue_schedule *s, usec_t arrival, unsigned told) {
    if (told >= s->notice_count || told >= QUEUE_NOTICES)
        return USEC_NEVER;
    return arrival + s->notices[told];
}
