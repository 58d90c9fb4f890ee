/* SPDX-License-Identifier: ISC */
/*
 * Letters that are held: how many, and what people are told. Those of strangers that went in
 * circles (settle.c) are bounded together. When there are as many as may be, further ones that look
 * like them are put off before their 250, so that nothing that was taken has to be thrown away.
 *
 * Others are held because their user has sent too much (directory/sending.h). They come into
 * the spool on hold, in one commit, and wait for `hayauma queue release`. How many of one user may
 * wait is bounded, so that nobody fills the disk with them. When it begins the user is written to,
 * and so are the administrators: two letters of their own, since a stranger who has the password
 * need not see what the administrators are told.
 */
#include <errno.h>

#include "letter/compose.h"
#include "letter/submission.h"
#include "queue/internal.h"

/* ------------------------------------------------------------------ the bound */

struct holding {
    struct slice login;
    unsigned count;
    uint64_t bytes;
};

static int add_held(void *arg, struct spool_letter *letter) {
    struct holding *h = arg;
    _cleanup_(arena_done) struct arena a = {0};
    struct spool_envelope envelope;
    if (!letter->hold)
        return 0;
    spool_envelope(letter, &a, &envelope);
    if (slice_eq(envelope.login, h->login)) {
        h->count++;
        h->bytes += letter->size;
    }
    return 0;
}

static int add_loop(void *arg, struct spool_letter *letter) {
    struct queue *q = arg;
    _cleanup_(arena_done) struct arena a = {0};
    struct spool_envelope envelope;
    struct queue_extra extra;
    if (!letter->hold)
        return 0;
    spool_envelope(letter, &a, &envelope);
    extra_decode(envelope.extra, &extra);
    if (extra.stranger || envelope.origin == QUEUE_FROM_OUTSIDE ||
        envelope.origin == QUEUE_MADE_REPORT)
        held_loops_add(q, letter->size);
    return 0;
}

void held_loops_add(struct queue *q, uint64_t size) {
    q->loops.count++;
    q->loops.bytes += size;
}

bool held_loops_full(struct queue *q) {
    usec_t now = fiber_now();
    if (q->loops.looked == 0 || now - q->loops.looked >= USEC_SEC) {
        q->loops.looked = now;
        q->loops.count = 0;
        q->loops.bytes = 0;
        (void)spool_each(q->spool, add_loop, q);
    }
    return q->loops.count >= q->options.loops_held_max ||
           q->loops.bytes >= q->options.loops_held_size_max;
}

int held_check(struct queue *q, const struct queue_letter *letter, struct problem *problem) {
    struct holding h = {.login = letter->login};
    bool stranger = letter->origin == QUEUE_FROM_OUTSIDE;
    if (stranger && (letter->shape & QUEUE_TRAVELLED) && held_loops_full(q))
        return problem_set(problem, -E_REFUSED, "%u messages that went in circles are held already",
                           q->loops.count);
    if (!letter->hold)
        return 0;
    (void)spool_each(q->spool, add_held, &h);
    if (h.count < q->options.held_max && h.bytes < q->options.held_size_max)
        return 0;
    return problem_set(problem, -E_REFUSED, "%u messages of %.*s are held already", h.count,
                       SLICE_ARG(letter->login));
}

/* ------------------------------------------------------------------ taking it */

int held_into_spool(struct queue *q, const struct queue_letter *letter,
                    const struct spool_envelope *envelope, const struct spool_content *content) {
    _cleanup_(arena_done) struct arena a = {0};
    struct spool_recipient_state *recipients = arena_array(&a, letter->count, sizeof *recipients);
    for (size_t i = 0; i < letter->count; i++)
        recipients[i] = (struct spool_recipient_state){.index = (uint32_t)i, .status = STATUS_NEW};
    recipients[0].reply = slice_first(letter->reason, REPLY_MAX);
    struct spool_state state = {.hold = true, .recipients = recipients, .count = letter->count};
    struct spool_change changes[] = {
        {.kind = SPOOL_LETTER, .id = letter->id, .envelope = envelope, .content = *content},
        {.kind = SPOOL_STATE, .id = letter->id, .state = &state},
    };
    if (spool_is_full(q->spool, content->large ? 0 : content->bytes.len))
        return -ENOSPC;
    return spool_update(q->spool, changes, ARRAY_SIZE(changes));
}

