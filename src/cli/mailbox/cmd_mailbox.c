/* SPDX-License-Identifier: ISC */
/* The messages that were deleted from an account's mailboxes: which there are, and back with them.
 */
#include <errno.h>

#include "cli/cli.h"
#include "cli/mailbox/mailbox_access.h"
#include "cli/terminal/format.h"
#include "cli/terminal/row.h"
#include "cli/terminal/when.h"
#include "store/store.h"

#define PAGE    200U
#define IDS_MAX 1000U

/* "1:23": the number of a mailbox and a UID in it. */
static int parse_id(struct slice text, struct rpc_deleted_id *ret) {
    struct slice mailbox, rest = text;
    uint64_t number, uid;
    if (!slice_next(&rest, ':', &mailbox) || slice_to_u64(mailbox, UINT32_MAX, &number) < 0 ||
        slice_to_u64(rest, UINT32_MAX, &uid) < 0)
        return -E_SYNTAX;
    *ret = (struct rpc_deleted_id){(uint32_t)number, (uint32_t)uid};
    return 0;
}

static int read_match(struct cli *c, struct rpc_deleted_match *ret, struct problem *problem) {
    struct when_range range;
    int r = when_range(c, &range, problem);
    if (r < 0)
        return r;
    *ret = (struct rpc_deleted_match){
        .since = range.since, .until = range.until, .mailbox = cli_text(c->call, "mailbox")};
    const struct slice *ids = cli_texts(c->call, "ID", c->arena, &ret->ids_count);
    if (ret->ids_count > IDS_MAX)
        return problem_set(problem, -E_SYNTAX,
                           _("found %zu messages, expected at most %u; for"
                             " more, use --since, --mailbox or --all"),
                           ret->ids_count, IDS_MAX);
    ret->ids = arena_array(c->arena, ret->ids_count, sizeof *ret->ids);
    size_t count = 0; /* of different ones */
    for (size_t i = 0; i < ret->ids_count; i++) {
        struct rpc_deleted_id *id = &ret->ids[count];
        if ((r = parse_id(ids[i], id)) < 0)
            return problem_set(problem, r,
                               _("found \"%.*s\", expected an id of a deleted message such as 1:23,"
                                 " as `hayauma mailbox deleted` shows it"),
                               SLICE_ARG(ids[i]));
        size_t same = 0;
        while (ret->ids[same].mailbox != id->mailbox || ret->ids[same].uid != id->uid)
            same++;
        count += same == count;
    }
    ret->ids_count = count;
    return 0;
}

/* ------------------------------------------------------------------ the list */

struct listing {
    struct cli *c;
    struct table table;
    struct json json;
    uint64_t limit;    /* at most so many */
    bool anywhere;     /* whether they are back already, wherever that is */
    struct slice into; /* or else here; empty: where they were */
    uint64_t count, bytes;
    uint64_t back, back_bytes; /* of them: were brought back already */
    struct slice lost;         /* a mailbox of one of the others that is not there any more */
    uint64_t lost_count;       /* so many of them are of such ones */
    usec_t keep;
    uint64_t size_max;
};

static struct slice id_text(const struct rpc_deleted *d, struct arena *a) {
    return arena_printf(a, "%u:%u", d->mailbox, d->uid);
}

static void json_flags(struct json *j, uint32_t flags) {
    static const struct {
        enum store_flag flag;
        const char *name;
    } names[] = {{STORE_SEEN, "seen"},
                 {STORE_ANSWERED, "answered"},
                 {STORE_FLAGGED, "flagged"},
                 {STORE_DELETED, "deleted"},
                 {STORE_DRAFT, "draft"}};
    json_key(j, "flags");
    json_array(j);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (flags & names[i].flag)
            json_str(j, names[i].name);
    json_end(j);
}

