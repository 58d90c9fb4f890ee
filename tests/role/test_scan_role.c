/* SPDX-License-Identifier: ISC */
/*
 * The scan role: what it answers of a message, wherever its bytes are; and that each waits for its
 * own name servers only.
 */
#include "role/lone.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dns/message.h"
#include "role/scan/scan.h"
#include "sender/decide.h"

/* ------------------------------------------------------------------ DNS */

#define KEY "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static const struct {
    const char *name, *text;
} zone[] = {
    {"elsewhere.test", "v=spf1 ip4:192.0.2.1 -all"},
    {"_dmarc.elsewhere.test", "v=DMARC1; p=reject"},
    {"careful.test", "v=spf1 -all"},
    {"_dmarc.careful.test", "v=DMARC1; p=quarantine"},
    {"only-spf.test", "v=spf1 -all"},
    {"e20261130._domainkey.ours.test", KEY},
};

static struct dns_peer {
    const char *silent; /* names that end so have no answer while `open` is not set */
    bool open;
    unsigned asked;
} dns;

static void add_text(struct dns_answer *answer, const char *text, struct arena *a) {
    answer->data = arena_array(a, 1, sizeof *answer->data);
    answer->data[0] = arena_printf(a, "%c%s", (int)strlen(text), text);
    answer->count = 1;
    answer->code = DNS_OK;
    dns_answer_decode_records(answer, a);
}

static int on_query(void *arg, const struct rpc_caller *caller,
                    const struct rpc_resolver_query_in *in, struct arena *a,
                    struct rpc_resolver_query_out *out, struct problem *problem) WAITS {
    struct dns_answer answer = {.code = DNS_NXDOMAIN, .type = in->type};
    _cleanup_(buf_done) struct buf flat = {0};
    (void)arg;
    (void)caller;
    (void)problem;
    dns.asked++;
    bool silent = dns.silent && slice_ends_nocase(in->name, slice_of_str(dns.silent));
    while (silent && !dns.open && fiber_sleep(10 * USEC_MS) == 0)
        ;
    if (silent)
        answer.code = DNS_TIMEOUT;
    for (size_t i = 0; !silent && i < ARRAY_SIZE(zone); i++)
        if (in->type == DNS_TXT && dns_name_same(in->name, slice_of_str(zone[i].name)))
            add_text(&answer, zone[i].text, a);
    dns_answer_encode(&flat, &answer);
    out->answer = arena_copy(a, buf_slice(&flat));
    return 0;
}

static const struct rpc_resolver_handlers resolver = {.query = on_query};

/* ------------------------------------------------------------------ asking */

static const struct rpc_caller edge = {.role = ROLE_EDGE};

static struct lone *begin(void) {
    struct lone *l = lone_new(ROLE_SCAN);
    dns = (struct dns_peer){0};
    lone_peer(l, ROLE_RESOLVER, &resolver, NULL);
    return l;
}

static struct lone *opened(void) {
    struct lone *l = begin();
    lone_open(l);
    return l;
}

#define FROM(domain) "From: a@" domain "\r\nSubject: a\r\n\r\nb\r\n"

static struct rpc_scan_judge_in question(const char *client, const char *sender, const char *text) {
    return (struct rpc_scan_judge_in){.client = slice_of_str(client),
                                      .helo = S("client.test"),
                                      .reverse_path = slice_of_str(sender),
                                      .bytes = slice_of_str(text),
                                      .file = -1};
}

static int ask(struct lone *l, const struct rpc_scan_judge_in *in, struct arena *a,
               struct rpc_scan_judge_out *out) WAITS {
    const struct rpc_scan_handlers *calls = l->process.role->work->handlers;
    *out = (struct rpc_scan_judge_out){0};
    return calls->judge(&l->process, &edge, in, a, out, NULL);
}

static struct slice fact_of(const struct rpc_scan_judge_out *out, const char *name) {
    for (size_t i = 0; i < out->facts_count; i++)
        if (slice_eq(out->facts[i].name, slice_of_str(name)))
            return out->facts[i].value;
    fail_msg("no fact %s", name);
    return S("");
}

static void assert_in(struct slice text, const char *part) {
    if (slice_find(text, slice_of_str(part)) < 0)
        fail_msg("expected \"%s\" in %.*s", part, SLICE_ARG(text));
}

/* ------------------------------------------------------------------ what it answers */

