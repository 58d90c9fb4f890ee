/* SPDX-License-Identifier: ISC */
/*
 * What people are told when messages of a user are held: he himself, and the administrators. Two
 * messages of their own, since a stranger who has the password need not see what the administrators
 * are told.
 */
#include "message/language.h"
#include "message/write/compose.h"
#include "message/write/submission.h"
#include "queue/internal.h"

#define HEADER_MAX (64U << 10) /* of a message that are read for its language */

enum { ENGLISH, JAPANESE, LANGUAGES };

/* Of whom, what he has sent, our name; then his name for each command. */
static const char *const to_user[LANGUAGES] = {
    "Your account %.*s has sent more than it may:\n"
    "  %.*s.\n"
    "This message and those that follow are held back on %.*s until an\n"
    "administrator has looked at them; they are not lost. The administrators\n"
    "have been told.\n"
    "\n"
    "If it was not you who sent so much, somebody else knows your password: tell\n"
    "your administrator at once, who gives you a new one.\n",
    "あなたのアカウント %.*s から、決められた量を超えるメールが送信されました。\n"
    "  %.*s\n"
    "超えた分のメールは、管理者が確認するまでサーバー %.*s で保留されます。\n"
    "失われることはありません。管理者にも通知しました。\n"
    "\n"
    "心当たりがない場合は、パスワードが盗まれた可能性があります。すぐに管理者に\n"
    "連絡し、新しいパスワードを受け取ってください。\n"};

static const char *const to_administrators[LANGUAGES] = {
    "The account %.*s has sent more than it may:\n"
    "  %.*s.\n"
    "Its messages beyond that are held in the queue of %.*s. If somebody has\n"
    "stolen the password:\n"
    "\n"
    "    hayauma account disable %.*s\n"
    "    hayauma queue remove --login %.*s\n"
    "\n"
    "If all is well, send them, or give the account limits of its own:\n"
    "\n"
    "    hayauma queue release --login %.*s\n"
    "    hayauma account limits %.*s\n",
    "アカウント %.*s から、決められた量を超えるメールが送信されました。\n"
    "  %.*s\n"
    "超えた分のメールは、サーバー %.*s のキューに保留しています。\n"
    "パスワードが盗まれた場合は、次のコマンドを実行してください。\n"
    "\n"
    "    hayauma account disable %.*s\n"
    "    hayauma queue remove --login %.*s\n"
    "\n"
    "問題がない場合は、次のコマンドで送り出すか、アカウントごとの上限を設定できます。\n"
    "\n"
    "    hayauma queue release --login %.*s\n"
    "    hayauma account limits %.*s\n"};

/* A notice in both languages. */
struct notice {
    struct slice subject[LANGUAGES], text[LANGUAGES];
};

/* The language of the first message that is held comes first, as in reports (message/report/dsn.h).
 */
static unsigned first_language(struct queue *q, queue_id id) WAITS {
    _cleanup_(spool_body_close) struct spool_body body = {0};
    _cleanup_(arena_done) struct arena a = {0};
    if (spool_body_open(q->spool, id, &body) < 0)
        return ENGLISH;
    size_t len = (size_t)MIN(body.bytes.len + body.file_len, (uint64_t)HEADER_MAX);
    char *header = arena_alloc(&a, len);
    ssize_t n = spool_body_read(&body, 0, header, len);
    return n > 0 && message_is_japanese(slice_of(header, (size_t)n)) ? JAPANESE : ENGLISH;
}

static void compose_notice(struct queue *q, queue_id id, struct slice recipient,
                           struct slice subject, struct slice text, struct buf *to) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice host = q->options.hostname;
    struct address daemon = {.local = S("MAILER-DAEMON"), .domain = host};
    struct address reader = address_of(&a, recipient);
    if (reader.domain.len == 0)
        reader.domain = host;
    struct compose_mailbox box = {.address = &reader};
    struct compose message = {
        .from = {.name = S("Mail system"), .address = &daemon},
        .to = &box,
        .to_count = 1,
        .subject = subject,
        .date = fiber_wall(),
        .message_id = message_id_make(&a, id, host),
        .automatic = true,
        .text = text,
    };
    compose_message(to, &message);
}

static void send_notice(struct queue *q, struct slice recipient, const struct notice *notice,
                        unsigned first) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf bytes = {0};
    unsigned second = LANGUAGES - 1 - first;
    struct recipient to = {.address = recipient, .notify = NOTIFY_NEVER};
    queue_id id = queue_new_id(q);
    struct problem problem = {0};
    struct slice subject = arena_printf(&a, "%.*s (%.*s)", SLICE_ARG(notice->subject[first]),
                                        SLICE_ARG(notice->subject[second]));
    struct slice text =
        arena_printf(&a, "%.*s\n----------------------------------------\n\n%.*s",
                     SLICE_ARG(notice->text[first]), SLICE_ARG(notice->text[second]));
    compose_notice(q, id, recipient, subject, text, &bytes);
    struct queue_message message = {
        .id = id,
        .envelope = {.recipients = &to, .count = 1, .origin = QUEUE_MADE_REPORT},
        .bytes = buf_slice(&bytes),
    };
    if (accept_message(q, &message, &problem) < 0)
        log_event(q, id, KIND_WARNING, NULL, 0, "The notice to %.*s could not be made: %s",
                  SLICE_ARG(recipient), problem.text);
}

void notice_held(struct queue *q, const struct queue_message *message) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice who = message->envelope.login, why = message->reason;
    struct slice host = arena_copy(&a, q->options.hostname); /* new settings may come */
    struct notice user = {
        .subject = {S("Your messages are held back"), S("送信メールを保留しています")}};
    struct notice administrators = {
        .subject = {arena_printf(&a, "Messages of %.*s are held back", SLICE_ARG(who)),
                    arena_printf(&a, "%.*s の送信メールを保留しています", SLICE_ARG(who))}};
    for (unsigned i = 0; i < LANGUAGES; i++) {
        user.text[i] =
            arena_printf(&a, to_user[i], SLICE_ARG(who), SLICE_ARG(why), SLICE_ARG(host));
        administrators.text[i] =
            arena_printf(&a, to_administrators[i], SLICE_ARG(who), SLICE_ARG(why), SLICE_ARG(host),
                         SLICE_ARG(who), SLICE_ARG(who), SLICE_ARG(who), SLICE_ARG(who));
    }
    unsigned first = first_language(q, message->id);
    send_notice(q, who, &user, first);
    send_notice(q, S("postmaster"), &administrators, first);
}
