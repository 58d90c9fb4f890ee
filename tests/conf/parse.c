/* SPDX-License-Identifier: ISC */
/*
 * Whole files: what is said about slips, duplicates, rules between settings, and files that cannot
 * be read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/setting.h"
#include "unit.h"

static void a_good_file_is_read(void **state) {
    struct conf *conf = conf_of("# my host\n"
                                "hostname mail.example.jp\n"
                                "\n"
                                "smtp {\n"
                                "    message-size-max 100M\n"
                                "    trusted-networks 127.0.0.0/8 ::1\n"
                                "}\n"
                                "listen 192.0.2.25\n");
    assert_text(conf->hostname, "mail.example.jp");
    assert_string_equal(conf->hostname.ptr, "mail.example.jp");
    assert_int_equal(conf->smtp.message_size_max, 104857600);
    assert_int_equal(conf->smtp.trusted_networks.count, 2);
    assert_int_equal(conf->listen.count, 1);
    assert_int_equal(conf->smtp.hard_errors, 10);
    conf_free(conf);
}

static void all_problems_are_found_in_one_go(void **state) {
    assert_problems("hostname mail.example.jp\n"
                    "smtp {\n"
                    "    message-size-max 50X\n"
                    "    mesage-size-max 50M\n"
                    "    timeout\n"
                    "    hostname a.example\n"
                    "}\n"
                    "pop {\n"
                    "    anything goes here\n"
                    "    deeper {\n"
                    "    }\n"
                    "}\n"
                    "retry-jitter 10%\n"
                    "xyzzy 1\n",
                    "t:3:22: smtp.message-size-max: found \"50X\", expected a size such as 500, "
                    "64K, 50M or 2G, from 64K to 2G\n"
                    "t:4:5: there is no setting \"mesage-size-max\" in the block \"smtp\"; did you "
                    "mean \"message-size-max\"?\n"
                    "t:5:5: smtp.timeout: found no value, expected a span such as 30s, 5min, 2h or "
                    "5d, from 1s to 1d\n"
                    "t:6:5: there is no setting \"hostname\" in the block \"smtp\"; did you mean "
                    "\"hostname\" outside of any block?\n"
                    "t:8:1: there is no block \"pop\"; did you mean \"pop3\"?\n"
                    "t:13:1: there is no setting \"retry-jitter\"; did you mean \"retry-jitter\" "
                    "in the block \"queue\"?\n"
                    "t:14:1: there is no setting \"xyzzy\"\n");
}

static void a_setting_given_twice_names_both_lines(void **state) {
    assert_problems("hostname a.example\n"
                    "smtp {\n"
                    "timeout 5min\n"
                    "}\n"
                    "smtp {\n"
                    "  timeout 5min\n"
                    "}\n",
                    "t:6:3: smtp.timeout is set twice, here and on line 3, expected one of "
                    "them\n");
}

static void a_block_may_be_continued(void **state) {
    struct conf *conf = conf_of("smtp {\ntimeout 1min\n}\nhostname a.example\nsmtp {\n"
                                "min-rate 1K\n}\n");
    assert_int_equal(conf->smtp.timeout, USEC_MIN);
    assert_int_equal(conf->smtp.min_rate, 1024);
    conf_free(conf);
}

static void a_block_is_known_by_its_former_name_too(void **state) {
    char name[CONF_NAME_SIZE];
    struct conf *conf = conf_of("hostname a.example\nledger {\nkeep 2d\n}\n");
    assert_int_equal(conf->events.keep, 2 * USEC_DAY);
    conf_free(conf);
    assert_text(conf_setting_name(conf_setting_find(S("ledger.keep"), NULL), name), "events.keep");
    assert_problems("hostname a.example\nevents {\nkeep 2d\n}\nledger {\nkeep 3d\n}\n",
                    "t:6:1: events.keep is set twice, here and on line 3, expected one of them\n");
}

static void blocks_are_not_settings_and_do_not_nest(void **state) {
    assert_problems("hostname a.example\nsmtp\n",
                    "t:2:1: \"smtp\" is a block, expected \"{\" behind it\n");
    assert_problems("hostname a.example\nsmtp {\n  pop3 {\n    timeout x\n  }\n  timeout x\n}\n",
                    "t:3:3: found the block \"pop3\" within the block \"smtp\", expected settings "
                    "only\n"
                    "t:6:11: smtp.timeout: found \"x\", expected a span such as 30s, 5min, 2h or "
                    "5d, from 1s to 1d\n");
    assert_problems("hostname {\n}\n", "t:1:1: there is no block \"hostname\"\n");
}

static void one_slip_is_one_problem(void **state) {
    assert_problems("hostname a.example\nsmtp { timeout 5min }\nlisten ::\n",
                    "t:2:8: found something behind \"{\", expected a new line there\n");
    assert_problems("hostname a.example\nsmtp {\ntimeout 5min }\nlisten ::\n",
                    "t:3:14: found \"}\" behind other words, expected it on a line of its own\n");
}

static void the_hostname_has_to_be_set(void **state) {
    assert_problems("", "t: hostname is not set, expected a line such as \"hostname "
                        "mail.example.jp\"\n");
}

static void numbers_that_belong_together_are_in_order(void **state) {
    assert_problems("hostname a.example\nsmtp {\nsoft-errors 30\n}\n",
                    "t:3: smtp.soft-errors is 30, expected at most smtp.hard-errors, which is "
                    "10\n");
    assert_problems("hostname a.example\nsmtp {\nhard-errors 3\n}\n",
                    "t:3: smtp.soft-errors is 5, expected at most smtp.hard-errors, which is 3\n");
    assert_problems("hostname a.example\nlogin {\ndelay-first 1min\n}\n",
                    "t:3: login.delay-first is 1min, expected at most login.delay-max, which is "
                    "30s\n");
    assert_problems("hostname a.example\nsubmission {\nmessage-size-max 512K\n}\n",
                    "t:3: submission.header-max is 1M, expected at most "
                    "submission.message-size-max, which is 512K\n");
    assert_problems("hostname a.example\nrelay {\nconnections-max 4\n}\n",
                    "t:3: relay.connections-start is 5, expected at most relay.connections-max, "
                    "which is 4\n");
}

static void the_three_users_differ(void **state) {
    assert_problems("hostname a.example\nusers {\nedge hayauma-mail\n}\n",
                    "t:3: users: found the same user twice, expected three different ones\n");
}

static void dnssec_needs_an_anchor(void **state) {
    assert_problems("hostname a.example\ndns {\ntrust-anchor none\n}\n",
                    "t:3: dns.trust-anchor is none, expected a file as long as dns.dnssec is "
                    "yes\n");
    conf_free(conf_of("hostname a.example\ndns {\ntrust-anchor none\ndnssec no\n}\n"));
}

static void lists_follow_their_own_rules(void **state) {
    assert_problems("hostname a.example\nqueue {\ndelay-notices 1d 4h\n}\n",
                    "t:3: queue.delay-notices: expected each span to be above the one before\n");
    assert_problems("hostname a.example\nrelay {\nsource-addresses 192.0.2.1 192.0.2.2\n}\n",
                    "t:3: relay.source-addresses: expected at most one IPv4 and one IPv6 "
                    "address\n");
    conf_free(conf_of("hostname a.example\nrelay {\nsource-addresses 192.0.2.1 ::1\n}\n"));
    assert_problems("hostname a.example\nauthentication {\nreports-to dmarc@a.example\n}\n",
                    "t:3: authentication.reports-to: expected only the part of an address before "
                    "the @\n");
    assert_problems("hostname a.example\ndelivery {\nplus-separator @\n}\n",
                    "t:3: delivery.plus-separator: expected one of + - _ = # ~ ! % or \"\"\n");
    conf_free(conf_of("hostname a.example\ndelivery {\nplus-separator \"\"\n}\n"));
}

static void a_file_has_at_most_a_mebibyte(void **state) {
    _cleanup_(buf_done) struct buf text = {0};
    buf_add_str(&text, "hostname a.example\n");
    while (text.len < CONF_FILE_MAX)
        buf_add_byte(&text, '\n');
    conf_free(conf_of(buf_str(&text)));
    buf_add_byte(&text, '\n');
    assert_problems(buf_str(&text), "t: found a file of 1048577 bytes, expected at most 1048576\n");
}

static void write_file(const char *path, struct slice text) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
    assert_int_equal(fclose(file), 0);
}

static void files_are_loaded_and_missing_ones_named(void **state) {
    char folder[] = "/tmp/hayauma-conf-XXXXXX";
    assert_non_null(mkdtemp(folder));
    _cleanup_(buf_done) struct buf path = {0};
    buf_printf(&path, "%s/hayauma.conf", folder);
    _cleanup_(conf_problems_done) struct conf_problems problems = {0};
    _cleanup_(buf_done) struct buf said = {0};
    struct conf *conf = NULL;
    assert_int_equal(conf_load(buf_str(&path), &conf, &problems), -ENOENT);
    conf_problems_write(&problems, &said);
    _cleanup_(buf_done) struct buf expected = {0};
    buf_printf(&expected, "%s: cannot be read: No such file or directory\n", buf_str(&path));
    assert_text(buf_slice(&said), buf_str(&expected));
    write_file(buf_str(&path), S("hostname a.example\nworkers {\nedge 7\n}\n"));
    assert_int_equal(conf_load(buf_str(&path), &conf, &problems), 0);
    assert_int_equal(conf->workers.edge, 7);
    conf_free(conf);
    assert_int_equal(unlink(buf_str(&path)), 0);
    assert_int_equal(conf_load(folder, &conf, &problems), -EISDIR);
    assert_int_equal(rmdir(folder), 0);
}

static void a_file_without_end_is_not_read_to_its_end(void **state) {
    _cleanup_(conf_problems_done) struct conf_problems problems = {0};
    struct conf *conf = NULL;
    assert_int_equal(conf_load("/dev/zero", &conf, &problems), -E_SYNTAX);
    assert_int_equal(problems.count, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_is_read),
        cmocka_unit_test(all_problems_are_found_in_one_go),
        cmocka_unit_test(a_setting_given_twice_names_both_lines),
        cmocka_unit_test(a_block_may_be_continued),
        cmocka_unit_test(a_block_is_known_by_its_former_name_too),
        cmocka_unit_test(blocks_are_not_settings_and_do_not_nest),
        cmocka_unit_test(one_slip_is_one_problem),
        cmocka_unit_test(the_hostname_has_to_be_set),
        cmocka_unit_test(numbers_that_belong_together_are_in_order),
        cmocka_unit_test(the_three_users_differ),
        cmocka_unit_test(dnssec_needs_an_anchor),
        cmocka_unit_test(lists_follow_their_own_rules),
        cmocka_unit_test(a_file_has_at_most_a_mebibyte),
        cmocka_unit_test(files_are_loaded_and_missing_ones_named),
        cmocka_unit_test(a_file_without_end_is_not_read_to_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
