/* SPDX-License-Identifier: ISC */
/*
 * Bodies by their numbers (store/bodies.h), and where an index of their texts is kept. The file of
 * the index is the index's own; here it is known by its name, and goes with what it was made from.
 */
#include "store/solo/inside.h"

#include <errno.h>

#include "base/alloc.h"

struct bodies_job {
    struct index *index;
    uint64_t above;
    struct index_place *places;
    size_t size, count;
};

static int run_bodies(void *arg) {
    struct bodies_job *j = arg;
    return index_places(j->index, j->above + 1, j->places, j->size, &j->count);
}

int solo_bodies(struct backend_account *account, uint64_t above, struct store_body *list,
                size_t size, size_t *ret_count) {
    struct solo_account *a = account_of(account);
    _cleanup_(free_p) struct index_place *places = mem_array(size, sizeof *places);
    int error = files_lock_whole(a);
    if (error)
        return error;
    struct bodies_job j = {a->index, above, places, size, 0};
    error = offload(OFFLOAD_DISK, run_bodies, &j);
    places_begin(a);
    for (size_t i = 0; i < j.count; i++) {
        list[i] = (struct store_body){places[i].body, places[i].size, places[i].crc};
        place_note(a, &places[i]); /* they are read next */
    }
    files_unlock(a, error);
    *ret_count = j.count;
    return error;
}

struct newest_job {
    struct index *index;
    uint64_t up_to;
    struct store_body *found;
};

static int run_newest(void *arg) {
    struct newest_job *j = arg;
    return index_newest_body(j->index, j->up_to, j->found);
}

int solo_newest_body(struct backend_account *account, uint64_t up_to, struct store_body *ret) {
    struct solo_account *a = account_of(account);
    int error = files_lock_whole(a);
    if (error)
        return error;
    struct newest_job j = {a->index, up_to, ret};
    error = offload(OFFLOAD_DISK, run_newest, &j);
    files_unlock(a, error == -E_UNKNOWN ? 0 : error);
    return error;
}

struct count_job {
    struct index *index;
    uint64_t up_to, count, above;
};

static int run_count(void *arg) {
    struct count_job *j = arg;
    return index_count_bodies(j->index, j->up_to, &j->count, &j->above);
}

int solo_count_bodies(struct backend_account *account, uint64_t up_to, uint64_t *ret_count,
                      uint64_t *ret_above) {
    struct solo_account *a = account_of(account);
    int error = files_lock_whole(a);
    if (error)
        return error;
    struct count_job j = {a->index, up_to, 0, 0};
    error = offload(OFFLOAD_DISK, run_count, &j);
    files_unlock(a, error);
    *ret_count = j.count;
    *ret_above = j.above;
    return error;
}

/* ------------------------------------------------------------------ the index of texts */

const char *solo_index_path(struct backend_account *account) {
    struct solo_account *a = account_of(account);
    if (!a->search_path)
        a->search_path = mem_printf("%s/" REPLAY_SEARCH_NAME, a->dir);
    return a->search_path;
}

bool solo_has_index(const struct backend_account *account) {
    return CONTAINER_OF(account, const struct solo_account, base)->search_there;
}

void solo_note_index(struct backend_account *account, bool there) {
    account_of(account)->search_there = there;
}
