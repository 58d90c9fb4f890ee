/* SPDX-License-Identifier: ISC */
/*
 * The tables. A new kind or fact gets the code one above the greatest of its table (those that are
 * missing below were once used), a line here and in kinds.h, and a kind its sentence in
 * journey/describe.c. They are searched from the front, by length first: an event needs about ten
 * look-ups, which together cost less than half a microsecond. The names of the facts that go with a
 * kind are what scripts rely on: tests/cli compares them with what a server that runs gives.
 */
#include "events/kinds.h"

#include "base/words.h"

#define N(literal)                                                                                 \
    { ("" literal), sizeof(literal) - 1 }

#define ENVELOPE "from to message-id subject size client helo tls login service"

/* clang-format off: tables */
const struct kind kind_table[] = {
    {N(KIND_TLS), 3, CONF_LOG_DEBUG, DISPOSITION_NONE, N_("TLS"), "client service reason",
     "TLS has begun, or has failed."},
    {N(KIND_LOGIN), 4, CONF_LOG_INFO, DISPOSITION_NONE, N_("Login"), "client service login",
     "A user has logged in."},
    {N(KIND_LOGIN_FAILED), 5, CONF_LOG_WARNING, DISPOSITION_NONE, N_("Login failed"),
     "client service login reason", "Somebody could not log in."},

    {N(KIND_ACCEPTED), 10, CONF_LOG_INFO, DISPOSITION_WAITING, N_("Accepted"),
     ENVELOPE " reply dialogue", "A message was accepted; it is on the disk."},
    {N(KIND_REJECTED), 11, CONF_LOG_INFO, DISPOSITION_REFUSED, N_("Refused"),
     ENVELOPE " reply dialogue", "A sender, a recipient or a whole message was refused."},
    {N(KIND_ABANDONED), 12, CONF_LOG_INFO, DISPOSITION_REFUSED, N_("Abandoned"),
     ENVELOPE " reason dialogue", "The client left before its message was whole."},
    {N(KIND_JUDGED), 82, CONF_LOG_INFO, DISPOSITION_NONE, N_("Judged"),
     "verdict iprev spf dkim arc dmarc", "It was judged who has sent the message."},
    {N(KIND_REPORT), 13, CONF_LOG_INFO, DISPOSITION_NONE, N_("Report"), "report",
     "A report to the sender was made: it is a message of its own."},

    {N(KIND_QUEUED), 20, CONF_LOG_DEBUG, DISPOSITION_WAITING, N_("Queued"),
     "from to size origin original", "The queue has the message."},
    {N(KIND_EXPANDED), 22, CONF_LOG_INFO, DISPOSITION_PASSED_ON, N_("Passed on"),
     "to targets child", "An address stands for others: an alias, a list, a forward."},
    {N(KIND_DELIVERED), 23, CONF_LOG_INFO, DISPOSITION_ARRIVED, N_("Delivered"),
     "to account mailbox", "The message is in a mailbox of this host."},
    {N(KIND_DEFERRED), 24, CONF_LOG_INFO, DISPOSITION_WAITING, N_("Deferred"),
     "to host status reply attempts next", "It did not work now and is tried again."},
    {N(KIND_BOUNCED), 26, CONF_LOG_INFO, DISPOSITION_FAILED, N_("Failed"), "to host status reply",
     "It cannot be delivered, or not in the time that the settings give; the sender is told."},
    {N(KIND_HELD), 28, CONF_LOG_INFO, DISPOSITION_NONE, N_("Held"), "by",
     "The message stays in the queue until it is released."},
    {N(KIND_RELEASED), 29, CONF_LOG_INFO, DISPOSITION_NONE, N_("Released"), "by",
     "The message goes on."},
    {N(KIND_RETRIED), 30, CONF_LOG_INFO, DISPOSITION_NONE, N_("Tried now"), "by",
     "Somebody asked for an attempt at once."},
    {N(KIND_REMOVED), 31, CONF_LOG_INFO, DISPOSITION_FAILED, N_("Removed"), "to by",
     "Somebody removed the message from the queue."},
    {N(KIND_SETTLED), 32, CONF_LOG_DEBUG, DISPOSITION_NONE, N_("Settled"), "",
     "Nothing is left to do; the queue has let go of the message."},
    {N(KIND_SENDS), 33, CONF_LOG_INFO, DISPOSITION_NONE, N_("Sends"), "account child",
     "The rules of a mailbox send a message: they send this one on, or answer it."},

    {N(KIND_LOOKUP), 40, CONF_LOG_DEBUG, DISPOSITION_NONE, N_("DNS"), "",
     "What DNS was asked, and what it said."},
    {N(KIND_CONNECTED), 41, CONF_LOG_DEBUG, DISPOSITION_NONE, N_("Connected"), "",
     "There is a connection to another host."},
    {N(KIND_UNREACHABLE), 42, CONF_LOG_INFO, DISPOSITION_NONE, N_("No connection"), "",
     "Another host could not be reached, or would not talk."},
    {N(KIND_PUT_OFF), 46, CONF_LOG_INFO, DISPOSITION_NONE, N_("Put off"), "",
     "Another host did not take the message now; the next one is tried."},
    {N(KIND_TRANSMISSION), 45, CONF_LOG_DEBUG, DISPOSITION_NONE, N_("Transmission"),
     "domain dialogue", "A message was offered to another host."},
    {N(KIND_TRANSMITTED), 43, CONF_LOG_INFO, DISPOSITION_ARRIVED, N_("Transmitted"),
     "to host status reply", "Another host has taken the message over."},

    {N(KIND_SESSION), 50, CONF_LOG_INFO, DISPOSITION_NONE, N_("Session"),
     "login client service fetched stored removed reason",
     "A reader's session has ended, or did not begin."},
    {N(KIND_RESTORED), 75, CONF_LOG_INFO, DISPOSITION_NONE, N_("Restored"), "by account messages",
     "Somebody brought deleted messages back into a mailbox."},
    {N(KIND_MAILBOX), 76, CONF_LOG_INFO, DISPOSITION_NONE, N_("Mailbox"),
     "by account change mailbox before after",
     "Somebody made, renamed or deleted a mailbox by command, or changed who may do what in it; or "
     "a "
     "mail program renamed or deleted one."},
    {N(KIND_COPIED), 77, CONF_LOG_INFO, DISPOSITION_NONE, N_("Copied"),
     "by account mailbox into messages", "Somebody copied messages by command."},
    {N(KIND_MOVED), 78, CONF_LOG_INFO, DISPOSITION_NONE, N_("Moved"),
     "by account mailbox into messages", "Somebody moved messages by command."},
    {N(KIND_DELETED), 79, CONF_LOG_INFO, DISPOSITION_NONE, N_("Deleted"),
     "by account mailbox messages", "Somebody deleted messages by command."},
    {N(KIND_SHOWN), 80, CONF_LOG_INFO, DISPOSITION_NONE, N_("Looked at"),
     "by account mailbox messages", "Somebody looked at a message by command."},
    {N(KIND_LEFT), 81, CONF_LOG_DEBUG, DISPOSITION_NONE, N_("Left"),
     "login client service account mailbox into messages",
     "A reader moved a message to another mailbox, or deleted it."},

    {N(KIND_STARTED), 60, CONF_LOG_INFO, DISPOSITION_NONE, N_("Open"), "", "The server is ready."},
    {N(KIND_PROCESS_ENDED), 63, CONF_LOG_WARNING, DISPOSITION_NONE, N_("Process ended"), "",
     "One of its processes has ended."},
    {N(KIND_RELOAD), 65, CONF_LOG_INFO, DISPOSITION_NONE, N_("Settings"), "",
     "The settings were read again."},
    {N(KIND_CHANGED), 74, CONF_LOG_INFO, DISPOSITION_NONE, N_("Changed"),
     "by change name before after",
     "Somebody changed an account, an alias, a domain or a setting."},
    {N(KIND_LOST), 68, CONF_LOG_WARNING, DISPOSITION_NONE, N_("Events lost"), "",
     "Events came faster than they could be written."},
    {N(KIND_DAMAGED), 69, CONF_LOG_ERROR, DISPOSITION_NONE, N_("Damage"), "", "A file is damaged."},
    {N(KIND_WARNING), 72, CONF_LOG_WARNING, DISPOSITION_NONE, N_("Warning"), "",
     "Somebody should look at it soon."},
    {N(KIND_ERROR), 73, CONF_LOG_ERROR, DISPOSITION_NONE, N_("Error"), "",
     "Somebody should look at it now."},
};

