/* SPDX-License-Identifier: ISC */
/*
 * The durability contract (D1, D5, D6, row F2): the process is killed before each write to the disk
 * and behind each sync of a whole day in the queue's life. What the disk held at that moment is
 * opened again, mailboxes and other hosts being as they were then, and the queue runs to its end.
 * Of each message that was acknowledged every copy is there: in mailboxes of this host exactly
 * once, by however many addresses they were reached, at other hosts at least once; and each report
 * exactly once.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fake_server.h"

#include "base/alloc.h"

/* ------------------------------------------------------------------ the ledger */

/* One message; its subject is its name. */
static const struct sent {
    const char *subject, *sender, *recipients;
    bool large;
} sent[] = {
    {"one", "kuro@here.test", "mike@here.test", false},
    {"three", "kuro@here.test", "mike@here.test tama@here.test keep@here.test", false},
    {"outside", "kuro@here.test", "a@one.test b@one.test c@two.test", false},
    {"team", "kuro@here.test", "team@here.test kuro@here.test", false},
    {"failed", "tama@here.test", "gone@here.test refused@one.test mike@here.test", false},
    {"large", "kuro@here.test", "both@here.test d@two.test", true},
    {"late", "tama@here.test", "late@one.test mike@here.test/2", false},
    {"rules", "kuro@here.test", "mike@here.test e@one.test", false},
    {"large rules", "kuro@here.test", "mike@here.test", true},
    {"once", "kuro@here.test",
     "Mike@here.test both@here.test black@here.test kuro@here.test "
     "team@here.test tama+x@here.test MIKE@here.test",
     false},
};

/* What must be there in the end. */
static const struct {
    const char *subject, *recipient;
} due[] = {
    {"one", "mike@here.test"},         {"three", "mike@here.test"},
    {"three", "tama@here.test"},       {"three", "keep@here.test"},
    {"three", "out@away.test"},        {"outside", "a@one.test"},
    {"outside", "b@one.test"},         {"outside", "c@two.test"},
    {"team", "tama@here.test"},        {"team", "mike@here.test"},
    {"team", "out@away.test"},         {"team", "kuro@here.test"},
    {"failed", "mike@here.test"},      {"large", "tama@here.test"},
    {"large", "mike@here.test"},       {"large", "d@two.test"},
    {"late", "late@one.test"},         {"late", "mike@here.test"},
    {"once", "mike@here.test"},        {"once", "tama@here.test"},
    {"once", "kuro@here.test"},        {"once", "out@away.test"},
    {"rules", "mike@here.test"},       {"rules", "e@one.test"},
    {"rules", "tama@here.test"},       {"rules", "far@away.test"},
    {"large rules", "mike@here.test"}, {"large rules", "tama@here.test"},
    {"large rules", "far@away.test"},
};

static struct {
    struct server *server;
    unsigned moment, cut_at; /* moments so far; the one at which the process is killed */
    int pace;                /* how other hosts and messages coming in interleave */
    bool cut;
    char snapshot[80];
    bool acknowledged[ARRAY_SIZE(sent)], acknowledged_at_cut[ARRAY_SIZE(sent)];
    unsigned arrived_at_cut;
} life;

/* ------------------------------------------------------------------ copies of the disk */

static void copy_file(int from_dir, int to_dir, const char *name) {
    static char block[1U << 16];
    int from = openat(from_dir, name, O_RDONLY | O_CLOEXEC);
    int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t n;
    assert_true(from >= 0 && to >= 0);
    while ((n = read(from, block, sizeof block)) > 0)
        assert_int_equal(write(to, block, (size_t)n), n);
    close(from);
    close(to);
}

static void copy_folder(const char *from, const char *to) {
    int from_dir = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)mkdir(to, 0700);
    int to_dir = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fdopendir(from_dir);
    struct dirent *e;
    while ((e = readdir(d))) {
        char inner_from[400], inner_to[400];
        struct stat st;
        if (e->d_name[0] == '.')
            continue;
        assert_int_equal(fstatat(from_dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW), 0);
        (void)snprintf(inner_from, sizeof inner_from, "%s/%s", from, e->d_name);
        (void)snprintf(inner_to, sizeof inner_to, "%s/%s", to, e->d_name);
        if (S_ISDIR(st.st_mode))
            copy_folder(inner_from, inner_to);
        else
            copy_file(from_dir, to_dir, e->d_name);
    }
    (void)closedir(d);
    close(to_dir);
}

