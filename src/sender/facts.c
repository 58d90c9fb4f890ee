/* SPDX-License-Identifier: ISC */
#include "sender/facts.h"

#include "base/words.h"
#include "events/kinds.h"

#define VALUE_MAX 512U /* bytes of a record, and of anything else that others have written */

/* A line "label: value", if there is a value. */
static void add(struct buf *to, const char *label, struct slice value) {
    if (value.len == 0)
        return;
    buf_printf(to, "\n%s: ", label);
    value = slice_first(value, VALUE_MAX);
    for (size_t i = 0; i < value.len; i++)
        buf_add_byte(to, value.ptr[i] == '\n' ? ' ' : value.ptr[i]);
}

static void add_words(struct buf *to, const char *label, const char *words) {
    add(to, label, words ? slice_of_str(words) : S(""));
}

static void add_spf(struct buf *to, const struct spf_outcome *o, struct slice domain) {
    buf_add_str(to, spf_result_name(o->result));
    add_words(to, N_("reason"), o->problem);
    add(to, N_("domain"), domain);
    add(to, N_("record"), o->record);
    add(to, N_("decided by"), o->term);
    add(to, N_("explanation"), o->explanation);
    add(to, N_("not resolved"), o->name);
}

static void add_dkim(struct buf *to, const struct dkim_outcome *o) {
    buf_add_str(to, to->len > 0 ? "\n" : "");
    buf_add_str(to, dkim_result_name(o->result));
    add_words(to, N_("reason"), o->why);
    add(to, N_("domain"), o->domain);
    add(to, N_("selector"), o->selector);
    add_words(to, N_("key"), o->bits > 0 ? dkim_algorithm_name(o->algorithm) : NULL);
    add(to, N_("not resolved"), o->name);
}

static void add_arc(struct buf *to, const struct arc_outcome *o) {
    buf_add_str(to, arc_result_name(o->result));
    add_words(to, N_("reason"), o->why);
    for (size_t i = 0; i < o->count; i++)
        add(to, N_("sealed by"), o->sets[i].domain);
    add(to, N_("not resolved"), o->name);
}

static void add_dmarc(struct buf *to, const struct sender_verdict *v) {
    const struct dmarc_outcome *o = v->decides;
    if (!o) {
        buf_add_str(to, dmarc_result_name(DMARC_PERMERROR));
        add_words(to, N_("reason"), author_form_words(v->author.form));
        return;
    }
    buf_add_str(to, dmarc_result_name(o->result));
    add_words(to, N_("reason"), o->why);
    add(to, N_("domain"), o->domain);
    add(to, N_("record of"), o->found_at);
    add(to, N_("record"), o->text);
    add_words(to, N_("policy"), o->found_at.len > 0 ? dmarc_policy_name(o->policy) : NULL);
    if (o->dkim_aligned || o->spf_aligned)
        add_words(to, N_("aligned"),
                  o->dkim_aligned ? o->spf_aligned ? "DKIM, SPF" : "DKIM" : "SPF");
    add(to, N_("not resolved"), o->name);
}

static struct event_fact fact_of(struct slice name, struct buf *text, struct arena *a) {
    struct event_fact fact = {name, arena_copy(a, buf_slice(text))};
    buf_clear(text);
    return fact;
}

void sender_facts(const struct sender_verdict *verdict, const struct sender_decision *decision,
                  struct arena *a, struct event_fact ret[static SENDER_FACTS]) {
    _cleanup_(buf_done) struct buf text = {0};
    buf_add_str(&text, sender_action_name(decision->action));
    add_words(&text, N_("reason"), decision->why);
    add(&text, N_("settings"), decision->note);
    add(&text, N_("not resolved"), decision->name);
    ret[0] = fact_of(S(FACT_VERDICT), &text, a);
    buf_add_str(&text, iprev_result_name(verdict->iprev.result));
    add(&text, N_("name"), verdict->iprev.name);
    ret[1] = fact_of(S(FACT_IPREV), &text, a);
    add_spf(&text, &verdict->mail_from, verdict->mail_from_domain);
    ret[2] = fact_of(S(FACT_SPF), &text, a);
    if (verdict->dkim_count == 0)
        buf_add_str(&text, dkim_result_name(DKIM_NONE));
    for (size_t i = 0; i < verdict->dkim_count; i++)
        add_dkim(&text, &verdict->dkim[i]);
    ret[3] = fact_of(S(FACT_DKIM), &text, a);
    add_arc(&text, &verdict->arc);
    ret[4] = fact_of(S(FACT_ARC), &text, a);
    add_dmarc(&text, verdict);
    ret[5] = fact_of(S(FACT_DMARC), &text, a);
}
