/* SPDX-License-Identifier: ISC */
/* What the user may do in a mailbox (RFC 4314 §4): asked anew by each command. */
#include "imap/rights.h"

#include <errno.h>

uint32_t imap_rights(const struct imap_session *s, uint32_t mailbox) {
    const struct store_person person = {.name = s->config->user, .is_owner = !imap_visits(s)};
    uint32_t rights;
    return store_rights_in(s->account, mailbox, &person, &rights) < 0 ? 0 : rights;
}

/* With any of these a mailbox is there for him (§4, of MYRIGHTS). */
#define KNOWS                                                                                      \
    (STORE_RIGHT_LOOKUP | STORE_RIGHT_READ | STORE_RIGHT_INSERT | STORE_RIGHT_CREATE |             \
     STORE_RIGHT_REMOVE_MAILBOX | STORE_RIGHT_ADMINISTER)

int imap_may(const struct imap_session *s, uint32_t mailbox, uint32_t rights) {
    uint32_t granted = imap_rights(s, mailbox);
    if (rights ? (granted & rights) == rights : (granted & KNOWS) != 0)
        return 0;
    return granted & STORE_RIGHT_LOOKUP ? -EACCES : -E_UNKNOWN;
}

int imap_find_allowed(const struct imap_session *s, struct slice path, uint32_t rights,
                      struct store_mailbox *ret) {
    struct store_mailbox m;
    int error = imap_find_path(s, path, &m);
    if (!error)
        error = imap_may(s, m.id, rights);
    if (!error)
        *ret = m;
    return error;
}

uint64_t imap_flags_of_rights(uint32_t rights) {
    uint64_t flags = 0;
    flags |= rights & STORE_RIGHT_SEEN ? (uint64_t)STORE_SEEN : 0;
    flags |= rights & STORE_RIGHT_DELETE_MESSAGES ? (uint64_t)STORE_DELETED : 0;
    flags |= rights & STORE_RIGHT_WRITE ? STORE_FLAGS & ~(uint64_t)(STORE_SEEN | STORE_DELETED) : 0;
    return flags;
}

bool imap_flags_within(struct store_flags *f, uint32_t rights) {
    const uint64_t may = imap_flags_of_rights(rights), asked = f->add | f->remove;
    const bool keywords =
        f->add_keyword_count > 0 || f->remove_keyword_count > 0 || f->replace_keywords;
    f->add &= may;
    f->remove &= may;
    if (!(rights & STORE_RIGHT_WRITE)) {
        f->add_keyword_count = f->remove_keyword_count = 0;
        f->replace_keywords = false;
    }
    return asked & may || (keywords && rights & STORE_RIGHT_WRITE) || (!asked && !keywords);
}
