/* SPDX-License-Identifier: ISC */
/*
 * The decoders of an account's records. The first byte chooses the type; what can be read is
 * written and read again, and must be the same bytes.
 */
#include "base/alloc.h"
#include "store/solo/note.h"

static void check_account(struct slice facts, struct buf *again) {
    struct note_account n;
    if (note_account_decode(facts, &n) < 0)
        return;
    for (size_t i = 0; i < note_seal_count(&n); i++)
        (void)note_seal_at(&n, i);
    note_account_encode(again, &n);
    /* Those of older programs say nothing of what is forgotten, or of how many mailboxes follow. */
    if (again->len == facts.len + 12 + 4 || again->len == facts.len + 4)
        again->len = facts.len;
}

static void check_mailbox(struct slice facts, struct buf *again) {
    struct note_mailbox n;
    if (note_mailbox_decode(facts, &n) == 0)
        note_mailbox_encode(again, &n);
}

static void check_message(struct slice facts, struct buf *again) {
    struct note_message n;
    if (note_message_decode(facts, &n) < 0)
        return;
    n.keywords = (struct slice){0};
    note_message_encode(again, &n);
    if (again->len == facts.len + sizeof n.stored) /* that of an older program */
        again->len = facts.len;
}

/* Every line is found by its number, and nothing else is. */
static void check_sets(struct slice rest) {
    struct buf sets = {0}, again = {0};
    struct slice lines = note_sets_decode(rest);
    note_sets_split(lines, &sets);
    uint32_t count = (uint32_t)(sets.len / sizeof(struct slice));
    for (uint32_t i = 1; i <= count; i++) {
        buf_add(&again, note_sets_at(&sets, i));
        buf_add_byte(&again, '\n');
    }
    MUST(slice_starts(buf_slice(&again), lines) && again.len <= lines.len + 1);
    MUST(note_sets_at(&sets, 0).len == 0 && note_sets_at(&sets, count + 1).len == 0);
    buf_done(&sets);
    buf_done(&again);
}

static void check_changes(struct slice facts, enum note_type type, struct buf *again) {
    struct note_changes n;
    if (note_changes_decode(facts, type, &n) < 0)
        return;
    struct buf items = {0};
    for (size_t i = 0; i < n.count; i++)
        note_change_encode(&items, type, note_changes_at(&n, type, i));
    bool same = slice_eq(n.items, buf_slice(&items)); /* or bits are set that mean nothing */
    n.items = buf_slice(&items);
    buf_clear(again);
    if (same)
        note_changes_encode(again, &n);
    buf_done(&items);
    check_sets(n.rest);
}

/* Behind the entries of a transfer stand changes, facts of their own. */
static void check_entries(struct slice facts, enum note_type type, struct buf *again) {
    struct note_entries n;
    if (note_entries_decode(facts, &n) < 0)
        return;
    struct buf items = {0};
    for (size_t i = 0; i < n.count; i++) {
        struct note_entry e = note_entries_at(&n, i);
        note_entry_encode(&items, &e);
    }
    if (slice_eq(n.items, buf_slice(&items))) {
        n.items = buf_slice(&items);
        note_entries_encode(again, &n);
    }
    check_sets(n.rest);
    struct buf expunge = {0};
    if (type == NOTE_TRANSFER)
        check_changes(n.rest, NOTE_EXPUNGE, &expunge);
    MUST(expunge.len <= n.rest.len &&
         slice_eq(buf_slice(&expunge), slice_first(n.rest, expunge.len)));
    buf_done(&expunge);
    buf_done(&items);
}

static void check_body(struct slice facts, struct buf *again) {
    struct note_body n;
    if (note_body_decode(facts, &n) < 0)
        return;
    note_body_encode(again, &n);
    if (n.return_path.len == 0) /* older notes do not even say how long it is */
        again->len = MIN(again->len, facts.len);
}

static void check_key(struct slice facts, struct buf *again) {
    struct note_key n;
    if (note_key_decode(facts, &n) == 0)
        note_key_encode(again, &n);
}

static void check_gone(struct slice facts, struct buf *again) {
    struct note_gone n;
    if (note_gone_decode(facts, &n) == 0)
        note_gone_encode(again, &n);
}

static void check_remove(struct slice facts, struct buf *again) {
    struct note_remove n;
    if (note_remove_decode(facts, &n) == 0)
        note_remove_encode(again, &n);
}

static void check_property(struct slice facts, struct buf *again) {
    struct note_property n;
    if (note_property_decode(facts, &n) == 0)
        note_property_encode(again, &n);
}

static void check_deleted(struct slice facts, struct buf *again) {
    struct note_deleted n;
    if (note_deleted_decode(facts, &n) < 0)
        return;
    struct buf items = {0};
    for (size_t i = 0; i < n.count; i++) {
        struct note_deletion d = note_deleted_at(&n, i);
        note_deletion_encode(&items, &d);
    }
    bool same = slice_eq(n.items, buf_slice(&items)); /* or bits are set that mean nothing */
    n.items = buf_slice(&items);
    if (same)
        note_deleted_encode(again, &n);
    buf_done(&items);
}

static void check_forget(struct slice facts, struct buf *again) {
    struct note_forget n;
    if (note_forget_decode(facts, &n) == 0)
        note_forget_encode(again, &n);
}

static void check_together(struct slice facts, struct buf *again) {
    struct note_together n;
    enum note_type type;
    struct slice one;
    if (note_together_decode(facts, &n) < 0)
        return;
    note_together_encode(again, n.account);
    while (note_together_next(&n, &type, &one) == 1)
        note_together_add(again, type, one);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    enum note_type type = data[0] % NOTE_TYPES;
    struct slice facts = slice_of(data + 1, size - 1);
    struct buf again = {0};
    if (type == NOTE_ACCOUNT)
        check_account(facts, &again);
    else if (type == NOTE_MAILBOX)
        check_mailbox(facts, &again);
    else if (type == NOTE_MESSAGE)
        check_message(facts, &again);
    else if (type == NOTE_KEY)
        check_key(facts, &again);
    else if (type == NOTE_GONE)
        check_gone(facts, &again);
    else if (type == NOTE_REMOVE)
        check_remove(facts, &again);
    else if (type == NOTE_DELETED)
        check_deleted(facts, &again);
    else if (type == NOTE_FORGET)
        check_forget(facts, &again);
    else if (type == NOTE_TOGETHER)
        check_together(facts, &again);
    else if (type == NOTE_PROPERTY)
        check_property(facts, &again);
    else if (type == NOTE_ENTRIES || type == NOTE_TRANSFER)
        check_entries(facts, type, &again);
    else if (type == NOTE_BODY)
        check_body(facts, &again);
    else if (type == NOTE_FLAGS || type == NOTE_EXPUNGE)
        check_changes(facts, type, &again);
    MUST(again.len <= facts.len && slice_eq(buf_slice(&again), slice_first(facts, again.len)));
    buf_done(&again);
    return 0;
}
