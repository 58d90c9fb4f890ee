/* SPDX-License-Identifier: ISC */
/*
 * "{to}" stands for the value of a fact. The first row of a kind whose condition holds and whose
 * facts are all there is the sentence; so rows that tell more come first.
 */
#include "journey/describe.h"

#include "base/words.h"
#include "events/kinds.h"
#include "journey/record.h"
#include "journey/value.h"

struct sentence {
    const char *kind;
    const char *fact, *value; /* the condition: it has this fact, and of this value; NULL: any */
    const char *words;
};

static const struct sentence sentences[] = {
    {KIND_LOGIN, NULL, NULL, N_("{login} logged in from {client} for {service}.")},
    {KIND_LOGIN_FAILED, NULL, NULL,
     N_("A login from {client} for {service} as \"{login}\" failed.")},
    {KIND_TLS, FACT_REASON, NULL, N_("TLS with {client} failed: {reason}.")},

    {KIND_ACCEPTED, NULL, NULL, N_("A message from {client}, sender {from}, was taken.")},
    {KIND_ABANDONED, NULL, NULL, N_("A message from {client}, sender {from}, was broken off.")},
    {KIND_REJECTED, FACT_DIALOGUE, NULL,
     N_("A message from {client}, sender {from}, was not taken.")},
    {KIND_REJECTED, NULL, NULL, N_("A message from {client} to {to} was refused: {reply}")},
    {KIND_REJECTED, NULL, NULL, N_("A message from {client}, sender {from}, was refused.")},
    {KIND_JUDGED, NULL, NULL, N_("Who has sent it: {verdict}")},
    {KIND_REPORT, NULL, NULL, N_("A report is on its way: message {report}")},

    {KIND_QUEUED, FACT_ORIGIN, "report", N_("Report from {from} for {to}, {size}: on the disk")},
    {KIND_QUEUED, FACT_ORIGIN, "expansion",
     N_("Message to the targets of an alias, from {from} for {to}, {size}: on the disk")},
    {KIND_QUEUED, FACT_ORIGIN, "mailbox",
     N_("Message of a mailbox's rules, from {from} for {to}, {size}: on the disk")},
    {KIND_QUEUED, NULL, NULL, N_("Message from {from} for {to}, {size}: on the disk")},
    {KIND_EXPANDED, FACT_CHILD, NULL, N_("Goes on to the targets of an alias: message {child}")},
    {KIND_EXPANDED, NULL, NULL, N_("{to}: goes on to {targets}")},
    {KIND_EXPANDED, NULL, NULL, N_("{to}: goes on to the same addresses as a recipient before it")},
    {KIND_DELIVERED, FACT_MAILBOX, NULL, N_("{to}: in the mailbox {mailbox} of {account}")},
    {KIND_DELIVERED, NULL, NULL, N_("{to}: in the mailbox of {account}")},
    {KIND_DEFERRED, NULL, NULL,
     N_("{to}: not yet ({reply}); attempt {attempts}, next one at {next}")},
    {KIND_BOUNCED, NULL, NULL, N_("{to}: given up ({reply})")},
    {KIND_HELD, NULL, NULL, N_("Put on hold by {by}")},
    {KIND_HELD, NULL, NULL, N_("On hold until it is released")},
    {KIND_RELEASED, NULL, NULL, N_("Released by {by}")},
    {KIND_RETRIED, NULL, NULL, N_("To be tried at once, says {by}")},
    {KIND_REMOVED, NULL, NULL, N_("Removed by {by}")},
    {KIND_SETTLED, NULL, NULL, N_("All recipients are settled")},
    {KIND_SENDS, NULL, NULL,
     N_("Sends a message by the rules of the mailbox of {account}: message {child}")},

    {KIND_TRANSMISSION, NULL, NULL, N_("Transmission to {domain}")},
    {KIND_TRANSMITTED, NULL, NULL, N_("{to}: taken over by {host} ({reply})")},

    {KIND_RESTORED, NULL, NULL, N_("{by} brought back deleted messages of {account} ({messages})")},
    {KIND_MAILBOX, FACT_CHANGE, "create", N_("{by} made the mailbox {mailbox} of {account}")},
    {KIND_MAILBOX, FACT_CHANGE, "rename",
     N_("{by} renamed the mailbox {mailbox} of {account} to {after}")},
    {KIND_MAILBOX, FACT_CHANGE, "remove", N_("{by} deleted the mailbox {mailbox} of {account}")},
    {KIND_MAILBOX, FACT_CHANGE, "rights",
     N_("{by} changed who may do what in the mailbox {mailbox} of {account} ({before}, now"
        " {after})")},
    {KIND_COPIED, NULL, NULL,
     N_("{by} copied messages of {account} from the mailbox {mailbox} to {into} ({messages})")},
    {KIND_MOVED, NULL, NULL,
     N_("{by} moved messages of {account} from the mailbox {mailbox} to {into} ({messages})")},
    {KIND_DELETED, NULL, NULL,
     N_("{by} deleted messages of {account} from the mailbox {mailbox} ({messages})")},
    {KIND_LEFT, FACT_INTO, NULL,
     N_("{login} moved {messages} from the mailbox {mailbox} of {account} to {into} ({service} from"
        " {client})")},
    {KIND_LEFT, NULL, NULL,
     N_("{login} deleted {messages} from the mailbox {mailbox} of {account} ({service} from"
        " {client})")},
    {KIND_SHOWN, NULL, NULL,
     N_("{by} looked at message {messages} in the mailbox {mailbox} of {account}")},
    {KIND_SESSION, FACT_REASON, SESSION_IN_USE,
     N_("A session of {login} from {client} for {service} did not begin, since another one has the"
        " mailbox open.")},
    {KIND_SESSION, FACT_REASON, SESSION_LOGIN_ENDED,
     N_("A session of {login} from {client} for {service} was ended, since its login counts no"
        " more.")},
    {KIND_SESSION, FACT_REASON, SESSION_CROWDED,
     N_("A session of {login} from {client} for {service} was ended, since the account has too "
        "many,"
        " and it was silent.")},
    {KIND_SESSION, FACT_REASON, SESSION_LOGIN_ENDED,
     N_("A session from {client} for {service} was ended, since its login counts no more.")},
    {KIND_SESSION, FACT_REASON, SESSION_TRUST_ENDED,
     N_("A connection from {client} for {service} was ended, since its network is trusted no"
        " more.")},
    {KIND_SESSION, FACT_REASON, NULL,
     N_("{login} fetched {fetched} and removed {removed} messages by {service} from {client}; then"
        " it failed: {reason}")},
    {KIND_SESSION, FACT_REASON, NULL,
     N_("A session of {login} from {client} for {service} did not begin: {reason}")},
    {KIND_SESSION, FACT_STORED, NULL,
     N_("{login} fetched {fetched}, stored {stored} and removed {removed} messages by {service}"
        " from {client}.")},
    {KIND_SESSION, NULL, NULL,
     N_("{login} fetched {fetched} and removed {removed} messages by {service} from {client}.")},

    {KIND_CHANGED, FACT_CHANGE, "account.add", N_("{by} added the account {name}")},
    {KIND_CHANGED, FACT_CHANGE, "account.remove", N_("{by} removed the account {name}")},
    {KIND_CHANGED, FACT_CHANGE, "account.restore", N_("{by} brought back the account {name}")},
    {KIND_CHANGED, FACT_CHANGE, "account.purge",
     N_("{by} gave up for ever the removed account {name}")},
    {KIND_CHANGED, FACT_CHANGE, "account.enabled",
     N_("{by} changed whether the account {name} is enabled")},
    {KIND_CHANGED, FACT_CHANGE, "account.admin",
     N_("{by} changed whether the account {name} is an administrator")},
    {KIND_CHANGED, FACT_CHANGE, "account.quota", N_("{by} changed the quota of {name}")},
    {KIND_CHANGED, FACT_CHANGE, "account.limits", N_("{by} changed the limits of {name}")},
    {KIND_CHANGED, FACT_CHANGE, "account.send-as",
     N_("{by} changed under which addresses {name} may send")},
    {KIND_CHANGED, FACT_CHANGE, "account.name", N_("{by} changed the person's name of {name}")},
    {KIND_CHANGED, FACT_CHANGE, "account.password", N_("{by} set the password of {name}")},
    {KIND_CHANGED, FACT_CHANGE, "account.apop", N_("{by} changed the APOP secret of {name}")},
    {KIND_CHANGED, FACT_CHANGE, "alias.set", N_("{by} changed the alias {name}")},
    {KIND_CHANGED, FACT_CHANGE, "alias.remove", N_("{by} took targets out of the alias {name}")},
    {KIND_CHANGED, FACT_CHANGE, "domain.add", N_("{by} added the domain {name}")},
    {KIND_CHANGED, FACT_CHANGE, "domain.remove", N_("{by} removed the domain {name}")},
    {KIND_CHANGED, FACT_CHANGE, "domain.catch-all", N_("{by} changed the catch-all of {name}")},
    {KIND_CHANGED, FACT_CHANGE, "dkim.make",
     N_("DKIM keys of {name} are there; they sign as soon as DNS shows them (hayauma dns)")},
    {KIND_CHANGED, FACT_CHANGE, "dkim.rotate",
     N_("{by} made new DKIM keys of {name}; they sign a day after DNS shows them (hayauma dns)")},
    {KIND_CHANGED, FACT_CHANGE, "dkim.seen", N_("DNS shows a new DKIM key of {name}")},
    {KIND_CHANGED, FACT_CHANGE, "setting", N_("{by} changed the setting {name}")},
    {KIND_CHANGED, FACT_CHANGE, "setting", N_("The setting {name} was changed in its file")},
};

