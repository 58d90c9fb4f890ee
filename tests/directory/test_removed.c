/* SPDX-License-Identifier: ISC */
/* Removing accounts and bringing them back, what needs to be insisted on, and the history. */
#include "directory_test.h"

#include "directory/internal.h"
#include "fiber/scheduler.h"

#define TAMA S("tama@example.test")

static const struct order plain = {.by = S("root (sudo: tama)")};

static struct account show(struct directory *d, struct slice address, struct arena *a) {
    struct account account = {0};
    GOOD(directory_account_show(d, address, a, &account, &problem));
    return account;
}

static bool may_log_in(struct directory *d, struct slice name) {
    struct login_request request = {.name = name, .password = PASSWORD};
    struct login login = {0};
    struct problem problem = {0};
    struct arena a = {0};
    assert_int_equal(directory_login(d, &request, &a, &login, &problem), 0);
    arena_done(&a);
    return login.outcome == LOGIN_WELCOME;
}

static size_t count_removed(struct directory *d) {
    struct arena a = {0};
    struct account *list = NULL;
    size_t count = 0;
    GOOD(directory_removed_list(d, S(""), 0, 100, &a, &list, &count, &problem));
    arena_done(&a);
    return count;
}

DIRECTORY_TEST(a_removed_account_is_out_of_use_and_comes_back_as_it_was) {
    struct arena a = {0};
    struct account back = {0}, *list = NULL;
    size_t count = 0;
    uint64_t id = 0;
    add_domain(d, "example.test");
    (void)add_account(d, "boss@example.test");
    uint64_t tama = add_account(d, "tama@example.test");
    add_alias(d, "lab@example.test", "tama@example.test", "boss@example.test", NULL);
    add_alias(d, "tama@example.test", "tama@example.test", "t@elsewhere.test", NULL);
    directory_note_usage(d, tama, 3, 4096);
    assert_true(may_log_in(d, TAMA));

    GOOD(directory_account_remove(d, &plain, TAMA, &id, &problem));
    assert_int_equal(id, tama);
    assert_false(may_log_in(d, TAMA));
    assert_kind(d, "tama@example.test", ROUTE_UNKNOWN_USER);
    assert_int_equal(resolve(d, "lab@example.test", &a).mailbox_count, 1);
    GOOD(directory_removed_list(d, S("Example.test"), 0, 10, &a, &list, &count, &problem));
    assert_int_equal(count, 1);
    assert_true(list[0].id == tama && list[0].messages == 3 && list[0].bytes == 4096);
    assert_true(list[0].removed > 0 && list[0].last_login > 0);

    GOOD(directory_account_restore(d, &plain, TAMA, S(""), &back, &a, &problem));
    assert_int_equal(back.id, tama);
    assert_true(may_log_in(d, TAMA));
    assert_int_equal(resolve(d, "lab@example.test", &a).mailbox_count, 2);
    struct route own = resolve(d, "tama@example.test", &a);
    assert_true(own.mailbox_count == 1 && own.forward_count == 1);
    assert_int_equal(show(d, TAMA, &a).messages, 3);
    assert_int_equal(count_removed(d), 0);
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST(the_address_of_a_removed_account_may_go_to_another_one) {
    struct arena a = {0};
    struct account back = {0};
    uint64_t first = 0, second = 0;
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    GOOD(directory_account_remove(d, &plain, TAMA, &first, &problem));
    (void)add_account(d, "tama@example.test");
    BAD(directory_account_restore(d, &plain, TAMA, S(""), &back, &a, &problem), -EEXIST,
        "bring it back under another one with --as");
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)first);
    GOOD(directory_account_restore(d, &plain, slice_of_str(text), S("two@example.test"), &back, &a,
                                   &problem));
    GOOD(directory_account_remove(d, &plain, S("two@example.test"), &first, &problem));
    GOOD(directory_account_restore(d, &plain, S("two@example.test"), S("old@example.test"), &back,
                                   &a, &problem));
    GOOD(directory_account_remove(d, &plain, S("old@example.test"), &first, &problem));
    GOOD(directory_account_remove(d, &plain, TAMA, &second, &problem));
    (void)add_account(d, "tama@example.test");
    GOOD(directory_account_remove(d, &plain, TAMA, &first, &problem));
    BAD(directory_account_restore(d, &plain, TAMA, S(""), &back, &a, &problem), -E_REFUSED,
        "2 removed accounts had the address tama@example.test; say its number");
    char number[24];
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)first);
    GOOD(directory_account_restore(d, &plain, slice_of_str(number), S("old@example.test"), &back,
                                   &a, &problem));
    assert_slice(back.address, "old@example.test");
    assert_int_equal(show(d, S("old@example.test"), &a).id, first);
    assert_true(may_log_in(d, S("old@example.test")));
    BAD(directory_account_restore(d, &plain, TAMA, S("x@nowhere.test"), &back, &a, &problem),
        -E_UNKNOWN, "nowhere.test is not a domain of this host");
    BAD(directory_account_restore(d, &plain, S("kobo@example.test"), S(""), &back, &a, &problem),
        -E_UNKNOWN, "there is no removed account kobo@example.test");
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST(purging_is_marked_first_and_ends_when_the_files_are_gone) {
    struct arena a = {0};
    struct account gone = {0};
    struct account_place due[4];
    size_t count = 9;
    uint64_t id = 0;
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    BAD(directory_account_purge(d, &plain, TAMA, &gone, &a, &problem), -E_REFUSED,
        "tama@example.test is in use; remove it first");
    GOOD(directory_account_remove(d, &plain, TAMA, &id, &problem));
    GOOD(directory_purges(d, 0, due, 4, &count, &problem));
    assert_int_equal(count, 0);
    GOOD(directory_account_purge(d, &plain, TAMA, &gone, &a, &problem));
    assert_int_equal(gone.id, id);
    directory_close(d);

    d = place_open(p); /* as after a crash: the mark is there */
    GOOD(directory_purges(d, 0, due, 4, &count, &problem));
    assert_true(count == 1 && due[0].account == id);
    BAD(directory_account_restore(d, &plain, TAMA, S(""), &gone, &a, &problem), -E_REFUSED,
        "is being purged");
    GOOD(directory_account_purge(d, &plain, TAMA, &gone, &a, &problem));
    GOOD(directory_account_purged(d, id, &problem));
    assert_int_equal(count_removed(d), 0);
    BAD(directory_account_purge(d, &plain, TAMA, &gone, &a, &problem), -E_UNKNOWN,
        "there is no removed account");
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST_AT(removed_accounts_are_purged_when_their_time_is_over, TEST_WALL) {
    struct directory_options options = {.removed_keep = USEC_DAY};
    struct account_place due[4];
    size_t count = 9;
    uint64_t id = 0;
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    (void)add_account(d, "kobo@example.test");
    GOOD(directory_account_remove(d, &plain, TAMA, &id, &problem));
    assert_int_equal(fiber_sleep(2 * USEC_DAY), 0);
    GOOD(directory_purges(d, 0, due, 4, &count, &problem)); /* 0: never by themselves */
    assert_int_equal(count, 0);
    directory_configure(d, &options);
    uint64_t later = 0;
    GOOD(directory_account_remove(d, &plain, S("kobo@example.test"), &later, &problem));
    GOOD(directory_purges(d, 0, due, 4, &count, &problem));
    assert_true(count == 1 && due[0].account == id);
    directory_close(d);
}

DIRECTORY_TEST_AT(nothing_is_purged_while_the_clock_may_be_wrong, TEST_WALL) {
    struct directory_options options = {.removed_keep = 30 * USEC_DAY};
    struct account_place due[4];
    size_t count = 9;
    uint64_t id = 0;
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    GOOD(directory_account_remove(d, &plain, TAMA, &id, &problem));
    assert_int_equal(fiber_sleep(31 * USEC_DAY), 0); /* or it only seems so */
    directory_close(d);
    d = place_open(p);
    directory_configure(d, &options);
    GOOD(directory_purges(d, 0, due, 4, &count, &problem));
    assert_int_equal(count, 0);
    assert_int_equal(fiber_sleep(USEC_HOUR), 0);
    GOOD(directory_purges(d, 0, due, 4, &count, &problem));
    assert_int_equal(count, 1);
    directory_close(d);
}

/* As when a machine wakes, or is told a wrong time. */
DIRECTORY_TEST_AT(nothing_is_purged_when_the_clock_has_just_jumped, TEST_WALL) {
    struct directory_options options = {.removed_keep = 30 * USEC_DAY};
    struct account_place due[4];
    size_t count = 9;
    uint64_t id = 0;
    directory_configure(d, &options);
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    GOOD(directory_account_remove(d, &plain, TAMA, &id, &problem));
    assert_int_equal(fiber_sleep(2 * USEC_HOUR), 0);
    fiber_scheduler->wall_offset += 31 * USEC_DAY;
    GOOD(directory_purges(d, 0, due, 4, &count, &problem));
    assert_int_equal(count, 0);
    assert_int_equal(fiber_sleep(USEC_HOUR), 0);
    GOOD(directory_purges(d, 0, due, 4, &count, &problem));
    assert_int_equal(count, 1);
    directory_close(d);
}

static usec_t replaced(struct directory *d) {
    struct arena a = {0};
    struct route route = resolve(d, "tama@example.test", &a);
    assert_int_equal(route.mailbox_count, 1);
    usec_t until = route.mailboxes[0].replaced;
    arena_done(&a);
    return until;
}

/* What was accepted before may still be in the queue, whatever has become of him. */
DIRECTORY_TEST_AT(until_when_an_address_was_somebody_elses_outlasts_his_purge, TEST_WALL) {
    struct arena a = {0};
    struct account account = {0};
    struct account_place due[4];
    uint64_t first = 0, second = 0;
    size_t count = 0;
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    assert_int_equal(replaced(d), 0);
    GOOD(directory_account_remove(d, &plain, TAMA, &first, &problem));
    (void)add_account(d, "tama@example.test");
    usec_t removed = fiber_wall();
    assert_int_equal(replaced(d), removed);
    GOOD(directory_account_purge(d, &plain, S("1"), &account, &a, &problem));
    GOOD(directory_account_purged(d, first, &problem));
    assert_int_equal(replaced(d), removed);

    /* Who comes back under another address does not take it along, under his own he may have it. */
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    GOOD(directory_account_remove(d, &plain, TAMA, &second, &problem));
    GOOD(directory_account_restore(d, &plain, S("2"), S(""), &account, &a, &problem));
    assert_int_equal(replaced(d), removed);
    GOOD(directory_account_remove(d, &plain, TAMA, &second, &problem));
    (void)add_account(d, "tama@example.test");
    GOOD(directory_account_restore(d, &plain, S("2"), S("x@example.test"), &account, &a, &problem));
    assert_int_equal(replaced(d), removed + USEC_SEC);

    /* As long as anything may be in the queue, and as long as somebody has the address. */
    assert_int_equal(fiber_sleep(200 * USEC_DAY), 0);
    GOOD(directory_purges(d, 0, due, 4, &count, &problem));
    assert_int_equal(replaced(d), removed + USEC_SEC);
    GOOD(directory_account_remove(d, &plain, TAMA, &first, &problem));
    GOOD(directory_purges(d, 0, due, 4, &count, &problem));
    directory_close(d);
    sql(p, "DELETE FROM removed");
    d = place_open(p);
    (void)add_account(d, "tama@example.test");
    assert_int_equal(replaced(d), removed + 200 * USEC_DAY + USEC_SEC);
    arena_done(&a);
    directory_close(d);
}

/* Of a file that a release wrote which did not keep it apart (format 6). */
DIRECTORY_TEST(until_when_an_address_was_somebody_elses_is_known_after_an_upgrade) {
    uint64_t first = 0;
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    GOOD(directory_account_remove(d, &plain, TAMA, &first, &problem));
    (void)add_account(d, "tama@example.test");
    usec_t removed = replaced(d);
    assert_true(removed > 0);
    directory_close(d);
    sql(p, FORMAT_7 "DROP TABLE former_owner; PRAGMA user_version = 6");
    d = place_open(p);
    assert_int_equal(replaced(d), removed);
    directory_close(d);
}

DIRECTORY_TEST(the_last_administrator_stays_one_unless_forced) {
    struct account_new boss = {
        .address = S("boss@example.test"), .password = PASSWORD, .admin = true};
    const struct order forced = {.by = S("root"), .force = true};
    uint64_t id = 0;
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    GOOD(directory_account_add(d, &plain, &boss, &id, &problem));
    BAD(directory_account_remove(d, &plain, boss.address, &id, &problem), -E_REFUSED,
        "boss@example.test is the last administrator");
    BAD(directory_account_set_enabled(d, &plain, boss.address, false, &problem), -E_REFUSED,
        "say --force");
    BAD(directory_account_set_admin(d, &plain, boss.address, false, &problem), -E_REFUSED,
        "is the last administrator");
    GOOD(directory_account_set_enabled(d, &plain, boss.address, true, &problem));
    GOOD(directory_account_set_enabled(d, &plain, TAMA, false, &problem));
    GOOD(directory_account_set_admin(d, &plain, TAMA, true, &problem)); /* disabled: counts not */
    BAD(directory_account_remove(d, &plain, boss.address, &id, &problem), -E_REFUSED,
        "is the last administrator");
    GOOD(directory_account_set_admin(d, &forced, boss.address, false, &problem));
    GOOD(directory_account_set_enabled(d, &plain, TAMA, true, &problem));
    GOOD(directory_account_remove(d, &plain, boss.address, &id, &problem));
    directory_close(d);
}

DIRECTORY_TEST(an_account_gets_its_mail_unless_it_is_ordered_otherwise) {
    struct slice other[] = {S("x@elsewhere.test")}, both[] = {TAMA, S("x@elsewhere.test")};
    const struct order insists = {.by = S("root"), .instead_of_mailbox = true};
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    BAD(directory_alias_add(d, &plain, TAMA, other, 1, &problem), -E_REFUSED,
        "--instead-of-mailbox");
    BAD(directory_alias_set(d, &plain, TAMA, other, 1, &problem), -E_REFUSED, "--keep-copy");
    GOOD(directory_alias_add(d, &plain, TAMA, both, 2, &problem));
    BAD(directory_alias_remove(d, &plain, TAMA, both, 1, &problem), -E_REFUSED,
        "its mailbox would get nothing any more");
    GOOD(directory_alias_remove(d, &plain, TAMA, both, 2, &problem));
    GOOD(directory_alias_add(d, &insists, TAMA, other, 1, &problem));
    BAD(directory_alias_add(d, &plain, TAMA, (struct slice[]){S("y@elsewhere.test")}, 1, &problem),
        -E_REFUSED, "--instead-of-mailbox");
    GOOD(directory_alias_remove(d, &plain, TAMA, NULL, 0, &problem));
    directory_close(d);
}

/* ------------------------------------------------------------------ the history */

static size_t sentences(struct directory *d, struct buf *to, uint64_t *ret_last) {
    struct arena a = {0};
    struct change_entry *list = NULL;
    size_t count = 0;
    GOOD(directory_changes(d, 100, &a, &list, &count, &problem));
    for (size_t i = 0; i < count; i++) {
        change_entry_sentence(to, &list[i]);
        buf_add_byte(to, '\n');
        assert_true(list[i].wall > 0);
        *ret_last = list[i].number;
    }
    arena_done(&a);
    return count;
}

/* One that the event log cannot take would keep all that come behind it. */
static void test_a_sentence_of_the_history_fits_into_an_event(void **state) {
    static char longest[8192];
    struct buf text = {0};
    (void)state;
    for (size_t i = 0; i < sizeof longest; i++)
        longest[i] = i % 32 == 31 ? '\n' : 'a';
    struct change_entry e = {.by = S("root"),
                             .kind = S("account.send-as"),
                             .name = S("tama@example.test"),
                             .before = slice_of(longest, sizeof longest),
                             .after = S("x@example.test\n@example.test")};
    change_entry_sentence(&text, &e);
    assert_true(slice_ends(buf_slice(&text), S("... to x@example.test @example.test.")));
    buf_clear(&text);
    e.after = e.before;
    change_entry_sentence(&text, &e);
    assert_true(slice_starts(buf_slice(&text), S("root changed under which addresses")));
    assert_in_range(text.len, 1000, 8000); /* events.keep takes 16384 bytes */
    buf_done(&text);
}

DIRECTORY_TEST(every_change_is_in_the_history_with_who_and_what_but_no_secret) {
    struct buf text = {0};
    struct slice targets[] = {TAMA, S("x@elsewhere.test")};
    struct account_new tama = {.address = TAMA, .password = PASSWORD, .admin = true};
    uint64_t id = 0, last = 0;
    GOOD(directory_domain_add(d, &plain, S("example.test"), S(""), &problem));
    GOOD(directory_account_add(d, &plain, &tama, &id, &problem));
    GOOD(directory_account_set_quota(d, &plain, TAMA, 1ULL << 30, &problem));
    GOOD(directory_account_set_quota(d, &plain, TAMA, 1ULL << 30, &problem)); /* no change */
    GOOD(directory_account_set_name(d, &plain, TAMA, S("\xe7\x8e\x89"), &problem));
    GOOD(directory_account_set_password(d, &plain, TAMA, S("9f#kQz!pLw77"), false, &problem));
    GOOD(directory_account_set_apop(d, &plain, TAMA, S("geheim-geheim"), &problem));
    GOOD(directory_alias_set(d, &plain, S("lab@example.test"), targets, 2, &problem));
    GOOD(directory_alias_remove(d, &plain, S("lab@example.test"), targets, 1, &problem));
    BAD(directory_account_set_quota(d, &plain, S("no@example.test"), 1, &problem), -E_UNKNOWN, "");
    directory_close(d);
    d = place_open(p);
    assert_int_equal(sentences(d, &text, &last), 8);
    assert_string_equal(
        buf_str(&text),
        "root (sudo: tama) added the domain example.test.\n"
        "root (sudo: tama) added the account tama@example.test (administrator).\n"
        "root (sudo: tama) changed the quota of tama@example.test from none to 1G.\n"
        "root (sudo: tama) changed the person's name of tama@example.test from none to"
        " \xe7\x8e\x89.\n"
        "root (sudo: tama) set the password of tama@example.test from argon2id to another"
        " argon2id.\n"
        "root (sudo: tama) changed the APOP secret of tama@example.test from none to yes.\n"
        "root (sudo: tama) changed the alias lab@example.test from none to tama@example.test,"
        " x@elsewhere.test.\n"
        "root (sudo: tama) took targets out of the alias lab@example.test from"
        " tama@example.test, x@elsewhere.test to x@elsewhere.test.\n");
    GOOD(directory_changes_reported(d, last, &problem));
    assert_int_equal(sentences(d, &text, &last), 0);
    buf_done(&text);
    directory_close(d);
}

DIRECTORY_TEST(usage_is_known_of_new_accounts_and_lasts) {
    struct arena a = {0};
    struct account_place list[4];
    size_t count = 9;
    add_domain(d, "example.test");
    uint64_t tama = add_account(d, "tama@example.test");
    struct account account = show(d, TAMA, &a);
    assert_true(account.has_usage && account.messages == 0);
    GOOD(directory_unknown_usage(d, 0, list, 4, &count, &problem));
    assert_int_equal(count, 0);
    directory_note_usage(d, tama, 1, 10);
    directory_note_usage(d, tama, 2, 30);
    directory_note_usage(d, tama + 77, 9, 9); /* nobody */
    directory_close(d);
    d = place_open(p);
    account = show(d, TAMA, &a);
    assert_true(account.messages == 2 && account.bytes == 30);
    arena_done(&a);
    directory_close(d);
}

DIRECTORY_TEST(usage_that_could_not_be_written_is_written_later) {
    struct arena a = {0};
    add_domain(d, "example.test");
    uint64_t tama = add_account(d, "tama@example.test"), kuro = add_account(d, "kuro@example.test");
    sql(p, "CREATE TRIGGER full BEFORE INSERT ON usage BEGIN SELECT RAISE(FAIL, 'full'); END");
    directory_note_usage(d, tama, 1, 10);
    directory_note_usage(d, kuro, 5, 50);
    assert_true(directory_flush_usage(d) < 0);
    directory_note_usage(d, tama, 2, 30);
    assert_int_equal(directory_used(d, tama, 0), 30);
    sql(p, "DROP TRIGGER full");
    directory_close(d);
    d = place_open(p);
    assert_int_equal(show(d, TAMA, &a).messages, 2);
    assert_int_equal(show(d, S("kuro@example.test"), &a).bytes, 50);
    arena_done(&a);
    directory_close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_removed_account_is_out_of_use_and_comes_back_as_it_was),
        cmocka_unit_test(test_the_address_of_a_removed_account_may_go_to_another_one),
        cmocka_unit_test(test_purging_is_marked_first_and_ends_when_the_files_are_gone),
        cmocka_unit_test(test_removed_accounts_are_purged_when_their_time_is_over),
        cmocka_unit_test(test_nothing_is_purged_while_the_clock_may_be_wrong),
        cmocka_unit_test(test_nothing_is_purged_when_the_clock_has_just_jumped),
        cmocka_unit_test(test_until_when_an_address_was_somebody_elses_outlasts_his_purge),
        cmocka_unit_test(test_until_when_an_address_was_somebody_elses_is_known_after_an_upgrade),
        cmocka_unit_test(test_the_last_administrator_stays_one_unless_forced),
        cmocka_unit_test(test_an_account_gets_its_mail_unless_it_is_ordered_otherwise),
        cmocka_unit_test(test_a_sentence_of_the_history_fits_into_an_event),
        cmocka_unit_test(test_every_change_is_in_the_history_with_who_and_what_but_no_secret),
        cmocka_unit_test(test_usage_is_known_of_new_accounts_and_lasts),
        cmocka_unit_test(test_usage_that_could_not_be_written_is_written_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
