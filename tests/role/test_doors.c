/* SPDX-License-Identifier: ISC */
/*
 * Doors: what holds of each row of the table, and a door that only this test has. It greets, takes
 * a name for a login, and beside the mailbox it gives back each line: all that is between is what
 * every door has in common. The edge and the mail role are the real ones in one process; the
 * directory is a fake.
 */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "conf/share.h"
#include "io/net.h"
#include "proc/process_inside.h"
#include "role/edge/edge_login.h"
#include "role/mail/mail_sessions.h"
#include "role/master/listeners.h"
#include "role/roles.h"

#define TAMA 7U

/* ------------------------------------------------------------------ the table */

static bool is_reply(const char *text) {
    size_t len = text ? strlen(text) : 0;
    return len > 2 && strcmp(text + len - 2, "\r\n") == 0 && strchr(text, '\n') == text + len - 1;
}

static void test_each_door_is_whole(void **state) {
    const struct door_port *port, *other;
    const struct door *door, *same;
    (void)state;
    for (size_t i = 0; i < all_doors.count; i++) {
        door = &all_doors.list[i];
        assert_true(door->service.len > 0 && door->service.len <= 16 && door->protocol);
        assert_true(door->ports[0].name.len > 0 && door->serve);
        assert_true(is_reply(door->too_many) && is_reply(door->full) && is_reply(door->no_memory));
        assert_true(!door->session || (is_reply(door->away) && is_reply(door->crowded)));
        assert_ptr_equal(doors_find_session(&all_doors, door->service),
                         door->session ? door : NULL);
    }
    for (size_t n = 0; (port = doors_port(&all_doors, n, &door)); n++) {
        assert_int_equal(strlen(port->name.ptr), port->name.len);
        assert_true(port->name.len <= 16 && port->number > 0);
        assert_ptr_equal(doors_find_port(&all_doors, port->name, &other), door);
        assert_ptr_equal(other, port);
        for (size_t k = 0; k < n; k++)
            assert_int_not_equal(doors_port(&all_doors, k, &same)->number, port->number);
    }
    assert_null(doors_port(&all_doors, LISTEN_PORTS_MAX, &door));
    assert_null(doors_find_port(&all_doors, S("finger"), &other));
    assert_null(doors_find_session(&all_doors, S("smtp"))); /* it leads to no mailbox */
}

/* ------------------------------------------------------------------ who names ports, too */

static const char *top; /* of the sources */

static char *read_file(const char *name) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", top, name);
    FILE *f = fopen(path, "re");
    if (!f)
        fail_msg("%s", path);
    char *text = calloc(1, 1 << 17);
    assert_non_null(text);
    assert_in_range(fread(text, 1, (1 << 17) - 1, f), 1, (1 << 17) - 2);
    (void)fclose(f);
    return text;
}

/* Whether the text has the number by itself, not as a part of another one. */
static bool has_number(const char *text, unsigned number) {
    char digits[8];
    (void)snprintf(digits, sizeof digits, "%u", number);
    for (const char *at = text; (at = strstr(at, digits)); at++)
        if ((at == text || !ascii_is_digit(at[-1])) && !ascii_is_digit(at[strlen(digits)]))
            return true;
    return false;
}

static void test_whoever_names_the_ports_names_all_of_them(void **state) {
    static const char *const files[] = {
        "README.md",
        "README.ja.md",
        "docs/operators/install.md",
        "docs/operators/install.ja.md",
        "docs/operators/firewall.md",
        "docs/operators/firewall.ja.md",
        "scripts/demo",
        "packaging/debian/postinst",
    };
    const struct door_port *port;
    const struct door *door;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        char *text = read_file(files[i]);
        for (size_t n = 0; (port = doors_port(&all_doors, n, &door)); n++)
            if (!has_number(text, port->number))
                fail_msg("%s does not name port %u", files[i], port->number);
        free(text);
    }
}