static void pass_moment(void) {
    if (life.moment++ != life.cut_at)
        return;
    life.cut = true;
    life.arrived_at_cut = life.server->arrived;
    memcpy(life.acknowledged_at_cut, life.acknowledged, sizeof life.acknowledged);
    copy_folder(life.server->path, life.snapshot);
}

static ssize_t disk_pwritev(int fd, const struct iovec *iov, int count, off_t offset) {
    pass_moment();
    return pwritev(fd, iov, count, offset);
}

static int disk_fdatasync(int fd) {
    (void)fd; /* the machine goes on */
    pass_moment();
    return 0;
}

static const struct pack_io DISK = {disk_pwritev, disk_fdatasync, fallocate};

/* ------------------------------------------------------------------ the day */

static int other_hosts(struct server *o, const struct queue_transmission *t,
                       const struct recipient *recipient, struct arena *a,
                       struct relay_result *ret) {
    (void)t, (void)a;
    if (slice_starts(recipient->address, S("refused")))
        *ret = reply_of(RELAY_NEVER, 550, 5, 7, 1, "Not wanted");
    if (slice_starts(recipient->address, S("late")) && fiber_wall() < TEST_WALL + USEC_HOUR)
        *ret = reply_of(RELAY_LATER, 451, 4, 4, 1, "Connection refused");
    return fiber_sleep((usec_t)(t->domain.len + (unsigned)o->number) * USEC_MS);
}

/* The message has a subject with "rules", and was not sent on by mike before. */
static bool is_ruled(const struct queue_delivery *d) {
    char begin[200];
    ssize_t n = spool_body_read(d->message.body, 0, begin, sizeof begin);
    struct slice text = slice_of(begin, n > 0 ? (size_t)n : 0);
    return occurs(text, "rules\r\n") > 0 && occurs(text, "Delivered-To: mike@") == 0;
}

static int mailboxes(struct server *o, const struct queue_delivery *d, struct problem *p) {
    (void)o, (void)p;
    return fiber_sleep((usec_t)d->mailbox.account_id * USEC_MS);
}

/*
 * Of two messages mike's rules make two more each: one that is sent on, to a mailbox and to another
 * host, and an answer to the sender. A mailbox that is asked again wants the same.
 */
static void rules(struct server *o, const struct queue_delivery *d, struct arena *a,
                  struct queue_delivered *ret) {
    static const struct recipient on[] = {{.address = {"tama@here.test", 14}},
                                          {.address = {"far@away.test", 13}}};
    static const struct recipient back = {.address = {"keep@here.test", 14}};
    bool for_mike = slice_eq(d->mailbox.address, S("mike@here.test"));
    (void)o;
    if (!for_mike || !is_ruled(d))
        return;
    struct queue_wanted *wanted = arena_array(a, 2, sizeof *wanted);
    wanted[0] = (struct queue_wanted){
        .envelope = {.reverse_path = S("mike@here.test"), .recipients = on, .count = 2},
        .bytes = S("Delivered-To: mike@here.test\r\n"),
        .same = true};
    wanted[1] = (struct queue_wanted){.envelope = {.recipients = &back, .count = 1},
                                      .bytes = S("Subject: away\r\n\r\nI am away.\r\n")};
    *ret = (struct queue_delivered){.wanted = wanted, .count = 2};
}

static int put_file(struct server *o, queue_id id, struct slice bytes) {
    int fd = -1;
    int error = queue_open_file(o->queue, id, &fd);
    if (error)
        return error;
    assert_int_equal(pwrite(fd, bytes.ptr, bytes.len, 0), bytes.len);
    close(fd);
    return 0;
}

