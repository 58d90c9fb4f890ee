/* SPDX-License-Identifier: ISC */
/*
 * Groups of records, encoded as notes and written to the log (D1, D2).
 */
#include "store/solo/inside.h"

#include "base/alloc.h"

#define TOGETHER_HEAD 5U /* of a note in a NOTE_TOGETHER */

static void add_append(struct log_group *g, const struct record_append *n, struct buf *facts) {
    note_message_encode(facts, &(struct note_message){
                                   .account = g->account->id,
                                   .message = n->entry.body,
                                   .modseq = n->entry.modseq,
                                   .mailbox = n->mailbox,
                                   .uid = n->entry.uid,
                                   .flags = n->entry.flags & ~ENTRY_SHARED & 0xffU,
                                   .arrival = (usec_t)n->entry.date,
                                   .header_size = n->header_size,
                                   .shape = n->entry.shape,
                                   .mailbox_name = n->mailbox_name,
                                   .return_path = n->return_path,
                                   .key = n->key,
                                   .stored = n->stored,
                                   .keywords = n->keywords,
                               });
    log_add(g, NOTE_MESSAGE, n->followed ? NOTE_FOLLOWED : 0, buf_slice(facts), &n->bytes);
}

static void add_copy(struct log_group *g, const struct record_copy *n, struct buf *facts) {
    _cleanup_(buf_done) struct buf items = {0};
    for (size_t i = 0; i < n->count; i++)
        note_entry_encode(&items, &(struct note_entry){
                                      .uid = n->entries[i].uid,
                                      .size = n->entries[i].size,
                                      .body = n->entries[i].body,
                                      .modseq = n->entries[i].modseq,
                                      .flags = n->entries[i].flags & ~ENTRY_SHARED & 0xffU,
                                      .set = n->entries[i].keywords,
                                      .saved = (uint32_t)(n->saved / USEC_SEC),
                                  });
    note_entries_encode(facts, &(struct note_entries){
                                   .account = g->account->id,
                                   .mailbox = n->mailbox,
                                   .count = (uint32_t)n->count,
                                   .mailbox_name = n->mailbox_name,
                                   .items = buf_slice(&items),
                               });
    if (!n->from) {
        note_sets_encode(facts, n->sets);
        log_add(g, NOTE_ENTRIES, 0, buf_slice(facts), NULL);
        return;
    }
    buf_clear(&items);
    for (size_t i = 0; i < n->count; i++)
        note_change_encode(&items, NOTE_EXPUNGE, (struct note_change){.uid = n->gone[i]});
    note_changes_encode(facts, &(struct note_changes){
                                   .account = g->account->id,
                                   .modseq = n->count ? n->entries[n->count - 1].modseq : 0,
                                   .mailbox = n->from,
                                   .count = (uint32_t)n->count,
                                   .items = buf_slice(&items),
                               });
    if (n->sets.len > 0)
        note_when_encode(facts, 0);
    note_sets_encode(facts, n->sets);
    log_add(g, NOTE_TRANSFER, 0, buf_slice(facts), NULL);
}

/* The beginning of a note that is about messages of a mailbox; `items` are one for each. */
static void begin_changes(const struct log_group *g, uint64_t modseq, uint32_t mailbox,
                          size_t count, const struct buf *items, struct buf *facts) {
    note_changes_encode(facts, &(struct note_changes){
                                   .account = g->account->id,
                                   .modseq = modseq,
                                   .mailbox = mailbox,
                                   .count = (uint32_t)count,
                                   .items = buf_slice(items),
                               });
}

static void add_flags(struct log_group *g, const struct record_flags *n, struct buf *facts) {
    _cleanup_(buf_done) struct buf items = {0};
    for (size_t i = 0; i < n->count; i++)
        note_change_encode(&items, NOTE_FLAGS,
                           (struct note_change){
                               .uid = n->entries[i].uid,
                               .flags = n->entries[i].flags & ~ENTRY_SHARED & 0xffU,
                               .set = n->entries[i].keywords,
                           });
    begin_changes(g, n->modseq, n->mailbox, n->count, &items, facts);
    note_sets_encode(facts, n->sets);
    log_add(g, NOTE_FLAGS, 0, buf_slice(facts), NULL);
}

static void add_expunge(struct log_group *g, const struct record_expunge *n, struct buf *facts) {
    _cleanup_(buf_done) struct buf items = {0};
    for (size_t i = 0; i < n->count; i++)
        note_change_encode(&items, NOTE_EXPUNGE, (struct note_change){.uid = n->uids[i]});
    begin_changes(g, n->modseq, n->mailbox, n->count, &items, facts);
    note_when_encode(facts, n->when);
    log_add(g, NOTE_EXPUNGE, 0, buf_slice(facts), NULL);
}

static void add_remove(struct log_group *g, const struct record_remove *n, struct buf *facts) {
    note_remove_encode(facts, &(struct note_remove){
                                  .account = g->account->id,
                                  .modseq = n->modseq,
                                  .mailbox = n->mailbox,
                                  .when = n->when,
                                  .name = n->name,
                              });
    log_add(g, NOTE_REMOVE, 0, buf_slice(facts), NULL);
}

