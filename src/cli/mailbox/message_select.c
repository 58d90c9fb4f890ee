/* SPDX-License-Identifier: ISC */
#include "cli/mailbox/message_select.h"

#include <stdlib.h>

#include "cli/terminal/row.h"
#include "store/store.h"

#define PAGE      200U
#define IDS_MAX   1000U
#define QUERY_MAX 65536U

int message_id_parse(struct slice text, uint32_t *ret_mailbox, uint32_t *ret_uid,
                     struct problem *problem) {
    struct slice mailbox, rest = text;
    uint64_t number, uid;
    if (!slice_next(&rest, ':', &mailbox) || slice_to_u64(mailbox, UINT32_MAX, &number) < 0 ||
        slice_to_u64(rest, UINT32_MAX, &uid) < 0 || uid == 0)
        return problem_set(problem, -E_SYNTAX,
                           _("found \"%.*s\", expected an id of a message such as 1:23, as"
                             " `hayauma message list` shows it"),
                           SLICE_ARG(text));
    *ret_mailbox = (uint32_t)number;
    *ret_uid = (uint32_t)uid;
    return 0;
}

struct slice message_mailbox_name(const struct message_selection *s, uint32_t mailbox) {
    for (size_t i = 0; i < s->mailboxes.count; i++)
        if (s->mailboxes.list[i].id == mailbox)
            return s->mailboxes.list[i].path;
    return S("");
}

/* ------------------------------------------------------------------ the query */

/* Whether IMAP reads it as it is: an atom, a set, a parenthesis, a text in quotes. */
static bool stands_alone(struct slice word) {
    if (slice_eq(word, S("(")) || slice_eq(word, S(")")) ||
        (word.len > 1 && slice_starts(word, S("\"")) && slice_ends(word, S("\""))))
        return true;
    for (size_t i = 0; i < word.len; i++) {
        const unsigned char c = (unsigned char)word.ptr[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '(' || c == ')' || c == '{' ||
            c == '%')
            return false;
    }
    return word.len > 0;
}

/*
 * One word is the whole query, as somebody has written it. Of several each is a word of it: what
 * the shell has kept together, such as two words in quotes, is one text.
 */
static struct slice query_of(struct cli *c) {
    _cleanup_(buf_done) struct buf query = {0};
    size_t count;
    const struct slice *words = cli_texts(c->call, "KEY", c->arena, &count);
    if (count == 1)
        return words[0];
    for (size_t i = 0; i < count; i++) {
        bool inside = i > 0 && slice_eq(words[i - 1], S("(")); /* no blank beside parentheses */
        buf_add_str(&query, i > 0 && !inside && !slice_eq(words[i], S(")")) ? " " : "");
        if (stands_alone(words[i])) {
            buf_add(&query, words[i]);
            continue;
        }
        buf_add_byte(&query, '"');
        for (size_t k = 0; k < words[i].len; k++) {
            if (words[i].ptr[k] == '"' || words[i].ptr[k] == '\\')
                buf_add_byte(&query, '\\');
            buf_add_byte(&query, words[i].ptr[k]);
        }
        buf_add_byte(&query, '"');
    }
    return arena_copy(c->arena, buf_slice(&query));
}

/* ------------------------------------------------------------------ ids */

struct id {
    uint32_t mailbox, uid;
};

static int by_id(const void *left, const void *right) {
    const struct id *l = left, *r = right;
    return l->mailbox != r->mailbox ? (l->mailbox > r->mailbox) - (l->mailbox < r->mailbox)
                                    : (l->uid > r->uid) - (l->uid < r->uid);
}

/* A search for the UIDs in each mailbox; what is in a mailbox that is gone is passed over. */
static int select_ids(struct cli *c, struct message_selection *s, struct problem *problem) {
    size_t count;
    const struct slice *texts = cli_texts(c->call, "id", c->arena, &count);
    if (count > IDS_MAX)
        return problem_set(problem, -E_SYNTAX, _("found %zu ids, expected at most %u"), count,
                           IDS_MAX);
    struct id *ids = arena_array(c->arena, MAX(count, (size_t)1), sizeof *ids);
    for (size_t i = 0; i < count; i++) {
        int r = message_id_parse(texts[i], &ids[i].mailbox, &ids[i].uid, problem);
        if (r < 0)
            return r;
    }
    if (count > 0)
        qsort(ids, count, sizeof *ids, by_id);
    s->searches = arena_array(c->arena, MAX(count, (size_t)1), sizeof *s->searches);
    for (size_t i = 0; i < count;) {
        _cleanup_(buf_done) struct buf query = {0};
        const uint32_t mailbox = ids[i].mailbox;
        struct slice path = message_mailbox_name(s, mailbox);
        buf_add_str(&query, "UID ");
        for (size_t first = i; i < count && ids[i].mailbox == mailbox; i++)
            buf_printf(&query, "%s%u", i > first ? "," : "", ids[i].uid);
        if (path.len > 0)
            s->searches[s->count++] =
                (struct message_search_in){path, arena_copy(c->arena, buf_slice(&query))};
    }
    return 0;
}

