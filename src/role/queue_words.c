/* SPDX-License-Identifier: ISC */
#include "role/queue_words.h"

#include "journey/kinds.h"

/* The engine's words, and the event log's. */
struct words {
    const char *queue, *events;
};

static const char *translate(const struct words *words, size_t count, const char *word) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(word, words[i].queue) == 0)
            return words[i].events;
    }
    return word;
}

const char *queue_event_kind(const char *kind) {
    static const struct words kinds[] = {
        {"queue.accepted", KIND_QUEUED},     {"queue.made", KIND_QUEUED},
        {"queue.delivered", KIND_DELIVERED}, {"queue.transmitted", KIND_TRANSMITTED},
        {"queue.later", KIND_DEFERRED},      {"queue.failed", KIND_BOUNCED},
        {"queue.expanded", KIND_EXPANDED},   {"queue.report", KIND_REPORT},
        {"queue.settled", KIND_SETTLED},     {"queue.held", KIND_HELD},
        {"queue.released", KIND_RELEASED},   {"queue.retry", KIND_RETRIED},
        {"queue.removed", KIND_REMOVED},     {"queue.transmission", KIND_TRANSMISSION},
        {"queue.expansion", KIND_EXPANDED},  {"queue.error", KIND_WARNING},
    };
    return translate(kinds, ARRAY_SIZE(kinds), kind);
}

static const char *event_fact(const char *field) {
    static const struct words facts[] = {
        {"sender", FACT_FROM},     {"recipient", FACT_TO},       {"recipients", FACT_TO},
        {"parent", FACT_ORIGINAL}, {"destination", FACT_DOMAIN}, {"by", FACT_BY},
    };
    return translate(facts, ARRAY_SIZE(facts), field);
}

size_t queue_event_facts(const struct queue_field *fields, size_t count,
                         struct rpc_field ret[static QUEUE_FACTS_MAX]) {
    count = MIN(count, (size_t)QUEUE_FACTS_MAX);
    for (size_t i = 0; i < count; i++)
        ret[i] = (struct rpc_field){slice_of_str(event_fact(fields[i].name)),
                                    slice_first(fields[i].value, 16384)};
    return count;
}
