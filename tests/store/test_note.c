/* SPDX-License-Identifier: ISC */
/* The layouts of an account's records: what is written is read, and nothing shorter is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/solo/key_set.h"
#include "store/solo/note.h"

static int decode(enum note_type type, struct slice facts) {
    union {
        struct note_account account;
        struct note_mailbox mailbox;
        struct note_message message;
        struct note_changes changes;
        struct note_body body;
        struct note_key key;
        struct note_gone gone;
        struct note_remove remove;
        struct note_property property;
        struct note_deleted deleted;
        struct note_forget forget;
    } u;
    switch (type) {
    case NOTE_ACCOUNT:
        return note_account_decode(facts, &u.account);
    case NOTE_MAILBOX:
        return note_mailbox_decode(facts, &u.mailbox);
    case NOTE_MESSAGE:
        return note_message_decode(facts, &u.message);
    case NOTE_BODY:
        return note_body_decode(facts, &u.body);
    case NOTE_KEY:
        return note_key_decode(facts, &u.key);
    case NOTE_REMOVE:
        return note_remove_decode(facts, &u.remove);
    case NOTE_PROPERTY:
        return note_property_decode(facts, &u.property);
    case NOTE_DELETED:
        return note_deleted_decode(facts, &u.deleted);
    case NOTE_FORGET:
        return note_forget_decode(facts, &u.forget);
    case NOTE_GONE:
        return note_gone_decode(facts, &u.gone);
    default:
        return note_changes_decode(facts, type, &u.changes);
    }
}

/*
 * Every shorter one is refused, but for those of older programs, which end `then` bytes earlier and
 * before that `added` more; a newer version is told from damage; more bytes are passed over.
 */
static void check_grown_layout(enum note_type type, struct buf *facts, size_t added, size_t then) {
    assert_int_equal(decode(type, buf_slice(facts)), 0);
    for (size_t len = 0; len < facts->len; len++) {
        char *exact = mem_copy(facts->ptr, len);
        size_t missing = facts->len - len;
        int wanted = missing == then || missing == added + then ? 0 : -E_CORRUPT;
        assert_int_equal(decode(type, slice_of(exact, len)), wanted);
        free(exact);
    }
    buf_add_str(facts, "what a newer program adds");
    assert_int_equal(decode(type, buf_slice(facts)), 0);
    facts->ptr[0] = 2;
    assert_int_equal(decode(type, buf_slice(facts)), -E_VERSION);
    facts->ptr[0] = 0;
    assert_int_equal(decode(type, buf_slice(facts)), -E_CORRUPT);
    buf_done(facts);
}

static void check_layout(enum note_type type, struct buf *facts) {
    check_grown_layout(type, facts, 0, 0);
}

static void an_account_note_carries_counters_and_seals(void **state) {
    struct buf seals = {0}, facts = {0};
    note_seal_encode(&seals, (struct note_seal){7, 4096});
    note_seal_encode(&seals, (struct note_seal){9, 64});
    note_account_encode(&facts, &(struct note_account){.account = 4711,
                                                       .born = 1800000000 * USEC_SEC,
                                                       .modseq = 12,
                                                       .message_next = 5,
                                                       .mailbox_next = 3,
                                                       .seals = buf_slice(&seals),
                                                       .forgotten = {.modseq = 8, .uid = 9},
                                                       .mailboxes = 6});
    struct note_account n;
    assert_int_equal(note_account_decode(buf_slice(&facts), &n), 0);
    assert_int_equal(n.account, 4711);
    assert_int_equal(n.born, 1800000000 * USEC_SEC);
    assert_int_equal(n.modseq, 12);
    assert_int_equal(n.message_next, 5);
    assert_int_equal(n.mailbox_next, 3);
    assert_int_equal(n.forgotten.modseq, 8);
    assert_int_equal(n.forgotten.uid, 9);
    assert_int_equal(n.mailboxes, 6);
    assert_int_equal(note_seal_count(&n), 2);
    assert_int_equal(note_seal_at(&n, 1).pack, 9);
    assert_int_equal(note_seal_at(&n, 0).end, 4096);
    check_grown_layout(NOTE_ACCOUNT, &facts, 12, 4);
    buf_done(&seals);
}