int message_select(struct cli *c, struct mailbox_access *x, struct message_selection *ret,
                   struct problem *problem) {
    *ret = (struct message_selection){0};
    int r = mailbox_list_read(x, c->arena, &ret->mailboxes, problem);
    if (r < 0)
        return r;
    if (cli_has(c->call, "id")) {
        if (cli_has(c->call, "KEY") || cli_has(c->call, "mailbox"))
            return problem_set(problem, -E_SYNTAX, _("--id goes with no keys and no --mailbox"));
        return select_ids(c, ret, problem);
    }
    ret->searches = ARENA_NEW(c->arena, struct message_search_in);
    ret->searches[0] = (struct message_search_in){cli_text(c->call, "mailbox"), query_of(c)};
    ret->count = 1;
    return ret->searches[0].query.len > QUERY_MAX
               ? problem_set(problem, -E_SYNTAX, _("the search is too long"))
               : 0;
}

/* ------------------------------------------------------------------ going through them */

int message_each(struct mailbox_access *x, const struct message_selection *s, bool details,
                 uint64_t limit,
                 void (*each)(void *arg, const struct rpc_listed_message *list, size_t count,
                              struct arena *a),
                 void *arg, bool *ret_more, struct problem *problem) {
    _cleanup_(arena_done) struct arena a = {0};
    *ret_more = false;
    for (size_t i = 0; i < s->count; i++) {
        struct rpc_mail_messages_in in = {
            .path = s->searches[i].path, .query = s->searches[i].query, .details = details};
        struct rpc_mail_messages_out out = {.more = true};
        while (out.more && limit > 0) {
            in.limit = (uint32_t)MIN(limit, (uint64_t)PAGE);
            arena_reset(&a);
            int r = access_messages(x, &in, &a, &out, problem);
            if (r < 0)
                return r;
            each(arg, out.messages, out.messages_count, &a);
            limit -= out.messages_count;
            in.from = out.next;
        }
        if (limit == 0 && (out.more || i + 1 < s->count)) {
            *ret_more = true;
            return 0;
        }
    }
    return 0;
}

/* ------------------------------------------------------------------ how they are shown */

const struct table_column message_columns[] = {
    {N_("ID")},
    {N_("DATE"), .rank = 1},
    {N_("FROM"), .shrinks = true},
    {N_("SUBJECT"), .shrinks = true},
    {N_("SIZE"), .right = true, .rank = 3},
    {N_("FLAGS"), .rank = 4},
    {N_("MAILBOX"), .shrinks = true, .rank = 2},
};
const size_t message_column_count = ARRAY_SIZE(message_columns);

static const struct {
    enum store_flag flag;
    const char *name, *shown;
} flags[] = {{STORE_SEEN, "seen", N_("seen")},
             {STORE_ANSWERED, "answered", N_("answered")},
             {STORE_FLAGGED, "flagged", N_("flagged")},
             {STORE_DELETED, "deleted", N_("marked as deleted")},
             {STORE_DRAFT, "draft", N_("draft")}};

struct slice message_flags(const struct rpc_listed_message *m, struct arena *a) {
    _cleanup_(buf_done) struct buf text = {0};
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
        if (m->flags & flags[i].flag)
            buf_printf(&text, "%s%s", text.len > 0 ? _(", ") : "", _(flags[i].shown));
    return arena_copy(a, buf_slice(&text));
}

static struct slice id_of(const struct rpc_listed_message *m, struct arena *a) {
    return arena_printf(a, "%u:%u", m->mailbox, m->uid);
}

void message_row(struct table *t, const struct message_selection *s,
                 const struct rpc_listed_message *m, struct arena *a) {
    table_text(t, id_of(m, a));
    table_text(t, cli_time(a, m->date, "-"));
    table_text(t, m->from);
    table_text(t, m->subject);
    table_size(t, m->size);
    table_text(t, message_flags(m, a));
    table_text(t, message_mailbox_name(s, m->mailbox));
}

void message_json(struct json *j, struct slice mailbox, const struct rpc_listed_message *m,
                  struct arena *a) {
    struct slice keyword, rest = m->keywords;
    json_object(j);
    cli_json_text(j, "id", id_of(m, a));
    cli_json_text(j, "mailbox", mailbox);
    cli_json_time(j, "date", m->date);
    cli_json_int(j, "size", (int64_t)m->size);
    json_key(j, "flags");
    json_array(j);
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
        if (m->flags & flags[i].flag)
            json_str(j, flags[i].name);
    json_end(j);
    json_key(j, "keywords");
    json_array(j);
    while (slice_next_word(&rest, &keyword))
        json_slice(j, keyword);
    json_end(j);
    if (m->keywords_left > 0)
        cli_json_int(j, "keywords_left_out", m->keywords_left);
    cli_json_text(j, "from", m->from);
    cli_json_text(j, "subject", m->subject);
    json_end(j);
}
