/* SPDX-License-Identifier: ISC */
/*
 * What was delivered before (D6).
 *
 * A key that is in no set in memory is surely new. One that seems known is compared with the
 * records not yet in the database, then with the database.
 */
#include "store/solo/inside.h"

/* ------------------------------------------------------------------ the set in memory */

struct load_job {
    struct index *index;
    struct key_set keys;
};

static void load_key(void *arg, struct slice key) {
    key_set_add(arg, key_hash(key));
}

#define SPENT_LARGE 65536U /* places of the table that follows */

static int run_load(void *arg) {
    struct load_job *j = arg;
    return index_each_key(j->index, load_key, &j->keys);
}

/* What the set has is memory of the account. */
static void count_memory(struct solo_account *a, int sign) {
    *a->solo->host.memory += sign * (int64_t)(sizeof *a->keys + key_set_bytes(a->keys));
}

static void set_keys(struct solo_account *a, const struct key_set *keys) {
    a->keys = mem_copy(keys, sizeof *keys);
    count_memory(a, 1);
}

void keys_begin(struct solo_account *a) {
    set_keys(a, &(struct key_set){0});
}

static int load_keys(struct solo_account *a) WAITS {
    if (a->keys)
        return 0;
    int error = files_lock_whole(a);
    if (error)
        return error;
    if (!a->keys) { /* somebody else may have loaded them meanwhile */
        struct load_job j = {.index = a->index};
        error = offload(OFFLOAD_DISK, run_load, &j);
        if (error)
            key_set_done(&j.keys);
        else
            set_keys(a, &j.keys);
    }
    files_unlock(a, error);
    return error;
}

void keys_note(struct solo_account *a, struct slice key) {
    if (!a->keys || key.len == 0)
        return;
    count_memory(a, -1);
    key_set_add(a->keys, key_hash(key));
    count_memory(a, 1);
}

static int run_free(void *arg) {
    free(arg);
    return 0;
}

void keys_free_spent(struct solo_account *a) {
    void *spent = TAKE_PTR(a->keys->spent);
    if (a->keys->table.size < SPENT_LARGE)
        free(spent);
    else
        (void)offload(OFFLOAD_DISK, run_free, spent);
}

void keys_clear(struct solo_account *a) {
    if (!a->keys)
        return;
    count_memory(a, -1);
    key_set_done(a->keys);
    free(TAKE_PTR(a->keys));
}

/* ------------------------------------------------------------------ the key itself */

static bool find_pending(const struct solo_account *a, struct slice key, uint64_t *ret_body,
                         uint32_t *ret_uid) {
    for (struct link *k = a->pending.head.prev; k != &a->pending.head; k = k->prev) {
        const struct log_record *r = CONTAINER_OF(k, struct log_record, link);
        struct note_message n;
        if (r->type != NOTE_MESSAGE || note_message_decode(log_record_facts(r), &n) < 0 ||
            !slice_eq(n.key, key))
            continue;
        *ret_body = n.message;
        *ret_uid = n.uid;
        return true;
    }
    return false;
}

struct find_job {
    struct index *index;
    struct slice key;
    uint64_t body;
};

static int run_find(void *arg) {
    struct find_job *j = arg;
    return index_find_key(j->index, j->key, &j->body);
}

int solo_find_key(struct backend_account *account, struct slice key, uint64_t *ret_body,
                  uint32_t *ret_uid) {
    struct solo_account *a = account_of(account);
    int error = load_keys(a);
    if (error || !key_set_has(a->keys, key_hash(key)))
        return error;
    error = files_lock(a); /* before looking at what is pending: it moves into the database */
    if (error)
        return error;
    struct find_job j = {.index = a->index, .key = key};
    *ret_uid = 0;
    bool pending = find_pending(a, key, ret_body, ret_uid);
    error = pending ? 0 : offload(OFFLOAD_DISK, run_find, &j);
    files_unlock(a, error);
    if (error == -E_UNKNOWN)
        return 0;
    if (!error && !pending)
        *ret_body = j.body;
    return error ? error : 1;
}
