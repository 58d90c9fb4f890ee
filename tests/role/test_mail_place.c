/* SPDX-License-Identifier: ISC */
/* Where the mail role puts what was found to be junk, by how its owner reads. */
#include "role/lone.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "imap/names.h"
#include "role/mail/mail_place.h"
#include "store/properties.h"

#define TAMA 8U

static char folder[] = "/tmp/mail-place-XXXXXX";
static uint64_t next_id;

static struct slice deliver(struct lone *l, uint64_t account, enum message_verdict verdict,
                            struct arena *a) {
    const struct rpc_mail_handlers *calls = l->process.role->work->handlers;
    const struct rpc_caller queue = {.role = ROLE_QUEUE};
    struct rpc_mail_deliver_in in = {.id = ++next_id,
                                     .account = account,
                                     .head = S("Return-Path: <a@b.test>\r\n"),
                                     .bytes = S("Subject: a\r\n\r\nb\r\n"),
                                     .verdict = (uint8_t)verdict,
                                     .file = -1};
    struct rpc_mail_deliver_out out = {0};
    struct problem problem = {0};
    if (calls->deliver(&l->process, &queue, &in, a, &out, &problem) < 0)
        fail_msg("%s", problem.text);
    assert_false(out.already);
    return out.mailbox;
}

/* The last message of a mailbox. */
static void read_last(struct lone *l, uint64_t account, const char *path, struct buf *to) {
    struct mail *m = l->process.state;
    struct store_account *opened = NULL;
    struct store_mailbox mailbox;
    struct store_view *view = NULL;
    struct store_message message;
    assert_int_equal(store_account_open(m->store, account, &opened), 0);
    assert_int_equal(imap_find_mailbox(opened, slice_of_str(path), &mailbox), 0);
    assert_int_equal(store_view_open(opened, mailbox.id, &view), 0);
    struct store_view_info info;
    store_view_info(view, &info);
    assert_true(info.count > 0);
    store_view_at(view, info.count - 1, &message);
    buf_reserve(to, message.size);
    assert_int_equal(store_read(opened, &message, 0, to->ptr, message.size), message.size);
    to->len = message.size;
    store_view_close(view);
    store_account_close(opened);
}

static void assert_marked(struct lone *l, uint64_t account, const char *path, bool marked) {
    _cleanup_(buf_done) struct buf text = {0};
    read_last(l, account, path, &text);
    assert_true(slice_starts(buf_slice(&text), S("Return-Path: <a@b.test>\r\n")));
    assert_int_equal(slice_find(buf_slice(&text), S("\r\n" MAIL_JUNK_FIELD)) >= 0, marked);
}

static void come_by(struct lone *l, uint64_t account, const char *service) {
    const struct door *door = doors_find_session(&all_doors, slice_of_str(service));
    assert_non_null(door);
    mail_place_note_door(
        &(struct mail_session){.process = &l->process, .account = account, .door = door});
}

static struct lone *open_role(void) {
    struct lone *l = lone_new(ROLE_MAIL);
    lone_set(l, "workers.mail", "1");
    lone_open(l);
    return l;
}

static void end(struct lone *l) {
    l->process.role->work->stop(&l->process);
    l->links.opened = false;
    lone_end(l);
}

REAL_FIBER_TEST(rfc6154_junk_goes_into_the_mailbox_of_that_use) {
    _cleanup_(arena_done) struct arena a = {0};
    struct lone *l = open_role();
    assert_slice(deliver(l, TAMA, VERDICT_NONE, &a), "INBOX");
    assert_marked(l, TAMA, "INBOX", false);
    assert_slice(deliver(l, TAMA, VERDICT_JUNK, &a), "Junk");
    assert_marked(l, TAMA, "Junk", false);
    end(l);
}

/* He may have called it something else. */
REAL_FIBER_TEST(it_is_found_by_its_use_and_not_by_its_name) {
    _cleanup_(arena_done) struct arena a = {0};
    struct lone *l = open_role();
    struct mail *m = l->process.state;
    struct store_account *opened = NULL;
    struct store_mailbox junk;
    assert_int_equal(store_account_open(m->store, TAMA + 1, &opened), 0);
    assert_int_equal(imap_find_mailbox(opened, S("Junk"), &junk), 0);
    assert_int_equal(store_rename_mailbox(opened, junk.id, 0, S("Gomi")), 0);
    assert_slice(deliver(l, TAMA + 1, VERDICT_JUNK, &a), "Gomi");
    assert_int_equal(store_remove_mailbox(opened, junk.id, false), 0);
    store_account_close(opened);
    assert_slice(deliver(l, TAMA + 1, VERDICT_JUNK, &a), "INBOX");
    assert_marked(l, TAMA + 1, "INBOX", true);
    end(l);
}

