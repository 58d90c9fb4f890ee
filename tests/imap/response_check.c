/* SPDX-License-Identifier: ISC */
/* A parser by recursion, with a function for each rule of the ABNF that is used twice. */
#include "response_check.h"

#include "response_parse.h"

static bool number_rest(struct check *c, uint64_t number);

/* ------------------------------------------------------------------ response codes */

static bool charsets(struct check *c) {
    if (!c_maybe(c, " ("))
        return true;
    do {
        if (!c_astring(c))
            return false;
    } while (c_maybe(c, " "));
    return c_byte(c, ')');
}
static bool words(struct check *c) {
    while (c_maybe(c, " "))
        if (!c_atom(c))
            return false;
    return true;
}
static bool sp_number(struct check *c) {
    return c_byte(c, ' ') && c_number(c, 0);
}
static bool sp_nz(struct check *c) {
    return c_byte(c, ' ') && c_number(c, 1);
}
static bool sp_set(struct check *c) {
    return c_byte(c, ' ') && c_set(c);
}
static bool permanent_flags(struct check *c) {
    return c_byte(c, ' ') && c_flags(c, true);
}
static bool append_uid(struct check *c) {
    return sp_nz(c) && sp_set(c);
}
static bool copy_uid(struct check *c) {
    return sp_nz(c) && sp_set(c) && sp_set(c);
}
static bool metadata_code(struct check *c) {
    if (c_maybe(c, " LONGENTRIES") || c_maybe(c, " MAXSIZE"))
        return sp_number(c);
    return c_maybe(c, " TOOMANY") || c_maybe(c, " NOPRIVATE") || c_fail(c, "a METADATA code");
}
static bool object_id(struct check *c) {
    return c_byte(c, ' ') && c_byte(c, '(') && c_object_id(c) && c_byte(c, ')');
}
static bool sp_string(struct check *c) {
    return c_byte(c, ' ') && c_string(c);
}
static bool in_progress(struct check *c) { /* RFC 9585: (tag progress goal) */
    if (!c_maybe(c, " ("))
        return true;
    if (!c_nil(c) && !c_string(c))
        return false;
    if (!c_byte(c, ' ') || (!c_nil(c) && !c_number(c, 0)) || !c_byte(c, ' '))
        return false;
    return (c_nil(c) || c_number(c, 1)) && c_byte(c, ')');
}
static bool message_limit(struct check *c) {
    return sp_nz(c) && (!c_next_is(c, ' ') || sp_nz(c));
}
static bool bad_event(struct check *c) {
    if (!c_maybe(c, " ("))
        return true;
    do {
        if (!c_atom(c))
            return false;
    } while (c_maybe(c, " "));
    return c_byte(c, ')');
}
static bool sp_astring(struct check *c) {
    return c_byte(c, ' ') && c_astring(c);
}

static const struct {
    const char *name;
    bool (*argument)(struct check *c);
} codes[] = {
    {"ALERT", NULL},
    {"ALREADYEXISTS", NULL},
    {"APPENDUID", append_uid},
    {"AUTHENTICATIONFAILED", NULL},
    {"AUTHORIZATIONFAILED", NULL},
    {"BADCHARSET", charsets},
    {"BADCOMPARATOR", NULL},
    {"BADEVENT", bad_event},
    {"BADURL", sp_astring},
    {"CANNOT", NULL},
    {"CAPABILITY", words},
    {"CLIENTBUG", NULL},
    {"CLOSED", NULL},
    {"COMPRESSIONACTIVE", NULL},
    {"CONTACTADMIN", NULL},
    {"COPYUID", copy_uid},
    {"CORRUPTION", NULL},
    {"EXPIRED", NULL},
    {"EXPUNGEISSUED", NULL},
    {"HASCHILDREN", NULL},
    {"HIGHESTMODSEQ", sp_nz},
    {"INPROGRESS", in_progress},
    {"INUSE", NULL},
    {"LIMIT", NULL},
    {"MAILBOXID", object_id},
    {"MESSAGELIMIT", message_limit},
    {"METADATA", metadata_code},
    {"MODIFIED", sp_set},
    {"NOMODSEQ", NULL},
    {"NONEXISTENT", NULL},
    {"NOPERM", NULL},
    {"NOTIFICATIONOVERFLOW", NULL},
    {"NOTSAVED", NULL},
    {"NOUPDATE", sp_string},
    {"OVERQUOTA", NULL},
    {"PARSE", NULL},
    {"PERMANENTFLAGS", permanent_flags},
    {"PRIVACYREQUIRED", NULL},
    {"READ-ONLY", NULL},
    {"READ-WRITE", NULL},
    {"SAVELIMIT", sp_nz},
    {"SERVERBUG", NULL},
    {"TOOBIG", NULL},
    {"TOOFEW", NULL},
    {"TRYCREATE", NULL},
    {"UIDNEXT", sp_nz},
    {"UIDNOTSTICKY", NULL},
    {"UIDREQUIRED", NULL},
    {"UIDVALIDITY", sp_nz},
    {"UNAVAILABLE", NULL},
    {"UNDEFINED-FILTER", sp_astring},
    {"UNKNOWN-CTE", NULL},
    {"UNSEEN", sp_nz},
    {"URLMECH", words},
    {"USEATTR", NULL},
};