static void add_json(struct listing *l, const struct rpc_deleted *d, struct arena *a) {
    struct json *j = &l->json;
    struct slice keyword, rest = d->keywords;
    json_object(j);
    cli_json_text(j, "id", id_text(d, a));
    cli_json_time(j, "deleted", d->deleted);
    cli_json_time(j, "kept_until", d->deleted + l->keep);
    cli_json_int(j, "size", (int64_t)d->size);
    cli_json_text(j, "mailbox", d->mailbox_name);
    cli_json_bool(j, "mailbox_exists", d->has_mailbox);
    cli_json_time(j, "date", d->date);
    cli_json_bool(j, "restored", d->restored);
    json_flags(j, d->flags);
    json_key(j, "keywords");
    json_array(j);
    while (rest.len > 0 && slice_next(&rest, ' ', &keyword))
        json_slice(j, keyword);
    json_end(j);
    if (d->keywords_left > 0)
        cli_json_int(j, "keywords_left_out", d->keywords_left);
    cli_json_text(j, "from", d->from);
    cli_json_text(j, "subject", d->subject);
    json_end(j);
}

static void add_row(struct listing *l, const struct rpc_deleted *d, struct arena *a) {
    struct table *t = &l->table;
    table_text(t, id_text(d, a));
    table_text(t, cli_time(a, d->deleted, "-"));
    table_text(t, cli_time(a, d->deleted + l->keep, "-"));
    table_word(t, d->restored ? N_("yes") : "");
    table_size(t, d->size);
    table_text(t, d->mailbox_name);
    table_text(t, d->from);
    table_text(t, d->subject);
}

static int list_all(struct listing *l, struct mailbox_access *x,
                    const struct rpc_deleted_match *match, struct problem *problem) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_mail_deleted_in in = {.match = *match, .into = l->into, .anywhere = l->anywhere};
    struct rpc_mail_deleted_out out = {.more = true};
    while (out.more && l->count < l->limit) {
        in.limit = (uint32_t)MIN(l->limit - l->count, PAGE);
        arena_reset(&a);
        int r = access_deleted(x, &in, &a, &out, problem);
        if (r < 0)
            return r;
        l->keep = out.keep;
        l->size_max = out.size_max;
        for (size_t i = 0; i < out.messages_count; i++) {
            const struct rpc_deleted *d = &out.messages[i];
            l->back += d->restored;
            l->back_bytes += d->restored ? d->size : 0;
            l->bytes += d->size;
            if (!d->has_mailbox && !d->restored && l->lost_count++ == 0)
                l->lost = arena_copy(l->c->arena, d->mailbox_name);
            if (l->c->json)
                add_json(l, d, &a);
            else
                add_row(l, d, &a);
        }
        if (!l->c->json && out.messages_count > 0)
            table_write(&l->table, &l->c->out);
        cli_flush(l->c);
        l->count += out.messages_count;
        in.after = out.next;
    }
    return 0;
}

static int list(struct listing *l, struct mailbox_access *x, const struct rpc_deleted_match *match,
                struct problem *problem) WAITS {
    static const struct table_column columns[] = {
        {N_("ID")},
        {N_("DELETED"), .rank = 2},
        {N_("KEPT UNTIL"), .rank = 1},
        {N_("BACK")},
        {N_("SIZE"), .right = true, .rank = 3},
        {N_("MAILBOX"), .shrinks = true, .rank = 4},
        {N_("FROM"), .shrinks = true},
        {N_("SUBJECT"), .shrinks = true},
    };
    struct cli *c = l->c;
    l->table = (struct table){.columns = columns, .count = ARRAY_SIZE(columns), .width = c->width};
    if (c->json)
        json_array(&l->json);
    int r = list_all(l, x, match, problem);
    if (c->json)
        json_end(&l->json);
    else if (r == 0)
        table_end(&l->table, &c->out);
    table_done(&l->table);
    return r;
}

static void add_count(struct cli *c, const char *format, uint64_t count, uint64_t bytes) {
    _cleanup_(buf_done) struct buf size = {0};
    format_size(&size, bytes);
    buf_printf(&c->out, format, (unsigned long long)count, buf_str(&size));
}

