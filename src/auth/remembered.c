/* SPDX-License-Identifier: ISC */
/*
 * What an attacker could want from this table, and why it is not there:
 *
 * - Guess online faster. Only a password that was verified in full is in it; every other one goes
 *   the whole way through Argon2, whether or not its account has an entry. So the time of a refusal
 *   is the same for everybody, and failures are counted as always.
 * - Read it out of memory. It holds neither passwords nor their hashes but BLAKE2b-256 keyed with a
 *   random key of this process over (account, stored hash, password). Whoever can read both key and
 *   table could test guesses quickly, for accounts that logged in within the last minutes: that is
 *   the price, and the reason for the short life, for the key being drawn anew whenever the table
 *   has run empty, for wiping what is dropped, and for the directory not being dumpable.
 * - Use an old password. The stored hash is part of the digest: after a change the old entry cannot
 *   be hit any more, whoever changed it. Entries end REMEMBERED_TTL after the full verification,
 *   however often they are used.
 * - Fill the memory. Only successes enter, the oldest gives way.
 *
 * Finding an entry by its digest is not a comparison that leaks: its bytes are unpredictable
 * without the key.
 */
#include "auth/remembered.h"

#include <sodium.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/list.h"
#include "base/map.h"
#include "base/random.h"

#define DIGEST_LEN 32U

struct entry {
    struct link by_age; /* first: oldest; all live equally long, so it also ends first */
    uint64_t account_id;
    usec_t ends_at;
    unsigned char digest[DIGEST_LEN];
};

struct remembered {
    struct map entries;
    struct list by_age;
    size_t max;
    unsigned char key[crypto_generichash_KEYBYTES];
};

struct remembered *remembered_new(size_t entries_max) {
    struct remembered *m = NEW(struct remembered);
    m->max = MAX(entries_max, (size_t)1);
    list_init(&m->by_age);
    random_bytes(m->key, sizeof m->key);
    return m;
}

static void forget(struct remembered *m, struct entry *e) {
    (void)map_remove(&m->entries, slice_of(e->digest, sizeof e->digest));
    link_remove(&e->by_age);
    mem_wipe(e, sizeof *e);
    free(e);
    if (m->entries.count == 0)
        random_bytes(m->key, sizeof m->key);
}

void remembered_free(struct remembered *m) {
    if (!m)
        return;
    LIST_EACH (e, &m->by_age, struct entry, by_age)
        forget(m, e);
    map_done(&m->entries);
    mem_wipe(m, sizeof *m);
    free(m);
}

static void drop_ended(struct remembered *m, usec_t now) {
    LIST_EACH (e, &m->by_age, struct entry, by_age) {
        if (e->ends_at > now)
            return;
        forget(m, e);
    }
}

static void make_digest(const struct remembered *m, uint64_t account_id, struct slice hash,
                        struct slice password, unsigned char digest[DIGEST_LEN]) {
    crypto_generichash_state state;
    unsigned char head[16];
    put_u64(head, account_id);
    put_u64(head + 8, hash.len); /* so that no two pairs run together into the same bytes */
    (void)crypto_generichash_init(&state, m->key, sizeof m->key, DIGEST_LEN);
    (void)crypto_generichash_update(&state, head, sizeof head);
    (void)crypto_generichash_update(&state, (const unsigned char *)hash.ptr, hash.len);
    (void)crypto_generichash_update(&state, (const unsigned char *)password.ptr, password.len);
    (void)crypto_generichash_final(&state, digest, DIGEST_LEN);
    mem_wipe(&state, sizeof state);
}

bool remembered_has(struct remembered *m, uint64_t account_id, struct slice hash,
                    struct slice password, usec_t now) {
    unsigned char digest[DIGEST_LEN];
    drop_ended(m, now);
    make_digest(m, account_id, hash, password, digest);
    return map_get(&m->entries, slice_of(digest, sizeof digest)) != NULL;
}

void remembered_add(struct remembered *m, uint64_t account_id, struct slice hash,
                    struct slice password, usec_t now) {
    drop_ended(m, now);
    if (m->entries.count >= m->max)
        forget(m, CONTAINER_OF(list_first(&m->by_age), struct entry, by_age));
    struct entry *e = NEW(struct entry);
    make_digest(m, account_id, hash, password, e->digest);
    struct entry *old = map_get(&m->entries, slice_of(e->digest, sizeof e->digest));
    if (old) {
        free(e);
        return;
    }
    e->account_id = account_id;
    e->ends_at = now + REMEMBERED_TTL;
    (void)map_put(&m->entries, slice_of(e->digest, sizeof e->digest), e);
    list_append(&m->by_age, &e->by_age);
}

void remembered_drop(struct remembered *m, uint64_t account_id) {
    LIST_EACH (e, &m->by_age, struct entry, by_age) {
        if (e->account_id == account_id)
            forget(m, e);
    }
}

size_t remembered_count(const struct remembered *m) {
    return m->entries.count;
}