static void a_message_note_carries_all_of_its_row(void **state) {
    struct buf facts = {0};
    note_message_encode(&facts, &(struct note_message){.account = 1,
                                                       .message = 2,
                                                       .modseq = 3,
                                                       .mailbox = 4,
                                                       .uid = 5,
                                                       .flags = 1ULL << 63,
                                                       .arrival = -6,
                                                       .header_size = 7,
                                                       .shape = 8,
                                                       .mailbox_name = S("INBOX"),
                                                       .return_path = S(""),
                                                       .key = S("Q1\0x"),
                                                       .stored = 9});
    struct note_message n;
    assert_int_equal(note_message_decode(buf_slice(&facts), &n), 0);
    assert_int_equal(n.message, 2);
    assert_int_equal(n.modseq, 3);
    assert_int_equal(n.mailbox, 4);
    assert_int_equal(n.uid, 5);
    assert_true(n.flags == 1ULL << 63);
    assert_int_equal(n.arrival, -6);
    assert_int_equal(n.header_size, 7);
    assert_int_equal(n.shape, 8);
    assert_true(slice_eq(n.mailbox_name, S("INBOX")));
    assert_int_equal(n.return_path.len, 0);
    assert_true(slice_eq(n.key, S("Q1\0x")));
    assert_int_equal(n.stored, 9);
    assert_int_equal(note_message_decode(slice_first(buf_slice(&facts), facts.len - 8), &n), 0);
    assert_int_equal(n.stored, -6);
    check_grown_layout(NOTE_MESSAGE, &facts, 8, 0);
}

/* Those of an older program end before the return path. */
static void a_body_note_carries_the_return_path(void **state) {
    struct buf facts = {0};
    struct slice path = S("tama@example.jp");
    note_body_encode(&facts, &(struct note_body){1, 2, -3, 4, 5, path});
    struct note_body n;
    assert_int_equal(note_body_decode(buf_slice(&facts), &n), 0);
    assert_int_equal(n.message, 2);
    assert_int_equal(n.arrival, -3);
    assert_int_equal(n.header_size, 4);
    assert_int_equal(n.shape, 5);
    assert_true(slice_eq(n.return_path, path));
    size_t older = facts.len - 2 - path.len;
    assert_int_equal(note_body_decode(slice_first(buf_slice(&facts), older), &n), 0);
    assert_int_equal(n.return_path.len, 0);
    check_grown_layout(NOTE_BODY, &facts, 2 + path.len, 0);
}

/* Sets of keywords stand behind the items, which have the numbers of their lines beside the flags.
 */
static void the_layout_of_keywords_is_fixed(void **state) {
    static const char bytes[] = "\x01\x67\x12\0\0\0\0\0\0"       /* version, account 4711 */
                                "\x09\0\0\0\0\0\0\0"             /* modseq */
                                "\x01\0\0\0"                     /* mailbox */
                                "\x02\0\0\0"                     /* two of them */
                                "\x03\0\0\0\x01\x02\0\0\0\0\0\0" /* UID 3, seen, line 2 */
                                "\x04\x01\0\0\x02\0\0\0\0\0\0\0" /* UID 260, answered */
                                "\x11\0\0\0$Junk work\nother\n"; /* 17 bytes: two lines */
    struct note_changes n;
    struct buf sets = {0}, facts = {0};
    assert_int_equal(note_changes_decode(slice_of(bytes, sizeof bytes - 1), NOTE_FLAGS, &n), 0);
    struct slice lines = note_sets_decode(n.rest);
    note_sets_split(lines, &sets);
    assert_int_equal(note_changes_at(&n, NOTE_FLAGS, 0).set, 2);
    assert_int_equal(note_changes_at(&n, NOTE_FLAGS, 0).flags, 1);
    assert_int_equal(note_changes_at(&n, NOTE_FLAGS, 1).set, 0);
    assert_true(slice_eq(note_sets_at(&sets, 1), S("$Junk work")));
    assert_true(slice_eq(note_sets_at(&sets, 2), S("other")));
    assert_int_equal(note_sets_at(&sets, 0).len, 0);
    assert_int_equal(note_sets_at(&sets, 3).len, 0);
    note_changes_encode(&facts, &n);
    note_sets_encode(&facts, lines);
    assert_true(slice_eq(buf_slice(&facts), slice_of(bytes, sizeof bytes - 1)));
    n.rest.len--;
    assert_int_equal(note_sets_decode(n.rest).len, 0);
    buf_done(&sets);
    buf_done(&facts);
}

