/* SPDX-License-Identifier: ISC */
/*
 * Values by their types: what is taken, what is refused and with which words, and the canonical
 * form. Settings stand for their types here.
 */
#include "conf/value.h"

#include "conf/share.h"
#include "unit.h"

/* Sets a setting and gives its canonical text, or the problem. */
static void assert_set(const char *name, const char *text, const char *expected) {
    struct conf *conf = conf_new();
    struct problem problem = {0};
    _cleanup_(buf_done) struct buf got = {0};
    if (conf_set(conf, name, slice_of_str(text), &problem) == 0)
        conf_value_write(conf_setting_find(slice_of_str(name), NULL), conf, &got);
    else
        buf_add_str(&got, problem.text);
    conf_free(conf);
    assert_text(buf_slice(&got), expected);
}

/* Each of these is found, and something else is expected. */
static void assert_refused(const char *name, const char *const *bad, size_t count,
                           const char *expected) {
    for (size_t i = 0; i < count; i++) {
        _cleanup_(buf_done) struct buf text = {0};
        buf_printf(&text, "found \"%s\", expected %s", bad[i], expected);
        assert_set(name, bad[i], buf_str(&text));
    }
}

static void a_bool_is_yes_or_no_in_three_spellings(void **state) {
    assert_set("dns.dnssec", "no", "no");
    assert_set("dns.dnssec", "off", "no");
    assert_set("dns.dnssec", "false", "no");
    assert_set("dns.dnssec", "yes", "yes");
    assert_set("dns.dnssec", "on", "yes");
    assert_set("dns.dnssec", "true", "yes");
    assert_set("dns.dnssec", "Yes", "found \"Yes\", expected yes or no");
    assert_set("dns.dnssec", "1", "found \"1\", expected yes or no");
}

static void a_number_keeps_its_bounds(void **state) {
    assert_set("port-offset", "0", "0");
    assert_set("port-offset", "64000", "64000");
    assert_set("port-offset", "64001", "found \"64001\", expected a number, from 0 to 64000");
    assert_set("port-offset", "-1", "found \"-1\", expected a number, from 0 to 64000");
    assert_set("port-offset", "1.5", "found \"1.5\", expected a number, from 0 to 64000");
    assert_set("port-offset", "99999999999999999999",
               "found \"99999999999999999999\", expected a number, from 0 to 64000");
    assert_set("relay.port", "65535", "65535");
    assert_set("relay.port", "0", "found \"0\", expected a port, from 1 to 65535");
    assert_set("relay.port", "65536", "found \"65536\", expected a port, from 1 to 65535");
}

static void a_percentage_has_its_sign(void **state) {
    assert_set("queue.retry-jitter", "50%", "50%");
    assert_set("queue.retry-jitter", "20",
               "found \"20\", expected a percentage such as 20%, from 0% to 50%");
    assert_set("queue.retry-jitter", "51%",
               "found \"51%\", expected a percentage such as 20%, from 0% to 50%");
    assert_set("queue.retry-jitter", "%",
               "found \"%\", expected a percentage such as 20%, from 0% to 50%");
}

static void a_size_has_units_of_1024(void **state) {
    struct conf *conf = conf_of("hostname a.example\nsmtp {\nmessage-size-max 3M\n}\n");
    assert_int_equal(conf->smtp.message_size_max, 3145728);
    conf_free(conf);
    assert_set("smtp.message-size-max", "65536", "64K");
    assert_set("smtp.message-size-max", "65537", "65537");
    assert_set("smtp.message-size-max", "2048K", "2M");
    assert_set("smtp.message-size-max", "2G", "2G");
    assert_set("smtp.min-rate", "0", "0");
    const char *expected = "a size such as 500, 64K, 50M or 2G, from 64K to 2G";
    static const char *const bad[] = {"63K", "3G",   "50m", "50MB",
                                      "M",   "1.5M", "-1",  "9007199254740993K"};
    assert_refused("smtp.message-size-max", bad, ARRAY_SIZE(bad), expected);
}