static void send_one(struct server *o, size_t i) {
    _cleanup_(buf_done) struct buf bytes = {0};
    struct queue_message message = {
        .id = queue_id_next(&o->ids, fiber_wall()),
        .envelope.reverse_path = slice_of_str(sent[i].sender),
        .head = S("Received: from test\r\n"),
        .in_file = sent[i].large,
    };
    buf_printf(&bytes, "Subject: %s\r\n\r\nHello.\r\n", sent[i].subject);
    if (sent[i].large)
        assert_int_equal(put_file(o, message.id, buf_slice(&bytes)), 0);
    else
        message.bytes = buf_slice(&bytes);
    assert_int_equal(server_submit(o, &message, sent[i].recipients), 0);
    life.acknowledged[i] = true;
}

static void live(struct server *o) {
    uint64_t count;
    struct queue_match late = {.text = S("late@")};
    for (size_t i = 0; i < ARRAY_SIZE(sent); i++) {
        send_one(o, i);
        server_wait(o, (usec_t)(i % 3) * (5 - life.pace) * USEC_MS);
    }
    server_wait(o, 30 * USEC_MIN);
    (void)queue_act(o->queue, &(struct queue_order){.action = QUEUE_HOLD}, &late, &count, NULL,
                    NULL);
    (void)queue_act(o->queue, &(struct queue_order){.action = QUEUE_RELEASE}, &late, &count, NULL,
                    NULL);
    server_wait(o, 5 * USEC_HOUR);
}

/* ------------------------------------------------------------------ what must be there */

static unsigned copies(const struct server *o, const char *subject, const char *recipient) {
    char line[40];
    unsigned n = 0;
    (void)snprintf(line, sizeof line, "\r\nSubject: %s\r\n", subject);
    for (unsigned i = 0; i < o->arrived; i++) {
        const struct arrival *a = &o->arrivals[i];
        n += a->sender[0] != 0 && occurs(a->bytes, line) &&
             strcmp(a->local ? a->mailbox : a->recipient, recipient) == 0;
    }
    return n;
}

static bool was_acknowledged(const char *subject) {
    for (size_t i = 0; i < ARRAY_SIZE(sent); i++)
        if (strcmp(sent[i].subject, subject) == 0)
            return life.acknowledged_at_cut[i];
    return false;
}

static void check_copies(const struct server *o) {
    for (size_t i = 0; i < ARRAY_SIZE(due); i++) {
        unsigned n = copies(o, due[i].subject, due[i].recipient);
        bool local = slice_ends(slice_of_str(due[i].recipient), S("here.test"));
        bool missing = n == 0 && was_acknowledged(due[i].subject);
        if (missing || (local && n > 1))
            fail_msg("killed at moment %u: \"%s\" arrived %u times for %s", life.cut_at,
                     due[i].subject, n, due[i].recipient);
    }
}

/* Reports come to tama: of "failed", with both recipients; of "late", that mike got it. */
static void check_reports(const struct server *o) {
    unsigned failed = 0, delivered = 0, recipients = 0;
    for (unsigned i = 0; i < server_reports(o); i++) {
        struct slice report = server_report(o, i);
        bool about_failed = occurs(report, "Action: failed\r\n");
        failed += about_failed;
        recipients += occurs(report, "Final-Recipient: rfc822; gone@here.test\r\n");
        recipients += occurs(report, "Final-Recipient: rfc822; refused@one.test\r\n");
        delivered += occurs(report, "Action: delivered\r\n");
    }
    if ((was_acknowledged("failed") && recipients != 2) || recipients > 2 || failed > 1)
        fail_msg("killed at moment %u: %u reports about %u recipients", life.cut_at, failed,
                 recipients);
    if ((was_acknowledged("late") && delivered != 1) || delivered > 1)
        fail_msg("killed at moment %u: %u reports of a delivery", life.cut_at, delivered);
}

