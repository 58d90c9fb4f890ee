/* SPDX-License-Identifier: ISC */
/* Removed messages through the calls of the mail role, as a command makes them: over a link. */
#include "role/lone.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/encode.h"
#include "fiber/wait.h"
#include "role/mail/mail.h"

#define TAMA 8U

static char folder[] = "/tmp/mail-deleted-XXXXXX";

/* A role with the command line at the end of a link. */
struct asked {
    struct lone *lone;
    struct rpc_link *serves, *link;
    struct store_account *account;
};

static struct asked open_role(const char *workers) {
    struct asked x = {.lone = lone_new(ROLE_MAIL)};
    struct rpc_options serves = {.self = ROLE_MAIL,
                                 .other = ROLE_CLI,
                                 .service = rpc_services[ROLE_MAIL],
                                 .handlers = x.lone->process.role->work->handlers,
                                 .arg = &x.lone->process};
    struct rpc_options asks = {.self = ROLE_CLI, .other = ROLE_MAIL};
    int ends[2];
    static unsigned count; /* each has an empty folder */
    char *own = mem_printf("%s/%u", folder, count++);
    assert_int_equal(mkdir(own, 0700), 0);
    assert_int_equal(chdir(own), 0);
    free(own);
    lone_set(x.lone, "workers.mail", workers);
    lone_open(x.lone);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    x.serves = rpc_link_new(&serves);
    x.link = rpc_link_new(&asks);
    assert_int_equal(rpc_link_attach(x.serves, ends[0]), 0);
    assert_int_equal(rpc_link_attach(x.link, ends[1]), 0);
    struct store *s = ((struct mail *)x.lone->process.state)->store;
    assert_int_equal(store_account_open(s, TAMA, &x.account), 0);
    return x;
}

static void end(struct asked *x) {
    store_account_close(TAKE_PTR(x->account));
    rpc_link_close(x->link);
    rpc_link_free(x->link);
    rpc_link_close(x->serves);
    rpc_link_free(x->serves);
    lone_end(x->lone);
}

static uint32_t deliver(struct asked *x, struct slice text) {
    struct store_delivery d = {
        .mailbox = STORE_INBOX, .parts = &text, .part_count = 1, .fd = -1, .arrival = 1};
    struct store_delivered delivered;
    struct store *s = ((struct mail *)x->lone->process.state)->store;
    assert_int_equal(store_deliver(s, TAMA, &d, &delivered), 0);
    return delivered.uid;
}

static void expunge_all(struct asked *x) {
    struct store_mailbox inbox;
    size_t removed;
    assert_int_equal(store_mailbox_get(x->account, STORE_INBOX, &inbox), 0);
    uint32_t *uids = mem_array(inbox.uidnext, sizeof *uids);
    for (uint32_t i = 1; i < inbox.uidnext; i++)
        uids[i - 1] = i;
    assert_int_equal(store_expunge(x->account, STORE_INBOX, uids, inbox.uidnext - 1, &removed), 0);
    free(uids);
}

static int list(struct asked *x, struct rpc_mail_deleted_in in, struct arena *a,
                struct rpc_mail_deleted_out *out) {
    struct problem problem = {0};
    in.limit = in.limit ? in.limit : 1000;
    return call_mail_deleted(x->link, &in, a, out, &problem);
}

REAL_FIBER_TEST(a_process_does_not_touch_the_accounts_of_others) {
    struct asked x = open_role("2");
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_mail_deleted_out out;
    struct rpc_mail_restore_in in = {.account = 9, .address = S("mike@example.test")};
    struct rpc_mail_restore_out done;
    struct problem problem = {0};
    struct rpc_mail_deleted_in of_other = {.account = 9};
    assert_int_equal(list(&x, of_other, &a, &out), -E_REFUSED);
    assert_int_equal(call_mail_restore(x.link, &in, &a, &done, &problem), -E_REFUSED);
    assert_true(access("09/9", F_OK) < 0);
    struct rpc_mail_deleted_in own = {.account = TAMA};
    assert_int_equal(list(&x, own, &a, &out), 0);
    assert_int_equal(out.messages_count, 0);
    assert_false(out.more);
    assert_int_equal(out.keep, 7 * USEC_DAY);
    end(&x);
}

