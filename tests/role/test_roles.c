/* SPDX-License-Identifier: ISC */
/*
 * The table of roles: each has no more than it needs, and docs/architecture.md says of each what
 * its row says.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "proc/spawn.h"
#include "role/roles.h"

static size_t row_count(void) {
    size_t count = 0;
    while (all_roles[count].work)
        count++;
    return count;
}

static void test_each_role_has_one_row(void **state) {
    (void)state;
    assert_int_equal(row_count(), ROLE_ROWS);
    for (size_t i = 0; i < row_count(); i++)
        assert_ptr_equal(roles_find(all_roles[i].role), &all_roles[i]);
    assert_null(roles_find(ROLE_MASTER));
    assert_null(roles_find(ROLE_CLI));
}

/* Who reads what strangers send owns nothing and knows no secret. */
static void test_no_role_has_more_than_it_needs(void **state) {
    (void)state;
    for (const struct process_role *r = all_roles; r->work; r++) {
        bool files = r->rights & CONFINE_FILES;
        assert_int_equal(files, r->directory != NULL);
        assert_false(files && r->rights & CONFINE_CONNECT);
        assert_int_equal(files, r->user != PROCESS_USER_EDGE);
        assert_int_equal(r->faces_outside, r->user == PROCESS_USER_EDGE);
        assert_false(r->faces_outside && r->given & (GIVEN_SECRET | GIVEN_CERTIFICATE));
        bool secret = r->role == ROLE_DIRECTORY || r->role == ROLE_MAIL;
        assert_int_equal((r->given & GIVEN_SECRET) != 0, secret);
        assert_int_equal((r->given & GIVEN_CERTIFICATE) != 0, r->role == ROLE_KEYS);
        assert_int_equal((r->given & GIVEN_PASSWORDS) != 0, r->role == ROLE_RELAY);
        assert_int_equal((r->given & GIVEN_AUTHORITIES) != 0,
                         r->role == ROLE_RELAY || r->role == ROLE_FETCHER);
        bool connects =
            r->role == ROLE_RELAY || r->role == ROLE_RESOLVER || r->role == ROLE_FETCHER;
        assert_int_equal((r->rights & CONFINE_CONNECT) != 0, connects);
    }
}

/* All report events; who is started earlier is there for those who call it. */
static void test_who_is_ended_first_lets_work_in(void **state) {
    (void)state;
    assert_int_equal(all_roles[0].role, ROLE_EVENTS);
    assert_int_equal(all_roles[ROLE_ROWS - 1].role, ROLE_EDGE);
    for (const struct process_role *r = all_roles + 1; r->work; r++)
        assert_true(spawn_are_peers(r->role, ROLE_EVENTS));
    assert_false(spawn_are_peers(ROLE_EDGE, ROLE_RELAY));
}

static void test_workers_are_as_many_as_the_settings_say(void **state) {
    struct conf *conf = conf_new();
    (void)state;
    conf->workers.edge = 3;
    conf->workers.relay = 1000;
    conf->workers.mail = 0;
    assert_int_equal(roles_workers(roles_find(ROLE_EDGE), conf), 3);
    assert_int_equal(roles_workers(roles_find(ROLE_RELAY), conf), PROCESS_WORKERS_MAX);
    assert_int_equal(roles_workers(roles_find(ROLE_MAIL), conf), 1);
    assert_int_equal(roles_workers(roles_find(ROLE_QUEUE), conf), 1);
    conf_free(conf);
}

/* ------------------------------------------------------------------ the document */

static const char *architecture; /* the file */

static char *document(void) {
    FILE *f = fopen(architecture, "re");
    assert_non_null(f);
    char *text = calloc(1, 1 << 17);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 17) - 1, f) > 0);
    (void)fclose(f);
    return text;
}

/* "| mail ×n | owns | may touch | user |": the cells of the line for that role. */
static void cells_of(const char *text, const struct process_role *r, char cells[4][300]) {
    char head[64];
    (void)snprintf(head, sizeof head, "\n| %s%s |", role_name(r->role),
                   r->workers > 0 ? " ×n" : "");
    const char *line = strstr(text, head);
    if (!line)
        fail_msg("docs/architecture.md has no line for%s", head);
    assert_int_equal(sscanf(line, "\n| %299[^|]| %299[^|]| %299[^|]| %299[^|\n]|", cells[0],
                            cells[1], cells[2], cells[3]),
                     4);
}

static void test_the_document_says_what_the_rows_say(void **state) {
    static const char *const users[] = {"edge ", "vault ", "mail "};
    char *text = document();
    (void)state;
    for (const struct process_role *r = all_roles; r->work; r++) {
        char cells[4][300], directory[64] = "no files";
        cells_of(text, r, cells);
        if (r->directory)
            (void)snprintf(directory, sizeof directory, "`%s/`", r->directory);
        assert_non_null(strstr(cells[2], directory));
        assert_int_equal(strstr(cells[2], "outgoing") || strstr(cells[2], "DNS servers"),
                         (r->rights & CONFINE_CONNECT) != 0);
        assert_string_equal(cells[3], users[r->user]);
    }
    free(text);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_role_has_one_row),
        cmocka_unit_test(test_no_role_has_more_than_it_needs),
        cmocka_unit_test(test_who_is_ended_first_lets_work_in),
        cmocka_unit_test(test_workers_are_as_many_as_the_settings_say),
        cmocka_unit_test(test_the_document_says_what_the_rows_say),
    };
    architecture = argc > 1 ? argv[1] : "docs/architecture.md";
    return cmocka_run_group_tests_name("roles", tests, NULL, NULL);
}
