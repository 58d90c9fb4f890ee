/* SPDX-License-Identifier: ISC */
/*
 * Compaction: a pack that is mostly dead gives its space back.
 *
 * What is still needed of it (compact_keep.c) is copied to the end of the log, in steps of a few
 * MiB, each an ordinary group that is synced; the last one says that the pack is gone. Then mail.db
 * takes the new places in and is synced, and the file is unlinked. Whatever stops this halfway: a
 * message is there twice, and the later copy, which says the same, is the one that counts. Such a
 * half emptied pack is compacted before any that may have the copies: a removal behind them knows
 * the copy only, and goes with it.
 *
 * A pack with damage is left alone: it may be all there is to salvage a message from. As long as
 * there is one, every expunge is kept, whose message may be copied there. Left alone as well is one
 * with a message that mail.db does not know though nobody has expunged it: the packs are the truth,
 * and mail.db is made anew first.
 */
#include "store/solo/compact.h"

#include <errno.h>

#define SMALL_PACK 4096U /* never worth it */

/* ------------------------------------------------------------------ a step */

static void forget_kept(struct compaction *c) {
    struct link *l;
    while ((l = list_pop(&c->kept))) {
        struct kept *k = CONTAINER_OF(l, struct kept, link);
        buf_done(&k->facts);
        buf_done(&k->body);
        free(k);
    }
    c->kept_count = c->kept_bytes = 0;
}

static int gather_in_thread(struct solo_account *a, struct compaction *c) WAITS {
    struct pack_handle *pack;
    int error = files_get_pack(a, c->pack, &pack);
    if (error == -E_UNKNOWN) {
        c->missing = c->done = true;
        return 0;
    }
    if (error)
        return error;
    if ((error = files_lock_whole(a)) == 0) {
        c->index = a->index;
        c->fd = pack->fd;
        error = offload(OFFLOAD_DISK, compact_gather, c);
        files_unlock(a, c->index_wrong ? -E_CORRUPT : 0);
    }
    files_put_pack(pack);
    return error;
}

static int copy_kept(struct solo_account *a, struct compaction *c) WAITS {
    struct log_group g;
    int error = log_begin(&g, a);
    if (!error && g.pack == c->pack)
        log_new_pack(&g);
    for (struct link *l = c->kept.head.next; !error && l != &c->kept.head; l = l->next) {
        const struct kept *k = CONTAINER_OF(l, struct kept, link);
        struct slice part = buf_slice(&k->body);
        struct store_bytes body = {.parts = &part, .count = 1, .len = part.len, .crc = k->crc};
        bool has_body = k->type == NOTE_MESSAGE || k->type == NOTE_BODY;
        log_add(&g, k->type, NOTE_MOVED, buf_slice(&k->facts), has_body ? &body : NULL);
    }
    if (!error)
        error = log_write(&g);
    log_done(&g);
    return error;
}

/* When the next group would begin a pack: begins it. */
static int write_head(struct solo_account *a, uint64_t pack) WAITS {
    struct log_group g;
    int error = log_begin(&g, a);
    if (!error && g.pack == pack)
        log_new_pack(&g);
    if (!error && g.create) {
        log_head(&g);
        error = log_write(&g);
    }
    log_done(&g);
    return error;
}

/*
 * In a group of its own, not even with the head of its pack: of one that a power cut tears, this
 * record may be found and those before it not, and then the only copy of them would go.
 */
static int write_gone(struct solo_account *a, uint64_t pack) WAITS {
    _cleanup_(buf_done) struct buf facts = {0};
    struct log_group g;
    int error = write_head(a, pack);
    if (error)
        return error;
    error = log_resume(&g, a);
    if (!error) {
        note_gone_encode(&facts, &(struct note_gone){a->id, pack});
        log_add(&g, NOTE_GONE, 0, buf_slice(&facts), NULL);
        error = log_write(&g);
    }
    log_done(&g);
    return error;
}

/* No group comes between what is read of the pack and its copy. */
static int step(struct solo_account *a, struct compaction *c) WAITS {
    if (!a->ready)
        return -ECANCELED;
    int error = fiber_mutex_lock(&a->log);
    if (error)
        return error;
    const struct index_pack *p = pack_find(a, c->pack);
    if (p)
        c->end = p->end; /* final only here: groups before this one may have been written to it */
    error = gather_in_thread(a, c);
    if (!error && !list_empty(&c->kept))
        error = copy_kept(a, c);
    if (!error && c->done)
        error = write_gone(a, c->pack);
    fiber_mutex_unlock(&a->log);
    forget_kept(c);
    maps_drop(a, (const uint64_t *)(const void *)c->gone.ptr, c->gone.len / sizeof(uint64_t));
    buf_done(&c->gone);
    return error;
}

