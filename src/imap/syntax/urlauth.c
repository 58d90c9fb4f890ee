/* SPDX-License-Identifier: ISC */
#include "imap/syntax/urlauth.h"

#include "imap/syntax/date.h"

/* "tama;AUTH=*@example.test:143", all before the slash; the host may be any of this server's. */
static bool take_server(struct slice *rest, struct arena *a, struct imap_urlauth *ret) {
    const ssize_t end = slice_find_byte(*rest, '/');
    const struct slice server = slice_first(*rest, end < 0 ? 0 : (size_t)end);
    const ssize_t at = slice_rfind_byte(server, '@');
    struct slice user = slice_first(server, at < 0 ? 0 : (size_t)at);
    const ssize_t how = slice_find_byte(user, ';');
    if (how >= 0) {
        if (!slice_starts_nocase(slice_from(user, (size_t)how), S(";AUTH=")))
            return false;
        user = slice_first(user, (size_t)how);
    }
    *rest = slice_from(*rest, server.len);
    return user.len > 0 && (size_t)at + 1 < server.len && imap_url_decode(user, a, &ret->user);
}

/* "user+hana" and so on, up to the colon or the end. */
static bool take_access(struct slice *rest, struct arena *a, struct imap_urlauth *ret) {
    const ssize_t colon = slice_find_byte(*rest, ':');
    struct slice access = slice_first(*rest, colon < 0 ? rest->len : (size_t)colon);
    *rest = slice_from(*rest, access.len);
    if (slice_eq_nocase(access, S("anonymous"))) {
        ret->access = IMAP_URL_ANYONE;
    } else if (slice_eq_nocase(access, S("authuser"))) {
        ret->access = IMAP_URL_LOGIN;
    } else if (slice_starts_nocase(access, S("user+"))) {
        ret->access = IMAP_URL_USER;
        return imap_url_decode(slice_from(access, 5), a, &ret->to) && ret->to.len > 0;
    } else if (slice_starts_nocase(access, S("submit+"))) {
        ret->access = IMAP_URL_SUBMIT;
        return imap_url_decode(slice_from(access, 7), a, &ret->to) && ret->to.len > 0;
    } else {
        return false;
    }
    return true;
}

/* ":INTERNAL:token", or nothing. */
static bool take_token(struct slice text, struct slice rest, struct imap_urlauth *ret) {
    ret->before_mechanism = slice_first(text, text.len - rest.len);
    if (rest.len == 0)
        return true;
    rest = slice_from(rest, 1);
    const ssize_t colon = slice_find_byte(rest, ':');
    if (colon <= 0)
        return false;
    ret->mechanism = slice_first(rest, (size_t)colon);
    ret->token = slice_from(rest, (size_t)colon + 1);
    ret->before_token = slice_first(text, text.len - ret->token.len - 1);
    return ret->token.len > 0;
}

/* The last of them: a name of a mailbox may look like one. */
static ssize_t rfind_nocase(struct slice text, struct slice what) {
    for (size_t at = text.len; at-- > 0;)
        if (slice_starts_nocase(slice_from(text, at), what))
            return (ssize_t)at;
    return -1;
}

int imap_urlauth_parse(struct slice text, struct arena *a, struct imap_urlauth *ret) {
    const struct slice scheme = S("imap://"), mark = S(";URLAUTH="), until = S(";EXPIRE=");
    *ret = (struct imap_urlauth){0};
    struct slice rest = slice_from(text, scheme.len);
    if (!slice_starts_nocase(text, scheme) || !take_server(&rest, a, ret))
        return -E_SYNTAX;
    const ssize_t at = rfind_nocase(rest, mark);
    if (at < 0)
        return -E_SYNTAX;
    struct slice path = slice_first(rest, (size_t)at);
    const ssize_t expire = rfind_nocase(path, until);
    if (expire >= 0) {
        ret->expires = true;
        if (imap_rfc3339_parse(slice_from(path, (size_t)expire + until.len), &ret->expiry) < 0)
            return -E_SYNTAX;
        path = slice_first(path, (size_t)expire);
    }
    if (imap_url_parse(path, a, &ret->url) < 0 || ret->url.mailbox.len == 0)
        return -E_SYNTAX;
    rest = slice_from(rest, (size_t)at + mark.len);
    return take_access(&rest, a, ret) && take_token(text, rest, ret) ? 0 : -E_SYNTAX;
}