/* Behind the sentence of a change: what was and what is. */
static const char *const changes[] = {N_(" ({before}, now {after})"), N_(" ({after})"),
                                      N_(" ({before})")};

/* One address, or how many there are. */
static void add_addresses(struct buf *to, struct slice value) {
    struct slice rest = value, address, first = {0};
    size_t count = 0;
    while (event_next_address(&rest, &address)) {
        first = count == 0 ? address : first;
        count++;
    }
    if (count > 1)
        buf_printf(to, P_("%zu address", "%zu addresses", count), count);
    else
        buf_add(to, first);
}

/* The null sender is one, too. */
static bool add_value(struct buf *to, const struct event *e, struct slice name) {
    const struct fact *fact = fact_find(name);
    struct slice value = fact ? event_value(e, fact->name.ptr) : (struct slice){0};
    if (value.ptr && value.len == 0 && slice_eq(name, S(FACT_FROM)))
        return buf_add_str(to, "<>"), true;
    if (value.len == 0)
        return false;
    if (fact->type == FACT_IS_ADDRESSES)
        add_addresses(to, value);
    else
        value_words(to, fact, slice_trim_lines(value), e->wall);
    return true;
}

static bool is_beyond_ascii(char byte) {
    return (unsigned char)byte >= 0x80;
}

