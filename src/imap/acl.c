/* SPDX-License-Identifier: ISC */
#include "imap/acl.h"

#include "message/address/address.h"

static struct slice without_minus(struct slice identifier) {
    return slice_starts(identifier, S("-")) ? slice_from(identifier, 1) : identifier;
}

int imap_identifier(struct slice owner, struct slice given, struct arena *a, struct slice *ret) {
    struct slice who = without_minus(given);
    const char *minus = who.len < given.len ? "-" : "";
    struct address address;
    if (slice_eq_nocase(who, S("anyone"))) {
        *ret = arena_printf(a, "%sanyone", minus);
        return 0;
    }
    if (slice_starts(who, S("$"))) /* a group, of which there are none */
        return -E_SYNTAX;
    if (who.len > 0 && slice_find_byte(who, '@') < 0)
        who = arena_printf(a, "%.*s%.*s", SLICE_ARG(who),
                           SLICE_ARG(slice_from(owner, (size_t)slice_rfind_byte(owner, '@'))));
    if (address_parse(a, who, ADDRESS_UTF8 | ADDRESS_LOOSE, &address, NULL) < 0 ||
        address.local.len == 0 || address.domain.len == 0)
        return -E_SYNTAX;
    address.local = arena_lower(a, address.local);
    *ret = arena_printf(a, "%s%.*s", minus, SLICE_ARG(address_text(a, &address)));
    return 0;
}

int imap_change_rights(struct store_account *account, uint32_t mailbox, struct slice owner,
                       struct slice who, enum imap_rights_change change, struct slice letters) {
    static const char signs[] = {
        [IMAP_RIGHTS_REPLACE] = '=', [IMAP_RIGHTS_ADD] = '+', [IMAP_RIGHTS_REMOVE] = '-'};
    _cleanup_(buf_done) struct buf wanted = {0};
    char text[STORE_RIGHTS_TEXT_SIZE];
    uint32_t rights;
    if (store_rights_parse(letters, &rights) < 0)
        return -E_SYNTAX;
    if (slice_eq(who, owner)) {
        uint32_t before = store_rights_granted(account, mailbox, who);
        if (before == 0)
            before = STORE_RIGHTS_ALL;
        if (change == IMAP_RIGHTS_ADD)
            rights |= before;
        else if (change == IMAP_RIGHTS_REMOVE)
            rights = before & ~rights;
        buf_add(&wanted, store_rights_text(rights | IMAP_RIGHTS_OF_OWNER, text));
    } else {
        if (change != IMAP_RIGHTS_REPLACE)
            buf_add_byte(&wanted, signs[change]);
        buf_add(&wanted, letters);
    }
    return store_set_rights(account, mailbox, who, buf_slice(&wanted));
}