REAL_FIBER_TEST(rfc8601_4_what_was_found_is_a_field_in_our_name) {
    _cleanup_(arena_done) struct arena a = {0};
    struct lone *l = opened();
    struct rpc_scan_judge_in in = question("192.0.2.1", "a@elsewhere.test", FROM("elsewhere.test"));
    struct rpc_scan_judge_out out;
    assert_int_equal(ask(l, &in, &a, &out), 0);
    assert_int_equal(out.action, SENDER_TAKE);
    assert_true(slice_starts(out.results, S("mail.example.test;")));
    assert_in(out.results, "spf=pass smtp.mailfrom=a@elsewhere.test");
    assert_in(out.results, "dmarc=pass header.from=elsewhere.test");
    assert_slice(fact_of(&out, "verdict"), "taken");
    assert_in(fact_of(&out, "spf"), "record: v=spf1 ip4:192.0.2.1 -all");
    lone_end(l);
}

REAL_FIBER_TEST(rfc9989_a_policy_is_obeyed) {
    _cleanup_(arena_done) struct arena a = {0};
    struct lone *l = opened();
    struct rpc_scan_judge_out out;
    struct rpc_scan_judge_in in = question("192.0.2.9", "b@other.test", FROM("elsewhere.test"));
    assert_int_equal(ask(l, &in, &a, &out), 0);
    assert_int_equal(out.action, SENDER_REFUSE);
    assert_slice(out.status, "5.7.1");
    assert_in(out.sentence, "elsewhere.test");
    in = question("192.0.2.9", "b@other.test", FROM("careful.test"));
    assert_int_equal(ask(l, &in, &a, &out), 0);
    assert_int_equal(out.action, SENDER_JUNK);
    in = question("192.0.2.9", "b@other.test", FROM("free.test"));
    assert_int_equal(ask(l, &in, &a, &out), 0);
    assert_int_equal(out.action, SENDER_TAKE);
    lone_end(l);
}

REAL_FIBER_TEST(settings_say_what_is_obeyed_also_after_a_reload) {
    _cleanup_(arena_done) struct arena a = {0};
    struct problem problem = {0};
    struct lone *l = begin();
    struct rpc_scan_judge_out out;
    lone_set(l, "authentication.dmarc", "mark");
    lone_open(l);
    struct rpc_scan_judge_in in = question("192.0.2.9", "b@other.test", FROM("elsewhere.test"));
    assert_int_equal(ask(l, &in, &a, &out), 0);
    assert_int_equal(out.action, SENDER_TAKE);
    assert_in(out.results, "dmarc=fail");
    in = question("192.0.2.9", "a@only-spf.test", FROM("only-spf.test"));
    assert_int_equal(ask(l, &in, &a, &out), 0);
    assert_int_equal(out.action, SENDER_TAKE);
    lone_set(l, "authentication.spf-fail", "refuse");
    assert_int_equal(lone_reload(l, &problem), 0);
    assert_int_equal(ask(l, &in, &a, &out), 0);
    assert_int_equal(out.action, SENDER_REFUSE);
    assert_slice(out.status, "5.7.23");
    lone_end(l);
}

/* RFC 5322 §3.6: readers show one of them, and which one nobody knows. */
REAL_FIBER_TEST(two_authors_fields_are_refused) {
    _cleanup_(arena_done) struct arena a = {0};
    struct lone *l = opened();
    struct rpc_scan_judge_out out;
    struct rpc_scan_judge_in in = question("192.0.2.1", "a@elsewhere.test",
                                           "From: a@elsewhere.test\r\n" FROM("elsewhere.test"));
    assert_int_equal(ask(l, &in, &a, &out), 0);
    assert_int_equal(out.action, SENDER_REFUSE);
    assert_slice(out.status, "5.6.0");
    lone_end(l);
}

/* ------------------------------------------------------------------ DNS that fails */

REAL_FIBER_TEST(rfc9989_no_answer_is_no_failure) {
    _cleanup_(arena_done) struct arena a = {0};
    struct lone *l = opened();
    struct rpc_scan_judge_out out;
    dns.silent = "_dmarc.elsewhere.test";
    dns.open = true;
    struct rpc_scan_judge_in in = question("192.0.2.9", "b@other.test", FROM("elsewhere.test"));
    assert_int_equal(ask(l, &in, &a, &out), 0);
    assert_int_equal(out.action, SENDER_LATER);
    assert_slice(out.status, "4.4.3");
    assert_in(out.sentence, "_dmarc.elsewhere.test");
    assert_in(fact_of(&out, "dmarc"), "not resolved: _dmarc.elsewhere.test");
    lone_end(l);
}

