/* SPDX-License-Identifier: ISC */
#include "sender/results.h"

#define VALUE_MAX 256U /* bytes */

/* ------------------------------------------------------------------ Authentication-Results */

/* RFC 2045 §5.1, and "@", which an address may have in a value (RFC 8601 §2.2). */
static bool is_plain(struct slice text) {
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7f ||
            slice_find_byte(S("()<>,;:\\\"/[]?="), text.ptr[i]) >= 0)
            return false;
    return text.len > 0;
}

static bool is_printable(struct slice text) {
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] >= 0x7f)
            return false;
    return text.len > 0 && text.len <= VALUE_MAX;
}

/* " header.d=example.jp", or nothing where the value cannot be told. */
static void add_value(struct buf *to, const char *name, struct slice value) {
    if (!is_printable(value))
        return;
    buf_printf(to, " %s=", name);
    if (is_plain(value)) {
        buf_add(to, value);
        return;
    }
    buf_add_byte(to, '"');
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '"' || value.ptr[i] == '\\')
            buf_add_byte(to, '\\');
        buf_add_byte(to, value.ptr[i]);
    }
    buf_add_byte(to, '"');
}

/* ";" and the next line with "spf=fail reason=..." */
static void add_method(struct buf *to, const char *method, const char *result, const char *why) {
    buf_printf(to, ";\r\n\t%s=%s", method, result);
    if (why)
        add_value(to, "reason", slice_of_str(why));
}

static void add_spf(struct buf *to, const struct sender_question *q,
                    const struct sender_verdict *v) {
    add_method(to, "spf", spf_result_name(v->mail_from.result), v->mail_from.problem);
    if (q->domain.len == 0) {
        add_value(to, "smtp.helo", v->helo_name);
        return;
    }
    if (!is_plain(q->local_part) || slice_find_byte(q->local_part, '@') >= 0 ||
        q->local_part.len + q->domain.len >= VALUE_MAX) {
        add_value(to, "smtp.mailfrom", q->domain);
        return;
    }
    buf_printf(to, " smtp.mailfrom=%.*s@%.*s", SLICE_ARG(q->local_part), SLICE_ARG(q->domain));
}

static void add_dkim(struct buf *to, const struct sender_verdict *v) {
    if (v->dkim_count == 0)
        add_method(to, "dkim", dkim_result_name(DKIM_NONE), NULL);
    for (size_t i = 0; i < v->dkim_count; i++) {
        const struct dkim_outcome *d = &v->dkim[i];
        add_method(to, "dkim", dkim_result_name(d->result), d->why);
        add_value(to, "header.d", d->domain);
        add_value(to, "header.s", d->selector);
        add_value(to, "header.a", slice_of_str(dkim_algorithm_name(d->algorithm)));
        add_value(to, "header.b", d->b);
    }
}

static void add_dmarc(struct buf *to, const struct sender_verdict *v) {
    const struct dmarc_outcome *d = v->decides;
    if (!d) {
        add_method(to, "dmarc", dmarc_result_name(DMARC_PERMERROR),
                   author_form_words(v->author.form));
        return;
    }
    add_method(to, "dmarc", dmarc_result_name(d->result), d->why);
    add_value(to, "header.from", d->domain);
    if (d->found_at.len > 0)
        add_value(to, "policy.published-domain-policy",
                  slice_of_str(dmarc_policy_name(d->published)));
}

static void add_iprev(struct buf *to, const struct sender_question *q,
                      const struct sender_verdict *v) {
    char text[NET_TEXT_SIZE];
    add_method(to, "iprev", iprev_result_name(v->iprev.result), NULL);
    add_value(to, "policy.iprev", net_format_host(q->client, text));
}

void sender_results_add(struct buf *to, const struct sender_question *question,
                        const struct sender_verdict *v) {
    buf_add(to, question->host);
    add_iprev(to, question, v);
    add_spf(to, question, v);
    add_dkim(to, v);
    if (v->arc.result != ARC_NONE)
        add_method(to, "arc", arc_result_name(v->arc.result), v->arc.why);
    add_dmarc(to, v);
}

/* ------------------------------------------------------------------ JSON */