/* ------------------------------------------------------------------ a pack */

struct unlink_job {
    struct index *index;
    const char *path;
    uint64_t pack;
};

static int run_unlink(void *arg) {
    struct unlink_job *j = arg;
    int error = index_sync(j->index);
    if (error)
        return error;
    if (unlink(j->path) < 0 && errno != ENOENT)
        return -errno;
    return index_forget_pack(j->index, j->pack);
}

/* The log has everything; once mail.db has the new places, on the disk, the file goes. */
static int remove_pack(struct solo_account *a, uint64_t pack) WAITS {
    char name[PACK_NAME_SIZE];
    _cleanup_(free_p) char *path =
        mem_printf("%s/" REPLAY_PACKS_DIR "/%s", a->dir, pack_name(pack, name));
    pack_find(a, pack)->state = INDEX_PACK_GONE;
    int error = files_lock_whole(a);
    if (error)
        return error;
    struct unlink_job j = {.index = a->index, .path = path, .pack = pack};
    error = offload(OFFLOAD_DISK, run_unlink, &j);
    places_forget(a);
    files_unlock(a, error);
    if (error)
        return error;
    files_forget_pack(a, pack);
    pack_remove(a, pack);
    a->solo->stats.compacted++;
    return 0;
}

static int compact_pack(struct solo_account *a, uint64_t pack) WAITS {
    struct solo *s = a->solo;
    usec_t wall = fiber_wall();
    bool sure = even_clock_settled(&s->clock, fiber_now(), wall, s->keys_kept);
    struct compaction c = {
        .account = a->id,
        .pack = pack,
        .at = PACK_FILE_HEAD,
        .keys_since = sure ? wall - s->keys_kept : 0,
    };
    list_init(&c.kept);
    for (size_t i = 0; i < a->pack_count; i++) {
        c.damage |= a->packs[i].state == INDEX_PACK_DAMAGED;
        c.older |= a->packs[i].pack < pack;
    }
    int error = 0;
    while (!error && !c.done)
        error = step(a, &c);
    if (error == -E_CORRUPT) {
        struct index_pack *p = pack_find(a, pack);
        struct problem text;
        if (p && p->state != INDEX_PACK_SEALED)
            p->state = INDEX_PACK_DAMAGED;
        (void)problem_set(&text, 0, "pack %06llu is damaged and is kept as it is",
                          (unsigned long long)pack);
        solo_report(a, slice_of_str(text.text));
    }
    return error ? error : remove_pack(a, pack);
}

/* ------------------------------------------------------------------ an account */

static bool is_due(const struct solo_account *a, const struct index_pack *p, bool all) {
    if (pack_wants_compaction(a, p))
        return true;
    return all && p->state == INDEX_PACK_WHOLE && p->end > SMALL_PACK && p->alive < p->end / 2;
}

/*
 * The packs that are there now, oldest first. None while an emptied one could not be unlinked: what
 * it still seems to hold must stay contradicted by records that compaction would drop.
 */
static int compact_due(struct solo_account *a, bool all) WAITS {
    uint64_t last = a->newest;
    for (uint64_t after = 0; after < last;) {
        uint64_t next = 0;
        for (size_t i = 0; i < a->pack_count; i++) {
            const struct index_pack *p = &a->packs[i];
            if (p->state == INDEX_PACK_GONE)
                return -E_TEMPORARY;
            if (p->pack > after && p->pack <= last && (next == 0 || p->pack < next) &&
                is_due(a, p, all))
                next = p->pack;
        }
        if (next == 0)
            return 0;
        int error = compact_pack(a, next);
        if (error && error != -E_CORRUPT)
            return error;
        after = next;
    }
    return 0;
}

int compact_account(struct solo_account *a, bool all) {
    if (a->compacting)
        return -E_BUSY;
    a->compacting = true;
    int error = files_lock_whole(a); /* how much of a pack is needed shows when all is taken in */
    if (!error) {
        files_unlock(a, 0);
        error = compact_due(a, all);
    }
    a->compacting = false;
    return error;
}

int solo_compact(struct backend_account *a) {
    return compact_account(account_of(a), true);
}
