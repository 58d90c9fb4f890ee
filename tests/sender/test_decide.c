/* SPDX-License-Identifier: ISC */
/* What becomes of messages, verdict by verdict; and what others have written of them. */
#include "sender/decide.h"

#include "sender/results_read.h"
#include "unit.h"

/* ------------------------------------------------------------------ what others have found */

static void test_rfc8601_2_2_results_of_others(void **state UNUSED) {
    static const struct {
        const char *text;
        bool says;
    } rows[] = {
        {"mx.x.test; dmarc=pass header.from=a.test", true},
        {"mx.x.test 1; spf=fail; DMARC = Pass (p=none) header.from = A.TEST", true},
        {"mx.x.test; dmarc=pass (comment; dmarc=fail) policy.dmarc=none header.from=\"a.test\"",
         true},
        {"mx.x.test; dmarc=pass header.from=b@a.test", true},
        {"mx.x.test;\r\n\tdkim=pass header.d=a.test;\r\n\tdmarc=pass header.from=a.test", true},
        {"mx.x.test; dmarc=fail header.from=a.test", false},
        {"mx.x.test; dmarc=pass header.from=b.test", false},
        {"mx.x.test; dmarc=pass header.from=sub.a.test", false},
        {"mx.x.test; dmarc=pass", false},
        {"mx.x.test; none", false},
        {"mx.x.test; dkim=pass header.from=a.test", false},
        /* of two results each stands for itself */
        {"mx.x.test; dmarc=pass header.from=b.test; spf=pass header.from=a.test", false},
        {"mx.x.test; dmarc=fail header.from=a.test; dmarc=pass header.from=b.test", false},
        /* what a stranger has chosen: in comments, in quotes, in values */
        {"mx.x.test; spf=pass (dmarc=pass header.from=a.test)", false},
        {"mx.x.test; spf=fail smtp.mailfrom=\"x; dmarc=pass header.from=a.test\"", false},
        {"mx.x.test; spf=fail smtp.helo=dmarc=pass header.from=a.test", false},
        {"mx.x.test; spf=fail reason=\"\\\"; dmarc=pass header.from=a.test\"", false},
        {"mx.x.test; \"dmarc\"=pass header.from=a.test", false},
        {"mx.x.test; x dmarc=pass header.from=a.test", false},
        {"dmarc=pass header.from=a.test", false}, /* that is who says so */
        /* broken */
        {"", false},
        {";", false},
        {"mx.x.test; dmarc=pass (open header.from=a.test", false},
        {"mx.x.test; dmarc=; pass header.from=a.test", false},
        {"mx.x.test; dmarc==pass header.from=a.test", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (results_say_dmarc_passed(slice_of_str(rows[i].text), S("a.test")) != rows[i].says)
            fail_msg("%s", rows[i].text);
}

/* ------------------------------------------------------------------ decisions */

static struct net_addr client;
static const struct conf_senders nobody;
static struct sender_rules rules;

static int set_up(void **state) {
    (void)state;
    rules = (struct sender_rules){.obey_dmarc = true, .exempt = &nobody, .sealers = &nobody};
    return net_parse(S("192.0.2.1"), 0, &client);
}

static struct dmarc_outcome failure(enum dmarc_policy policy) {
    return (struct dmarc_outcome){.result = DMARC_FAIL,
                                  .domain = S("a.test"),
                                  .found_at = S("a.test"),
                                  .published = policy,
                                  .policy = policy};
}

static struct sender_decision decide(struct sender_verdict *v, struct dmarc_outcome *outcomes,
                                     size_t count, struct arena *a) {
    struct sender_question q = {.client = &client};
    struct sender_decision d;
    v->dmarc = outcomes;
    v->dmarc_count = count;
    v->decides = count > 0 ? outcomes : NULL;
    sender_decide(&q, v, &rules, a, &d);
    return d;
}

static enum sender_action action_of(struct dmarc_outcome o) {
    _cleanup_(arena_done) struct arena a = {0};
    struct sender_verdict v = {.author.form = AUTHOR_NAMED};
    return decide(&v, &o, 1, &a).action;
}

static void test_rfc9989_5_policies(void **state UNUSED) {
    struct dmarc_outcome passed = failure(DMARC_POLICY_REJECT);
    passed.result = DMARC_PASS;
    assert_int_equal(action_of(failure(DMARC_POLICY_NONE)), SENDER_TAKE);
    assert_int_equal(action_of(failure(DMARC_POLICY_QUARANTINE)), SENDER_JUNK);
    assert_int_equal(action_of(failure(DMARC_POLICY_REJECT)), SENDER_REFUSE);
    assert_int_equal(action_of(passed), SENDER_TAKE);
    assert_int_equal(action_of((struct dmarc_outcome){.domain = S("a.test")}), SENDER_TAKE);
    rules.obey_dmarc = false;
    assert_int_equal(action_of(failure(DMARC_POLICY_REJECT)), SENDER_TAKE);
}

/* With p=none nothing could become of it. */
static void test_dns_that_fails_matters_where_the_policy_does(void **state UNUSED) {
    struct dmarc_outcome o = failure(DMARC_POLICY_NONE);
    o.result = DMARC_TEMPERROR;
    assert_int_equal(action_of(o), SENDER_TAKE);
    o.policy = DMARC_POLICY_QUARANTINE;
    assert_int_equal(action_of(o), SENDER_LATER);
    o = (struct dmarc_outcome){.result = DMARC_TEMPERROR, .domain = S("a.test")};
    assert_int_equal(action_of(o), SENDER_LATER);
    rules.obey_dmarc = false;
    assert_int_equal(action_of(o), SENDER_TAKE);
}

/* Each is judged, and none hides another. */
static void test_of_several_authors_the_strictest_policy_holds(void **state UNUSED) {
    _cleanup_(arena_done) struct arena a = {0};
    struct sender_verdict v = {.author.form = AUTHOR_NAMED};
    struct dmarc_outcome both[] = {failure(DMARC_POLICY_NONE), failure(DMARC_POLICY_REJECT)};
    both[0].result = DMARC_PASS;
    both[1].domain = S("b.test");
    struct sender_decision d = decide(&v, both, 2, &a);
    assert_int_equal(d.action, SENDER_REFUSE);
    assert_slice(d.domain, "b.test");
    both[1].policy = DMARC_POLICY_QUARANTINE;
    both[0] = (struct dmarc_outcome){.result = DMARC_TEMPERROR, .domain = S("a.test")};
    assert_int_equal(decide(&v, both, 2, &a).action, SENDER_LATER);
}

static void test_who_cannot_be_read(void **state UNUSED) {
    static const struct {
        enum author_form form;
        enum sender_action action;
    } rows[] = {{AUTHOR_TWICE, SENDER_REFUSE},
                {AUTHOR_UNREADABLE, SENDER_JUNK},
                {AUTHOR_TOO_MANY, SENDER_JUNK},
                {AUTHOR_MISSING, SENDER_TAKE},
                {AUTHOR_NO_DOMAIN, SENDER_TAKE}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct sender_verdict v = {.author.form = rows[i].form};
        assert_int_equal(decide(&v, NULL, 0, &a).action, rows[i].action);
    }
}

static void test_rfc7208_8_4_spf_alone_refuses_where_the_settings_say_so(void **state UNUSED) {
    _cleanup_(arena_done) struct arena a = {0};
    struct sender_verdict v = {.author.form = AUTHOR_NAMED,
                               .mail_from_domain = S("a.test"),
                               .mail_from = {.result = SPF_FAIL, .explanation = S("Ask us")}};
    struct dmarc_outcome o = {.result = DMARC_NONE, .domain = S("a.test")};
    assert_int_equal(decide(&v, &o, 1, &a).action, SENDER_TAKE);
    rules.refuse_spf_fail = true;
    struct sender_decision d = decide(&v, &o, 1, &a);
    assert_int_equal(d.action, SENDER_REFUSE);
    assert_true(slice_find(d.sentence, S("192.0.2.1")) > 0);
    assert_true(slice_ends(d.sentence, S("; it says: Ask us")));
    v.mail_from = (struct spf_outcome){.result = SPF_TEMPERROR, .name = S("x.a.test")};
    assert_int_equal(decide(&v, &o, 1, &a).action, SENDER_LATER);
    o.result = DMARC_PASS;
    assert_int_equal(decide(&v, &o, 1, &a).action, SENDER_TAKE);
    v.mail_from.result = SPF_FAIL;
    assert_int_equal(decide(&v, &o, 1, &a).action, SENDER_TAKE);
    o.result = DMARC_NONE;
    v.mail_from.result = SPF_SOFTFAIL;
    assert_int_equal(decide(&v, &o, 1, &a).action, SENDER_TAKE);
}

static void test_an_exception_has_its_reason(void **state UNUSED) {
    _cleanup_(arena_done) struct arena a = {0};
    static const struct conf_sender list[] = {{{".b.test", 7}, {"old", 3}},
                                              {{"a.test", 6}, {"their gateway", 13}}};
    static const struct conf_senders exempt = {list, ARRAY_SIZE(list)};
    struct sender_verdict v = {.author.form = AUTHOR_NAMED};
    struct dmarc_outcome o = failure(DMARC_POLICY_REJECT);
    rules.exempt = &exempt;
    struct sender_decision d = decide(&v, &o, 1, &a);
    assert_int_equal(d.action, SENDER_TAKE);
    assert_int_equal(d.override, OVERRIDE_LOCAL_POLICY);
    assert_slice(d.note, "their gateway");
    o.domain = S("x.b.test");
    assert_int_equal(decide(&v, &o, 1, &a).action, SENDER_TAKE);
    o.domain = S("b.test");
    assert_int_equal(decide(&v, &o, 1, &a).action, SENDER_REFUSE);
    o.domain = S("xa.test");
    assert_int_equal(decide(&v, &o, 1, &a).action, SENDER_REFUSE);
}

/* Its messages are taken, whichever rule would refuse them. */
static void test_an_exception_holds_for_spf_too(void **state UNUSED) {
    _cleanup_(arena_done) struct arena a = {0};
    static const struct conf_sender list[] = {{{"a.test", 6}, {"their gateway", 13}}};
    static const struct conf_senders exempt = {list, ARRAY_SIZE(list)};
    struct sender_verdict v = {.author.form = AUTHOR_NAMED,
                               .mail_from_domain = S("a.test"),
                               .mail_from = {.result = SPF_FAIL}};
    struct dmarc_outcome o[] = {failure(DMARC_POLICY_NONE), failure(DMARC_POLICY_NONE)};
    rules.exempt = &exempt;
    rules.refuse_spf_fail = true;
    struct sender_decision d = decide(&v, o, 1, &a);
    assert_int_equal(d.action, SENDER_TAKE);
    assert_slice(d.note, "their gateway");
    v.mail_from.result = SPF_TEMPERROR;
    assert_int_equal(decide(&v, o, 1, &a).action, SENDER_TAKE);
    v.mail_from.result = SPF_FAIL;
    o[1].domain = S("b.test"); /* a second author, of whom nothing is said */
    assert_int_equal(decide(&v, o, 2, &a).action, SENDER_REFUSE);
    assert_int_equal(decide(&v, NULL, 0, &a).action, SENDER_REFUSE);
}

#define PASSED "mx.list.test; dmarc=pass header.from=a.test"

static void test_rfc8617_7_2_1_the_word_of_trusted_sealers_counts(void **state UNUSED) {
    _cleanup_(arena_done) struct arena a = {0};
    static const struct conf_sender list[] = {{{"list.test", 9}, {"our list", 8}},
                                              {{"gate.test", 9}, {"our gateway", 11}}};
    static const struct conf_senders sealers = {list, ARRAY_SIZE(list)};
    struct arc_set sets[] = {{.domain = S("list.test"), .results = S(PASSED)},
                             {.domain = S("gate.test"), .results = S("gate.test; arc=pass")}};
    struct sender_verdict v = {.author.form = AUTHOR_NAMED,
                               .arc = {.result = ARC_PASS, .sets = sets, .count = 2}};
    struct dmarc_outcome o = failure(DMARC_POLICY_REJECT);
    assert_int_equal(decide(&v, &o, 1, &a).action, SENDER_REFUSE); /* nobody is by himself */
    rules.sealers = &sealers;
    struct sender_decision d = decide(&v, &o, 1, &a);
    assert_int_equal(d.action, SENDER_TAKE);
    assert_int_equal(d.override, OVERRIDE_TRUSTED_FORWARDER);
    assert_slice(d.note, "our list");
    sets[1].domain = S("evil.test"); /* who may have made up the set before */
    assert_int_equal(decide(&v, &o, 1, &a).action, SENDER_REFUSE);
    v.arc.count = 1;
    assert_int_equal(decide(&v, &o, 1, &a).action, SENDER_TAKE);
    v.arc.result = ARC_FAIL;
    assert_int_equal(decide(&v, &o, 1, &a).action, SENDER_REFUSE);
    v.arc.result = ARC_PASS;
    o.domain = S("other.test");
    assert_int_equal(decide(&v, &o, 1, &a).action, SENDER_REFUSE);
}

static void test_what_was_put_off_for_long_is_taken_without_the_policy(void **state UNUSED) {
    struct sender_decision d = {.action = SENDER_LATER, .domain = S("a.test"), .status = "4.4.3"};
    sender_decide_late(&d);
    assert_int_equal(d.action, SENDER_TAKE);
    assert_non_null(d.why);
    assert_slice(d.domain, "a.test");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc8601_2_2_results_of_others),
        cmocka_unit_test_setup(test_rfc9989_5_policies, set_up),
        cmocka_unit_test_setup(test_dns_that_fails_matters_where_the_policy_does, set_up),
        cmocka_unit_test_setup(test_of_several_authors_the_strictest_policy_holds, set_up),
        cmocka_unit_test_setup(test_who_cannot_be_read, set_up),
        cmocka_unit_test_setup(test_rfc7208_8_4_spf_alone_refuses_where_the_settings_say_so,
                               set_up),
        cmocka_unit_test_setup(test_an_exception_has_its_reason, set_up),
        cmocka_unit_test_setup(test_an_exception_holds_for_spf_too, set_up),
        cmocka_unit_test_setup(test_rfc8617_7_2_1_the_word_of_trusted_sealers_counts, set_up),
        cmocka_unit_test_setup(test_what_was_put_off_for_long_is_taken_without_the_policy, set_up),
    };
    return cmocka_run_group_tests_name("decide", tests, NULL, NULL);
}