/* Whatever strangers have written: a page fits into an answer, and is text. */
REAL_FIBER_TEST(fields_are_cut_to_what_an_answer_can_carry) {
    struct asked x = open_role("1");
    struct buf text = {0};
    buf_add_str(&text, "From: =?utf-8?Q?=1B[2J?= <a@example.test>\r\nSubject: ");
    for (int i = 0; i < 3000; i++)
        buf_add_str(&text, "\xe9\xa9\xac");
    buf_add_str(&text, "\r\n\r\nx\r\n");
    for (int i = 0; i < 250; i++)
        (void)deliver(&x, buf_slice(&text));
    (void)deliver(&x, S("no header\r\n"));
    (void)deliver(&x, S(""));
    buf_done(&text);
    expunge_all(&x);
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_mail_deleted_in in = {.account = TAMA};
    struct rpc_mail_deleted_out out;
    size_t seen = 0;
    for (out.more = true; out.more;) {
        assert_int_equal(list(&x, in, &a, &out), 0);
        assert_true(out.messages_count <= 200);
        for (size_t i = 0; i < out.messages_count; i++) {
            assert_true(out.messages[i].subject.len <= 512);
            assert_true(utf8_valid(out.messages[i].subject));
        }
        seen += out.messages_count;
        in.after = out.next;
    }
    assert_int_equal(seen, 252);
    end(&x);
}

REAL_FIBER_TEST(keywords_that_do_not_fit_are_left_out_whole_and_counted) {
    struct asked x = open_role("1");
    char names[8][200];
    struct slice keywords[8];
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        memset(names[i], 'a' + (int)i, sizeof names[i]);
        keywords[i] = slice_of(names[i], sizeof names[i]);
    }
    uint32_t uid = deliver(&x, S("\r\n"));
    struct store_flags flags = {.add_keywords = keywords,
                                .add_keyword_count = ARRAY_SIZE(keywords)};
    struct store_flags_changed changed;
    assert_int_equal(store_set_flags(x.account, STORE_INBOX, &uid, 1, &flags, &changed, NULL), 0);
    expunge_all(&x);
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_mail_deleted_out out;
    assert_int_equal(list(&x, (struct rpc_mail_deleted_in){.account = TAMA}, &a, &out), 0);
    assert_int_equal(out.messages_count, 1);
    assert_int_equal(out.messages[0].keywords.len, 5 * 200 + 4);
    assert_int_equal(out.messages[0].keywords_left, 3);
    end(&x);
}

/* Takes its turn whenever it can; how long it had to wait for one. */
struct turns {
    bool over;
    usec_t longest;
};

static void take_turns(void *arg) {
    struct turns *t = arg;
    for (usec_t last = fiber_now(); !t->over && fiber_yield() == 0; last = fiber_now())
        t->longest = MAX(t->longest, fiber_now() - last);
}

/* Subjects of 16 KiB, in an old character set. */
REAL_FIBER_TEST(others_have_their_turn_while_headers_are_read) {
    struct asked x = open_role("1");
    struct buf text = {0};
    buf_add_str(&text, "Subject: ");
    for (int i = 0; i < 400; i++)
        buf_add_str(&text, "=?iso-2022-jp?B?GyRCRnxLXDhsGyhC?=\r\n ");
    buf_add_str(&text, "\r\n\r\nx\r\n");
    for (int i = 0; i < 200; i++)
        (void)deliver(&x, buf_slice(&text));
    buf_done(&text);
    expunge_all(&x);
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_mail_deleted_in in = {.account = TAMA};
    struct rpc_mail_deleted_out out;
    struct turns t = {0};
    struct fiber *f;
    assert_int_equal(list(&x, in, &a, &out), 0); /* the bytes are in memory then */
    assert_int_equal(fiber_start("turns", take_turns, &t, &f), 0);
    usec_t began = fiber_now();
    assert_int_equal(list(&x, in, &a, &out), 0);
    usec_t took = fiber_now() - began;
    t.over = true;
    fiber_join(f);
    assert_int_equal(out.messages_count, 200);
    assert_true(t.longest < took / 2);
    end(&x);
}

