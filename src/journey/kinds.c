/* SPDX-License-Identifier: ISC */
/*
 * The tables. A new kind or fact gets the next free code of its table, and a line here and in
 * kinds.h is all that it takes. They are searched from the front, by length first: an event needs
 * about ten look-ups, which together cost less than half a microsecond.
 */
#include "journey/kinds.h"

#define N(literal)                                                                                 \
    { ("" literal), sizeof(literal) - 1 }

#define CONVERSATION "client service"
#define ENVELOPE     "from to message-id subject size client helo tls login service"

/* clang-format off: tables */
const struct kind kind_table[] = {
    {N(KIND_CONNECT), 1, CONF_LOG_DEBUG, FATE_NONE, "Connected", CONVERSATION,
     "A client has connected."},
    {N(KIND_REFUSED), 2, CONF_LOG_INFO, FATE_NONE, "Refused", CONVERSATION " reply reason",
     "A client was sent away instead of being greeted."},
    {N(KIND_TLS), 3, CONF_LOG_DEBUG, FATE_NONE, "TLS", CONVERSATION " tls reason",
     "TLS has begun, or has failed."},
    {N(KIND_LOGIN), 4, CONF_LOG_INFO, FATE_NONE, "Login", CONVERSATION " login mechanism tls",
     "A user has logged in."},
    {N(KIND_LOGIN_FAILED), 5, CONF_LOG_WARNING, FATE_NONE, "Login failed",
     CONVERSATION " login mechanism reason", "Somebody could not log in."},
    {N(KIND_DISCONNECT), 6, CONF_LOG_DEBUG, FATE_NONE, "Disconnected", CONVERSATION " reason span",
     "A conversation has ended."},

    {N(KIND_ACCEPTED), 10, CONF_LOG_INFO, FATE_WAITING, "Accepted", ENVELOPE " dialogue",
     "A letter was taken; it is on the disk."},
    {N(KIND_REJECTED), 11, CONF_LOG_INFO, FATE_REFUSED, "Refused",
     "from to client helo tls login service reply reason dialogue",
     "A sender, a recipient or a whole letter was not taken."},
    {N(KIND_ABANDONED), 12, CONF_LOG_INFO, FATE_REFUSED, "Abandoned",
     "from to client service reason dialogue", "The client left before its letter was whole."},
    {N(KIND_REPORT), 13, CONF_LOG_INFO, FATE_NONE, "Report", "to child original reason",
     "A report to the sender was made: it is a letter of its own."},

    {N(KIND_QUEUED), 20, CONF_LOG_DEBUG, FATE_WAITING, "Queued", "from to size origin original",
     "The queue has the letter."},
    {N(KIND_ROUTE), 21, CONF_LOG_DEBUG, FATE_NONE, "Route", "to domain host reason",
     "Where an address leads, and why."},
    {N(KIND_EXPANDED), 22, CONF_LOG_INFO, FATE_PASSED_ON, "Passed on", "to targets reason child",
     "An address stands for others: an alias, a list, a forward."},
    {N(KIND_DELIVERED), 23, CONF_LOG_INFO, FATE_ARRIVED, "Delivered", "to account mailbox uid",
     "The letter is in a mailbox of this host."},
    {N(KIND_DEFERRED), 24, CONF_LOG_INFO, FATE_WAITING, "Deferred",
     "to domain host reply status reason attempts next dialogue",
     "It did not work now and is tried again."},
    {N(KIND_DELAYED), 25, CONF_LOG_INFO, FATE_NONE, "Delay told", "to report",
     "The sender was told that the letter still waits."},
    {N(KIND_BOUNCED), 26, CONF_LOG_INFO, FATE_FAILED, "Failed",
     "to domain host reply status reason report dialogue",
     "It cannot be delivered; the sender is told unless nobody wants to know."},
    {N(KIND_EXPIRED), 27, CONF_LOG_INFO, FATE_FAILED, "Given up",
     "to domain reply reason attempts report", "It was tried for as long as the settings say."},
    {N(KIND_HELD), 28, CONF_LOG_INFO, FATE_NONE, "Held", "by reason",
     "The letter stays in the queue until it is released."},
    {N(KIND_RELEASED), 29, CONF_LOG_INFO, FATE_NONE, "Released", "by", "The letter goes on."},
    {N(KIND_RETRIED), 30, CONF_LOG_INFO, FATE_NONE, "Tried now", "by",
     "Somebody asked for an attempt at once."},
    {N(KIND_REMOVED), 31, CONF_LOG_INFO, FATE_FAILED, "Removed", "to by report",
     "Somebody took the letter out of the queue."},
    {N(KIND_SETTLED), 32, CONF_LOG_DEBUG, FATE_NONE, "Settled", "span",
     "Nothing is left to do; the queue has let go of the letter."},

    {N(KIND_LOOKUP), 40, CONF_LOG_DEBUG, FATE_NONE, "DNS", "domain host answer",
     "What DNS was asked, and what it said."},
    {N(KIND_CONNECTED), 41, CONF_LOG_DEBUG, FATE_NONE, "Connected", "domain host tls",
     "There is a connection to another host."},
    {N(KIND_UNREACHABLE), 42, CONF_LOG_INFO, FATE_NONE, "No connection",
     "domain host reason dialogue", "Another host could not be reached, or would not talk."},
    {N(KIND_TRANSMISSION), 45, CONF_LOG_DEBUG, FATE_NONE, "Transmission", "domain dialogue",
     "A letter was offered to another host."},
    {N(KIND_TRANSMITTED), 43, CONF_LOG_INFO, FATE_ARRIVED, "Transmitted", "to host status reply",
     "Another host has taken the letter over."},
    {N(KIND_RESTING), 44, CONF_LOG_INFO, FATE_NONE, "Resting", "domain host next reason",
     "A destination is left alone for a while."},

    {N(KIND_SESSION), 50, CONF_LOG_INFO, FATE_NONE, "Session",
     "client service account letters octets fetched deleted span reason",
     "A reader's session has ended."},
    {N(KIND_FETCHED), 51, CONF_LOG_DEBUG, FATE_NONE, "Fetched", "client service account uid",
     "A reader has fetched the letter."},
    {N(KIND_DELETED), 52, CONF_LOG_INFO, FATE_NONE, "Deleted", "client service account mailbox uid",
     "A reader has deleted the letter."},

    {N(KIND_STARTED), 60, CONF_LOG_INFO, FATE_NONE, "Open", "", "The post office is open."},
    {N(KIND_STOPPED), 61, CONF_LOG_INFO, FATE_NONE, "Closed", "reason",
     "The post office is closed."},
    {N(KIND_PROCESS_STARTED), 62, CONF_LOG_DEBUG, FATE_NONE, "Process began", "process pid",
     "One of its processes works."},
    {N(KIND_PROCESS_ENDED), 63, CONF_LOG_WARNING, FATE_NONE, "Process ended", "process pid reason",
     "One of its processes has ended."},
    {N(KIND_LISTENING), 64, CONF_LOG_INFO, FATE_NONE, "Listening", "service",
     "A port takes connections."},
    {N(KIND_RELOAD), 65, CONF_LOG_INFO, FATE_NONE, "Settings", "count by",
     "The settings were read again."},
    {N(KIND_CHANGED), 66, CONF_LOG_INFO, FATE_NONE, "Changed", "account domain by",
     "A domain, an account or an alias was changed."},
    {N(KIND_CERTIFICATE), 67, CONF_LOG_INFO, FATE_NONE, "Certificate", "certificate expires",
     "A certificate was read, or will soon end."},
    {N(KIND_LOST), 68, CONF_LOG_WARNING, FATE_NONE, "Events lost", "count",
     "Events came faster than they could be written."},
    {N(KIND_DAMAGED), 69, CONF_LOG_ERROR, FATE_NONE, "Damage", "file reason", "A file is damaged."},
    {N(KIND_DEBUG), 70, CONF_LOG_DEBUG, FATE_NONE, "Detail", "", "For the curious."},
    {N(KIND_NOTICE), 71, CONF_LOG_INFO, FATE_NONE, "Notice", "reason", "Good to know."},
    {N(KIND_WARNING), 72, CONF_LOG_WARNING, FATE_NONE, "Warning", "reason",
     "Somebody should look at it soon."},
    {N(KIND_ERROR), 73, CONF_LOG_ERROR, FATE_NONE, "Error", "reason",
     "Somebody should look at it now."},
};

