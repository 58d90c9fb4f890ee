/* SPDX-License-Identifier: ISC */
/*
 * What is known of an account's packs: how long they are, and how much of them is needed. The index
 * does the sums when it takes records in; see index_each_change().
 */
#include "store/solo/inside.h"

#include "base/alloc.h"

struct index_pack *pack_find(struct solo_account *a, uint64_t pack) {
    for (size_t i = a->pack_count; i-- > 0;)
        if (a->packs[i].pack == pack)
            return &a->packs[i];
    return NULL;
}

struct index_pack *pack_add(struct solo_account *a, const struct index_pack *pack) {
    a->packs = mem_grow(a->packs, (a->pack_count + 1) * sizeof *a->packs);
    a->packs[a->pack_count] = *pack;
    return &a->packs[a->pack_count++];
}

void pack_remove(struct solo_account *a, uint64_t pack) {
    struct index_pack *p = pack_find(a, pack);
    if (!p)
        return;
    size_t behind = (size_t)(a->packs + a->pack_count - (p + 1));
    memmove(p, p + 1, behind * sizeof *p);
    a->pack_count--;
}

void pack_close_current(struct solo_account *a) {
    if (a->current)
        pack_file_close(a->current);
    free(TAKE_PTR(a->current));
}

bool pack_wants_compaction(const struct solo_account *a, const struct index_pack *p) {
    /* What a half emptied one still has must not outlive the removals that stand in later packs. */
    if (p->state == INDEX_PACK_SEALED || p->state == INDEX_PACK_HALF)
        return true;
    if (p->state != INDEX_PACK_WHOLE)
        return false;
    if (p->alive == 0 && p->pack < a->newest)
        return true;
    return p->end >= a->solo->options.compact_size && p->alive < p->end / 2;
}

static void sum_up(void *arg, uint64_t pack, uint64_t end, int64_t alive, bool is_half) {
    struct index_pack *p = pack_find(arg, pack);
    if (!p)
        return;
    p->end = MAX(p->end, end);
    if (is_half && p->state == INDEX_PACK_WHOLE)
        p->state = INDEX_PACK_HALF;
    p->alive = alive < 0 && p->alive < (uint64_t)-alive ? 0 : p->alive + (uint64_t)alive;
    if (alive < 0 && pack_wants_compaction(arg, p)) /* not for what a new pack begins with */
        work_add(arg, WORK_COMPACT);
}

void packs_sum_up(struct solo_account *a) {
    index_each_change(a->index, sum_up, a);
}

void packs_look_for_work(struct solo_account *a) {
    for (size_t i = 0; i < a->pack_count; i++)
        if (pack_wants_compaction(a, &a->packs[i]))
            work_add(a, WORK_COMPACT);
}