/* ------------------------------------------------------------------ notices */

static const char to_user[] =
    "Your account %.*s has sent more than it may: %.*s.\n"
    "This message and those that follow are held back on %.*s until an\n"
    "administrator has looked at them; they are not lost. The administrators\n"
    "have been told.\n"
    "\n"
    "If it was not you who sent so much, somebody else knows your password: tell\n"
    "your administrator at once, who gives you a new one.\n"
    "\n"
    "あなたのアカウント %.*s から、決められた量を超えるメールが送信されました。\n"
    "超えた分のメールは、管理者が確認するまでサーバー %.*s で保留されます。\n"
    "失われることはありません。管理者にも通知しました。\n"
    "\n"
    "心当たりがない場合は、パスワードが盗まれた可能性があります。すぐに管理者に\n"
    "連絡し、新しいパスワードを受け取ってください。\n";

static const char to_administrators[] =
    "The account %.*s has sent more than it may: %.*s.\n"
    "Its messages beyond that are held in the queue of %.*s. If somebody has\n"
    "stolen the password:\n"
    "\n"
    "    hayauma account disable %.*s\n"
    "    hayauma queue remove --login %.*s\n"
    "\n"
    "If all is well, send them, or give the account limits of its own:\n"
    "\n"
    "    hayauma queue release --login %.*s\n"
    "    hayauma account limits %.*s\n"
    "\n"
    "アカウント %.*s から、決められた量を超えるメールが送信されました。\n"
    "超えた分のメールはキューに保留しています。パスワードが盗まれた場合は、\n"
    "上の account disable と queue remove を実行してください。問題がなければ\n"
    "queue release で送り出せます。上限は account limits で変えられます。\n";

static void compose_notice(struct queue *q, letter_id id, struct slice recipient,
                           struct slice subject, struct slice text, struct buf *to) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice host = q->options.hostname;
    struct address daemon = {.local = S("MAILER-DAEMON"), .domain = host};
    struct address reader = address_of(&a, recipient);
    if (reader.domain.len == 0)
        reader.domain = host;
    struct compose_mailbox box = {.address = &reader};
    struct compose letter = {
        .from = {.name = S("Mail system"), .address = &daemon},
        .to = &box,
        .to_count = 1,
        .subject = subject,
        .date = fiber_wall(),
        .message_id = message_id_make(&a, id, host),
        .automatic = true,
        .text = text,
    };
    compose_letter(to, &letter);
}

static void send_notice(struct queue *q, struct slice recipient, struct slice subject,
                        struct slice text) WAITS {
    _cleanup_(buf_done) struct buf bytes = {0};
    struct spool_recipient to = {.address = recipient, .notify = SPOOL_NOTIFY_NEVER};
    letter_id id = letter_id_next(&q->ids, fiber_wall());
    struct problem problem = {0};
    compose_notice(q, id, recipient, subject, text, &bytes);
    struct queue_letter notice = {.id = id,
                                  .recipients = &to,
                                  .count = 1,
                                  .origin = QUEUE_MADE_REPORT,
                                  .bytes = buf_slice(&bytes)};
    if (queue_submit(q, &notice, &problem) < 0)
        say(q, id, "queue.trouble", NULL, 0, "The notice to %.*s could not be made: %s",
            SLICE_ARG(recipient), problem.text);
}

void held_tell(struct queue *q, const struct queue_letter *letter) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice who = letter->login, why = letter->reason;
    struct slice host = arena_copy(&a, q->options.hostname); /* new settings may come */
    struct slice user = arena_printf(&a, to_user, SLICE_ARG(who), SLICE_ARG(why), SLICE_ARG(host),
                                     SLICE_ARG(who), SLICE_ARG(host));
    struct slice administrators = arena_printf(
        &a, to_administrators, SLICE_ARG(who), SLICE_ARG(why), SLICE_ARG(host), SLICE_ARG(who),
        SLICE_ARG(who), SLICE_ARG(who), SLICE_ARG(who), SLICE_ARG(who));
    send_notice(q, who, S("Your messages are held back (送信メールを保留しています)"), user);
    send_notice(q, S("postmaster"),
                arena_printf(&a, "Messages of %.*s are held back (送信メールを保留しています)",
                             SLICE_ARG(who)),
                administrators);
}
