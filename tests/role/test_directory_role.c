/* SPDX-License-Identifier: ISC */
/* What a process that was taken over may not ask of the directory. */
#include "../directory/directory_test.h"

#include "role/directory_role.h"
#include "role/roles.h"

static const struct rpc_directory_handlers *calls;

static int log_in(struct directory *d, struct slice peer, uint8_t *ret_outcome) {
    static const struct rpc_caller edge = {.role = ROLE_EDGE};
    struct directory_role role = {.directory = d};
    struct process process = {.state = &role, .secret = "a secret of both"};
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_directory_login_in in = {
        .service = S("smtp"), .name = S("tama"), .password = S("no"), .peer = peer};
    struct rpc_directory_login_out out = {0};
    struct problem problem = {0};
    int r = calls->login(&process, &edge, &in, &a, &out, &problem);
    *ret_outcome = out.outcome;
    return r;
}

/* An edge knows where each client is; one that does not say it would guess without any wait. */
DIRECTORY_TEST_AT(a_login_from_nowhere_is_not_looked_at, TEST_WALL) {
    static const struct slice odd[] = {{"", 0}, {"\x0a\0\0", 3}, {"\x0a\0\0\1\1", 5}};
    uint8_t outcome = LOGIN_WELCOME;
    add_domain(d, "example.test");
    (void)add_account(d, "tama@example.test");
    for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
        assert_int_equal(log_in(d, odd[i], &outcome), -E_REFUSED);
    assert_int_equal(log_in(d, S("\x0a\0\0\1"), &outcome), 0);
    assert_int_equal(outcome, LOGIN_WRONG);
    directory_close(d);
}

/* The mailbox of an account is in one mail process only, which alone says how full it is. */
static void test_a_mail_process_tells_of_its_own_mailboxes_only(void **state) {
    for (uint64_t account = 1; account < 1000; account++) {
        unsigned tellers = 0;
        for (unsigned worker = 0; worker < 7; worker++)
            tellers += directory_usage_is_of(account, worker, 7);
        assert_int_equal(tellers, 1);
        assert_true(directory_usage_is_of(account, 0, 1));
    }
    assert_true(directory_usage_is_of(241, 1, 2)); /* shard 1 of 240 */
    assert_false(directory_usage_is_of(241, 0, 2));
    assert_true(directory_usage_is_of(240, 0, 7)); /* shard 0 */
    assert_false(directory_usage_is_of(240, 2, 7));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_login_from_nowhere_is_not_looked_at),
        cmocka_unit_test(test_a_mail_process_tells_of_its_own_mailboxes_only),
    };
    calls = role_directory.handlers;
    return cmocka_run_group_tests_name("directory role", tests, NULL, NULL);
}