/* By the settings of this moment, and of two processes whichever has the domain. */
REAL_FIBER_TEST(an_error_that_stays_is_no_wall_for_ever) {
    _cleanup_(arena_done) struct arena a = {0};
    struct lone *l = opened();
    const struct rpc_scan_handlers *calls = l->process.role->work->handlers;
    const struct scan *scan = l->process.state;
    struct rpc_scan_judge_out out;
    dns.silent = "_dmarc.elsewhere.test";
    dns.open = true;
    (void)patience_is_over(scan->patience, S("elsewhere.test"), fiber_now() - PATIENCE);
    struct rpc_scan_judge_in in = question("192.0.2.9", "b@other.test", FROM("elsewhere.test"));
    assert_int_equal(ask(l, &in, &a, &out), 0);
    assert_int_equal(out.action, SENDER_TAKE);
    assert_in(out.results, "dmarc=temperror");
    assert_in(fact_of(&out, "verdict"), "taken without the policy");
    struct rpc_scan_count_failure_in domain = {S("elsewhere.test")};
    struct rpc_scan_count_failure_out counted = {0};
    const struct rpc_caller other = {.role = ROLE_SCAN, .worker = 1};
    assert_int_equal(calls->count_failure(&l->process, &other, &domain, &a, &counted, NULL), 0);
    assert_true(counted.over);
    l->links.workers[ROLE_SCAN] = 64; /* of 63 of them nobody answers */
    assert_int_equal(ask(l, &in, &a, &out), 0);
    assert_int_equal(out.action, SENDER_LATER);
    l->links.workers[ROLE_SCAN] = 0;
    lone_end(l);
}

REAL_FIBER_TEST(an_exception_of_the_settings_is_told) {
    _cleanup_(arena_done) struct arena a = {0};
    struct lone *l = begin();
    struct rpc_scan_judge_out out;
    lone_set(l, "authentication.exempt", "elsewhere.test \"they are moving\"");
    lone_open(l);
    struct rpc_scan_judge_in in = question("192.0.2.9", "b@other.test", FROM("elsewhere.test"));
    assert_int_equal(ask(l, &in, &a, &out), 0);
    assert_int_equal(out.action, SENDER_TAKE);
    assert_in(out.results, "dmarc=fail");
    assert_in(fact_of(&out, "verdict"), "settings: they are moving");
    lone_end(l);
}

REAL_FIBER_TEST(without_a_resolver_nothing_is_refused_for_good) {
    _cleanup_(arena_done) struct arena a = {0};
    struct lone *l = opened();
    struct rpc_scan_judge_out out;
    lone_kill_peer(l, ROLE_RESOLVER);
    struct rpc_scan_judge_in in = question("192.0.2.9", "b@other.test", FROM("elsewhere.test"));
    assert_int_equal(ask(l, &in, &a, &out), 0);
    assert_int_equal(out.action, SENDER_LATER);
    lone_end(l);
}

struct slow {
    struct lone *lone;
    bool done;
    uint8_t action;
};

static void ask_slowly(void *arg) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slow *s = arg;
    struct rpc_scan_judge_out out;
    struct rpc_scan_judge_in in = question("192.0.2.1", "a@slow.test", FROM("slow.test"));
    assert_int_equal(ask(s->lone, &in, &a, &out), 0);
    s->action = out.action;
    s->done = true;
}

REAL_FIBER_TEST(slow_name_servers_delay_their_messages_only) {
    _cleanup_(arena_done) struct arena a = {0};
    static struct slow slow[100];
    struct lone *l = opened();
    struct rpc_scan_judge_out out;
    dns.silent = "slow.test";
    for (size_t i = 0; i < ARRAY_SIZE(slow); i++) {
        slow[i] = (struct slow){.lone = l};
        assert_int_equal(fiber_spawn("message", ask_slowly, &slow[i]), 0);
    }
    assert_int_equal(fiber_sleep(50 * USEC_MS), 0);
    struct rpc_scan_judge_in in = question("192.0.2.1", "a@elsewhere.test", FROM("elsewhere.test"));
    assert_int_equal(ask(l, &in, &a, &out), 0);
    assert_int_equal(out.action, SENDER_TAKE);
    assert_false(slow[0].done);
    assert_int_equal(l->process.role->work->sessions(&l->process), ARRAY_SIZE(slow));
    dns.open = true;
    for (size_t i = 0; i < ARRAY_SIZE(slow); i++)
        while (!slow[i].done)
            assert_int_equal(fiber_sleep(5 * USEC_MS), 0);
    assert_int_equal(slow[0].action, SENDER_LATER);
    lone_end(l);
}