/*
 * False when a fact is missing. The blank behind one parts Latin letters from Japanese; a value
 * that ends in Japanese itself, such as a number of addresses, has none behind it.
 */
static bool fill(struct buf *to, const struct event *e, const char *words) {
    struct slice rest = slice_of_str(words);
    ssize_t open, end;
    while ((open = slice_find_byte(rest, '{')) >= 0 && (end = slice_find_byte(rest, '}')) > open) {
        buf_add(to, slice_first(rest, (size_t)open));
        if (!add_value(to, e, slice_from(slice_first(rest, (size_t)end), (size_t)open + 1)))
            return false;
        rest = slice_from(rest, (size_t)end + 1);
        if (to->len > 0 && is_beyond_ascii(to->ptr[to->len - 1]) && rest.len > 1 &&
            rest.ptr[0] == ' ' && is_beyond_ascii(rest.ptr[1]))
            rest = slice_from(rest, 1);
    }
    buf_add(to, rest);
    return true;
}

static bool holds(const struct sentence *s, const struct event *e) {
    if (!slice_eq(e->kind, slice_of_str(s->kind)))
        return false;
    struct slice value = s->fact ? event_value(e, s->fact) : S("-");
    return value.len > 0 && (!s->value || slice_eq(value, slice_of_str(s->value)));
}

/* All or nothing. */
static bool fill_whole(struct buf *to, const struct event *e, const char *words) {
    size_t before = to->len;
    bool whole = fill(to, e, translated(words));
    if (!whole)
        to->len = before;
    return whole;
}

bool describe_from_facts(struct buf *to, const struct event *e) {
    bool said = false, told = !slice_eq(e->kind, S(KIND_CHANGED));
    for (size_t i = 0; i < ARRAY_SIZE(sentences) && !said; i++)
        said = holds(&sentences[i], e) && fill_whole(to, e, sentences[i].words);
    for (size_t i = 0; i < ARRAY_SIZE(changes) && said && !told; i++)
        told = fill_whole(to, e, changes[i]);
    return said;
}

void describe_event(struct buf *to, const struct event *e) {
    if (!words_are_japanese() || !describe_from_facts(to, e))
        buf_add(to, e->text);
}