/* Where they come back to. */
static void add_lost(struct cli *c, const struct listing *l) {
    if (l->lost.len == 0 || l->into.len > 0)
        return;
    struct slice text = arena_printf(
        c->arena,
        _("The mailbox %.*s is not there any more, so what was in it comes back into the INBOX. To"
          " have it as it was, make it again (`hayauma mailbox create`), and restore with --mailbox"
          " and --into."),
        SLICE_ARG(cli_shown(c->arena, l->lost)));
    format_paragraph(&c->out, text, 0, c->width > 0 ? c->width : SIZE_MAX);
}

/* What is kept, and so what goes next. */
static void add_bounds(struct cli *c, const struct listing *l) {
    _cleanup_(buf_done) struct buf size = {0};
    struct slice keep = cli_span(c->arena, l->keep), text;
    format_size(&size, l->size_max);
    if (l->keep == 0)
        text = slice_of_str(_("Deleted messages are not kept: delivery.deleted-keep is 0s."));
    else if (l->size_max > 0)
        text = arena_printf(c->arena,
                            _("Deleted messages are kept for %.*s, at most %s of an account; the"
                              " first that were deleted go first."),
                            SLICE_ARG(keep), buf_str(&size));
    else
        text = arena_printf(c->arena, _("Deleted messages are kept for %.*s."), SLICE_ARG(keep));
    format_paragraph(&c->out, text, 0, c->width > 0 ? c->width : SIZE_MAX);
}