REAL_FIBER_TEST(too_many_at_a_time_are_put_off_at_once) {
    _cleanup_(arena_done) struct arena a = {0};
    struct lone *l = opened();
    struct rpc_scan_judge_out out;
    struct scan *scan = l->process.state;
    struct rpc_scan_judge_in in = question("192.0.2.1", "a@elsewhere.test", FROM("elsewhere.test"));
    scan->judging = SCAN_MESSAGES_MAX;
    assert_int_equal(ask(l, &in, &a, &out), -E_LIMIT);
    assert_int_equal(dns.asked, 0);
    scan->judging--;
    assert_int_equal(ask(l, &in, &a, &out), 0);
    lone_end(l);
}

/* ------------------------------------------------------------------ bytes */

static int file_of(size_t header, size_t body) {
    static const char line[] = "0123456789012345678901234567890123456789012345678901234567890\r\n";
    int fd = memfd_create("message", MFD_CLOEXEC);
    FILE *f = fdopen(dup(fd), "w");
    assert_non_null(f);
    for (size_t n = 0; n < header; n += sizeof line - 1)
        (void)fprintf(f, "X: %s", line);
    (void)fprintf(f, "From: a@elsewhere.test\r\n\r\n");
    for (size_t n = 0; n < body; n += sizeof line - 1)
        (void)fputs(line, f);
    assert_int_equal(fclose(f), 0);
    return fd;
}

/* A header may be longer than a piece, and what is read of it at a time ends anywhere. */
REAL_FIBER_TEST(a_file_is_read_wherever_its_header_ends) {
    static const size_t headers[] = {0, 262000, 262080, 262144, 262200, 600000};
    struct lone *l = opened();
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct rpc_scan_judge_in in = question("192.0.2.1", "a@elsewhere.test", "");
        struct rpc_scan_judge_out out;
        in.file = file_of(headers[i], 700000);
        in.file_len = (uint64_t)lseek(in.file, 0, SEEK_END);
        assert_int_equal(ask(l, &in, &a, &out), 0);
        assert_in(out.results, "dmarc=pass header.from=elsewhere.test");
    }
    lone_end(l);
}

REAL_FIBER_TEST(a_file_that_ends_before_its_length_is_not_judged) {
    _cleanup_(arena_done) struct arena a = {0};
    struct lone *l = opened();
    struct rpc_scan_judge_in in = question("192.0.2.1", "a@elsewhere.test", "");
    struct rpc_scan_judge_out out;
    in.file = file_of(0, 1000);
    in.file_len = 1U << 20;
    assert_int_equal(ask(l, &in, &a, &out), -E_CORRUPT);
    lone_end(l);
}

/* What no edge says: it is at fault, and nothing else suffers. */
REAL_FIBER_TEST(who_cannot_be_read_is_not_judged) {
    _cleanup_(arena_done) struct arena a = {0};
    struct lone *l = opened();
    struct rpc_scan_judge_out out;
    struct rpc_scan_judge_in in = question("nowhere", "a@elsewhere.test", FROM("elsewhere.test"));
    assert_int_equal(ask(l, &in, &a, &out), -E_SYNTAX);
    in = question("192.0.2.1", "a@@b", FROM("elsewhere.test"));
    assert_int_equal(ask(l, &in, &a, &out), -E_SYNTAX);
    in = question("192.0.2.1", "a@[192.0.2.1]", FROM("elsewhere.test"));
    assert_int_equal(ask(l, &in, &a, &out), 0);
    assert_in(out.results, "smtp.helo=client.test");
    in = question("192.0.2.1", "", "");
    assert_int_equal(ask(l, &in, &a, &out), 0);
    assert_in(out.results, "dmarc=permerror");
    lone_end(l);
}

/* ------------------------------------------------------------------ signing */

static struct keys_peer {
    int64_t seen; /* the one key of ours.test */
    int error;    /* of what is written */
} keys;

static int on_dkim(void *arg, const struct rpc_caller *caller, const struct rpc_keys_dkim_in *in,
                   struct arena *a, struct rpc_keys_dkim_out *out, struct problem *problem) WAITS {
    (void)arg;
    (void)caller;
    (void)problem;
    if (!slice_eq(in->domain, S("ours.test")))
        return 0;
    out->keys = arena_array(a, 1, sizeof *out->keys);
    out->keys_count = 1;
    out->keys[0] = (struct rpc_dkim_public){.selector = S("e20261130"),
                                            .algorithm = DKIM_ED25519_SHA256,
                                            .seen = keys.seen,
                                            .signs = keys.seen > 0,
                                            .record = S(KEY)};
    return 0;
}