REAL_FIBER_TEST(who_reads_by_pop3_alone_finds_it_in_his_inbox_with_a_mark) {
    _cleanup_(arena_done) struct arena a = {0};
    struct lone *l = open_role();
    come_by(l, TAMA + 2, "pop3");
    assert_slice(deliver(l, TAMA + 2, VERDICT_JUNK, &a), "INBOX");
    assert_marked(l, TAMA + 2, "INBOX", true);
    assert_slice(deliver(l, TAMA + 2, VERDICT_NONE, &a), "INBOX");
    assert_marked(l, TAMA + 2, "INBOX", false);
    come_by(l, TAMA + 2, "imap");
    assert_slice(deliver(l, TAMA + 2, VERDICT_JUNK, &a), "Junk");
    end(l);
}

static void set_day(struct lone *l, uint64_t account, const char *door, uint64_t day) {
    struct mail *m = l->process.state;
    struct store_account *opened = NULL;
    _cleanup_(arena_done) struct arena a = {0};
    struct slice text = arena_printf(&a, "%llu", (unsigned long long)day);
    assert_int_equal(store_account_open(m->store, account, &opened), 0);
    assert_int_equal(store_property_set(opened, 0, STORE_DOOR, slice_of_str(door), &text), 0);
    store_account_close(opened);
}

/* He has tried another program once, and gone back. */
REAL_FIBER_TEST(imap_of_long_ago_does_not_count) {
    _cleanup_(arena_done) struct arena a = {0};
    struct lone *l = open_role();
    set_day(l, TAMA + 3, "imap", 20000);
    set_day(l, TAMA + 3, "pop3", 20000 + MAIL_PLACE_DAYS);
    assert_slice(deliver(l, TAMA + 3, VERDICT_JUNK, &a), "Junk");
    set_day(l, TAMA + 3, "pop3", 20000 + MAIL_PLACE_DAYS + 1);
    assert_slice(deliver(l, TAMA + 3, VERDICT_JUNK, &a), "INBOX");
    end(l);
}

static uint64_t modseq_of(struct lone *l, uint64_t account) {
    struct mail *m = l->process.state;
    struct store_account *opened = NULL;
    assert_int_equal(store_account_open(m->store, account, &opened), 0);
    uint64_t modseq = store_account_modseq(opened);
    store_account_close(opened);
    return modseq;
}

/* A program that looks every minute costs no write for it. */
REAL_FIBER_TEST(a_door_is_written_once_a_week) {
    struct lone *l = open_role();
    uint64_t today = (uint64_t)(fiber_wall() / USEC_DAY);
    come_by(l, TAMA + 4, "pop3");
    uint64_t before = modseq_of(l, TAMA + 4);
    come_by(l, TAMA + 4, "pop3");
    assert_int_equal(modseq_of(l, TAMA + 4), before);
    set_day(l, TAMA + 4, "pop3", today - 7);
    before = modseq_of(l, TAMA + 4);
    come_by(l, TAMA + 4, "pop3");
    assert_true(modseq_of(l, TAMA + 4) > before);
    end(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc6154_junk_goes_into_the_mailbox_of_that_use),
        cmocka_unit_test(test_it_is_found_by_its_use_and_not_by_its_name),
        cmocka_unit_test(test_who_reads_by_pop3_alone_finds_it_in_his_inbox_with_a_mark),
        cmocka_unit_test(test_imap_of_long_ago_does_not_count),
        cmocka_unit_test(test_a_door_is_written_once_a_week),
    };
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    int r = cmocka_run_group_tests_name("places of the mail role", tests, NULL, NULL);
    assert_int_equal(chdir("/"), 0);
    char *command = mem_printf("rm -r %s", folder);
    (void)!system(command); /* NOLINT(cert-env33-c,concurrency-mt-unsafe) */
    free(command);
    return r;
}