/* resp-text, with a text that is not empty */
static bool resp_text(struct check *c) {
    if (c_maybe(c, "[")) {
        struct slice name = c_run_until(c, " ]");
        size_t i = 0;
        while (i < ARRAY_SIZE(codes) && !slice_eq(name, slice_of_str(codes[i].name)))
            i++;
        if (i == ARRAY_SIZE(codes))
            return c_fail(c, "a response code");
        if (codes[i].argument && !codes[i].argument(c))
            return false;
        if (!c_byte(c, ']') || !c_byte(c, ' '))
            return false;
    }
    size_t len = 0;
    for (; len < c->rest.len; len++) {
        unsigned char byte = (unsigned char)c->rest.ptr[len];
        if (byte == '\r' || byte == '\n' || byte == '\0' || (byte > 127 && !c->utf8))
            break;
    }
    if (len == 0)
        return c_fail(c, "a text");
    c->rest = slice_from(c->rest, len);
    return true;
}

/* ------------------------------------------------------------------ mailboxes */

static bool extension_value(struct check *c, unsigned depth) { /* tagged-ext-val, RFC 4466 */
    if (depth > 20)
        return c_fail(c, "less that is nested");
    if (!c_maybe(c, "("))
        return c_astring(c);
    if (c_maybe(c, ")"))
        return true;
    do {
        if (!extension_value(c, depth + 1))
            return false;
    } while (c_maybe(c, " "));
    return c_byte(c, ')');
}

static bool mailbox_list(struct check *c) {
    if (!c_byte(c, ' ') || !c_flags(c, false) || !c_byte(c, ' '))
        return false;
    if (!c_nil(c)) {
        struct slice before = c->rest;
        if (!c_next_is(c, '"') || !c_string(c))
            return c_fail(c, "a hierarchy separator");
        size_t len = (size_t)(c->rest.ptr - before.ptr);
        if (len != 3 && !(len == 4 && before.ptr[1] == '\\'))
            return c_fail(c, "one character as separator");
    }
    if (!c_byte(c, ' ') || !c_mailbox(c))
        return false;
    if (!c_maybe(c, " ("))
        return true;
    do {
        if (!c_astring(c) || !c_byte(c, ' ') || !extension_value(c, 0))
            return false;
    } while (c_maybe(c, " "));
    return c_byte(c, ')');
}

static bool status_item(struct check *c) {
    if (c_maybe(c, "MAILBOXID"))
        return object_id(c);
    if (c_maybe(c, "UIDNEXT") || c_maybe(c, "UIDVALIDITY") || c_maybe(c, "HIGHESTMODSEQ"))
        return sp_nz(c);
    if (c_maybe(c, "APPENDLIMIT"))
        return c_byte(c, ' ') && (c_nil(c) || c_number(c, 0));
    static const char *const numbers[] = {"MESSAGES", "RECENT",          "UNSEEN",
                                          "SIZE",     "DELETED-STORAGE", "DELETED"};
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        if (c_maybe(c, numbers[i]))
            return sp_number(c);
    return c_fail(c, "an item of STATUS");
}
static bool status(struct check *c) {
    if (!c_byte(c, ' ') || !c_mailbox(c) || !c_byte(c, ' ') || !c_byte(c, '('))
        return false;
    if (c_maybe(c, ")"))
        return true;
    do {
        if (!status_item(c))
            return false;
    } while (c_maybe(c, " "));
    return c_byte(c, ')');
}

static bool namespaces(struct check *c) {
    for (int i = 0; i < 3; i++) {
        if (!c_byte(c, ' '))
            return false;
        if (c_nil(c))
            continue;
        if (!c_byte(c, '('))
            return false;
        do {
            if (!c_byte(c, '(') || !c_string(c) || !c_byte(c, ' ') || (!c_nil(c) && !c_string(c)) ||
                !c_byte(c, ')'))
                return false;
        } while (c_next_is(c, '('));
        if (!c_byte(c, ')'))
            return false;
    }
    return true;
}

static bool metadata(struct check *c) {
    if (!c_byte(c, ' ') || !c_astring(c) || !c_byte(c, ' '))
        return false;
    bool list = c_maybe(c, "(");
    do {
        if (!c_astring(c) || (list && (!c_byte(c, ' ') || !c_nstring8(c))))
            return false;
    } while (c_maybe(c, " "));
    return !list || c_byte(c, ')');
}

