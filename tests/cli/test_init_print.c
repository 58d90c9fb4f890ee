/* SPDX-License-Identifier: ISC */
/* What init says to do next. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/host/init_print.h"

/* What is said of a server for a.test in this folder. */
static struct slice said_for(const char *directory, struct arena *a) {
    static char *words[] = {"init", "DIR", "--hostname", "mx.a.test", "--domain", "a.test"};
    const struct slice domains[] = {S("a.test")};
    struct cli_call call;
    struct cli c = {.call = &call, .arena = a, .conf = conf_new()};
    assert_int_equal(cli_parse(&cli_table, (int)ARRAY_SIZE(words), words, a, &call, NULL), 0);
    assert_int_equal(conf_set(c.conf, "hostname", S("mx.a.test"), NULL), 0);
    (void)snprintf(c.directory, sizeof c.directory, "%s", directory);
    (void)snprintf(c.conf_path, sizeof c.conf_path, "%s/hayauma.conf", directory);
    init_print(&c, domains, ARRAY_SIZE(domains));
    struct slice said = arena_copy(a, buf_slice(&c.out));
    buf_done(&c.out);
    conf_free(c.conf);
    return said;
}

static void test_the_systemd_units_are_named_for_their_place(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    const char *said = said_for("/var/lib/hayauma", &a).ptr;
    (void)state;
    assert_non_null(strstr(said, "   systemctl enable --now hayauma.socket hayauma.service\n"));
    assert_non_null(
        strstr(said, "   ln -s /var/lib/hayauma/hayauma.conf /etc/hayauma/hayauma.conf\n"));
}

static void test_elsewhere_their_place_is_to_be_changed(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    const char *said = said_for("/srv/mail", &a).ptr;
    (void)state;
    assert_null(strstr(said, "systemctl enable"));
    assert_non_null(strstr(said, "   hayauma -C /srv/mail run\n"));
    assert_non_null(strstr(said, "systemctl edit hayauma.service"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_systemd_units_are_named_for_their_place),
        cmocka_unit_test(test_elsewhere_their_place_is_to_be_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