static const uint32_t *first_of(uint32_t *uids, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        uids[i] = i + 1;
    return uids;
}

/* One message in many places, so that they can be had at once. */
REAL_FIBER_TEST(many_are_listed_page_by_page) {
    enum { MANY = 20000 };
    struct asked x = open_role("1");
    uint32_t *uids = mem_array(MANY, sizeof *uids);
    struct store_copied copied;
    (void)deliver(&x, S("From: a@example.test\r\nSubject: many\r\n\r\nx\r\n"));
    for (uint32_t there = 1; there < MANY; there += (uint32_t)copied.count)
        assert_int_equal(store_copy(x.account, STORE_INBOX,
                                    first_of(uids, MIN(there, MANY - there)),
                                    MIN(there, MANY - there), STORE_INBOX, false, &copied),
                         0);
    free(uids);
    expunge_all(&x);
    struct rpc_mail_deleted_in in = {.account = TAMA};
    struct rpc_mail_deleted_out out;
    size_t seen = 0;
    for (out.more = true; out.more;) {
        _cleanup_(arena_done) struct arena a = {0};
        assert_int_equal(list(&x, in, &a, &out), 0);
        assert_true(out.messages_count <= 200);
        seen += out.messages_count;
        in.after = out.next;
    }
    assert_int_equal(seen, MANY);
    /* Of so many one that comes late is found, in several calls, none of which is long. */
    struct rpc_deleted_id id = {STORE_INBOX, MANY - 3};
    in = (struct rpc_mail_deleted_in){.account = TAMA, .match = {.ids = &id, .ids_count = 1}};
    seen = 0;
    for (out.more = true; out.more;) {
        _cleanup_(arena_done) struct arena a = {0};
        assert_int_equal(list(&x, in, &a, &out), 0);
        seen += out.messages_count;
        in.after = out.next;
    }
    assert_int_equal(seen, 1);
    end(&x);
}

REAL_FIBER_TEST(who_has_brought_back_what_is_reported) {
    struct asked x = open_role("1");
    (void)deliver(&x, S("Subject: a\r\n\r\n"));
    (void)deliver(&x, S("Subject: b\r\n\r\n"));
    expunge_all(&x);
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_deleted_id id = {STORE_INBOX, 2};
    struct rpc_mail_restore_in in = {.by = S("sudo: mike"),
                                     .account = TAMA,
                                     .address = S("tama@example.test"),
                                     .match = {.ids = &id, .ids_count = 1}};
    struct rpc_mail_restore_out out;
    struct problem problem = {0};
    assert_int_equal(call_mail_restore(x.link, &in, &a, &out, &problem), 0);
    assert_int_equal(out.count, 1);
    assert_true(lone_has_told(x.lone, "restored: "));
    assert_true(lone_has_told(
        x.lone, "(sudo: mike) brought back deleted messages of tama@example.test (1:2)"));
    in.into = S("nowhere");
    assert_int_equal(call_mail_restore(x.link, &in, &a, &out, &problem), -E_UNKNOWN);
    in.into = S("");
    in.match.ids_count = 0;
    in.quota = 1;
    assert_int_equal(call_mail_restore(x.link, &in, &a, &out, &problem), 0);
    assert_int_equal(out.error, -E_LIMIT);
    assert_true(out.reason.len > 0);
    end(&x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_process_does_not_touch_the_accounts_of_others),
        cmocka_unit_test(test_fields_are_cut_to_what_an_answer_can_carry),
        cmocka_unit_test(test_keywords_that_do_not_fit_are_left_out_whole_and_counted),
        cmocka_unit_test(test_others_have_their_turn_while_headers_are_read),
        cmocka_unit_test(test_many_are_listed_page_by_page),
        cmocka_unit_test(test_who_has_brought_back_what_is_reported),
    };
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    int r = cmocka_run_group_tests_name("removed messages", tests, NULL, NULL);
    assert_int_equal(chdir("/"), 0);
    char *command = mem_printf("rm -r %s", folder);
    (void)!system(command); /* NOLINT(cert-env33-c,concurrency-mt-unsafe) */
    free(command);
    return r;
}
