/* SPDX-License-Identifier: ISC */
/*
 * What an account begins with: its INBOX, and the default mailboxes of the store's options.
 *
 * The default mailboxes are one change, of one MODSEQ, which a power cut leaves whole or not at
 * all. An account has had mailboxes of its own if a number beyond that of the INBOX was ever given;
 * so what its user has removed does not come again. An account that is to begin with its INBOX
 * alone passes one number over. The numbers are given when the change is durable: until then an
 * account that was not begun to its end is one that has had none.
 */
#include "store/property.h"

#include "base/alloc.h"

struct mailbox *account_add_inbox(struct store_account *a, uint32_t uidnext) {
    return mailbox_add(a, &(struct store_mailbox){
                              .id = STORE_INBOX,
                              .role = STORE_ROLE_INBOX,
                              .name = S("INBOX"),
                              .uidvalidity = (uint32_t)(a->given.born / USEC_SEC) + STORE_INBOX,
                              .uidnext = uidnext,
                              .modseq = a->given.modseq,
                          });
}

/* What is to be made durable. */
struct beginning {
    struct list records; /* struct store_record */
    struct arena arena;
};

static struct store_record *add_record(struct beginning *b, enum record_type type) {
    struct store_record *r = ARENA_NEW(&b->arena, struct store_record);
    r->type = type;
    list_append(&b->records, &r->link);
    return r;
}

static void subscribe(struct beginning *b, uint64_t modseq, struct slice path) {
    add_record(b, RECORD_PROPERTY)->property = (struct record_property){
        .kind = STORE_SUBSCRIPTION,
        .name = path,
        .is_set = true,
        .value = S(""),
        .modseq = modseq,
    };
}

static void add_defaults(const struct store_account *a, struct beginning *b) {
    const struct store *s = a->store;
    const uint64_t modseq = a->given.modseq + 1; /* BEGUN_MODSEQ, if the account is new */
    size_t bytes = 0;
    for (size_t i = 0; i < s->default_count; i++)
        bytes += s->defaults[i].name.len;
    if (s->default_count == 0 ||
        properties_have_room_for(a, s->default_count + 1, bytes + S("INBOX").len) < 0)
        return;
    for (size_t i = 0; i < s->default_count; i++) {
        const uint32_t id = a->given.mailbox_next + (uint32_t)i;
        add_record(b, RECORD_MAILBOX)->mailbox = (struct record_mailbox){
            .mailbox = id,
            .role = s->defaults[i].role,
            .name = arena_copy(&b->arena, s->defaults[i].name),
            .uidvalidity = (uint32_t)(a->given.born / USEC_SEC) + id,
            .uidnext = 1,
            .modseq = modseq,
        };
    }
    subscribe(b, modseq, S("INBOX"));
    for (size_t i = 0; i < s->default_count; i++)
        subscribe(b, modseq, arena_copy(&b->arena, s->defaults[i].name));
}

static void publish_defaults(struct store_account *a, const struct beginning *b) {
    LIST_EACH (r, &b->records, const struct store_record, link) {
        if (r->type == RECORD_MAILBOX)
            a->given.mailbox_next = r->mailbox.mailbox + 1;
        account_publish(a, r);
    }
    a->given.modseq++;
    LIST_EACH (r, &b->records, const struct store_record, link)
        account_publish_modseq(a, r);
    for (size_t i = 0; i < a->mailbox_count; i++)
        if (a->mailboxes[i]->info.id != STORE_INBOX) /* most of them are never looked at */
            mailbox_unload(a->mailboxes[i]);
    feed_free(a); /* nobody has seen it without them */
}

int account_begin(struct store_account *a, bool is_new) {
    struct beginning b = {0};
    list_init(&b.records);
    a->begins_bare &= is_new;
    if (is_new) { /* durable before anyone is told a UIDVALIDITY */
        a->given = (struct backend_counters){.born = fiber_wall(),
                                             .modseq = BEGUN_MODSEQ - 1,
                                             .body_next = 1,
                                             .mailbox_next = STORE_INBOX + 1};
        a->given.mailbox_next += a->begins_bare;
        a->published = a->given.modseq;
        mailbox_begin(account_add_inbox(a, 1));
    }
    if (a->given.mailbox_next == STORE_INBOX + 1)
        add_defaults(a, &b);
    int error = 0;
    if (is_new || !list_empty(&b.records))
        error = a->below->backend->ops->commit(a->below, &b.records);
    if (!error && !list_empty(&b.records))
        publish_defaults(a, &b);
    arena_done(&b.arena);
    return is_new ? error : 0; /* an older account does without them, until it is opened again */
}

void store_set_defaults(struct store *s, const struct store_default *list, size_t count) {
    arena_reset(&s->default_names);
    s->default_count = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_new = store_name_is_good(list[i].name);
        for (size_t k = 0; k < s->default_count; k++)
            is_new &=
                s->defaults[k].role != list[i].role && !slice_eq(s->defaults[k].name, list[i].name);
        if (!is_new)
            continue;
        MUST(s->default_count < STORE_DEFAULTS_MAX);
        s->defaults[s->default_count++] =
            (struct store_default){list[i].role, arena_copy(&s->default_names, list[i].name)};
        shared_name_add(&s->shared, list[i].name);
    }
}