static void a_span_has_a_unit(void **state) {
    assert_set("smtp.timeout", "300s", "5min");
    assert_set("smtp.timeout", "90s", "90s");
    assert_set("smtp.timeout", "1500ms", "1500ms");
    assert_set("smtp.timeout", "24h", "1d");
    assert_set("login.delay-first", "0s", "0s");
    const char *expected = "a span such as 30s, 5min, 2h or 5d, from 1s to 1d";
    static const char *const bad[] = {"300", "5m", "2d", "0s", "106751992d", "s"};
    assert_refused("smtp.timeout", bad, ARRAY_SIZE(bad), expected);
}

static void a_list_of_spans_keeps_its_order(void **state) {
    assert_set("queue.retry-schedule", "60s 5min 1h", "1min 5min 1h");
    assert_set("queue.retry-schedule", "1min oops",
               "found \"oops\", expected spans such as 30s, 5min, 2h or 5d, from 1s to 30d");
    assert_set("queue.retry-schedule", "none",
               "found \"none\", expected spans such as 30s, 5min, 2h or 5d, from 1s to 30d");
    assert_set("queue.delay-notices", "none", "none");
}

static void a_text_is_printable_ascii(void **state) {
    assert_set("smtp.banner", "\"no spam, please\"", "\"no spam, please\"");
    assert_set("smtp.banner", "plain", "plain");
    assert_set("smtp.banner", "\"\"", "\"\"");
    assert_set("smtp.banner", "\"#1\"", "\"#1\"");
    assert_set("smtp.banner", "a#1", "a#1");
    assert_set("smtp.banner", "\"{a}\"", "\"{a}\"");
    assert_set("smtp.banner", "\"a\\\\b \\\"c\\\"\"", "\"a\\\\b \\\"c\\\"\"");
    assert_set("smtp.banner", "a\\b", "a\\b");
    assert_set("smtp.banner", "早馬",
               "found \"早馬\", expected text in ASCII, its length from 0 to 200");
    assert_set("smtp.banner", "\"a\tb\"",
               "found \"a\tb\", expected text in ASCII, its length from 0 to 200");
    assert_set("delivery.plus-separator", "++",
               "found \"++\", expected text in ASCII, its length from 0 to 1");
}