const struct fact fact_table[] = {
    {N(FACT_FROM), 1, FACT_IS_ADDRESSES, true, "From", "reverse-path; empty: a report"},
    {N(FACT_TO), 2, FACT_IS_ADDRESSES, true, "To", "recipients of whom the event tells"},
    {N(FACT_MESSAGE_ID), 3, FACT_IS_TEXT, true, "Message-ID", "as in the header"},
    {N(FACT_SUBJECT), 4, FACT_IS_HEADER, false, "Subject",
     "decoded; a part of it finds letters too"},
    {N(FACT_SIZE), 5, FACT_IS_SIZE, false, "Size", "of the letter"},
    {N(FACT_CLIENT), 6, FACT_IS_TEXT, false, "Client", "name and address of the other side"},
    {N(FACT_HELO), 7, FACT_IS_TEXT, false, "HELO", "how the client calls itself"},
    {N(FACT_TLS), 8, FACT_IS_TEXT, false, "TLS", "version and cipher; missing: without TLS"},
    {N(FACT_LOGIN), 9, FACT_IS_TEXT, false, "Login", "name used to log in"},
    {N(FACT_SERVICE), 10, FACT_IS_TEXT, false, "Service", "smtp, submission, pop3 ..."},
    {N(FACT_MECHANISM), 11, FACT_IS_TEXT, false, "Mechanism", "of the login"},
    {N(FACT_TARGETS), 12, FACT_IS_ADDRESSES, true, "Passed on to", "addresses instead"},
    {N(FACT_MAILBOX), 13, FACT_IS_TEXT, false, "Mailbox", "of the account"},
    {N(FACT_UID), 14, FACT_IS_NUMBER, false, "UID", "number within the mailbox"},
    {N(FACT_ACCOUNT), 15, FACT_IS_TEXT, false, "Account", "canonical address"},
    {N(FACT_DOMAIN), 16, FACT_IS_TEXT, false, "Domain", "next hop"},
    {N(FACT_HOST), 17, FACT_IS_TEXT, false, "Host", "name and address of the other host"},
    {N(FACT_ANSWER), 18, FACT_IS_TEXT, false, "Answer", "what DNS said"},
    {N(FACT_REPLY), 19, FACT_IS_TEXT, false, "Reply", "in the words of SMTP, with its codes"},
    {N(FACT_STATUS), 20, FACT_IS_TEXT, false, "Status", "enhanced status code (RFC 3463)"},
    {N(FACT_REASON), 21, FACT_IS_TEXT, false, "Reason", "why"},
    {N(FACT_ATTEMPTS), 22, FACT_IS_NUMBER, false, "Attempts", "so far"},
    {N(FACT_NEXT), 23, FACT_IS_TIME, false, "Next attempt", "when"},
    {N(FACT_REPORT), 24, FACT_IS_LETTER, false, "Report", "the letter that tells the sender"},
    {N(FACT_ORIGINAL), 25, FACT_IS_LETTER, false, "Belongs to",
     "the letter that this one is about or comes from"},
    {N(FACT_BY), 26, FACT_IS_TEXT, false, "By", "who asked for it"},
    {N(FACT_LETTERS), 27, FACT_IS_NUMBER, false, "Letters", "in the mailbox"},
    {N(FACT_OCTETS), 28, FACT_IS_SIZE, false, "Octets", "in the mailbox"},
    {N(FACT_FETCHED), 29, FACT_IS_NUMBER, false, "Fetched", "letters"},
    {N(FACT_DELETED), 30, FACT_IS_NUMBER, false, "Deleted", "letters"},
    {N(FACT_SPAN), 31, FACT_IS_SPAN, false, "Took", "how long"},
    {N(FACT_COUNT), 32, FACT_IS_NUMBER, false, "Count", "how many"},
    {N(FACT_PROCESS), 33, FACT_IS_TEXT, false, "Process", "role and worker"},
    {N(FACT_PID), 34, FACT_IS_NUMBER, false, "PID", "of the process"},
    {N(FACT_CERTIFICATE), 35, FACT_IS_TEXT, false, "Certificate", "names it is for"},
    {N(FACT_EXPIRES), 36, FACT_IS_TIME, false, "Valid until", "of the certificate"},
    {N(FACT_FILE), 37, FACT_IS_TEXT, false, "File", "of the state directory"},
    {N(FACT_CHILD), 39, FACT_IS_LETTER, false, "Goes on in", "a letter made of this one"},
    {N(FACT_ORIGIN), 40, FACT_IS_TEXT, false, "Origin", "outside, user, host, report, expansion"},
    {N(FACT_DIALOGUE), 38, FACT_IS_DIALOGUE, false, "Dialogue", "what both sides said"},
};
/* clang-format on */