static size_t count_of(const char *text, const char *part) {
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)); at++)
        count++;
    return count;
}

/* The socket unit holds each at all addresses and no others; postinst has them in hexadecimal. */
static void test_the_package_knows_the_ports(void **state) {
    char *unit = read_file("packaging/hayauma.socket"), line[64];
    char *postinst = read_file("packaging/debian/postinst");
    const struct door_port *port;
    const struct door *door;
    size_t n;
    (void)state;
    for (n = 0; (port = doors_port(&all_doors, n, &door)); n++) {
        (void)snprintf(line, sizeof line, "\nListenStream=0.0.0.0:%u\n", port->number);
        assert_int_equal(count_of(unit, line), 1);
        (void)snprintf(line, sizeof line, "\nListenStream=[::]:%u\n", port->number);
        assert_int_equal(count_of(unit, line), 1);
        (void)snprintf(line, sizeof line, " %u:%04X", port->number, port->number);
        assert_int_equal(count_of(postinst, line), 1);
    }
    assert_int_equal(count_of(unit, "ListenStream="), 2 * n);
    free(unit);
    free(postinst);
}

/* ------------------------------------------------------------------ a door of its own */

static void serve_echo(struct edge_connection *c) {
    struct edge_login login;
    struct slice name;
    stream_str(c->stream, "who?\r\n");
    if (stream_read_line(c->stream, 100, &name) < 0)
        return;
    struct login_request request = {.name = slice_first(name, name.len - 2)};
    if (edge_log_in(c, &request, &login) == 0) {
        char kept[100]; /* the stream goes, and what was read with it */
        login.passed_on = slice_of(kept, request.name.len);
        memcpy(kept, request.name.ptr, request.name.len);
        assert_null(edge_hand_over(c, &login, false));
    } else {
        stream_str(c->stream, "no\r\n");
    }
    if (c->stream)
        (void)stream_shutdown(c->stream);
}

static void echo(struct mail_session *s) {
    struct slice line;
    assert_slice(buf_slice(&s->passed_on), "tama");
    stream_printf(s->stream, "welcome %s\r\n", s->address);
    while (stream_read_line(s->stream, 100, &line) == 0)
        stream_write(s->stream, line);
}

static const struct door echo_door = {
    .service = {"echo", 4},
    .protocol = "Echo",
    .kind = CROWD_READERS,
    .ports = {{{"echo", 4}, 7, false}},
    .too_many = "too many\r\n",
    .full = "full\r\n",
    .no_memory = "no memory\r\n",
    .away = "away\r\n",
    .crowded = "crowded\r\n",
    .serve = serve_echo,
    .session = echo,
};
static const struct doors echo_doors = {&echo_door, 1};

/* ------------------------------------------------------------------ a server around it */

/* What a process has lives as long as the process: so each test has processes of its own. */
static struct server {
    struct process edge, mail_process;
    struct process_links links;
    struct mail mail;
    struct rpc_link *others[2]; /* the directory's and the mail role's ends */
} servers[6];
static struct server *server;
static size_t server_count;

static struct net_addr address;
static bool login_counts;
static uint8_t secret[PROCESS_SECRET] = "a secret of both";

static int on_login(void *arg UNUSED, const struct rpc_caller *caller UNUSED,
                    const struct rpc_directory_login_in *in, struct arena *a,
                    struct rpc_directory_login_out *out, struct problem *problem UNUSED) {
    assert_slice(in->service, "echo");
    if (!slice_eq(in->request.name, S("tama"))) {
        out->login.outcome = LOGIN_WRONG;
        return 0;
    }
    out->login.account_id = TAMA;
    out->login.address = S("tama@example.test");
    out->ticket = ticket_make(secret, &(struct ticket_for){in->service, TAMA, out->login.address},
                              fiber_wall(), a);
    return 0;
}

