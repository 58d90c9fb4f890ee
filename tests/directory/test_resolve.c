/* SPDX-License-Identifier: ISC */
#include "directory_test.h"

#include <unistd.h>

DIRECTORY_TEST(a6_an_account_is_found_whatever_the_case) {
    struct arena a = {0};
    add_domain(d, "example.test");
    uint64_t id = add_account(d, "Tama@Example.test");
    struct route route = resolve(d, "TAMA@EXAMPLE.TEST", &a);
    assert_int_equal(route.kind, ROUTE_LOCAL);
    assert_int_equal(route.mailbox_count, 1);
    assert_int_equal(route.forward_count, 0);
    assert_int_equal(route.mailboxes[0].account_id, id);
    assert_slice(route.mailboxes[0].address, "tama@example.test");
    assert_slice(route.mailboxes[0].detail, "");
    assert_true(says(&route, "example.test is a domain of this host"));
    assert_true(says(&route, "tama@example.test is account 1 in shard 0"));
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST(a3_other_domains_are_not_ours) {
    struct arena a = {0};
    add_domain(d, "example.test");
    struct route route = resolve(d, "tama@example.org", &a);
    assert_int_equal(route.kind, ROUTE_NOT_OURS);
    assert_true(says(&route, "example.org is not a domain of this host"));
    assert_kind(d, "tama@sub.example.test", ROUTE_NOT_OURS);
    assert_kind(d, "tama@[192.0.2.1]", ROUTE_NOT_OURS);
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST(unknown_users_are_unknown) {
    struct arena a = {0};
    add_domain(d, "example.test");
    struct route route = resolve(d, "nobody@example.test", &a);
    assert_int_equal(route.kind, ROUTE_UNKNOWN_USER);
    assert_true(says(&route, "there is no nobody@example.test"));
    (void)add_account(d, "nobody@example.test"); /* a name remembered as missing comes to life */
    assert_kind(d, "nobody@example.test", ROUTE_LOCAL);
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST(text_that_is_no_address_is_bad) {
    struct arena a = {0};
    add_domain(d, "example.test");
    assert_kind(d, "", ROUTE_BAD_ADDRESS);
    assert_kind(d, "tama", ROUTE_BAD_ADDRESS);
    assert_kind(d, "ta ma@example.test", ROUTE_BAD_ADDRESS);
    struct route route = resolve(d, "tama@", &a);
    assert_int_equal(route.reason_count, 1);
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST(a6_a_plus_address_keeps_its_detail_as_written) {
    struct arena a = {0};
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    struct route route = resolve(d, "tama+Shop@example.test", &a);
    assert_int_equal(route.kind, ROUTE_LOCAL);
    assert_slice(route.mailboxes[0].address, "tama@example.test");
    assert_slice(route.mailboxes[0].detail, "Shop");
    assert_kind(d, "kobo+Shop@example.test", ROUTE_UNKNOWN_USER);
    add_alias(d, "office@example.test", "tama@example.test", NULL, NULL);
    route = resolve(d, "office+a@example.test", &a);
    assert_slice(route.mailboxes[0].detail, "a");
    add_alias(d, "office+a@example.test", "tama+b@example.test", NULL, NULL);
    route = resolve(d, "office+a@example.test", &a); /* the whole name comes first */
    assert_slice(route.mailboxes[0].detail, "b");
    arena_done(&a);
    directory_close(d);
}

REAL_FIBER_TEST(a6_another_separator_or_none) {
    struct place p;
    struct directory_options options = {.plus_separator = '-', .cost = PASSWORD_COST_MIN};
    struct directory *d = NULL;
    place_make(&p);
    GOOD(directory_open(p.file, &options, &d, &problem));
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    assert_kind(d, "tama-shop@example.test", ROUTE_LOCAL);
    assert_kind(d, "tama+shop@example.test", ROUTE_UNKNOWN_USER);
    directory_close(d);
    options.plus_separator = DIRECTORY_NO_PLUS;
    GOOD(directory_open(p.file, &options, &d, &problem));
    assert_kind(d, "tama-shop@example.test", ROUTE_UNKNOWN_USER);
    options.plus_separator = '+'; /* and while it is open */
    directory_configure(d, &options);
    assert_kind(d, "tama+shop@example.test", ROUTE_LOCAL);
    directory_close(d);
    place_done(&p);
}

DIRECTORY_TEST(a6_an_alias_leads_to_mailboxes_and_forwards_without_doubles) {
    struct arena a = {0};
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    (void)add_account(d, "kobo@example.test");
    add_alias(d, "lab@example.test", "kobo@example.test", "Guest@Example.org", NULL);
    add_alias(d, "all@example.test", "tama@example.test", "lab@example.test", "Guest@example.org");
    struct route route = resolve(d, "all@example.test", &a);
    assert_int_equal(route.kind, ROUTE_LOCAL);
    assert_int_equal(route.mailbox_count, 2);
    assert_slice(route.mailboxes[0].address, "tama@example.test");
    assert_slice(route.mailboxes[1].address, "kobo@example.test");
    assert_int_equal(route.forward_count, 1);
    assert_slice(route.forwards[0], "Guest@example.org");
    assert_true(
        says(&route, "all@example.test is an alias of tama@example.test and others: 3 in all"));
    assert_true(
        says(&route, "example.org is not a domain of this host: goes out to Guest@example.org"));
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST(a6_a_forward_may_keep_a_copy) {
    struct arena a = {0};
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    add_alias(d, "tama@example.test", "tama@example.test", "tama@example.org", NULL);
    struct route route = resolve(d, "tama@example.test", &a);
    assert_int_equal(route.mailbox_count, 1);
    assert_int_equal(route.forward_count, 1);
    add_alias(d, "tama@example.test", "tama@example.org", NULL, NULL);
    route = resolve(d, "tama@example.test", &a);
    assert_int_equal(route.mailbox_count, 0);
    assert_int_equal(route.forward_count, 1);
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST(a6_an_alias_domain_means_its_target) {
    struct arena a = {0};
    add_domain(d, "example.test");
    GOOD(directory_domain_add(d, &ORDER, S("example.net"), S("Example.test"), &problem));
    (void)add_account(d, "tama@example.test");
    struct route route = resolve(d, "tama+x@example.net", &a);
    assert_int_equal(route.kind, ROUTE_LOCAL);
    assert_slice(route.mailboxes[0].address, "tama@example.test");
    assert_slice(route.mailboxes[0].detail, "x");
    assert_true(says(&route, "example.net is another name for example.test"));
    assert_kind(d, "kobo@example.net", ROUTE_UNKNOWN_USER);
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST(a6_a_catch_all_takes_what_nobody_takes) {
    struct arena a = {0};
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    (void)add_account(d, "kobo@example.test");
    GOOD(directory_domain_set_catch_all(d, &ORDER, S("example.test"), S("kobo@example.test"),
                                        &problem));
    struct route route = resolve(d, "anybody@example.test", &a);
    assert_int_equal(route.mailbox_count, 1);
    assert_slice(route.mailboxes[0].address, "kobo@example.test");
    route = resolve(d, "tama@example.test", &a);
    assert_slice(route.mailboxes[0].address, "tama@example.test");
    GOOD(directory_domain_set_catch_all(d, &ORDER, S("example.test"), S(""), &problem));
    assert_kind(d, "anybody@example.test", ROUTE_UNKNOWN_USER);
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST(rfc5321_s451_postmaster_and_abuse_reach_an_administrator) {
    struct arena a = {0};
    add_domain(d, "example.test");
    add_domain(d, "other.test");
    (void)add_account(d, "tama@example.test");
    struct route route = resolve(d, "postmaster@example.test", &a);
    assert_int_equal(route.kind, ROUTE_UNKNOWN_USER);
    assert_true(says(
        &route, "postmaster@example.test has nobody to go to: no account is an administrator"));
    GOOD(directory_account_set_admin(d, &ORDER, S("tama@example.test"), true, &problem));
    assert_kind(d, "Postmaster@example.test", ROUTE_LOCAL);
    assert_kind(d, "ABUSE@example.test", ROUTE_LOCAL);
    assert_kind(d, "postmaster@other.test", ROUTE_LOCAL);
    assert_kind(d, "Postmaster", ROUTE_LOCAL);
    assert_kind(d, "mailer-daemon@other.test", ROUTE_LOCAL);
    assert_kind(d, "postmaster+x@other.test", ROUTE_UNKNOWN_USER);
    (void)add_account(d, "kobo@other.test");
    (void)add_account(d, "off@other.test");
    GOOD(directory_account_set_admin(d, &ORDER, S("kobo@other.test"), true, &problem));
    GOOD(directory_account_set_admin(d, &ORDER, S("off@other.test"), true, &problem));
    GOOD(directory_account_set_enabled(d, &ORDER, S("off@other.test"), false, &problem));
    route = resolve(d, "postmaster@other.test", &a); /* all who may log in */
    assert_int_equal(route.mailbox_count, 2);
    assert_slice(route.mailboxes[0].address, "tama@example.test");
    assert_slice(route.mailboxes[1].address, "kobo@other.test");
    add_alias(d, "postmaster@other.test", "tama@example.test", NULL, NULL);
    route = resolve(d, "postmaster@other.test", &a); /* what is said counts */
    assert_slice(route.mailboxes[0].address, "tama@example.test");
    arena_done(&a);
    directory_close(d);
}

/* Bounces come from mailer-daemon at the name of the host, which need not be a domain. */
REAL_FIBER_TEST(rfc5321_s451_whoever_writes_to_the_host_reaches_an_administrator) {
    struct place p;
    struct arena a = {0};
    struct directory_options options = {.hostname = S("MX.example.test"),
                                        .cost = PASSWORD_COST_MIN};
    struct directory *d = NULL;
    place_make(&p);
    GOOD(directory_open(p.file, &options, &d, &problem));
    assert_kind(d, "postmaster", ROUTE_UNKNOWN_USER);
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    assert_kind(d, "postmaster@mx.example.test", ROUTE_UNKNOWN_USER);
    GOOD(directory_account_set_admin(d, &ORDER, S("tama@example.test"), true, &problem));
    static const char *const names[] = {"postmaster@mx.example.test", "Abuse@MX.EXAMPLE.TEST",
                                        "MAILER-DAEMON@mx.example.test", "POSTMASTER"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct route route = resolve(d, names[i], &a);
        assert_int_equal(route.kind, ROUTE_LOCAL);
        assert_slice(route.mailboxes[0].address, "tama@example.test");
    }
    assert_kind(d, "tama@mx.example.test", ROUTE_NOT_OURS);
    assert_kind(d, "postmaster@other.test", ROUTE_NOT_OURS);
    add_alias(d, "abuse@example.test", "out@example.org", NULL, NULL);
    struct route route = resolve(d, "abuse@example.test", &a); /* what is said counts */
    assert_int_equal(route.forward_count, 1);
    options.hostname = S("new.example.test"); /* and while it is open */
    directory_configure(d, &options);
    assert_kind(d, "postmaster@mx.example.test", ROUTE_NOT_OURS);
    assert_kind(d, "postmaster@new.example.test", ROUTE_LOCAL);
    arena_done(&a);
    directory_close(d);
    place_done(&p);
}

static struct slice sent_on(struct directory *d, const char *sender, struct arena *a) {
    struct slice found;
    GOOD(directory_send_on(d, slice_of_str(sender), a, &found));
    return found;
}

REAL_FIBER_TEST(senders_of_others_are_rewritten_for_what_is_sent_on_and_lead_back) {
    struct place p;
    struct arena a = {0};
    struct directory_options options = {
        .srs_path = "srs.key", .hostname = S("mx.example.test"), .cost = PASSWORD_COST_MIN};
    struct directory *d = NULL;
    place_make(&p);
    assert_int_equal(chdir(p.folder), 0);
    GOOD(directory_open(p.file, &options, &d, &problem));
    add_domain(d, "example.test");
    assert_slice(sent_on(d, "tama@example.test", &a), "tama@example.test");
    assert_slice(sent_on(d, "x@mx.example.test", &a), "x@mx.example.test");
    struct slice made = sent_on(d, "Kiku@far.test", &a);
    assert_true(slice_starts(made, S("SRS0=")) && slice_ends(made, S("=Kiku@mx.example.test")));
    directory_close(d); /* the key outlives it */
    GOOD(directory_open(p.file, &options, &d, &problem));
    struct route route = resolve(d, arena_str(&a, made), &a);
    assert_int_equal(route.kind, ROUTE_LOCAL);
    assert_int_equal(route.forward_count, 1);
    assert_slice(route.forwards[0], "Kiku@far.test");
    char *forged = arena_str(&a, made);
    forged[5] = forged[5] == 'a' ? 'b' : 'a';
    assert_kind(d, forged, ROUTE_UNKNOWN_USER);
    forged = arena_str(&a, arena_printf(&a, "%.*sfar.test",
                                        (int)(made.len - sizeof "mx.example.test" + 1), made.ptr));
    assert_kind(d, forged, ROUTE_NOT_OURS);
    options.hostname = S("localhost");
    directory_configure(d, &options);
    assert_slice(sent_on(d, "Kiku@far.test", &a), "Kiku@far.test");
    arena_done(&a);
    directory_close(d);
    (void)unlink("srs.key");
    assert_int_equal(chdir("/"), 0);
    place_done(&p);
}

DIRECTORY_TEST(a6_what_a_mailbox_holds_is_told_with_it) {
    struct arena a = {0};
    add_domain(d, "example.test");
    uint64_t id = add_account(d, "tama@example.test");
    assert_int_equal(resolve(d, "tama@example.test", &a).mailboxes[0].used, 0);
    directory_note_usage(d, id, 3, 5000);
    assert_int_equal(resolve(d, "tama@example.test", &a).mailboxes[0].used, 5000);
    directory_note_usage(d, id, 1, 700);
    directory_write_usage(d);
    assert_int_equal(resolve(d, "TAMA+x@example.test", &a).mailboxes[0].used, 700);
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST(disabled_accounts_get_nothing) {
    struct arena a = {0};
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    (void)add_account(d, "kobo@example.test");
    add_alias(d, "lab@example.test", "tama@example.test", "kobo@example.test", NULL);
    GOOD(directory_account_set_enabled(d, &ORDER, S("tama@example.test"), false, &problem));
    assert_kind(d, "tama@example.test", ROUTE_DISABLED);
    struct route route = resolve(d, "lab@example.test", &a);
    assert_int_equal(route.kind, ROUTE_LOCAL);
    assert_int_equal(route.mailbox_count, 1);
    assert_true(says(&route, "tama@example.test is an account that is disabled"));
    GOOD(directory_account_set_enabled(d, &ORDER, S("kobo@example.test"), false, &problem));
    assert_kind(d, "lab@example.test", ROUTE_DISABLED);
    GOOD(directory_account_set_enabled(d, &ORDER, S("tama@example.test"), true, &problem));
    assert_kind(d, "tama@example.test", ROUTE_LOCAL);
    arena_done(&a);
    directory_close(d);
}

/* ------------------------------------------------------------------ circles and limits */

DIRECTORY_TEST(a7_a_circle_over_an_alias_domain_is_a_loop) {
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    add_alias(d, "a@example.test", "tama@example.test", NULL, NULL);
    add_alias(d, "b@example.test", "a@example.net", "a@example.test", NULL);
    add_alias(d, "a@example.test", "c@example.net", NULL, NULL); /* elsewhere, as of now */
    add_alias(d, "c@example.test", "b@example.test", NULL, NULL);
    GOOD(directory_domain_add(d, &ORDER, S("example.net"), S("example.test"), &problem));
    assert_kind(d, "a@example.test", ROUTE_LOOP);
    assert_kind(d, "b@example.test", ROUTE_LOOP);
    assert_kind(d, "tama@example.test", ROUTE_LOCAL);
    directory_close(d);
}

DIRECTORY_TEST(a7_a_circle_where_somebody_keeps_a_copy_delivers) {
    struct arena a = {0};
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    (void)add_account(d, "kobo@example.test");
    add_alias(d, "team@example.test", "tama@example.test", "kobo@example.test", NULL);
    add_alias(d, "tama@example.test", "tama@example.test", "team@example.test", NULL);
    struct route route = resolve(d, "tama@example.test", &a);
    assert_int_equal(route.kind, ROUTE_LOCAL);
    assert_int_equal(route.mailbox_count, 2);
    route = resolve(d, "team@example.test", &a);
    assert_int_equal(route.kind, ROUTE_LOCAL);
    assert_int_equal(route.mailbox_count, 2);
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST(a7_ten_aliases_behind_each_other_and_no_more) {
    add_domain(d, "example.test");
    (void)add_account(d, "a0@example.test");
    for (int i = 1; i <= 11; i++) {
        char from[32];
        char to[32];
        (void)snprintf(from, sizeof from, "a%d@example.test", i);
        (void)snprintf(to, sizeof to, "a%d@example.test", i - 1);
        add_alias(d, from, to, NULL, NULL);
    }
    assert_kind(d, "a10@example.test", ROUTE_LOCAL);
    assert_kind(d, "a11@example.test", ROUTE_LOOP);
    directory_close(d);
}

static void add_list(struct directory *d, const char *address, size_t first, size_t count) {
    struct arena a = {0};
    struct slice *targets = arena_array(&a, count, sizeof *targets);
    for (size_t i = 0; i < count; i++)
        targets[i] = arena_printf(&a, "guest%zu@example.org", first + i);
    GOOD(directory_alias_set(d, &ORDER, slice_of_str(address), targets, count, &problem));
    arena_done(&a);
}

DIRECTORY_TEST(a7_a_thousand_targets_and_no_more) {
    struct arena a = {0};
    add_domain(d, "example.test");
    add_list(d, "many@example.test", 0, 1000);
    struct route route = resolve(d, "many@example.test", &a);
    assert_int_equal(route.kind, ROUTE_LOCAL);
    assert_int_equal(route.forward_count, 1000);
    add_list(d, "one@example.test", 1000, 1);
    add_alias(d, "more@example.test", "many@example.test", "one@example.test", NULL);
    route = resolve(d, "more@example.test", &a);
    assert_int_equal(route.kind, ROUTE_LOOP);
    assert_int_equal(route.forward_count, 0);
    arena_done(&a);
    directory_close(d);
}

/* ------------------------------------------------------------------ sending as */

static bool may(struct directory *d, uint64_t id, const char *address) {
    bool answer = false;
    assert_int_equal(directory_may_send_as(d, id, slice_of_str(address), &answer), 0);
    return answer;
}

DIRECTORY_TEST(a2_own_addresses_only) {
    add_domain(d, "example.test");
    GOOD(directory_domain_add(d, &ORDER, S("example.net"), S("example.test"), &problem));
    uint64_t tama = add_account(d, "tama@example.test");
    uint64_t kobo = add_account(d, "kobo@example.test");
    add_alias(d, "office@example.test", "tama@example.test", "guest@example.org", NULL);
    assert_true(may(d, tama, "tama@example.test"));
    assert_true(may(d, tama, "Tama+Shop@Example.test"));
    assert_true(may(d, tama, "tama@example.net"));
    assert_true(may(d, tama, "office@example.test"));
    assert_false(may(d, kobo, "office@example.test"));
    assert_false(may(d, kobo, "tama@example.test"));
    assert_false(may(d, kobo, "guest@example.org"));
    assert_false(may(d, kobo, "nobody@example.test"));
    assert_false(may(d, kobo, ""));
    assert_false(may(d, 0, "tama@example.test"));
    directory_close(d);
}

DIRECTORY_TEST(a2_forwarding_away_does_not_take_ones_address) {
    add_domain(d, "example.test");
    uint64_t tama = add_account(d, "tama@example.test");
    add_alias(d, "tama@example.test", "tama@example.org", NULL, NULL);
    assert_true(may(d, tama, "tama@example.test"));
    directory_close(d);
}

DIRECTORY_TEST(a2_a_catch_all_gives_no_right_to_send_and_disabling_takes_it) {
    add_domain(d, "example.test");
    uint64_t tama = add_account(d, "tama@example.test");
    GOOD(directory_domain_set_catch_all(d, &ORDER, S("example.test"), S("tama@example.test"),
                                        &problem));
    assert_false(may(d, tama, "president@example.test"));
    GOOD(directory_account_set_enabled(d, &ORDER, S("tama@example.test"), false, &problem));
    assert_false(may(d, tama, "tama@example.test"));
    directory_close(d);
}

/* ------------------------------------------------------------------ speed, many at once */

#define ROUNDS 20000

/* What looks into the file waits for another thread. */
REAL_FIBER_TEST(answers_come_from_memory) {
    struct arena a = {0};
    struct route route;
    struct place p;
    struct fiber_stats before, after;
    bool answer = false;
    place_make(&p);
    struct directory *d = place_open(&p);
    add_domain(d, "example.test");
    uint64_t id = add_account(d, "tama@example.test");
    fiber_stats(&before);
    assert_kind(d, "tama@example.test", ROUTE_LOCAL);
    fiber_stats(&after);
    assert_true(after.switches > before.switches);
    for (int i = 0; i < ROUNDS; i++) {
        arena_reset(&a);
        assert_int_equal(directory_resolve(d, S("tama@example.test"), &a, &route), 0);
        assert_int_equal(directory_may_send_as(d, id, S("tama@example.test"), &answer), 0);
        assert_true(answer);
    }
    fiber_stats(&before);
    assert_true(before.switches - after.switches < 10); /* the first of each kind */
    arena_done(&a);
    directory_close(d);
    place_done(&p);
}

struct asker {
    struct directory *d;
    unsigned found;
};

static void ask(void *arg) {
    struct asker *asker = arg;
    struct arena a = {0};
    for (int i = 0; i < 50; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "user%d@example.test", i);
        struct route route;
        if (directory_resolve(asker->d, slice_of_str(address), &a, &route) == 0 &&
            route.kind == ROUTE_LOCAL)
            asker->found++;
        arena_reset(&a);
    }
    arena_done(&a);
}

DIRECTORY_TEST(many_fibers_ask_while_one_writes) {
    struct account_new like = {.address = S("user%d@example.test"), .minimal_cost = true};
    struct asker askers[20];
    struct fiber *fibers[ARRAY_SIZE(askers)];
    uint64_t added = 0;
    add_domain(d, "example.test");
    GOOD(directory_account_add_many(d, &ORDER, &like, 0, 50, &added, &problem));
    for (size_t i = 0; i < ARRAY_SIZE(askers); i++) {
        askers[i] = (struct asker){.d = d};
        assert_int_equal(fiber_start("asker", ask, &askers[i], &fibers[i]), 0);
    }
    for (int i = 0; i < 20; i++)
        GOOD(
            directory_account_set_quota(d, &ORDER, S("user7@example.test"), (uint64_t)i, &problem));
    for (size_t i = 0; i < ARRAY_SIZE(askers); i++) {
        fiber_join(fibers[i]);
        assert_int_equal(askers[i].found, 50);
    }
    directory_close(d);
}

static void ask_and_be_cut(void *arg) {
    struct directory *d = arg;
    struct arena a = {0};
    struct route route;
    assert_int_equal(directory_resolve(d, S("tama@example.test"), &a, &route), -ECANCELED);
    arena_done(&a);
}

DIRECTORY_TEST(a_cancelled_fiber_gives_up_while_others_are_in_the_file) {
    struct fiber *f = NULL;
    add_domain(d, "example.test");
    struct asker asker = {.d = d};
    assert_int_equal(fiber_spawn("asker", ask, &asker), 0);
    assert_int_equal(fiber_start("cut", ask_and_be_cut, d, &f), 0);
    fiber_cancel(f);
    fiber_join(f);
    while (fiber_children() > 0)
        assert_int_equal(fiber_sleep(USEC_MS), 0);
    directory_close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a6_an_account_is_found_whatever_the_case),
        cmocka_unit_test(test_a3_other_domains_are_not_ours),
        cmocka_unit_test(test_unknown_users_are_unknown),
        cmocka_unit_test(test_text_that_is_no_address_is_bad),
        cmocka_unit_test(test_a6_a_plus_address_keeps_its_detail_as_written),
        cmocka_unit_test(test_a6_another_separator_or_none),
        cmocka_unit_test(test_a6_an_alias_leads_to_mailboxes_and_forwards_without_doubles),
        cmocka_unit_test(test_a6_a_forward_may_keep_a_copy),
        cmocka_unit_test(test_a6_an_alias_domain_means_its_target),
        cmocka_unit_test(test_a6_a_catch_all_takes_what_nobody_takes),
        cmocka_unit_test(test_rfc5321_s451_postmaster_and_abuse_reach_an_administrator),
        cmocka_unit_test(test_rfc5321_s451_whoever_writes_to_the_host_reaches_an_administrator),
        cmocka_unit_test(test_senders_of_others_are_rewritten_for_what_is_sent_on_and_lead_back),
        cmocka_unit_test(test_a6_what_a_mailbox_holds_is_told_with_it),
        cmocka_unit_test(test_disabled_accounts_get_nothing),
        cmocka_unit_test(test_a7_a_circle_over_an_alias_domain_is_a_loop),
        cmocka_unit_test(test_a7_a_circle_where_somebody_keeps_a_copy_delivers),
        cmocka_unit_test(test_a7_ten_aliases_behind_each_other_and_no_more),
        cmocka_unit_test(test_a7_a_thousand_targets_and_no_more),
        cmocka_unit_test(test_a2_own_addresses_only),
        cmocka_unit_test(test_a2_forwarding_away_does_not_take_ones_address),
        cmocka_unit_test(test_a2_a_catch_all_gives_no_right_to_send_and_disabling_takes_it),
        cmocka_unit_test(test_answers_come_from_memory),
        cmocka_unit_test(test_many_fibers_ask_while_one_writes),
        cmocka_unit_test(test_a_cancelled_fiber_gives_up_while_others_are_in_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
