/* SPDX-License-Identifier: ISC */
/* Who shares mailboxes with whom, as the directory is told and says. */
#include "directory_test.h"

#include "directory/sharing.h"

struct home {
    struct place place;
    struct directory *d;
    uint64_t tama, mike, kuro;
};

static uint64_t add(struct directory *d, const char *address) {
    uint64_t id = 0;
    struct account_new account = {
        .address = slice_of_str(address), .password = PASSWORD, .minimal_cost = true};
    assert_int_equal(directory_account_add(d, &ORDER, &account, &id, NULL), 0);
    return id;
}

static struct home open_home(void) {
    struct home h = {0};
    struct directory_options options = {.shards = 4};
    place_make(&h.place);
    options.key_path = h.place.key;
    assert_int_equal(directory_open(h.place.file, &options, &h.d, NULL), 0);
    assert_int_equal(directory_domain_add(h.d, &ORDER, S("example.test"), S(""), NULL), 0);
    h.tama = add(h.d, "tama@example.test");
    h.mike = add(h.d, "mike@example.test");
    h.kuro = add(h.d, "kuro@example.test");
    return h;
}

static void close_home(struct home *h) {
    directory_close(h->d);
    place_done(&h->place);
}

static void share(struct home *h, uint64_t account, const char *one, const char *two) {
    const struct slice list[] = {slice_of_str(one ? one : ""), slice_of_str(two ? two : "")};
    assert_int_equal(
        directory_set_shares(h->d, account, list, (size_t)(one != NULL) + (two != NULL), NULL), 0);
}

static uint64_t owner(struct home *h, const char *user, const char *address) {
    _cleanup_(arena_done) struct arena a = {0};
    struct share_owner found;
    assert_int_equal(
        directory_find_owner(h->d, slice_of_str(user), slice_of_str(address), &a, &found, NULL), 0);
    if (found.account) {
        assert_slice(found.address, "tama@example.test");
        assert_int_equal(found.shard, found.account % 4);
    }
    return found.account;
}

/* The owners of a user with spaces between them. */
static const char *owners(struct home *h, const char *user) {
    static char text[200];
    _cleanup_(arena_done) struct arena a = {0};
    struct slice *list;
    size_t count;
    text[0] = 0;
    assert_int_equal(directory_owners(h->d, slice_of_str(user), &a, &list, &count, NULL), 0);
    for (size_t i = 0; i < count; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.*s", i ? " " : "",
                       SLICE_ARG(list[i]));
    return text;
}

FIBER_TEST(who_is_named_finds_the_owner_and_nobody_else) {
    struct home h = open_home();
    assert_int_equal(owner(&h, "mike@example.test", "tama@example.test"), 0);
    share(&h, h.tama, "mike@example.test", NULL);
    assert_int_equal(owner(&h, "mike@example.test", "Tama@EXAMPLE.test"), h.tama);
    assert_int_equal(owner(&h, "kuro@example.test", "tama@example.test"), 0);
    assert_int_equal(owner(&h, "mike@example.test", "nobody@example.test"), 0);
    assert_int_equal(owner(&h, "mike@example.test", "no address"), 0);
    assert_string_equal(owners(&h, "mike@example.test"), "tama@example.test");
    assert_string_equal(owners(&h, "kuro@example.test"), "");
    share(&h, h.tama, NULL, NULL);
    assert_int_equal(owner(&h, "mike@example.test", "tama@example.test"), 0);
    assert_string_equal(owners(&h, "mike@example.test"), "");
    close_home(&h);
}

FIBER_TEST(anyone_is_everybody_but_the_owner) {
    struct home h = open_home();
    share(&h, h.tama, "anyone", "mike@example.test");
    share(&h, h.kuro, "anyone", NULL);
    assert_string_equal(owners(&h, "mike@example.test"), "tama@example.test kuro@example.test");
    assert_string_equal(owners(&h, "tama@example.test"), "kuro@example.test");
    assert_int_equal(owner(&h, "tama@example.test", "tama@example.test"), 0);
    close_home(&h);
}

FIBER_TEST(who_gets_an_address_is_told_of_what_was_given_to_it) {
    struct home h = open_home();
    uint64_t count = 99;
    share(&h, h.tama, "new@example.test", "anyone");
    share(&h, h.mike, "new@example.test", "kuro@example.test");
    assert_int_equal(directory_sharers_with(h.d, S("New@example.test"), &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_int_equal(directory_sharers_with(h.d, S("other@example.test"), &count, NULL), 0);
    assert_int_equal(count, 0);
    close_home(&h);
}

FIBER_TEST(a_disabled_or_removed_owner_shares_nothing) {
    struct home h = open_home();
    uint64_t gone;
    share(&h, h.tama, "anyone", NULL);
    assert_int_equal(
        directory_account_set_enabled(h.d, &ORDER, S("tama@example.test"), false, NULL), 0);
    assert_int_equal(owner(&h, "mike@example.test", "tama@example.test"), 0);
    assert_string_equal(owners(&h, "mike@example.test"), "");
    assert_int_equal(directory_account_set_enabled(h.d, &ORDER, S("tama@example.test"), true, NULL),
                     0);
    assert_int_equal(owner(&h, "mike@example.test", "tama@example.test"), h.tama);
    assert_int_equal(directory_account_remove(h.d, &ORDER, S("tama@example.test"), &gone, NULL), 0);
    assert_int_equal(owner(&h, "mike@example.test", "tama@example.test"), 0);
    assert_string_equal(owners(&h, "mike@example.test"), "");
    assert_int_not_equal(add(h.d, "tama@example.test"), h.tama);
    assert_string_equal(owners(&h, "mike@example.test"), ""); /* another one of that name */
    close_home(&h);
}

FIBER_TEST(it_is_kept_and_of_nobody_nothing_is) {
    struct home h = open_home();
    struct directory_options options = {.shards = 4, .key_path = h.place.key};
    share(&h, h.tama, "mike@example.test", NULL);
    share(&h, 12345, "mike@example.test", NULL);
    directory_close(h.d);
    assert_int_equal(directory_open(h.place.file, &options, &h.d, NULL), 0);
    assert_string_equal(owners(&h, "mike@example.test"), "tama@example.test");
    close_home(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_named_finds_the_owner_and_nobody_else),
        cmocka_unit_test(test_anyone_is_everybody_but_the_owner),
        cmocka_unit_test(test_who_gets_an_address_is_told_of_what_was_given_to_it),
        cmocka_unit_test(test_a_disabled_or_removed_owner_shares_nothing),
        cmocka_unit_test(test_it_is_kept_and_of_nobody_nothing_is),
    };
    return cmocka_run_group_tests_name("sharing", tests, NULL, NULL);
}