static int on_dkim_seen(void *arg, const struct rpc_caller *caller,
                        const struct rpc_keys_dkim_seen_in *in, struct arena *a,
                        struct rpc_keys_dkim_seen_out *out, struct problem *problem) WAITS {
    (void)arg;
    (void)caller;
    (void)in;
    (void)a;
    (void)out;
    (void)problem;
    keys.seen = keys.error == 0;
    return keys.error;
}

static int on_dkim_sign(void *arg, const struct rpc_caller *caller,
                        const struct rpc_keys_dkim_sign_in *in, struct arena *a,
                        struct rpc_keys_dkim_sign_out *out, struct problem *problem) WAITS {
    (void)arg;
    (void)caller;
    (void)problem;
    assert_int_equal(in->selectors_count, 1);
    out->signatures = arena_array(a, 1, sizeof *out->signatures);
    out->signatures[0] = S("0123456789012345678901234567890123456789012345678901234567890123");
    out->signatures_count = 1;
    return 0;
}

static const struct rpc_keys_handlers keys_calls = {
    .dkim = on_dkim, .dkim_seen = on_dkim_seen, .dkim_sign = on_dkim_sign};

static int sign(struct lone *l, struct arena *a, struct slice *ret) WAITS {
    static const struct rpc_caller queue = {.role = ROLE_QUEUE};
    const struct rpc_scan_handlers *calls = l->process.role->work->handlers;
    struct rpc_scan_sign_in in = {
        .login = S("a@ours.test"), .bytes = S(FROM("ours.test")), .file = -1};
    struct rpc_scan_sign_out out = {0};
    int r = calls->sign(&l->process, &queue, &in, a, &out, NULL);
    *ret = out.fields;
    return r;
}

/* What DNS shows counts, also when it cannot be written down: the message waits. */
REAL_FIBER_TEST(nothing_leaves_unsigned_whose_key_dns_shows) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice fields;
    struct lone *l = begin();
    keys = (struct keys_peer){.error = -EIO};
    lone_peer(l, ROLE_KEYS, &keys_calls, NULL);
    lone_open(l);
    assert_int_equal(sign(l, &a, &fields), -EIO);
    assert_int_equal(sign(l, &a, &fields), -EIO); /* it is not remembered that there are none */
    keys.error = 0;
    assert_int_equal(sign(l, &a, &fields), 0);
    assert_in(fields, "d=ours.test; s=e20261130");
    lone_end(l);
}

REAL_FIBER_TEST(without_the_keys_role_nothing_leaves) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice fields;
    struct lone *l = opened();
    assert_int_equal(sign(l, &a, &fields), -EPIPE);
    lone_end(l);
}

REAL_FIBER_TEST(before_dns_shows_a_key_messages_leave_without) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice fields;
    struct lone *l = begin();
    keys = (struct keys_peer){0};
    dns.silent = "ours.test";
    dns.open = true;
    lone_peer(l, ROLE_KEYS, &keys_calls, NULL);
    lone_open(l);
    assert_int_equal(sign(l, &a, &fields), 0);
    assert_slice(fields, "");
    assert_true(lone_has_told(l, "leave without a DKIM signature"));
    lone_end(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc8601_4_what_was_found_is_a_field_in_our_name),
        cmocka_unit_test(test_rfc9989_a_policy_is_obeyed),
        cmocka_unit_test(test_settings_say_what_is_obeyed_also_after_a_reload),
        cmocka_unit_test(test_two_authors_fields_are_refused),
        cmocka_unit_test(test_rfc9989_no_answer_is_no_failure),
        cmocka_unit_test(test_an_error_that_stays_is_no_wall_for_ever),
        cmocka_unit_test(test_an_exception_of_the_settings_is_told),
        cmocka_unit_test(test_without_a_resolver_nothing_is_refused_for_good),
        cmocka_unit_test(test_slow_name_servers_delay_their_messages_only),
        cmocka_unit_test(test_too_many_at_a_time_are_put_off_at_once),
        cmocka_unit_test(test_a_file_is_read_wherever_its_header_ends),
        cmocka_unit_test(test_a_file_that_ends_before_its_length_is_not_judged),
        cmocka_unit_test(test_who_cannot_be_read_is_not_judged),
        cmocka_unit_test(test_nothing_leaves_unsigned_whose_key_dns_shows),
        cmocka_unit_test(test_without_the_keys_role_nothing_leaves),
        cmocka_unit_test(test_before_dns_shows_a_key_messages_leave_without),
    };
    return cmocka_run_group_tests_name("scan role", tests, NULL, NULL);
}