static void json_text(struct json *j, const char *key, struct slice text) {
    json_key(j, key);
    json_slice(j, text);
}

static void json_words(struct json *j, const char *key, const char *text) {
    json_key(j, key);
    if (text)
        json_str(j, text);
    else
        json_null(j);
}

static void json_flag(struct json *j, const char *key, bool value) {
    json_key(j, key);
    json_bool(j, value);
}

static void json_number(struct json *j, const char *key, int64_t value) {
    json_key(j, key);
    json_int(j, value);
}

static void json_spf(struct json *j, const char *key, const struct spf_outcome *o,
                     struct slice domain) {
    json_key(j, key);
    json_object(j);
    json_words(j, "result", spf_result_name(o->result));
    json_words(j, "reason", o->problem);
    json_text(j, "domain", domain);
    json_text(j, "record", o->record);
    json_text(j, "term", o->term);
    json_text(j, "explanation", o->explanation);
    json_text(j, "unresolved", o->name);
    json_end(j);
}

static void json_dkim(struct json *j, const struct dkim_outcome *d) {
    json_object(j);
    json_words(j, "result", dkim_result_name(d->result));
    json_words(j, "reason", d->why);
    json_text(j, "domain", d->domain);
    json_text(j, "selector", d->selector);
    json_text(j, "identity", d->identity);
    json_words(j, "algorithm", dkim_algorithm_name(d->algorithm));
    json_number(j, "bits", d->bits);
    json_flag(j, "testing", d->testing);
    json_text(j, "b", d->b);
    json_text(j, "unresolved", d->name);
    json_end(j);
}

static void json_arc(struct json *j, const struct arc_outcome *o) {
    json_key(j, "arc");
    json_object(j);
    json_words(j, "result", arc_result_name(o->result));
    json_words(j, "reason", o->why);
    json_number(j, "instance", o->instance);
    json_text(j, "unresolved", o->name);
    json_key(j, "sets");
    json_array(j);
    for (size_t i = 0; i < o->count; i++) {
        json_object(j);
        json_text(j, "domain", o->sets[i].domain);
        json_text(j, "selector", o->sets[i].selector);
        json_text(j, "results", o->sets[i].results);
        json_end(j);
    }
    json_end(j);
    json_end(j);
}

static void json_dmarc(struct json *j, const struct sender_verdict *v) {
    const struct dmarc_outcome *d = v->decides;
    const struct dmarc_outcome none = {
        .result = DMARC_PERMERROR, .why = author_form_words(v->author.form), .exists = true};
    d = d ? d : &none;
    json_key(j, "dmarc");
    json_object(j);
    json_words(j, "result", dmarc_result_name(d->result));
    json_words(j, "reason", d->why);
    json_text(j, "domain", d->domain);
    json_text(j, "organization", d->organization);
    json_text(j, "found_at", d->found_at);
    json_text(j, "record", d->text);
    json_words(j, "published", d->found_at.len > 0 ? dmarc_policy_name(d->published) : NULL);
    json_words(j, "policy", d->found_at.len > 0 ? dmarc_policy_name(d->policy) : NULL);
    json_flag(j, "exists", d->exists);
    json_flag(j, "dkim_aligned", d->dkim_aligned);
    json_flag(j, "spf_aligned", d->spf_aligned);
    json_text(j, "unresolved", d->name);
    json_end(j);
}

void sender_results_json(struct json *to, const struct sender_verdict *v) {
    json_key(to, "iprev");
    json_object(to);
    json_words(to, "result", iprev_result_name(v->iprev.result));
    json_text(to, "name", v->iprev.name);
    json_end(to);
    json_spf(to, "helo", &v->helo, v->helo_name);
    json_spf(to, "spf", &v->mail_from, v->mail_from_domain);
    json_key(to, "dkim");
    json_array(to);
    for (size_t i = 0; i < v->dkim_count; i++)
        json_dkim(to, &v->dkim[i]);
    json_end(to);
    json_arc(to, &v->arc);
    json_key(to, "author");
    json_array(to);
    for (size_t i = 0; i < v->author.count; i++)
        json_slice(to, v->author.domains[i]);
    json_end(to);
    json_dmarc(to, v);
}
