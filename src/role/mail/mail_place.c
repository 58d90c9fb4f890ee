/* SPDX-License-Identifier: ISC */
#include "role/mail/mail_place.h"

#include "imap/names.h"
#include "store/properties.h"

#define WRITTEN_AFTER 7 /* days */

/* The day, since 1970, on which somebody came by a door; 0: nobody has. */
static uint64_t day_of(struct store_account *account, struct slice door) WAITS {
    _cleanup_(buf_done) struct buf text = {0};
    uint64_t day = 0;
    if (store_property_get(account, 0, STORE_DOOR, door, &text) == 0)
        (void)slice_to_u64(buf_slice(&text), UINT32_MAX, &day);
    return day;
}

void mail_place_note_door(const struct mail_session *s) {
    const struct mail *m = s->process->state;
    _cleanup_(store_account_close_p) struct store_account *account = NULL;
    _cleanup_(arena_done) struct arena a = {0};
    uint64_t today = (uint64_t)(fiber_wall() / USEC_DAY);
    if (s->owner || store_account_open(m->store, s->account, &account) < 0)
        return;
    uint64_t day = day_of(account, s->door->service);
    if (day <= today && today - day < WRITTEN_AFTER)
        return;
    struct slice value = arena_printf(&a, "%llu", (unsigned long long)today);
    (void)store_property_set(account, 0, STORE_DOOR, s->door->service, &value);
}

/* By POP3, and by IMAP not for long before he last did. */
static bool is_read_by_pop3_alone(struct store_account *account) WAITS {
    uint64_t pop3 = day_of(account, S("pop3")), imap = day_of(account, S("imap"));
    return pop3 > 0 && (imap == 0 || imap + MAIL_PLACE_DAYS < pop3);
}

void mail_place_junk(struct mail *m, uint64_t account, struct arena *a, struct mail_place *ret) {
    _cleanup_(store_account_close_p) struct store_account *opened = NULL;
    _cleanup_(buf_done) struct buf path = {0};
    struct store_mailbox mailbox;
    *ret = (struct mail_place){.mailbox = STORE_INBOX, .marked = true, .name = S("INBOX")};
    if (store_account_open(m->store, account, &opened) < 0 || is_read_by_pop3_alone(opened))
        return;
    for (size_t i = 0; i < store_mailbox_count(opened); i++) {
        store_mailbox_at(opened, i, &mailbox);
        if (mailbox.role != STORE_ROLE_JUNK)
            continue;
        imap_mailbox_path(opened, mailbox.id, &path);
        *ret = (struct mail_place){.mailbox = mailbox.id, .name = arena_copy(a, buf_slice(&path))};
        return;
    }
}