static int on_renew(void *arg UNUSED, const struct rpc_caller *caller UNUSED,
                    const struct rpc_directory_renew_ticket_in *in, struct arena *a,
                    struct rpc_directory_renew_ticket_out *out, struct problem *problem) {
    if (!login_counts)
        return problem_set(problem, -E_REFUSED, "no more");
    out->ticket = ticket_make(secret, &(struct ticket_for){in->service, in->account, in->address},
                              fiber_wall(), a);
    return 0;
}

static const struct rpc_directory_handlers directory = {.login = on_login,
                                                        .renew_ticket = on_renew};

static void connect_role(size_t i, enum role role, const void *handlers, void *arg) {
    struct rpc_options options = {.self = role,
                                  .other = ROLE_EDGE,
                                  .service = rpc_services[role],
                                  .handlers = handlers,
                                  .arg = arg};
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    server->others[i] = rpc_link_new(&options);
    assert_int_equal(rpc_link_attach(server->others[i], ends[0]), 0);
    assert_int_equal(rpc_link_attach(process_link(&server->edge, role, 0), ends[1]), 0);
}

/* The mail process begins now: it knows nothing of tickets from before. */
static void start_mail(void) {
    mail_sessions_init(&server->mail);
    server->mail.doors = &echo_doors;
    connect_role(1, ROLE_MAIL, role_mail.handlers, &server->mail_process);
}

static void begin(void) {
    _cleanup_(buf_done) struct buf text = {0};
    _cleanup_(conf_free_p) struct conf *conf = conf_new();
    struct rpc_options nobody = {.self = ROLE_PROCESS, .other = ROLE_MASTER};
    struct problem problem = {0};
    int fd = -1;
    login_counts = true;
    server = &servers[server_count++];
    server->links.master = rpc_link_new(&nobody);
    server->edge = (struct process){
        .role = roles_find(ROLE_EDGE), .root = fiber_self(), .links = &server->links};
    server->mail_process = (struct process){.role = roles_find(ROLE_MAIL),
                                            .root = fiber_self(),
                                            .links = &server->links,
                                            .state = &server->mail};
    memcpy(server->mail_process.secret, secret, sizeof secret);
    conf->hostname = S("mail.example.test");
    conf->pop3.connections_max = 2;
    conf_write_slice(conf, ROLE_EDGE, &text);
    assert_int_equal(process_settings_read(&server->edge, buf_slice(&text), &problem), 0);
    assert_int_equal(role_edge.open(&server->edge, &problem), 0);
    ((struct edge *)server->edge.state)->doors = &echo_doors;
    connect_role(0, ROLE_DIRECTORY, &directory, NULL);
    assert_int_equal(net_parse(S("127.0.0.1"), 0, &address), 0);
    assert_int_equal(net_listen(&address, &fd), 0);
    assert_int_equal(net_local(fd, &address), 0);
    assert_int_equal(role_edge.listen(&server->edge, S("pop3"), fd, &problem), -EINVAL);
    assert_int_equal(role_edge.listen(&server->edge, S("echo"), fd, &problem), 0);
}

static void end(void) {
    role_edge.stop(&server->edge);
    if (server->mail.doors)
        mail_end_sessions(&server->mail);
    fiber_cancel_children();
    for (size_t i = 0; i < ARRAY_SIZE(server->others); i++)
        rpc_link_free(TAKE_PTR(server->others[i]));
}

static struct stream *client(void) {
    struct stream *s = NULL;
    assert_int_equal(net_connect(&address, NULL, fiber_now() + USEC_MIN, &s), 0);
    return s;
}

static void hear(struct stream *s, const char *text) {
    struct slice line;
    assert_int_equal(stream_read_line(s, 100, &line), 0);
    assert_slice(slice_first(line, line.len - 2), text);
}

static void say(struct stream *s, const char *text) {
    stream_printf(s, "%s\r\n", text);
    assert_int_equal(stream_flush(s), 0);
}