/* Written by hand from the layout in note.h: the format on the disk does not change. */
static void the_layout_on_the_disk_is_fixed(void **state) {
    static const char bytes[] = "\x01\x67\x12\0\0\0\0\0\0"        /* version, account 4711 */
                                "\x09\0\0\0\0\0\0\0"              /* modseq */
                                "\x01\0\0\0"                      /* mailbox */
                                "\x02\0\0\0"                      /* two of them */
                                "\x03\0\0\0\x01\0\0\0\0\0\0\0"    /* UID 3, seen */
                                "\x04\x01\0\0\x02\0\0\0\0\0\0\0"; /* UID 260, answered */
    struct note_changes n;
    assert_int_equal(note_changes_decode(slice_of(bytes, sizeof bytes - 1), NOTE_FLAGS, &n), 0);
    assert_int_equal(n.account, 4711);
    assert_int_equal(n.modseq, 9);
    assert_int_equal(n.count, 2);
    assert_int_equal(note_changes_at(&n, NOTE_FLAGS, 0).uid, 3);
    assert_int_equal(note_changes_at(&n, NOTE_FLAGS, 1).uid, 260);
    assert_int_equal(note_changes_at(&n, NOTE_FLAGS, 1).flags, 2);
    struct buf facts = {0};
    note_changes_encode(&facts, &n);
    assert_int_equal(facts.len, sizeof bytes - 1);
    assert_memory_equal(facts.ptr, bytes, facts.len);
    buf_done(&facts);
}

static void changes_hold_as_many_as_they_say(void **state) {
    for (enum note_type type = NOTE_FLAGS; type <= NOTE_EXPUNGE; type++) {
        struct buf items = {0}, facts = {0};
        for (uint32_t uid = 1; uid <= 3; uid++)
            note_change_encode(&items, type, (struct note_change){uid, 0});
        note_changes_encode(
            &facts, &(struct note_changes){.mailbox = 1, .count = 3, .items = buf_slice(&items)});
        check_layout(type, &facts);
        note_changes_encode(
            &facts,
            &(struct note_changes){.mailbox = 1, .count = UINT32_MAX, .items = buf_slice(&items)});
        assert_int_equal(decode(type, buf_slice(&facts)), -E_CORRUPT);
        buf_done(&items);
        buf_done(&facts);
    }
}

static void the_other_notes_are_read_as_written(void **state) {
    struct buf facts = {0};
    note_mailbox_encode(&facts, &(struct note_mailbox){.mailbox = 2,
                                                       .parent = 1,
                                                       .uidvalidity = 3,
                                                       .uidnext = 4,
                                                       .role = 5,
                                                       .modseq = 6,
                                                       .name = S("\xe7\x8c\xab")});
    struct note_mailbox m;
    assert_int_equal(note_mailbox_decode(buf_slice(&facts), &m), 0);
    assert_int_equal(m.parent, 1);
    assert_int_equal(m.uidvalidity, 3);
    assert_int_equal(m.uidnext, 4);
    assert_int_equal(m.role, 5);
    assert_int_equal(m.modseq, 6);
    assert_true(slice_eq(m.name, S("\xe7\x8c\xab")));
    check_layout(NOTE_MAILBOX, &facts);
    note_key_encode(&facts, &(struct note_key){.message = 8, .stored = 9, .key = S("k")});
    struct note_key k;
    assert_int_equal(note_key_decode(buf_slice(&facts), &k), 0);
    assert_int_equal(k.message, 8);
    assert_int_equal(k.stored, 9);
    check_layout(NOTE_KEY, &facts);
    note_gone_encode(&facts, &(struct note_gone){.account = 1, .pack = 77});
    struct note_gone g;
    assert_int_equal(note_gone_decode(buf_slice(&facts), &g), 0);
    assert_int_equal(g.pack, 77);
    check_layout(NOTE_GONE, &facts);
}

