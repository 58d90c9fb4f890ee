/* SPDX-License-Identifier: ISC */
/*
 * The header of a message that comes in. A user's is judged: its authors must be he himself; and
 * written anew as RFC 6409 §8 has it. A stranger's goes on as it is, but for what claims to be a
 * judgement of this host (RFC 8601 §5). One without any header gets the empty line that parts it
 * from our trace: a blank at its beginning would make its first line a part of that.
 */
#include "message/address/mailboxes.h"
#include "message/results.h"
#include "message/write/encode.h"
#include "message/write/submission.h"
#include "role/edge/edge_message.h"

#define AUTHORS_MAX  50U
#define FACT_MAX     998U
#define ADDRESS_TEXT 512U /* of directory.may_send_as */

static int refuse(struct edge_message *l, uint8_t subject, uint8_t detail, struct slice sentence) {
    l->refusal = SMTP_REPLY(550, 5, subject, detail, "");
    l->refusal.text = sentence;
    return -E_REFUSED;
}

/* ------------------------------------------------------------------ authors */

static int is_own(struct edge_message *l, struct slice author, bool *ret) WAITS {
    struct edge_connection *c = l->smtp->connection;
    struct rpc_directory_may_send_as_in in = {l->smtp->account, author};
    struct rpc_directory_may_send_as_out out = {0};
    int r = author.len > ADDRESS_TEXT ? 0
                                      : call_directory_may_send_as(edge_link(c, ROLE_DIRECTORY),
                                                                   &in, &l->facts, &out, NULL);
    *ret = out.may;
    return r;
}

static int refuse_author(struct edge_message *l, const char *field, struct slice author, bool any) {
    struct arena *a = &l->facts;
    const char *account = l->smtp->account_address;
    return refuse(
        l, 7, 1,
        any ? arena_printf(a, "None of the addresses in the %s field is one of %s" EDGE_OWN_SENDER,
                           field, account)
            : arena_printf(a,
                           "The %s field names %.*s, which is not an address of %s" EDGE_OWN_SENDER,
                           field, SLICE_ARG(text_one_line(a, author, 320, true)), account));
}

/* Whether all authors are own, or with `any` one of them. */
static int judge_authors_of(struct edge_message *l, const char *field,
                            const struct mailboxes *authors, bool any) WAITS {
    struct slice author = {0};
    bool own = !any;
    for (size_t i = 0; i < authors->count && own != any; i++) {
        author = address_text(&l->facts, &authors->items[i].address);
        int r = is_own(l, author, &own);
        if (r < 0)
            return r;
    }
    return own ? 0 : refuse_author(l, field, author, any);
}

/* What a field names has to be readable, in one way, and own: all of it, or one address. */
static int judge_field(struct edge_message *l, const char *field, struct slice value,
                       bool any) WAITS {
    struct mailboxes authors;
    mailboxes_parse(&l->facts, value, AUTHORS_MAX, &authors);
    if (authors.count == 0 || authors.broken > 0 || authors.garbled > 0 || authors.truncated)
        return refuse(l, 6, 0,
                      arena_printf(&l->facts,
                                   authors.truncated
                                       ? "The %s field names too many addresses"
                                       : "The %s field has no address in it, or one that cannot "
                                         "be read",
                                   field));
    return judge_authors_of(l, field, &authors, any && authors.count > 1);
}

/* ------------------------------------------------------------------ a user's header */

static int fix_header(struct edge_message *l) WAITS {
    struct problem problem = {0};
    struct submission sub;
    struct slice message = buf_slice(&l->bytes);
    struct submission_by by = {
        .now = fiber_wall(),
        .id = l->id,
        .host = l->smtp->connection->settings->conf->hostname,
        .login = slice_of_str(l->smtp->account_address),
    };
    int r = submission_inspect(&l->facts, message, NULL, &sub);
    if (r == 0)
        r = submission_problem(&sub, &problem);
    if (r < 0)
        return refuse(l, 6, 0, arena_copy(&l->facts, slice_of_str(problem.text)));
    l->message_id = sub.has_message_id ? arena_copy(&l->facts, sub.message_id)
                                       : message_id_make(&l->facts, l->id, by.host);
    l->subject = arena_copy(&l->facts, slice_first(sub.subject, FACT_MAX));
    /* RFC 5322 §3.6.2: of several authors the Sender is the one who sends; here he is one of them
     */
    if (sub.has_sender)
        r = judge_field(l, "Sender", sub.sender, false);
    if (r == 0 && sub.has_from)
        r = judge_field(l, "From", sub.from, sub.has_sender);
    if (r < 0)
        return r;
    submission_header(&l->head, message, &sub, &by);
    buf_drop(&l->bytes, sub.body);
    l->fixed = true;
    return 0;
}

/* ------------------------------------------------------------------ a stranger's header */

static struct slice field_value(struct edge_message *l, struct slice name) {
    struct header_field field;
    if (!header_find(buf_slice(&l->bytes), NULL, name, 0, &field))
        return S("");
    return arena_copy(&l->facts, slice_first(header_unfold(&l->facts, field.raw), FACT_MAX));
}

void edge_header_read(struct edge_message *l) {
    l->message_id = message_id_read(&l->facts, field_value(l, S("Message-ID")));
    l->subject = field_value(l, S("Subject"));
}

static bool claims_to_be_ours(const struct header_field *field, const void *host) {
    return results_are_of(field, *(const struct slice *)host);
}

/* Most messages have no such field; nothing of them is copied. */
static void take_out_forged(struct edge_message *l) {
    const struct slice *host = &l->smtp->connection->settings->conf->hostname;
    struct header_cursor c = {.message = buf_slice(&l->bytes)};
    size_t found = 0;
    for (struct header_field field; header_next(&c, &field);)
        found += claims_to_be_ours(&field, host);
    l->headless = c.end == HEADER_NO_FIELD && c.fields == found;
    if (found == 0)
        return;
    header_copy(&l->head, buf_slice(&l->bytes), claims_to_be_ours, host);
    buf_drop(&l->bytes, c.body);
    l->fixed = true;
}

int edge_header_finish(struct edge_message *l) {
    if (l->header_ended)
        return l->refusal.code ? -E_REFUSED : 0;
    l->tls_waived = slice_eq_nocase(slice_trim(field_value(l, S("TLS-Required"))), S("No"));
    int r = edge_message_loops(l);
    if (r < 0 && r != -E_REFUSED)
        return r;
    if (r == 0 && l->smtp->account) {
        r = fix_header(l);
        if (r < 0 && r != -E_REFUSED)
            return r;
    } else {
        edge_header_read(l);
        take_out_forged(l);
    }
    l->header_ended = true;
    return l->refusal.code ? -E_REFUSED : 0;
}