static bool quota(struct check *c) {
    if (!sp_astring(c) || !c_byte(c, ' ') || !c_byte(c, '('))
        return false;
    if (c_maybe(c, ")"))
        return true;
    do {
        if (!c_atom(c) || !sp_number(c) || !sp_number(c))
            return false;
    } while (c_maybe(c, " "));
    return c_byte(c, ')');
}

static bool astrings(struct check *c) {
    while (c_next_is(c, ' '))
        if (!sp_astring(c))
            return false;
    return true;
}
static bool mailbox_astrings(struct check *c) {
    return c_byte(c, ' ') && c_mailbox(c) && astrings(c);
}
static bool acl(struct check *c) {
    unsigned count = 0;
    if (!c_byte(c, ' ') || !c_mailbox(c))
        return false;
    for (; c_next_is(c, ' '); count++)
        if (!sp_astring(c))
            return false;
    return count % 2 == 0 || c_fail(c, "rights behind an identifier");
}
static bool urls(struct check *c) {
    while (c_next_is(c, ' '))
        if (!sp_astring(c) || !c_byte(c, ' ') || !c_nstring8(c))
            return false;
    return true;
}
static bool id(struct check *c) {
    if (!c_byte(c, ' '))
        return false;
    if (c_nil(c))
        return true;
    if (!c_byte(c, '('))
        return false;
    do {
        if (!c_string(c) || !c_byte(c, ' ') || !c_nstring(c))
            return false;
    } while (c_maybe(c, " "));
    return c_byte(c, ')');
}

/* ------------------------------------------------------------------ what was found */

static bool search(struct check *c) {
    while (c_next_is(c, ' ')) {
        if (c_maybe(c, " (MODSEQ"))
            return sp_nz(c) && c_byte(c, ')');
        if (!sp_nz(c))
            return false;
    }
    return true;
}

static bool thread_list(struct check *c, unsigned depth) {
    if (depth > 100)
        return c_fail(c, "less that is nested");
    if (!c_byte(c, '('))
        return false;
    bool first = true;
    while (!c_next_is(c, '(')) { /* thread-members: numbers, then perhaps what is nested */
        if (!c_number(c, 1))
            return false;
        first = false;
        if (!c_maybe(c, " "))
            return c_byte(c, ')');
    }
    unsigned branches = 0;
    for (; c_next_is(c, '('); branches++)
        if (!thread_list(c, depth + 1))
            return false;
    if (first && branches < 2)
        return c_fail(c, "two branches of a thread without a root");
    return c_byte(c, ')');
}
static bool thread(struct check *c) {
    if (!c_maybe(c, " "))
        return true;
    do {
        if (!thread_list(c, 0))
            return false;
    } while (c_next_is(c, '('));
    return true;
}

static bool correlator(struct check *c) {
    if (!c_maybe(c, " ("))
        return true;
    do {
        if (c_maybe(c, "TAG ")           ? !c_string(c)
            : c_maybe(c, "MAILBOX ")     ? !c_mailbox(c)
            : c_maybe(c, "UIDVALIDITY ") ? !c_number(c, 1)
                                         : !c_fail(c, "a correlator"))
            return false;
    } while (c_maybe(c, " "));
    return c_byte(c, ')');
}

static bool signed_range(struct check *c) {
    bool end = c_maybe(c, "-");
    return c_number(c, 1) && c_byte(c, ':') && (!end || c_byte(c, '-')) && c_number(c, 1);
}
static bool positions(struct check *c) { /* ADDTO, REMOVEFROM: RFC 5267 §4.3 */
    if (!c_byte(c, ' ') || !c_byte(c, '('))
        return false;
    do {
        bool by_mailbox = slice_starts(c->rest, S("0 "));
        if (!c_number(c, 0) || !c_byte(c, ' ') || !(by_mailbox ? c_set(c) : c_sorted_set(c)))
            return false;
    } while (c_maybe(c, " "));
    return c_byte(c, ')');
}
static bool result(struct check *c) {
    if (c_maybe(c, "MIN") || c_maybe(c, "MAX") || c_maybe(c, "MODSEQ"))
        return sp_nz(c);
    if (c_maybe(c, "COUNT"))
        return sp_number(c);
    if (c_maybe(c, "ALL"))
        return c_byte(c, ' ') && c_sorted_set(c);
    if (c_maybe(c, "ADDTO") || c_maybe(c, "REMOVEFROM"))
        return positions(c);
    if (c_maybe(c, "PARTIAL ("))
        return signed_range(c) && c_byte(c, ' ') && (c_nil(c) || c_sorted_set(c)) && c_byte(c, ')');
    if (!c_maybe(c, "RELEVANCY ("))
        return c_fail(c, "a result of ESEARCH");
    do {
        if (!c_number(c, 1))
            return false;
    } while (c_maybe(c, " "));
    return c_byte(c, ')');
}
static bool esearch(struct check *c) {
    if (!correlator(c))
        return false;
    (void)c_maybe(c, " UID");
    while (c_maybe(c, " "))
        if (!result(c))
            return false;
    return true;
}
static bool batches(struct check *c) { /* from the newest on */
    if (!correlator(c) || !c_maybe(c, " "))
        return !c->expected;
    do {
        if (!c_number(c, 1) || (c_maybe(c, ":") && !c_number(c, 1)))
            return false;
    } while (c_maybe(c, ","));
    return true;
}
static bool vanished(struct check *c) {
    (void)c_maybe(c, " (EARLIER)");
    return sp_set(c);
}
static bool flags(struct check *c) {
    return c_byte(c, ' ') && c_flags(c, false);
}
static bool languages(struct check *c) {
    if (!c_byte(c, ' ') || !c_byte(c, '('))
        return false;
    do {
        if (!c_astring(c))
            return false;
    } while (c_maybe(c, " "));
    return c_byte(c, ')');
}