/* Exactly one for each message whose rules made it; keep's alias keeps a copy and sends one on. */
static void check_answers(const struct server *o) {
    unsigned wanted = was_acknowledged("rules") + was_acknowledged("large rules"), here = 0;
    for (unsigned i = 0; i < o->arrived; i++)
        here += o->arrivals[i].local && occurs(o->arrivals[i].bytes, "Subject: away\r\n") > 0;
    if (here < wanted || here > 2)
        fail_msg("killed at moment %u: %u answers instead of %u", life.cut_at, here, wanted);
}

/* ------------------------------------------------------------------ killing */

static void remove_folder(const char *path) {
    DIR *d = opendir(path);
    struct dirent *e;
    while (d && (e = readdir(d))) {
        char inner[400];
        if (e->d_name[0] == '.')
            continue;
        (void)snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        if (unlink(inner) < 0)
            remove_folder(inner);
    }
    if (d)
        (void)closedir(d);
    (void)rmdir(path);
}

static void after_the_crash(struct server *o) {
    server_cut(o);
    remove_folder(o->path); /* its folder stays, being open; the path is made anew */
    copy_folder(life.snapshot, o->path);
    close(o->dir);
    o->dir = open(o->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    o->arrived = life.arrived_at_cut;
    buf_clear(&o->journey);
    o->options.spool.io = NULL;
    server_open(o);
    struct queue_match all = {.all = true}; /* it may have died between hold and release */
    uint64_t count;
    assert_int_equal(queue_act(o->queue, &(struct queue_order){.action = QUEUE_RELEASE}, &all,
                               &count, NULL, NULL),
                     0);
    server_wait(o, 6 * USEC_HOUR);
    if (server_messages(o) > 0)
        fail_msg("killed at moment %u: %u messages are left:\n%s", life.cut_at,
                 (unsigned)server_messages(o), buf_str(&o->journey));
    check_copies(o);
    check_reports(o);
    check_answers(o);
    remove_folder(life.snapshot);
}

static void kill_once(struct server *o) {
    life.server = o;
    life.moment = 0;
    life.cut = false;
    memset(life.acknowledged, 0, sizeof life.acknowledged);
    (void)snprintf(life.snapshot, sizeof life.snapshot, "%s.cut", o->path);
    server_close(o);
    o->options.spool.io = &DISK;
    o->options.spool.segment_size = 256U << 10;
    o->transmit = other_hosts;
    o->deliver = mailboxes;
    o->rules = rules;
    o->number = 7 * life.pace;
    server_open(o);
    live(o);
    if (life.cut)
        after_the_crash(o);
}

static void test_killed_at_each_write_nothing_acknowledged_is_lost(void **state) {
    (void)state;
    unsigned moments = 0;
    for (life.pace = 0; life.pace < 4; life.pace++) {
        life.cut_at = 0;
        do {
            server_run(kill_once);
            moments += life.cut;
            life.cut_at++;
        } while (life.cut);
    }
    print_message("killed at %u moments\n", moments);
    assert_true(moments > 160);
}

/* ------------------------------------------------------------------ a disk that fails */

static int failures;

static int failing_fdatasync(int fd) {
    (void)fd;
    if (failures == 0)
        return 0;
    failures--;
    errno = EIO;
    return -1;
}

static const struct pack_io FAILING = {pwritev, failing_fdatasync, fallocate};

static int disk_fails_now(struct server *o, const struct queue_transmission *t,
                          struct relay_outcome *outcome) {
    (void)t, (void)outcome;
    failures = o->number;
    return 0;
}

/* What another host has taken is not sent again because our disk had a bad minute. */
SERVER_TEST(outcome_that_cannot_be_written_is_kept_until_it_can) {
    o->options.spool.io = &FAILING;
    server_reopen(o);
    o->begin = disk_fails_now;
    o->number = 8;
    server_send(o, "tama@here.test", "out@away.test");
    server_wait(o, 10 * USEC_MIN);
    assert_int_equal(o->transmissions, 1);
    assert_int_equal(server_messages(o), 0);
    assert_true(occurs(buf_slice(&o->journey), "kind=" KIND_WARNING) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_at_each_write_nothing_acknowledged_is_lost),
        cmocka_unit_test(test_outcome_that_cannot_be_written_is_kept_until_it_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
