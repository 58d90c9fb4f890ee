/* SPDX-License-Identifier: ISC */
#include "store/shared.h"

#include "base/alloc.h"

struct shared_name *shared_name_find(struct shared_names *s, struct slice name) {
    for (size_t i = 0; i < s->count; i++)
        if (slice_eq(s->list[i].name, name))
            return &s->list[i];
    return NULL;
}

void shared_name_add(struct shared_names *s, struct slice name) {
    if (s->count < SHARED_NAMES_MAX && !shared_name_find(s, name))
        s->list[s->count++].name = arena_copy(&s->arena, name);
}

void shared_names_done(struct shared_names *s) {
    for (size_t i = 0; i < s->count; i++)
        free(s->list[i].subscribed);
    arena_done(&s->arena);
}
