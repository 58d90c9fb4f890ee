/* SPDX-License-Identifier: ISC */
#include "sender/author.h"

#include "base/words.h"
#include "message/address/mailboxes.h"

#define ADDRESSES_MAX 100U

const char *author_form_words(enum author_form form) {
    static const char *const words[] = {
        [AUTHOR_MISSING] = N_("no author is named in From"),
        [AUTHOR_TWICE] = N_("there is more than one From field"),
        [AUTHOR_UNREADABLE] = N_("From cannot be read, or may be read in two ways"),
        [AUTHOR_TOO_MANY] = N_("From names too many domains"),
        [AUTHOR_NO_DOMAIN] = N_("From names no domain"),
    };
    return words[form];
}

void author_find(const struct sender_fields *fields, struct arena *a, struct author *ret) {
    struct mailboxes boxes;
    size_t first, count = sender_fields_find(fields, S("From"), &first);
    *ret = (struct author){.form = count == 0 ? AUTHOR_MISSING : AUTHOR_TWICE};
    if (count != 1)
        return;
    mailboxes_parse(a, fields->list[fields->by_name[first]].value, ADDRESSES_MAX, &boxes);
    ret->form = boxes.broken > 0 || boxes.garbled > 0 ? AUTHOR_UNREADABLE
                : boxes.truncated                     ? AUTHOR_TOO_MANY
                : boxes.count == 0                    ? AUTHOR_MISSING
                                                      : AUTHOR_NAMED;
    for (size_t i = 0; ret->form == AUTHOR_NAMED && i < boxes.count; i++) {
        const struct address *address = &boxes.items[i].address;
        ssize_t word = slice_find(address->local, S("=?"));
        if (word >= 0 && slice_find(slice_from(address->local, (size_t)word + 2), S("?=")) >= 0) {
            /* in no address (RFC 2047 §5 (3)); who decodes it all the same may see another one */
            ret->form = AUTHOR_UNREADABLE;
            return;
        }
        bool known = address->literal || address->domain.len == 0;
        for (size_t k = 0; !known && k < ret->count; k++)
            known = slice_eq(ret->domains[k], address->domain);
        if (known)
            continue;
        if (ret->count == AUTHOR_DOMAINS_MAX)
            ret->form = AUTHOR_TOO_MANY;
        else
            ret->domains[ret->count++] = address->domain;
    }
    if (ret->form == AUTHOR_NAMED && ret->count == 0)
        ret->form = AUTHOR_NO_DOMAIN;
}