const size_t kind_count = ARRAY_SIZE(kind_table);
const size_t fact_count = ARRAY_SIZE(fact_table);

const struct kind *kind_find(struct slice name) {
    for (size_t i = 0; i < ARRAY_SIZE(kind_table); i++) {
        if (kind_table[i].name.len == name.len && slice_eq(kind_table[i].name, name))
            return &kind_table[i];
    }
    return NULL;
}

const struct kind *kind_of_code(uint8_t code) {
    for (size_t i = 0; i < ARRAY_SIZE(kind_table); i++) {
        if (kind_table[i].code == code)
            return &kind_table[i];
    }
    return NULL;
}

const struct fact *fact_find(struct slice name) {
    for (size_t i = 0; i < ARRAY_SIZE(fact_table); i++) {
        if (fact_table[i].name.len == name.len && slice_eq(fact_table[i].name, name))
            return &fact_table[i];
    }
    return NULL;
}

const struct fact *fact_of_code(uint8_t code) {
    for (size_t i = 0; i < ARRAY_SIZE(fact_table); i++) {
        if (fact_table[i].code == code)
            return &fact_table[i];
    }
    return NULL;
}

enum conf_log_level kind_level(struct slice name) {
    const struct kind *k = kind_find(name);
    return k ? k->level : CONF_LOG_INFO;
}

const char *level_name(enum conf_log_level level) {
    static const char *const names[] = {
        [CONF_LOG_ERROR] = "error",
        [CONF_LOG_WARNING] = "warning",
        [CONF_LOG_INFO] = "info",
        [CONF_LOG_DEBUG] = "debug",
    };
    return level < ARRAY_SIZE(names) ? names[level] : "info";
}