static void property_facts(const struct log_group *g, const struct record_property *n,
                           struct buf *facts) {
    note_property_encode(facts, &(struct note_property){
                                    .account = g->account->id,
                                    .modseq = n->modseq,
                                    .mailbox = n->mailbox,
                                    .kind = n->kind,
                                    .is_set = n->is_set,
                                    .name = n->name,
                                    .value = n->value,
                                });
}

/* The record of the same change behind a mailbox's, or NULL. */
static const struct store_record *next_of_mailbox(const struct store_record *r, uint64_t modseq,
                                                  const struct list *records) {
    if (r->link.next == &records->head)
        return NULL;
    const struct store_record *next = CONTAINER_OF(r->link.next, const struct store_record, link);
    bool same = (next->type == RECORD_PROPERTY && next->property.modseq == modseq) ||
                (next->type == RECORD_MAILBOX && next->mailbox.modseq == modseq);
    return same ? next : NULL;
}

/*
 * A mailbox, others that are made with it, and what becomes of properties: the rights that it
 * inherits, subscriptions of its name. Under one sum, as far as that goes: a power cut leaves none
 * with half of its rights. The last of the records.
 */
static const struct store_record *add_mailbox(struct log_group *g, const struct store_record *r,
                                              const struct list *records, struct buf *facts) {
    _cleanup_(buf_done) struct buf one = {0};
    uint64_t modseq = r->mailbox.modseq;
    const struct store_record *last = r, *next;
    note_together_encode(facts, g->account->id);
    log_mailbox_facts(g, &r->mailbox, &one);
    note_together_add(facts, NOTE_MAILBOX, buf_slice(&one));
    for (; (next = next_of_mailbox(last, modseq, records)); last = next) {
        bool mailbox = next->type == RECORD_MAILBOX;
        buf_clear(&one);
        if (mailbox)
            log_mailbox_facts(g, &next->mailbox, &one);
        else
            property_facts(g, &next->property, &one);
        if (facts->len + one.len + TOGETHER_HEAD > PACK_FACTS_MAX)
            break;
        note_together_add(facts, mailbox ? NOTE_MAILBOX : NOTE_PROPERTY, buf_slice(&one));
    }
    log_add(g, NOTE_TOGETHER, 0, buf_slice(facts), NULL);
    return last;
}

static void add_records(struct log_group *g, const struct list *records) WAITS {
    _cleanup_(buf_done) struct buf facts = {0};
    log_head(g);
    for (const struct link *k = records->head.next; k != &records->head; k = k->next) {
        const struct store_record *r = CONTAINER_OF(k, const struct store_record, link);
        buf_clear(&facts);
        if (r->type == RECORD_APPEND)
            add_append(g, &r->append, &facts);
        else if (r->type == RECORD_COPY)
            add_copy(g, &r->copy, &facts);
        else if (r->type == RECORD_FLAGS)
            add_flags(g, &r->flags, &facts);
        else if (r->type == RECORD_EXPUNGE)
            add_expunge(g, &r->expunge, &facts);
        else if (r->type == RECORD_REMOVE)
            add_remove(g, &r->remove, &facts);
        else if (r->type == RECORD_MAILBOX)
            k = &add_mailbox(g, r, records, &facts)->link;
        else if (r->type == RECORD_FORGET) {
            struct deleted_place to = r->forget.to;
            note_forget_encode(&facts, &(struct note_forget){g->account->id, to.modseq, to.uid});
            log_add(g, NOTE_FORGET, 0, buf_slice(&facts), NULL);
        } else {
            property_facts(g, &r->property, &facts);
            log_add(g, NOTE_PROPERTY, 0, buf_slice(&facts), NULL);
        }
        (void)fiber_yield_if_long();
    }
}

/* What is kept in memory of bodies, beside mail.db. */
static void note_bodies(struct solo_account *a, const struct log_group *g) WAITS {
    struct note_message n;
    LIST_EACH (r, &g->records, const struct log_record, link) {
        if (r->type != NOTE_MESSAGE || note_message_decode(log_record_facts(r), &n) < 0)
            continue;
        keys_note(a, n.key);
        place_note(a, &(struct index_place){.body = n.message,
                                            .pack = r->pack,
                                            .offset = r->place.body,
                                            .size = (uint32_t)r->place.body_len,
                                            .crc = r->place.body_crc});
        (void)fiber_yield_if_long();
    }
}

int solo_commit(struct backend_account *account, const struct list *records) {
    struct solo_account *a = account_of(account);
    struct log_group g;
    if (a->keys &&
        a->keys
            ->spent) /* not behind the group: the store shows it as soon as mail.db can have it */
        keys_free_spent(a);
    int error = fiber_mutex_lock(&a->log);
    if (error)
        return error;
    error = log_begin(&g, a);
    if (!error) {
        add_records(&g, records);
        error = log_write(&g);
    }
    if (!error)
        note_bodies(a, &g);
    log_done(&g);
    fiber_mutex_unlock(&a->log);
    /*
     * A new account, whose first pack tells when it was born, before anyone is told a UIDVALIDITY.
     * The database is told at once: it is open now, and may be closed by the time the keeper comes.
     */
    if (!error && a->is_new && files_lock_whole(a) == 0)
        files_unlock(a, 0);
    a->is_new &= error != 0;
    return error;
}