/* ------------------------------------------------------------------ responses */

static bool some_words(struct check *c) {
    return c_next_is(c, ' ') ? words(c) : c_fail(c, "a capability");
}
static bool sp_text(struct check *c) {
    return c_byte(c, ' ') && resp_text(c);
}

static const struct {
    const char *name;
    bool (*rest)(struct check *c);
    bool tagged; /* may follow a tag */
} untagged[] = {
    {"OK", sp_text, true},
    {"NO", sp_text, true},
    {"BAD", sp_text, true},
    {"BYE", sp_text, false},
    {"PREAUTH", sp_text, false},
    {"CAPABILITY", some_words, false},
    {"ENABLED", words, false},
    {"FLAGS", flags, false},
    {"LIST", mailbox_list, false},
    {"LSUB", mailbox_list, false},
    {"XLIST", mailbox_list, false},
    {"STATUS", status, false},
    {"NAMESPACE", namespaces, false},
    {"SEARCH", search, false},
    {"SORT", search, false},
    {"THREAD", thread, false},
    {"ESEARCH", esearch, false},
    {"UIDBATCHES", batches, false},
    {"VANISHED", vanished, false},
    {"ID", id, false},
    {"ACL", acl, false},
    {"LISTRIGHTS", mailbox_astrings, false},
    {"MYRIGHTS", mailbox_astrings, false},
    {"QUOTA", quota, false},
    {"QUOTAROOT", mailbox_astrings, false},
    {"METADATA", metadata, false},
    {"GENURLAUTH", astrings, false},
    {"URLFETCH", urls, false},
    {"LANGUAGE", languages, false},
    {"COMPARATOR", astrings, false},
    {"JMAPACCESS", sp_string, false},
};

static bool number_rest(struct check *c, uint64_t number) {
    if (c_maybe(c, " EXISTS") || c_maybe(c, " RECENT"))
        return true;
    if (number == 0)
        return c_fail(c, "the number of a message");
    if (c_maybe(c, " EXPUNGE"))
        return true;
    if (c_maybe(c, " FETCH ") || c_maybe(c, " UIDFETCH "))
        return c_attributes(c);
    return c_fail(c, "EXISTS, RECENT, EXPUNGE, FETCH or UIDFETCH");
}

static bool response(struct check *c) {
    if (c_maybe(c, "+ ")) /* base64 may be empty */
        return c_next_is(c, '\r') || resp_text(c);
    bool is_tagged = !c_maybe(c, "*");
    if (is_tagged && c_run_of(c, C_TAG).len == 0)
        return c_fail(c, "a tag, * or +");
    if (!c_byte(c, ' '))
        return false;
    if (!is_tagged && c->rest.len > 0 && ascii_is_digit(c->rest.ptr[0])) {
        uint64_t number;
        return c_number_value(c, 0, &number) && number_rest(c, number);
    }
    struct slice name = c_run_until(c, " \r");
    for (size_t i = 0; i < ARRAY_SIZE(untagged); i++)
        if (slice_eq(name, slice_of_str(untagged[i].name)) && (!is_tagged || untagged[i].tagged))
            return untagged[i].rest(c);
    return c_fail(c, "a response");
}

bool response_check(struct slice *sent, bool utf8, struct response_fault *ret_fault) {
    struct check c = {.rest = *sent, .begin = sent->ptr, .utf8 = utf8};
    if (response(&c) && c_byte(&c, '\r') && c_byte(&c, '\n')) {
        *sent = c.rest;
        return true;
    }
    *ret_fault = (struct response_fault){c.at, c.expected};
    return false;
}