const struct fact fact_table[] = {
    {N(FACT_FROM), 1, FACT_IS_ADDRESSES, true, N_("From"), "reverse-path; empty: a report"},
    {N(FACT_TO), 2, FACT_IS_ADDRESSES, true, N_("To"), "recipients of whom the event tells"},
    {N(FACT_MESSAGE_ID), 3, FACT_IS_TEXT, true, N_("Message-ID"), "as in the header"},
    {N(FACT_SUBJECT), 4, FACT_IS_HEADER, false, N_("Subject"),
     "decoded; a part of it finds messages too"},
    {N(FACT_SIZE), 5, FACT_IS_SIZE, false, N_("Size"), "of the message"},
    {N(FACT_CLIENT), 6, FACT_IS_TEXT, false, N_("Client"), "name and address of the other side"},
    {N(FACT_HELO), 7, FACT_IS_TEXT, false, N_("HELO"), "how the client calls itself"},
    {N(FACT_TLS), 8, FACT_IS_TEXT, false, N_("TLS"), "its version; missing: without TLS"},
    {N(FACT_LOGIN), 9, FACT_IS_TEXT, false, N_("Login"), "name used to log in"},
    {N(FACT_SERVICE), 10, FACT_IS_TEXT, false, N_("Service"), "smtp, submission, pop3, imap ..."},
    {N(FACT_TARGETS), 12, FACT_IS_ADDRESSES, true, N_("Passed on to"), "addresses instead"},
    {N(FACT_ACCOUNT), 15, FACT_IS_TEXT, false, N_("Account"), "canonical address"},
    {N(FACT_DOMAIN), 16, FACT_IS_TEXT, false, N_("Domain"), "next hop"},
    {N(FACT_HOST), 17, FACT_IS_TEXT, false, N_("Host"), "name and address of the other host"},
    {N(FACT_REPLY), 19, FACT_IS_TEXT, false, N_("Reply"), "in the words of SMTP, with its codes"},
    {N(FACT_STATUS), 20, FACT_IS_TEXT, false, N_("Status"), "enhanced status code (RFC 3463)"},
    {N(FACT_REASON), 21, FACT_IS_TEXT, false, N_("Reason"), "why"},
    {N(FACT_ATTEMPTS), 22, FACT_IS_NUMBER, false, N_("Attempts"), "so far"},
    {N(FACT_NEXT), 23, FACT_IS_TIME, false, N_("Next attempt"), "when"},
    {N(FACT_REPORT), 24, FACT_IS_MESSAGE, false, N_("Report"), "the message that tells the sender"},
    {N(FACT_ORIGINAL), 25, FACT_IS_MESSAGE, false, N_("Belongs to"),
     "the message that this one is about or comes from"},
    {N(FACT_CHILD), 39, FACT_IS_MESSAGE, false, N_("Goes on in"), "a message made of this one"},
    {N(FACT_ORIGIN), 40, FACT_IS_TEXT, false, N_("Origin"),
     "outside, user, host, report, expansion"},
    {N(FACT_BY), 41, FACT_IS_TEXT, false, N_("By"),
     "who changed it: a user of this host, \"root (sudo: tama)\""},
    {N(FACT_CHANGE), 42, FACT_IS_TEXT, false, N_("Change"),
     "account.quota, alias.set, setting ...; of a mailbox: create, rename, remove, rights"},
    {N(FACT_NAME), 43, FACT_IS_TEXT, false, N_("Name"), "the account, alias, domain or setting"},
    {N(FACT_BEFORE), 44, FACT_IS_TEXT, false, N_("Before"), "what it was; never a secret"},
    {N(FACT_AFTER), 45, FACT_IS_TEXT, false, N_("After"), "what it is now; never a secret"},
    {N(FACT_MESSAGES), 46, FACT_IS_TEXT, false, N_("Messages"),
     "of a mailbox: its number and the UIDs that they had, 1:23"},
    {N(FACT_FETCHED), 47, FACT_IS_NUMBER, false, N_("Fetched"), "messages, in a session"},
    {N(FACT_REMOVED), 48, FACT_IS_NUMBER, false, N_("Removed"), "messages, in a session"},
    {N(FACT_STORED), 49, FACT_IS_NUMBER, false, N_("Stored"), "messages, in a session"},
    {N(FACT_MAILBOX), 50, FACT_IS_TEXT, false, N_("Mailbox"), "its name, with those above it"},
    {N(FACT_INTO), 51, FACT_IS_TEXT, false, N_("Into"), "the mailbox in which messages are then"},
    {N(FACT_VERDICT), 52, FACT_IS_FINDING, false, N_("Verdict"),
     "taken, junk, put off, refused; and why"},
    {N(FACT_IPREV), 53, FACT_IS_FINDING, false, "iprev", "RFC 8601"},
    {N(FACT_SPF), 54, FACT_IS_FINDING, false, "SPF", "RFC 7208"},
    {N(FACT_DKIM), 55, FACT_IS_FINDING, false, "DKIM", "RFC 6376, of each signature"},
    {N(FACT_ARC), 56, FACT_IS_FINDING, false, "ARC", "RFC 8617"},
    {N(FACT_DMARC), 57, FACT_IS_FINDING, false, "DMARC", "RFC 9989"},
    {N(FACT_DIALOGUE), 38, FACT_IS_DIALOGUE, false, N_("Dialogue"), "what both sides said"},
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