REAL_FIBER_TEST(a_door_is_a_row_and_its_two_functions) {
    begin();
    start_mail();
    struct stream *s = client();
    hear(s, "who?");
    say(s, "tama\r\nbefore the session began");
    hear(s, "welcome tama@example.test");
    hear(s, "before the session began");
    say(s, "and behind");
    hear(s, "and behind");
    stream_free(s);
    s = client();
    hear(s, "who?");
    say(s, "pochi");
    hear(s, "no");
    stream_free(s);
    end();
}

REAL_FIBER_TEST(who_cannot_be_let_in_gets_the_reply_of_the_door) {
    begin();
    start_mail();
    struct stream *s[3];
    for (size_t i = 0; i < 3; i++) {
        s[i] = client();
        hear(s[i], i < 2 ? "who?" : "full");
    }
    for (size_t i = 0; i < 3; i++)
        stream_free(s[i]);
    end();
}

/* Our end of a session that is there already. */
static int enter(void) {
    _cleanup_(arena_done) struct arena a = {0};
    const struct rpc_mail_handlers *calls = role_mail.handlers;
    const struct rpc_caller edge = {.role = ROLE_EDGE};
    struct rpc_mail_session_out out;
    struct problem problem = {0};
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    struct rpc_mail_session_in in = {
        .service = S("echo"),
        .account = TAMA,
        .ticket =
            ticket_make(secret, &(struct ticket_for){S("echo"), TAMA, S("")}, fiber_wall(), &a),
        .connection = ends[0],
        .passed_on = S("tama"),
    };
    assert_int_equal(calls->session(&server->mail_process, &edge, &in, &a, &out, &problem), 0);
    return ends[1];
}

REAL_FIBER_TEST(an_account_with_too_many_sessions_gets_the_reply_of_the_door) {
    int ours[MAIL_SESSIONS_MAX];
    begin();
    start_mail();
    for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
        ours[i] = enter();
    struct stream *s = client();
    hear(s, "who?");
    say(s, "tama");
    hear(s, "crowded");
    stream_free(s);
    for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
        (void)close(ours[i]);
    end();
}

/* It may die while somebody logs in; a ticket from before its life is shown to it and renewed. */
REAL_FIBER_TEST(a_mail_process_that_comes_back_is_waited_for) {
    begin();
    struct stream *s = client();
    hear(s, "who?");
    say(s, "tama");
    assert_int_equal(fiber_sleep(100 * USEC_MS), 0);
    start_mail();
    hear(s, "welcome tama@example.test");
    stream_free(s);
    end();
}

REAL_FIBER_TEST(a_login_that_ended_meanwhile_leads_nowhere) {
    begin();
    login_counts = false;
    struct stream *s = client();
    hear(s, "who?");
    say(s, "tama");
    assert_int_equal(fiber_sleep(100 * USEC_MS), 0);
    start_mail();
    hear(s, "away");
    stream_free(s);
    end();
}

REAL_FIBER_TEST(a_mail_process_that_stays_away_is_said_to_be_so) {
    begin();
    struct stream *s = client();
    hear(s, "who?");
    say(s, "tama");
    hear(s, "away");
    stream_free(s);
    end();
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_door_is_whole),
        cmocka_unit_test(test_whoever_names_the_ports_names_all_of_them),
        cmocka_unit_test(test_the_package_knows_the_ports),
        cmocka_unit_test(test_a_door_is_a_row_and_its_two_functions),
        cmocka_unit_test(test_who_cannot_be_let_in_gets_the_reply_of_the_door),
        cmocka_unit_test(test_an_account_with_too_many_sessions_gets_the_reply_of_the_door),
        cmocka_unit_test(test_a_mail_process_that_comes_back_is_waited_for),
        cmocka_unit_test(test_a_login_that_ended_meanwhile_leads_nowhere),
        cmocka_unit_test(test_a_mail_process_that_stays_away_is_said_to_be_so),
    };
    top = argc > 1 ? argv[1] : ".";
    return cmocka_run_group_tests_name("doors", tests, NULL, NULL);
}
