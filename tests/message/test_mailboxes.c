/* SPDX-License-Identifier: ISC */
#include "message_test.h"

#include "message/address/mailboxes.h"
#include "message/cfws.h"

/* The list as "address/display" joined by blanks, then the broken entries as "!" each, and the
 * garbled ones as "?". */
static void check_max(const char *value, size_t max, const char *want) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf got = {0};
    struct mailboxes list;
    mailboxes_parse(&a, slice_of_str(value), max, &list);
    for (size_t i = 0; i < list.count; i++) {
        if (i > 0)
            buf_add_byte(&got, ' ');
        address_print(&got, &list.items[i].address);
        if (list.items[i].display.len > 0) {
            buf_add_byte(&got, '/');
            buf_add(&got, list.items[i].display);
        }
    }
    for (size_t i = 0; i < list.broken; i++)
        buf_add_byte(&got, '!');
    for (size_t i = 0; i < list.garbled; i++)
        buf_add_byte(&got, '?');
    if (list.truncated)
        buf_add_str(&got, "...");
    assert_slice(buf_slice(&got), want);
}

static void check(const char *value, const char *want) {
    check_max(value, 100, want);
}

static void rfc5322_3_4_mailboxes_are_read(void **state) {
    check("tama@Example.org", "tama@example.org");
    check("Tama <tama@example.org>", "tama@example.org/Tama");
    check("\"Neko, Tama\" <tama@x>, b@y", "tama@x/\"Neko, Tama\" b@y");
    check("=?UTF-8?B?54+g?= <tama@x>", "tama@x/=?UTF-8?B?54+g?=");
    check("\"a b\"@x", "\"a b\"@x");
    check("<tama@[192.0.2.1]>", "tama@[192.0.2.1]");
    check("tama@x (Tama)", "tama@x/Tama");
    check("", "");
    check("  \r\n ", "");
}

static void rfc5322_3_4_groups_are_opened(void **state) {
    check("Cats: Tama <tama@x>, b@y;, c@z", "tama@x/Tama b@y c@z");
    check("undisclosed-recipients:;", "");
}

static void rfc5322_a_5_comments_and_blanks(void **state) {
    check("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "pete@silly.test/Pete");
    check("A Group(Some people)\r\n :Chris Jones <c@(Chris's host.)public.example>,\r\n"
          " joe@example.org,\r\n John <jdoe@one.test> (my dear friend); (the end of the group)",
          "c@public.example/Chris Jones joe@example.org jdoe@one.test/John");
}

static void rfc5322_a_6_obsolete_forms(void **state) {
    check("Joe Q. Public <john.q.public@example.com>", "john.q.public@example.com/Joe Q. Public");
    check("Mary Smith <@node.test,@[192.0.2.1]:mary@example.net>, , jdoe@test  . example",
          "mary@example.net/Mary Smith jdoe@test.example");
    check("john . \"q\" @ example . com", "john.q@example.com");
}

static void broken_input_gives_what_can_be_read(void **state) {
    check("John Doe john@example.org", "john@example.org");
    check("john@example.org John Doe, b@y", "john@example.org b@y?");
    check("Tama <tama@x, b@y", "tama@x/Tama b@y");
    check("a@b@c, d@e", "d@e!");
    check("a@b@c <d@e>", "d@e/a@b@c");
    check("<evil@x:victim@y>", "!?");
    check("<>, <tama>, @x, tama@, nobody", "!!!!!");
    check("a@b <c@d> <e@f>", "c@d/a@b?");
    /* An address in place of a name: some programs show that one. Many write it twice. */
    check("a@b <c@d>", "c@d/a@b?");
    check("a@b\r\n <c@d>, e@f", "c@d/a@b e@f?");
    check("Tama a@b <c@d>", "c@d/Tama a@b?");
    check("a@B <a@b>", "a@b/a@B");
    check("Tama a@b <a@b>", "a@b/Tama a@b");
    check("\"a@b\" <c@d>", "c@d/\"a@b\"");
    check("=?utf-8?q?a@b?= <c@d>", "c@d/=?utf-8?q?a@b?=");
    check("\"unclosed <a@b>", "!");
    check("(unclosed a@b", "?");
    check("a)b@c, x@y", "x@y!");
    check("a@192.0.2.1, x@y", "x@y!");
    check("<\"a\x01\"@b>, x@y", "x@y!");
    check("ta..ma.@docomo.example", "\"ta..ma.\"@docomo.example");
}

/* What other programs may take for another address than we do is said. */
static void what_has_more_than_an_address_is_counted(void **state) {
    check("<a@b> <c@d>", "a@b?");
    check("<a@b> c@d", "a@b?");
    check("a@b c@d", "a@b?");
    check("a@b> c@d", "a@b?");
    check("<a@b>.c", "a@b?");
    check("<a@b> \"c@d\", x@y", "a@b x@y?");
    check("c@d: <a@b>;", "a@b?");
    check("c@d: e@f: a@b", "a@b??");
    check("a@b (c, d@e", "a@b/c, d@e?");
    check("(a@b", "?");
    check("a@b (c), <d@e> (f) , (g) Tama (h) <i@j>", "a@b/c d@e/f i@j/Tama");
    check("\"c@d\" <a@b>, Cats: x@y;,", "a@b/\"c@d\" x@y");
}

static void check_depth(unsigned depth, const char *want) {
    _cleanup_(buf_done) struct buf value = {0};
    for (unsigned i = 0; i < depth; i++)
        buf_add_byte(&value, '(');
    for (unsigned i = 0; i < depth; i++)
        buf_add_byte(&value, ')');
    buf_add_str(&value, " <a@x>");
    check(buf_str(&value), want);
}

static void lists_and_comments_are_bounded(void **state) {
    check_max("a@x, b@x, c@x", 2, "a@x b@x...");
    check_max("a@x", 0, "...");
    check_depth(2, "a@x/()");
    check_depth(CFWS_DEPTH + 1, "...");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc5322_3_4_mailboxes_are_read),
        cmocka_unit_test(rfc5322_3_4_groups_are_opened),
        cmocka_unit_test(rfc5322_a_5_comments_and_blanks),
        cmocka_unit_test(rfc5322_a_6_obsolete_forms),
        cmocka_unit_test(broken_input_gives_what_can_be_read),
        cmocka_unit_test(what_has_more_than_an_address_is_counted),
        cmocka_unit_test(lists_and_comments_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
