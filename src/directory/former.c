/* SPDX-License-Identifier: ISC */
/*
 * Until when an address was somebody else's. The queue asks where an address leads when it delivers
 * a message, which may be days after it was accepted: by then the one it was for may have been
 * removed, purged or brought back under another address, and another one may have his address. So
 * this outlives the removed account, and directory_resolve() gives it with the address
 * (route_mailbox.replaced).
 */
#include "directory/internal.h"

/* No message is tried for longer (the limit of queue.lifetime). */
#define QUEUED_MAX (100 * USEC_DAY)

int former_note(struct db *db, uint64_t id, struct slice address, usec_t removed) {
    return db_run(db,
                  "INSERT INTO former_owner (address, account_id, removed) VALUES (?1, ?2, ?3)"
                  " ON CONFLICT (address, account_id) DO UPDATE SET removed = excluded.removed",
                  V_TEXT(address), V(id), V(removed));
}

/* One whose address somebody has stays: a message on hold has no limit. */
int former_forget(struct db *db, usec_t now) {
    return db_run(db,
                  "DELETE FROM former_owner WHERE removed < ?1 AND NOT EXISTS"
                  " (SELECT 1 FROM account a WHERE a.address = former_owner.address)"
                  " AND NOT EXISTS"
                  " (SELECT 1 FROM elsewhere e WHERE e.address = former_owner.address)",
                  V(now - QUEUED_MAX));
}