/* RFC 1123 §2.1 */
static void a_host_name_has_letters_digits_and_hyphens(void **state) {
    static const char *const good[] = {"mail.example.jp", "localhost", "3com.example", "a-b.c--d",
                                       "xn--wgv71a.jp"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_set("hostname", good[i], good[i]);
    assert_set("hostname", "早馬。JP", "xn--0gv356i.jp"); /* RFC 5890 §2.3.2 */
    assert_set("relay.smart-host", "早馬.jp:25", "xn--0gv356i.jp");
    static const char *const bad[] = {"mail.example.jp.", "-a.jp",  "a-.jp",   "a..jp", ".jp",
                                      "a_b.jp",           "a@b.jp", "1.2.3.4", "☃.jp",  "mail:25"};
    assert_refused("hostname", bad, ARRAY_SIZE(bad), "a host name such as mail.example.jp");
}

/* RFC 1035 §2.3.4 */
static void labels_have_63_bytes_and_names_253(void **state) {
    char label[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";
    struct conf *conf = conf_new();
    assert_int_equal(sizeof label - 1, 64);
    assert_int_equal(conf_set(conf, "hostname", slice_of(label, 63), NULL), 0);
    assert_int_equal(conf_set(conf, "hostname", slice_of(label, 64), NULL), -E_SYNTAX);
    char name[255];
    memset(name, 'a', sizeof name);
    for (size_t i = 49; i < sizeof name; i += 50)
        name[i] = '.';
    assert_int_equal(conf_set(conf, "hostname", slice_of(name, 253), NULL), 0);
    assert_int_equal(conf_set(conf, "hostname", slice_of(name, 254), NULL), -E_SYNTAX);
    conf_free(conf);
}

static void a_user_has_a_system_name(void **state) {
    assert_set("users.edge", "hayauma_2-x", "hayauma_2-x");
    assert_set("users.edge", "_mail", "_mail");
    assert_set("users.edge", "0", "found \"0\", expected the name of a system user");
    assert_set("users.edge", "Mail", "found \"Mail\", expected the name of a system user");
    assert_set("users.edge", "a/b", "found \"a/b\", expected the name of a system user");
}

static void a_path_is_absolute(void **state) {
    assert_set("data-directory", "/srv/mail", "/srv/mail");
    assert_set("data-directory", "\"/srv/my mail\"", "\"/srv/my mail\"");
    assert_set("data-directory", "mail", "found \"mail\", expected a path that begins with /");
    assert_set("log.file", "none", "none");
    assert_set("data-directory", "none", "found \"none\", expected a path that begins with /");
}

static void a_choice_is_one_of_its_words(void **state) {
    struct conf *conf = conf_of("hostname a.example\ntls {\nmin-version 1.3\n}\n"
                                "log {\nlevel debug\ndestination none\n}\n");
    assert_int_equal(conf->tls.min_version, CONF_TLS_1_3);
    assert_int_equal(conf->log.level, CONF_LOG_DEBUG);
    assert_int_equal(conf->log.destination, CONF_LOG_TO_NOWHERE);
    conf_free(conf);
    assert_set("log.level", "loud",
               "found \"loud\", expected one of error, warning, info or debug");
    assert_set("tls.min-version", "1.1", "found \"1.1\", expected one of 1.2 or 1.3");
}

static void addresses_have_ports_only_where_they_may(void **state) {
    assert_set("listen", "192.0.2.1 2001:DB8::1", "192.0.2.1 2001:db8::1");
    assert_set("listen", "192.0.2.1:25",
               "found \"192.0.2.1:25\", expected addresses such as 192.0.2.1 or 2001:db8::1");
    assert_set("dns.resolvers", "127.0.0.1:5353 ::1 [::1]:54 192.0.2.1:53",
               "127.0.0.1:5353 ::1 [::1]:54 192.0.2.1");
    assert_set("dns.resolvers", "192.0.2.300",
               "found \"192.0.2.300\", expected addresses such as 192.0.2.1 or 2001:db8::1, with "
               "or without :port, or none");
    assert_set("dns.resolvers", "192.0.2.1:0",
               "found \"192.0.2.1:0\", expected addresses such as 192.0.2.1 or 2001:db8::1, with "
               "or without :port, or none");
}

static void the_port_of_a_resolver_is_53(void **state) {
    struct conf *conf = conf_of("hostname a.example\ndns {\nresolvers 192.0.2.1 [::1]:5353\n}\n");
    assert_int_equal(conf->dns.resolvers.count, 2);
    assert_int_equal(net_port(&conf->dns.resolvers.list[0]), 53);
    assert_int_equal(net_port(&conf->dns.resolvers.list[1]), 5353);
    conf_free(conf);
}

static void networks_have_a_length(void **state) {
    assert_set("smtp.trusted-networks", "127.0.0.0/8 ::1 2001:db8::/32",
               "127.0.0.0/8 ::1/128 2001:db8::/32");
    assert_set("smtp.trusted-networks", "127.0.0.0/33",
               "found \"127.0.0.0/33\", expected networks such as 192.0.2.0/24 or 2001:db8::/32, "
               "or none");
    assert_set("smtp.trusted-networks", "none", "none");
    assert_set("smtp.trusted-networks", "127.0.0.1 none",
               "found \"none\", expected networks such as 192.0.2.0/24 or 2001:db8::/32, or none");
}

static void a_smart_host_has_a_port_when_it_needs_one(void **state) {
    struct conf *conf = conf_of("hostname a.example\nrelay {\nsmart-host [2001:db8::1]:587\n}\n");
    assert_text(conf->relay.smart_host.host, "2001:db8::1");
    assert_int_equal(conf->relay.smart_host.port, 587);
    conf_free(conf);
    assert_set("relay.smart-host", "relay.example.jp", "relay.example.jp");
    assert_set("relay.smart-host", "relay.example.jp:25", "relay.example.jp");
    assert_set("relay.smart-host", "relay.example.jp:587", "relay.example.jp:587");
    assert_set("relay.smart-host", "192.0.2.1:587", "192.0.2.1:587");
    assert_set("relay.smart-host", "[2001:db8::1]:587", "[2001:db8::1]:587");
    assert_set("relay.smart-host", "none", "none");
    const char *expected = "a host such as mail.example.jp or mail.example.jp:587, or "
                           "none";
    static const char *const bad[] = {"a.jp:", "a.jp:0", "a.jp:65536", ":25", "a.jp:25:25"};
    assert_refused("relay.smart-host", bad, ARRAY_SIZE(bad), expected);
}

static void mailboxes_are_uses_with_names(void **state) {
    assert_set("accounts.mailboxes", "sent  drafts=Drafts", "sent drafts=Drafts");
    assert_set("accounts.mailboxes", "\"sent=Sent Items\" trash", "\"sent=Sent Items\" trash");
    assert_set("accounts.mailboxes", "sent=\u304b\u3099", "sent=\u304c"); /* form C */
    assert_set("accounts.mailboxes", "none", "none");
    static const char *const bad[] = {
        "", "outbox", "Sent", "sent=", "sent=a/b", "sent=iNBOX", "sent=\xff", "=a"};
    struct conf *conf = conf_new();
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(conf_set(conf, "accounts.mailboxes", slice_of_str(bad[i]), NULL),
                         -E_SYNTAX);
    assert_int_equal(conf->accounts.mailboxes.count, 5);
    assert_text(conf_mailbox_name(&conf->accounts.mailboxes.list[1], CONF_NAMES_ENGLISH), "Sent");
    assert_text(conf_mailbox_name(&conf->accounts.mailboxes.list[1], CONF_NAMES_JAPANESE),
                "送信済み");
    conf_free(conf);
}

static void a_route_is_a_line_and_there_may_be_many(void **state) {
    assert_set("relay.route", "Example.JP  mx", "example.jp mx");
    assert_set("relay.route", "*  r.jp:25", "* r.jp");
    assert_set("relay.route", ".b.jp [2001:db8::1]:587 tls=verify user=a@b.jp",
               ".b.jp [2001:db8::1]:587 user=a@b.jp tls=verify");
    assert_set("relay.route", "a.jp r.jp tls=auto", "a.jp r.jp");
    assert_set("relay.route", "a.jp r.jp \"user=o{d}d\" tls=may",
               "a.jp r.jp \"user=o{d}d\" tls=may");
    assert_set("relay.route", "a.jp r.jp \"user=a\\\"b\\\\c\"", "a.jp r.jp \"user=a\\\"b\\\\c\"");
    assert_set("relay.route", "none", "none");
    static const char *const bad[] = {
        "a.jp",    "a.jp mx user=u", "a.jp r.jp tls=no", "a.jp r.jp user=",
        "..jp mx", "a.jp r.jp:0 mx", "a.jp r.jp more",   "* . mx",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct conf *conf = conf_new();
        assert_int_equal(conf_set(conf, "relay.route", slice_of_str(bad[i]), NULL), -E_SYNTAX);
        conf_free(conf);
    }
    struct conf *conf = conf_of("hostname a.example\nrelay {\nroute a.jp mx\nroute b.jp r.jp:26\n"
                                "route c.jp mx tls=never\n}\n");
    assert_int_equal(conf->relay.route.count, 3);
    assert_text(conf->relay.route.list[2].domain, "c.jp");
    _cleanup_(buf_done) struct buf share = {0};
    conf_write_slice(conf, ROLE_RELAY, &share);
    assert_true(slice_find(buf_slice(&share), S("route a.jp mx\nroute b.jp r.jp:26\n"
                                                "route c.jp mx tls=never\n")) > 0);
    conf_free(conf);
}

static void a_sender_has_a_reason(void **state) {
    assert_set("authentication.exempt", "Example.JP because of  this",
               "example.jp \"because of this\"");
    assert_set("authentication.exempt", ".b.jp \"a {b}; \\\"c\\\"\"", ".b.jp \"a {b}; \\\"c\\\"\"");
    assert_set("authentication.trusted-sealer", "\xe4\xbe\x8b\xe3\x81\x88.jp x",
               "xn--r8jz45g.jp x");
    assert_set("authentication.exempt", "none", "none");
    static const char *const bad[] = {"a.jp", "a.jp \"\"", "* x", "..jp x", "a@b.jp x"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct conf *conf = conf_new();
        assert_int_equal(conf_set(conf, "authentication.exempt", slice_of_str(bad[i]), NULL),
                         -E_SYNTAX);
        conf_free(conf);
    }
}

static void none_is_zero(void **state) {
    struct conf *conf = conf_of("hostname a.example\ndelivery {\nquota none\n}\n"
                                "relay {\nsmart-host none\n}\ndns {\nresolvers none\n}\n");
    assert_int_equal(conf->delivery.quota, 0);
    assert_int_equal(conf->relay.smart_host.host.len, 0);
    assert_int_equal(conf->dns.resolvers.count, 0);
    conf_free(conf);
}

static void one_value_is_one_word(void **state) {
    assert_set("smtp.timeout", "5min 6min", "found \"6min\" behind the value, expected only one");
    assert_set("smtp.timeout", "",
               "found no value, expected a span such as 30s, 5min, 2h or 5d, from 1s to 1d");
    assert_set("smtp.timeout", "5min {", "found braces or lines, expected a value");
    assert_set("smtp.timeout", "5min\n6min", "found braces or lines, expected a value");
    assert_set("smtp.banner", "\"a",
               "found a quote that is not closed, expected a second \" on "
               "this line");
}

static void a_refused_value_leaves_the_former_one(void **state) {
    struct conf *conf = conf_new();
    assert_int_equal(conf_set(conf, "queue.retry-schedule", S("1min 2x"), NULL), -E_SYNTAX);
    assert_int_equal(conf->queue.retry_schedule.count, 5);
    assert_int_equal(conf_set(conf, "smtp.timeout", S("1min 2min"), NULL), -E_SYNTAX);
    assert_int_equal(conf->smtp.timeout, 5 * USEC_MIN);
    assert_int_equal(conf_set(conf, "smtp.tiemout", S("1min"), NULL), -E_UNKNOWN);
    conf_free(conf);
}

static void long_words_are_shortened_in_problems_between_characters(void **state) {
    assert_set("log.level", "馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬",
               "found \"馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬...\", expected one of error, "
               "warning, info or debug");
    assert_set("log.level", "x馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬",
               "found \"x馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬馬...\", expected one of error, "
               "warning, info or debug");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bool_is_yes_or_no_in_three_spellings),
        cmocka_unit_test(a_number_keeps_its_bounds),
        cmocka_unit_test(a_percentage_has_its_sign),
        cmocka_unit_test(a_size_has_units_of_1024),
        cmocka_unit_test(a_span_has_a_unit),
        cmocka_unit_test(a_list_of_spans_keeps_its_order),
        cmocka_unit_test(a_text_is_printable_ascii),
        cmocka_unit_test(a_host_name_has_letters_digits_and_hyphens),
        cmocka_unit_test(labels_have_63_bytes_and_names_253),
        cmocka_unit_test(a_user_has_a_system_name),
        cmocka_unit_test(a_path_is_absolute),
        cmocka_unit_test(a_choice_is_one_of_its_words),
        cmocka_unit_test(addresses_have_ports_only_where_they_may),
        cmocka_unit_test(the_port_of_a_resolver_is_53),
        cmocka_unit_test(networks_have_a_length),
        cmocka_unit_test(a_smart_host_has_a_port_when_it_needs_one),
        cmocka_unit_test(a_route_is_a_line_and_there_may_be_many),
        cmocka_unit_test(mailboxes_are_uses_with_names),
        cmocka_unit_test(a_sender_has_a_reason),
        cmocka_unit_test(none_is_zero),
        cmocka_unit_test(one_value_is_one_word),
        cmocka_unit_test(a_refused_value_leaves_the_former_one),
        cmocka_unit_test(long_words_are_shortened_in_problems_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
