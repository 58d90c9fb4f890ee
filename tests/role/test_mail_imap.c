/* SPDX-License-Identifier: ISC */
/* IMAP in the mail role: what an edge hands over, true or not. */
#include "role/lone.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/stream.h"
#include "role/ticket.h"

#define TAMA 8U

static char folder[] = "/tmp/mail-imap-XXXXXX";

/* The client's end of a session that an edge hands over with this tag, and what came behind it. */
static struct stream *enter(struct lone *l, struct slice tag, struct slice unread) {
    _cleanup_(arena_done) struct arena a = {0};
    const struct rpc_mail_handlers *calls = l->process.role->work->handlers;
    const struct rpc_caller edge = {.role = ROLE_EDGE};
    struct stream *s = NULL;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    struct rpc_mail_session_in in = {
        .service = S("imap"),
        .account = TAMA,
        .address = S("tama@example.test"),
        .ticket = ticket_make(l->process.secret,
                              &(struct ticket_for){S("imap"), TAMA, S("tama@example.test")},
                              fiber_wall(), &a),
        .connection = ends[0],
        .unread = unread,
        .passed_on = tag,
    };
    struct rpc_mail_session_out out;
    struct problem problem = {0};
    assert_int_equal(calls->session(&l->process, &edge, &in, &a, &out, &problem), 0);
    assert_int_equal(stream_from_fd(ends[1], &s), 0);
    stream_set_timeout(s, 10 * USEC_SEC);
    return s;
}

static struct lone *open_role(void) {
    struct lone *l = lone_new(ROLE_MAIL);
    lone_open(l);
    return l;
}

static void end(struct lone *l) {
    l->process.role->work->stop(&l->process);
    l->links.opened = false;
    lone_end(l);
}

REAL_FIBER_TEST(the_login_is_answered_with_its_tag_and_then_what_came_behind_it) {
    struct lone *l = open_role();
    struct stream *s = enter(l, S("a7"), S("b NOOP\r\n"));
    struct slice line;
    assert_int_equal(stream_read_line(s, 4096, &line), 0);
    assert_true(slice_starts(line, S("a7 OK [CAPABILITY IMAP4rev1 ")));
    assert_int_equal(stream_read_line(s, 4096, &line), 0);
    assert_true(slice_starts(line, S("b OK ")));
    stream_free(s);
    end(l);
}

/* It would break the grammar of the answer, which ends the process. */
REAL_FIBER_TEST(what_is_no_tag_begins_no_session) {
    static const struct slice wrong[] = {{"", 0},   {"a b", 3}, {"a\r\n* BYE", 8},
                                         {"\0", 1}, {"+", 1},   {"{3}", 3}};
    struct lone *l = open_role();
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct stream *s = enter(l, wrong[i], S(""));
        assert_int_equal(stream_fill(s, 1), -E_EOF);
        stream_free(s);
    }
    end(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_login_is_answered_with_its_tag_and_then_what_came_behind_it),
        cmocka_unit_test(test_what_is_no_tag_begins_no_session),
    };
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    int r = cmocka_run_group_tests_name("imap in the mail role", tests, NULL, NULL);
    assert_int_equal(chdir("/"), 0);
    char *command = mem_printf("rm -r %s", folder);
    (void)!system(command); /* NOLINT(cert-env33-c,concurrency-mt-unsafe) */
    free(command);
    return r;
}