static void notes_of_what_is_removed_are_read_as_written(void **state) {
    struct buf facts = {0}, items = {0};
    note_remove_encode(
        &facts, &(struct note_remove){.modseq = 7, .mailbox = 3, .when = 8, .name = S("box")});
    struct note_remove r;
    assert_int_equal(note_remove_decode(buf_slice(&facts), &r), 0);
    assert_int_equal(r.modseq, 7);
    assert_int_equal(r.mailbox, 3);
    assert_int_equal(r.when, 8);
    assert_true(slice_eq(r.name, S("box")));
    check_layout(NOTE_REMOVE, &facts);
    note_deletion_encode(
        &items, &(struct note_deletion){
                    .uid = 1, .size = 2, .body = 3, .modseq = 4, .when = 5, .flags = 6, .set = 7});
    assert_int_equal(items.len, NOTE_DELETION_SIZE);
    note_deleted_encode(
        &facts, &(struct note_deleted){.mailbox = 9, .count = 1, .items = buf_slice(&items)});
    struct note_deleted d;
    assert_int_equal(note_deleted_decode(buf_slice(&facts), &d), 0);
    assert_int_equal(d.mailbox, 9);
    struct note_deletion one = note_deleted_at(&d, 0);
    assert_int_equal(one.uid, 1);
    assert_int_equal(one.size, 2);
    assert_int_equal(one.body, 3);
    assert_int_equal(one.modseq, 4);
    assert_int_equal(one.when, 5);
    assert_int_equal(one.flags, 6);
    assert_int_equal(one.set, 7);
    check_layout(NOTE_DELETED, &facts);
    note_forget_encode(&facts, &(struct note_forget){.modseq = 5, .uid = 6});
    struct note_forget f;
    assert_int_equal(note_forget_decode(buf_slice(&facts), &f), 0);
    assert_int_equal(f.modseq, 5);
    assert_int_equal(f.uid, 6);
    check_layout(NOTE_FORGET, &facts);
    buf_done(&items);
}

static void a_property_note_carries_any_bytes(void **state) {
    struct buf facts = {0};
    note_property_encode(&facts, &(struct note_property){.modseq = 2,
                                                         .mailbox = 3,
                                                         .kind = 4,
                                                         .is_set = true,
                                                         .name = S("n"),
                                                         .value = slice_of("a\0b", 3)});
    struct note_property p;
    assert_int_equal(facts.len, NOTE_PROPERTY_SIZE + 1 + 3);
    assert_int_equal(note_property_decode(buf_slice(&facts), &p), 0);
    assert_int_equal(p.modseq, 2);
    assert_int_equal(p.mailbox, 3);
    assert_int_equal(p.kind, 4);
    assert_true(p.is_set);
    assert_true(slice_eq(p.name, S("n")));
    assert_true(slice_eq(p.value, slice_of("a\0b", 3)));
    check_layout(NOTE_PROPERTY, &facts);
}

static void a_key_set_knows_what_was_added(void **state) {
    struct key_set s = {0};
    assert_false(key_set_has(&s, 5));
    for (uint64_t i = 1; i <= 5000; i++)
        key_set_add(&s, i * 0x9e3779b97f4a7c15U);
    key_set_add(&s, 0x9e3779b97f4a7c15U);
    assert_int_equal(s.count, 5000);
    for (uint64_t i = 1; i <= 5000; i++)
        assert_true(key_set_has(&s, i * 0x9e3779b97f4a7c15U));
    assert_false(key_set_has(&s, 5001 * 0x9e3779b97f4a7c15U));
    key_set_done(&s);
}

/* The most that one key costs is a few places of the table, however many there are. */
static void a_key_set_grows_piece_by_piece(void **state) {
    struct key_set s = {0};
    size_t moved = 0;
    for (uint64_t i = 1; i <= 100000; i++) {
        key_set_add(&s, i * 0x9e3779b97f4a7c15U);
        assert_true(s.moved <= moved + KEY_SET_MOVES);
        moved = s.moved;
        for (uint64_t k = i; k > 0; k /= 2)
            assert_true(key_set_has(&s, k * 0x9e3779b97f4a7c15U));
    }
    assert_int_equal(s.count, 100000);
    assert_int_equal(s.old.size, 0);
    assert_true(2 * s.count <= s.table.size);
    assert_int_equal(key_set_bytes(&s), s.table.size * 8);
    key_set_done(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_note_carries_counters_and_seals),
        cmocka_unit_test(a_message_note_carries_all_of_its_row),
        cmocka_unit_test(a_body_note_carries_the_return_path),
        cmocka_unit_test(the_layout_on_the_disk_is_fixed),
        cmocka_unit_test(the_layout_of_keywords_is_fixed),
        cmocka_unit_test(changes_hold_as_many_as_they_say),
        cmocka_unit_test(the_other_notes_are_read_as_written),
        cmocka_unit_test(notes_of_what_is_removed_are_read_as_written),
        cmocka_unit_test(a_property_note_carries_any_bytes),
        cmocka_unit_test(a_key_set_knows_what_was_added),
        cmocka_unit_test(a_key_set_grows_piece_by_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
