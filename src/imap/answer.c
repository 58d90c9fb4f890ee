/* SPDX-License-Identifier: ISC */
/* What a client is told of errors of the store (RFC 5530 has the codes). */
#include "imap/session_inside.h"
#include "imap/words.h"

#include <errno.h>

void imap_no(struct imap_session *s, const struct imap_command *command, int error) {
    static const struct {
        int error;
        const char *code, *text;
    } answers[] = {
        {-E_UNKNOWN, "NONEXISTENT", "there is no mailbox of that name"},
        {-E_LIMIT, "LIMIT", "that is more than there may be here"},
        {-ENOSPC, "UNAVAILABLE", "the server has no room just now, try again later"},
        {-EACCES, "NOPERM", "the rights that you have there do not allow it"},
        {-E_SYNTAX, "CANNOT", "this name or keyword cannot be"},
        {-E_CORRUPT, "CORRUPTION", "the mailbox is damaged here"},
    };
    if (s->end != DOOR_END_NONE)
        return;
    if (error == -E_LIMIT && imap_brings_message(command)) {
        imap_say(&s->c, command->tag, "NO", "OVERQUOTA", "the account has no room for it");
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        if (answers[i].error == error) {
            imap_say(&s->c, command->tag, "NO", answers[i].code, "%s", answers[i].text);
            return;
        }
    }
    imap_say(&s->c, command->tag, "NO", "UNAVAILABLE", "it did not work just now, try again later");
}

static void say_why(struct imap_session *s, const char *why) WAITS {
    const char *japanese = s->c.writer.japanese ? imap_japanese(slice_of_str(why)) : NULL;
    imap_say(&s->c, S("*"), "BYE", NULL, "%s, closing", japanese ? japanese : why);
}

void imap_end_by(struct imap_session *s, int error) {
    if (error == -ETIMEDOUT)
        imap_say(&s->c, S("*"), "BYE", NULL, "nothing was said for too long, closing");
    else if (error == -ECANCELED && s->config->ended && *s->config->ended)
        say_why(s, *s->config->ended);
    s->end = error == -ETIMEDOUT ? DOOR_END_DISMISSED : door_end_of(error);
}