static int cmd_mailbox_deleted(struct cli *c) WAITS {
    struct problem problem = {0};
    struct rpc_deleted_match match;
    struct listing l = {
        .c = c,
        .json = {.to = &c->out},
        .limit = cli_number(c->call, "limit", UINT64_MAX),
        .anywhere = true,
    };
    _cleanup_(mailbox_access_close_p) struct mailbox_access *x = NULL;
    int r = read_match(c, &match, &problem);
    if (r == 0)
        r = mailbox_access_open(c, cli_text(c->call, "USER@DOMAIN"), &x, &problem);
    if (r == 0)
        r = list(&l, x, &match, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    if (c->json) {
        buf_add_byte(&c->out, '\n');
        return CLI_OK;
    }
    if (l.count == 0)
        buf_add_str(&c->out, _("There is no such deleted message.\n"));
    else
        add_count(c, P_("\n%llu message (%s).\n", "\n%llu messages (%s).\n", l.count), l.count,
                  l.bytes);
    add_lost(c, &l);
    add_bounds(c, &l);
    return CLI_OK;
}

/* ------------------------------------------------------------------ back with them */

static int restore_all(struct mailbox_access *x, struct rpc_mail_restore_in *in,
                       struct rpc_mail_restore_out *sum, struct problem *problem) WAITS {
    struct rpc_mail_restore_out out = {.more = true};
    while (out.more) {
        _cleanup_(arena_done) struct arena a = {0};
        int r = access_restore(x, in, &a, &out, problem);
        if (r < 0)
            return r;
        sum->count += out.count;
        sum->in_inbox += out.in_inbox;
        sum->already += out.already;
        sum->damaged += out.damaged;
        in->after = out.next;
        if (out.error < 0) {
            problem_read(problem, out.reason);
            return (int)out.error;
        }
    }
    return 0;
}

static void add_json_counts(struct json *j, const struct rpc_mail_restore_out *done, bool dry_run) {
    cli_json_int(j, "count", (int64_t)done->count);
    cli_json_int(j, "in_inbox", (int64_t)done->in_inbox);
    cli_json_int(j, "already", (int64_t)done->already);
    cli_json_int(j, "damaged", (int64_t)done->damaged);
    cli_json_bool(j, "dry_run", dry_run);
    json_end(j);
    buf_add_byte(j->to, '\n');
}

static void add_already(struct cli *c, uint64_t count) {
    if (count > 0)
        buf_printf(&c->out,
                   P_("%llu message was brought back before.\n",
                      "%llu messages were brought back before.\n", count),
                   (unsigned long long)count);
}

static void confirm(struct cli *c, const struct rpc_mail_restore_out *done) {
    struct json j = {.to = &c->out};
    if (c->json) {
        json_object(&j);
        add_json_counts(&j, done, false);
        return;
    }
    buf_printf(&c->out,
               P_("%llu message is back in the mailbox.\n",
                  "%llu messages are back in the mailbox.\n", done->count),
               (unsigned long long)done->count);
    if (done->in_inbox > 0)
        buf_printf(&c->out,
                   P_("%llu of them is in the INBOX, since its mailbox is not there any more.\n",
                      "%llu of them are in the INBOX, since their mailboxes are not there any"
                      " more.\n",
                      done->in_inbox),
                   (unsigned long long)done->in_inbox);
    add_already(c, done->already);
    if (done->damaged > 0)
        buf_printf(&c->out,
                   P_("%llu message is damaged and cannot be brought back.\n",
                      "%llu messages are damaged and cannot be brought back.\n", done->damaged),
                   (unsigned long long)done->damaged);
}

static int try_out(struct cli *c, struct mailbox_access *x, const struct rpc_deleted_match *match,
                   struct rpc_mail_restore_out *ret, struct problem *problem) WAITS {
    struct listing l = {
        .c = c, .json = {.to = &c->out}, .limit = UINT64_MAX, .into = cli_text(c->call, "into")};
    if (c->json) {
        json_object(&l.json);
        json_key(&l.json, "messages");
    }
    int r = list(&l, x, match, problem);
    if (r < 0)
        return r;
    ret->count = l.count - l.back;
    ret->in_inbox = l.into.len == 0 ? l.lost_count : 0;
    ret->already = l.back;
    if (c->json) {
        add_json_counts(&l.json, ret, true);
        return 0;
    }
    add_count(c,
              P_("\n%llu message (%s) would be brought back.\n",
                 "\n%llu messages (%s) would be brought back.\n", ret->count),
              ret->count, l.bytes - l.back_bytes);
    add_already(c, ret->already);
    add_lost(c, &l);
    return 0;
}

static int cmd_mailbox_restore(struct cli *c) WAITS {
    struct problem problem = {0}, *untold = ARENA_NEW(c->arena, struct problem);
    struct rpc_mail_restore_in in = {.into = cli_text(c->call, "into")};
    struct rpc_mail_restore_out done = {0};
    bool dry_run = cli_has(c->call, "dry-run");
    _cleanup_(mailbox_access_close_p) struct mailbox_access *x = NULL;
    int r = read_match(c, &in.match, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    bool some = in.match.ids_count > 0 || in.match.since > 0 || in.match.until > 0 ||
                in.match.mailbox.len > 0;
    if (some == cli_has(c->call, "all")) {
        cli_print(_("say which messages: their ids, --since, --until, --mailbox, or --all"));
        return CLI_USAGE;
    }
    r = mailbox_access_open(c, cli_text(c->call, "USER@DOMAIN"), &x, &problem);
    if (r == 0)
        r = dry_run ? try_out(c, x, &in.match, &done, &problem)
                    : restore_all(x, &in, &done, &problem);
    if (!dry_run && (r == 0 || done.count > 0))
        confirm(c, &done);
    if (x && mailbox_access_report(c, x, untold) < 0)
        cli_print(_("what was done is not in the event log: %s"), problem_words(c->arena, untold));
    if (r < 0) {
        int code = cli_fail(r, &problem);
        return r == -E_LIMIT ? CLI_REFUSED : code; /* the quota */
    }
    uint64_t found = done.count + done.already + done.damaged;
    if (found < in.match.ids_count) {
        cli_print(P_("%llu of the messages is not there, or not any more",
                     "%llu of the messages are not there, or not any more",
                     in.match.ids_count - found),
                  (unsigned long long)(in.match.ids_count - found));
        return CLI_NOT_FOUND;
    }
    return CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

#define DELETED_SELECT                                                                             \
    OPTION("since", "TIME",                                                                        \
           .about =                                                                                \
               N_("deleted from this time on: 2026-11-29, \"2026-11-29 10:30\", 10:30, today,"     \
                  " yesterday (from 0:00), or 2h, 3d for so long ago")),                           \
        OPTION("until", "TIME", .about = N_("deleted before this time, said in the same ways")),   \
        OPTION("mailbox", "NAME", .offers = CLI_OFFER_MAILBOXES,                                   \
               .about = N_("deleted from the mailbox of this name: INBOX"))
PARAMETERS mailbox_deleted_parameters[] = {
    ACCOUNT,
    ARGUMENT("ID", .optional = true, .many = true,
             .about = N_("only these messages, such as 1:23")),
    DELETED_SELECT,
    OPTION("limit", "N", .short_name = 'n', .kind = CLI_NUMBER, .min = 1,
           .about = N_("at most so many")),
    END,
};
EXAMPLES mailbox_deleted_examples[] = {
    "hayauma mailbox deleted tama@example.jp --since yesterday",
    NULL,
};
#define JSON_DELETED                                                                               \
    "{\"id\": text, \"deleted\": time, \"kept_until\": time, \"size\": number, \"mailbox\": "      \
    "text, "                                                                                       \
    "\"mailbox_exists\": bool, \"date\": time, \"restored\": bool, \"flags\": [text], "            \
    "\"keywords\": [text], \"keywords_left_out\"?: number, "                                       \
    "\"from\": "                                                                                   \
    "text, \"subject\": text}"
const struct cli_command command_mailbox_deleted = {
    .name = "mailbox deleted",
    .about = N_("Lists the deleted messages that can be brought back, the first deleted first."),
    .more = N_("How long they are kept, and how much of an account, say the settings"
               " delivery.deleted-keep and delivery.deleted-size-max. A message goes for good"
               " after KEPT UNTIL, or before when the account has too much or the disk has too"
               " little room. It was deleted by a mail program, or with its mailbox. One that"
               " was brought back stays in the list until then, with a word in BACK."),
    .offline = true,
    .parameters = mailbox_deleted_parameters,
    .examples = mailbox_deleted_examples,
    .json = "[" JSON_DELETED "]",
    .exits = NOT_FOUND | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_mailbox_deleted,
};

PARAMETERS mailbox_restore_parameters[] = {
    ACCOUNT,
    ARGUMENT("ID", .optional = true, .many = true,
             .about = N_("the messages, such as 1:23, as `hayauma mailbox deleted` shows them")),
    DELETED_SELECT,
    FLAG("all", .about = N_("all deleted messages that are still kept")),
    OPTION("into", "NAME", .offers = CLI_OFFER_MAILBOXES,
           .about = N_("bring them into this mailbox, instead of the one where they were")),
    FLAG("dry-run", .about = N_("only list what would be brought back")),
    END,
};
EXAMPLES mailbox_restore_examples[] = {
    "hayauma mailbox restore tama@example.jp 1:23 1:24",
    "hayauma mailbox restore tama@example.jp --since 2h --dry-run",
    NULL,
};
const struct cli_command command_mailbox_restore = {
    .name = "mailbox restore",
    .about = N_("Brings deleted messages back into the mailbox where they were."),
    .more = N_("With their dates, flags and keywords, as new messages: a mail program that"
               " fetches with POP3 gets them once more. Those of a mailbox that is gone come"
               " into the INBOX. What was brought back before is not doubled. They count for"
               " the quota again; when it is full, the rest stays deleted."),
    .offline = true,
    .parameters = mailbox_restore_parameters,
    .examples = mailbox_restore_examples,
    .json = "{\"count\": number, \"in_inbox\": number, \"already\": number, \"damaged\": number, "
            "\"dry_run\": bool, "
            "\"messages\"?: [" JSON_DELETED "]}",
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_mailbox_restore,
};
