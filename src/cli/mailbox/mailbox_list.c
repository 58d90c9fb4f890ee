/* SPDX-License-Identifier: ISC */
#include "cli/mailbox/mailbox_list.h"

#include <stdlib.h>

#include "conf/setting.h"
#include "store/store.h"

#define PAGE 200U

static const uint8_t roles[CONF_USES] = {
    [CONF_USE_DRAFTS] = STORE_ROLE_DRAFTS,   [CONF_USE_SENT] = STORE_ROLE_SENT,
    [CONF_USE_JUNK] = STORE_ROLE_JUNK,       [CONF_USE_TRASH] = STORE_ROLE_TRASH,
    [CONF_USE_ARCHIVE] = STORE_ROLE_ARCHIVE,
};

const char *mailbox_use_name(uint8_t role) {
    for (size_t i = 0; i < CONF_USES; i++)
        if (roles[i] == role)
            return conf_use_words[i];
    return "";
}

uint8_t mailbox_use_role(uint64_t place) {
    return roles[place];
}

/* The INBOX first, and what is below a mailbox right behind it. */
static int by_path(const void *left, const void *right) {
    const struct rpc_mailbox *l = left, *r = right;
    const bool inbox[] = {l->id == STORE_INBOX, r->id == STORE_INBOX};
    if (inbox[0] != inbox[1])
        return inbox[0] ? -1 : 1;
    for (size_t i = 0; i < MIN(l->path.len, r->path.len); i++) {
        const unsigned char a = (unsigned char)l->path.ptr[i], b = (unsigned char)r->path.ptr[i];
        if (a != b)
            return a == '/' ? -1 : b == '/' ? 1 : a < b ? -1 : 1;
    }
    return l->path.len < r->path.len ? -1 : l->path.len > r->path.len;
}

int mailbox_list_read(struct mailbox_access *x, struct arena *a, struct mailbox_list *ret,
                      struct problem *problem) {
    struct mailbox_list l = {.list = arena_array(a, STORE_MAILBOXES_MAX, sizeof *l.list)};
    uint32_t after = 0;
    for (size_t found = PAGE; found > 0 && l.count < STORE_MAILBOXES_MAX;) {
        struct rpc_mail_mailboxes_out out;
        int r = access_mailboxes(x, after, PAGE, a, &out, problem);
        if (r < 0)
            return r;
        found = MIN(out.mailboxes_count, STORE_MAILBOXES_MAX - l.count);
        for (size_t i = 0; i < found; i++)
            l.list[l.count++] = out.mailboxes[i];
        if (found > 0)
            after = l.list[l.count - 1].id;
        l.quota = out.quota;
        l.messages = out.messages;
        l.bytes = out.bytes;
        l.disk = out.disk;
    }
    qsort(l.list, l.count, sizeof *l.list, by_path);
    *ret = l;
    return 0;
}

void mailbox_list_write(struct cli *c, const struct mailbox_list *l) {
    static const struct table_column columns[] = {
        {N_("MAILBOX")},
        {N_("FOR"), .rank = 3},
        {N_("MESSAGES"), .right = true},
        {N_("UNREAD"), .right = true, .rank = 1},
        {N_("SIZE"), .right = true, .rank = 2},
        {N_("SUBSCRIBED"), .rank = 4},
        {N_("SHARED"), .rank = 4},
        {N_("NUMBER"), .right = true, .rank = 5},
    };
    _cleanup_(table_done) struct table t = {
        .columns = columns, .count = ARRAY_SIZE(columns), .width = c->width};
    for (size_t i = 0; i < l->count; i++) {
        const struct rpc_mailbox *m = &l->list[i];
        table_text(&t, m->path);
        table_text(&t, slice_of_str(mailbox_use_name(m->use)));
        table_printf(&t, "%llu", (unsigned long long)m->messages);
        table_printf(&t, "%llu", (unsigned long long)m->unseen);
        table_size(&t, m->bytes);
        table_word(&t, m->subscribed ? _("yes") : _("no"));
        table_word(&t, m->shared ? _("yes") : _("no"));
        table_printf(&t, "%u", m->id);
    }
    table_write(&t, &c->out);
    table_end(&t, &c->out);
}

void mailbox_list_json(struct json *j, const struct mailbox_list *l) {
    json_array(j);
    for (size_t i = 0; i < l->count; i++) {
        const struct rpc_mailbox *m = &l->list[i];
        const char *use = mailbox_use_name(m->use);
        json_object(j);
        cli_json_text(j, "name", m->path);
        json_key(j, "use");
        if (*use)
            json_str(j, use);
        else
            json_null(j);
        cli_json_int(j, "messages", (int64_t)m->messages);
        cli_json_int(j, "unread", (int64_t)m->unseen);
        cli_json_int(j, "bytes", (int64_t)m->bytes);
        cli_json_bool(j, "subscribed", m->subscribed);
        cli_json_bool(j, "shared", m->shared);
        cli_json_int(j, "number", m->id);
        cli_json_int(j, "uidvalidity", m->uidvalidity);
        cli_json_int(j, "uidnext", m->uidnext);
        json_end(j);
    }
    json_end(j);
}
