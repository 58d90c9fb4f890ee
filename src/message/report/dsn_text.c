/* SPDX-License-Identifier: ISC */
/*
 * All sentences stand in the tables at the top: one row per action and one per status, one column
 * per language. The code below only puts them in order: what happened, to whom, why, what the other
 * side said, what happens next. The language that the message itself seems to be in comes first.
 */
#include "message/report/dsn_text.h"

#include "base/encode.h"
#include "message/header.h"
#include "message/language.h"
#include "message/words.h"
#include "message/write/encode.h"

#define SAID_MAX    500  /* bytes of a diagnostic that are shown */
#define SUBJECT_MAX 200  /* of the subject */
#define SUBJECT_RAW 2000 /* of the field that are read for it */
#define DATE_MAX    60

struct wording {
    const char *says[DSN_LANGUAGES];
};

/* Short enough that an index of 80 columns shows both languages. */
static const char *const subjects[] = {
    [DSN_FAILED] = "配送できませんでした / Undelivered mail",
    [DSN_DELAYED] = "配送が遅れています / Delayed mail",
    [DSN_DELIVERED] = "配送しました / Delivered mail",
    [DSN_RELAYED] = "引き渡しました / Relayed mail",
    [DSN_EXPANDED] = "登録者へ送りました / Distributed mail",
};

static const struct wording opening = {
    {"This is an automatic notice from the mail system at %.*s.\n",
     "これは %.*s のメールシステムからの自動通知です。\n"}};

static const struct wording what_happened[] = {
    [DSN_FAILED] = {{"Your message could NOT be delivered to:",
                     "次の宛先にはメールを配送できませんでした。"}},
    [DSN_DELAYED] = {{"Your message has not reached the following address yet:",
                      "次の宛先への配送が遅れています。"}},
    [DSN_DELIVERED] = {{"Your message was delivered to:", "次の宛先に配送しました。"}},
    [DSN_RELAYED] = {{"Your message was passed on to another mail system for:",
                      "次の宛先へのメールを、ほかのメールシステムに引き渡しました。"}},
    [DSN_EXPANDED] = {{"Your message was passed on to everybody behind the address:",
                       "次の宛先に登録されている全員へ送りました。"}},
};

static const char *const loop_subject = "メールがループしています / Mail loop";

static const struct wording loop_happened = {
    {"A message from outside came back to an address that sends it on again. It was\n"
     "stopped here, and its sender was not told, since anybody can write such a\n"
     "message in any name. The address:",
     "外部からのメールが、転送先から同じアドレスに戻ってきました。差出人を詐称して\n"
     "作られたメールの可能性があるため、差出人には通知せず、ここで配送を止めました。\n"
     "該当するアドレス:"}};

static const struct wording loop_next = {
    {"Look at where the address leads (hayauma route ADDRESS) and at the journey of\n"
     "the message. The message itself is attached.",
     "アドレスの転送先（hayauma route アドレス）とメールの配送経過\n"
     "（hayauma journey）を確認してください。メール本体を添付します。"}};

static const struct wording loop_kept = {
    {"Look at where the address leads (hayauma route ADDRESS) and at the journey of\n"
     "the message. It is large: only its header is attached, and the message itself\n"
     "is kept on hold in the queue until you release or remove it (hayauma queue list).",
     "アドレスの転送先（hayauma route アドレス）とメールの配送経過\n"
     "（hayauma journey）を確認してください。サイズが大きいため、ヘッダーだけを添付します。\n"
     "メール本体は、解除または削除するまでキューに保留されます（hayauma queue list）。"}};

static const struct wording what_next[] = {
    [DSN_FAILED] = {{"It will not be tried again. To send it once more, correct the address\n"
                     "or remove the cause first.",
                     "このメールは再送されません。宛先や原因を確かめてから、もう一度\n"
                     "送ってください。"}},
    [DSN_DELAYED] = {{"You need not do anything: it is tried again and again. If it cannot be\n"
                      "delivered in the end, you will be told.",
                      "何もする必要はありません。自動的に何度も配送を試みます。\n"
                      "最後まで配送できなかったときは、あらためてお知らせします。"}},
    [DSN_DELIVERED] = {{"", ""}},
    [DSN_RELAYED] = {{"That system may not send you any further notice.",
                      "その先の配送についての通知は届かないことがあります。"}},
    [DSN_EXPANDED] = {{"You will not be told about each of them.",
                       "一人ひとりについての通知はありません。"}},
};

static const struct wording closing = {
    {"Below are a report for mail programs and the message, or its beginning.",
     "このあとに、メールソフト用の配送通知と、元のメールまたはその先頭部分が続きます。"}};

static const struct wording which_message = {{"The message:", "対象のメール:"}};
static const struct wording subject_label = {{"Subject: ", "件名: "}};
static const struct wording date_label = {{"Date: ", "日付: "}};
static const struct wording whom_to_ask = {
    {"If you do not know what to do, ask:",
     "ご不明な点は、メールの管理者にお問い合わせください。"}};

static const struct wording host_said = {{"The server %.*s said:", "相手サーバー %.*s の応答:"}};
static const struct wording we_say = {{"Details:", "詳細:"}};
static const struct wording tried_until = {{"It is tried until %.*s.", "%.*s まで試みます。"}};

/* RFC 3463 §3 and the later entries of the IANA registry, by "subject.detail". */
static const struct reason {
    struct slice code;
    struct wording wording;
} reasons[] = {
    {{"1.1", 3},
     {{"There is no such address. Please check how it is written.",
       "このメールアドレスは存在しません。つづりをお確かめください。"}}},
    {{"1.2", 3},
     {{"The part behind the \"@\" is not known in the internet. Please check it.",
       "@ より後ろの部分（ドメイン名）が見つかりません。つづりをお確かめください。"}}},
    {{"1.3", 3},
     {{"The address is not written in a valid form.",
       "メールアドレスの書き方が正しくありません。"}}},
    {{"1.6", 3},
     {{"The mailbox has moved and its new address is not known.",
       "この宛先は移転しており、新しいアドレスがわかりません。"}}},
    {{"1.8", 3},
     {{"The other side does not accept your own address as sender.",
       "差出人のアドレスが相手側に受け入れられませんでした。"}}},
    {{"1.10", 4},
     {{"This domain does not take any mail.", "このドメインはメールを受け取りません。"}}},
    {{"2.1", 3}, {{"The mailbox is closed at present.", "このメールボックスは現在使えません。"}}},
    {{"2.2", 3},
     {{"The mailbox of the recipient is full; he has to delete messages first.",
       "宛先のメールボックスがいっぱいです。受信者がメールを削除する必要があります。"}}},
    {{"2.3", 3},
     {{"The message is too large for this mailbox.",
       "メールが大きすぎるため、このメールボックスでは受信できません。"}}},
    {{"3.1", 3},
     {{"The other mail system has no space left.",
       "相手のメールシステムに空き容量がありません。"}}},
    {{"3.4", 3},
     {{"The message is too large for the other mail system.",
       "メールが大きすぎるため、相手のメールシステムが受信できません。"}}},
    {{"4.1", 3},
     {{"The other mail system does not answer.", "相手のメールシステムが応答しません。"}}},
    {{"4.2", 3},
     {{"The connection to the other mail system was lost.",
       "相手のメールシステムとの接続が途中で切れました。"}}},
    {{"4.3", 3}, {{"The address could not be looked up.", "宛先の情報を調べられませんでした。"}}},
    {{"4.4", 3},
     {{"No way to the other mail system was found.",
       "相手のメールシステムへの経路が見つかりません。"}}},
    {{"4.5", 3},
     {{"The other mail system is overloaded.", "相手のメールシステムが混み合っています。"}}},
    {{"4.6", 3},
     {{"The message went round in circles between mail systems.",
       "メールがサーバーの間を循環し続けました（メールループ）。"}}},
    {{"4.7", 3},
     {{"It could not be delivered within the allowed time.",
       "定められた期間のうちに配送できませんでした。"}}},
    {{"7.1", 3},
     {{"The other side refused the message.", "相手側がこのメールの受信を拒否しました。"}}},
    {{"1", 1}, {{"There is something wrong with the address.", "宛先に問題があります。"}}},
    {{"2", 1},
     {{"There is something wrong with the mailbox.", "宛先のメールボックスに問題があります。"}}},
    {{"3", 1},
     {{"The other mail system cannot take the message.",
       "相手のメールシステムが受信できませんでした。"}}},
    {{"4", 1},
     {{"The network or the way to the other mail system failed.",
       "通信または経路に問題がありました。"}}},
    {{"5", 1},
     {{"The two mail systems did not understand each other.",
       "メールシステム同士のやりとりに失敗しました。"}}},
    {{"6", 1},
     {{"The content or form of the message is not accepted.",
       "メールの内容または形式が受け入れられませんでした。"}}},
    {{"7", 1},
     {{"The message was refused by a rule of the other side.",
       "相手側のポリシーにより受信を拒否されました。"}}},
    {{"", 0}, {{"The reason is not known.", "原因は不明です。"}}},
};

const char *dsn_reason(struct slice status, enum dsn_language language) {
    struct slice code = slice_from(status, 2); /* without the class */
    struct slice subject = slice_first(code, 1);
    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
        struct slice known = reasons[i].code;
        if (known.len == 0 || slice_eq(known, code) || slice_eq(known, subject))
            return reasons[i].wording.says[language];
    }
    return reasons[ARRAY_SIZE(reasons) - 1].wording.says[language];
}

static bool holds_action(const struct dsn *dsn, enum dsn_action action) {
    for (size_t i = 0; i < dsn->recipient_count; i++) {
        if (dsn->recipients[i].action == action)
            return true;
    }
    return false;
}

const char *dsn_subject(const struct dsn *dsn) {
    if (dsn->to_postmaster)
        return loop_subject;
    for (enum dsn_action action = DSN_FAILED; action < DSN_EXPANDED; action++) {
        if (holds_action(dsn, action))
            return subjects[action];
    }
    return subjects[DSN_EXPANDED];
}

/* What the other side, or our own delivery, said. */
static void add_diagnostic(struct buf *to, struct arena *a, const struct dsn_recipient *recipient,
                           enum dsn_language language) {
    struct slice said = text_one_line(a, recipient->diagnostic, SAID_MAX, false);
    struct slice host = text_one_line(a, recipient->remote_host, DOMAIN_MAX, true);
    if (said.len == 0)
        return;
    buf_add_str(to, "    ");
    if (host.len > 0)
        buf_add(to, arena_printf(a, host_said.says[language], SLICE_ARG(host)));
    else
        buf_add_str(to, we_say.says[language]);
    buf_printf(to, "\n      %.*s\n", SLICE_ARG(said));
}

static struct slice date_for(usec_t wall, enum dsn_language language, char text[static 40]) {
    if (language == DSN_ENGLISH)
        return time_format_rfc5322(wall, text);
    return slice_first(time_format_log(wall, text), sizeof "2026-11-22 20:12" - 1);
}

/* A field of the message as people read it; empty when there is none. */
static struct slice field_text(struct arena *a, const struct dsn *dsn, struct slice name,
                               size_t max) {
    _cleanup_(buf_done) struct buf text = {0};
    struct header_field field;
    if (!header_find(dsn->message, NULL, name, 0, &field))
        return S("");
    words_decode(&text, header_unfold(a, slice_first(field.raw, SUBJECT_RAW)));
    return text_one_line(a, buf_slice(&text), max, false);
}

static void add_line(struct buf *to, const char *label, struct slice text) {
    if (text.len > 0)
        buf_printf(to, "  %s%.*s\n", label, SLICE_ARG(text));
}

/* By what the sender knows his message again. */
static void add_message(struct buf *to, struct arena *a, const struct dsn *dsn,
                        enum dsn_language language) {
    char arrival[40];
    struct slice about = field_text(a, dsn, S("Subject"), SUBJECT_MAX);
    struct slice date = field_text(a, dsn, S("Date"), DATE_MAX);
    if (date.len == 0 && dsn->arrival > 0)
        date = date_for(dsn->arrival, language, arrival);
    if (about.len == 0 && date.len == 0)
        return;
    buf_printf(to, "\n%s\n", which_message.says[language]);
    add_line(to, subject_label.says[language], about);
    add_line(to, date_label.says[language], date);
}

static void add_recipient(struct buf *to, struct arena *a, const struct dsn_recipient *recipient,
                          enum dsn_language language) {
    char date[40];
    buf_add_str(to, "  ");
    domain_shown_within(to, address_text(a, recipient->address));
    buf_add_str(to, "\n");
    if (recipient->action == DSN_FAILED || recipient->action == DSN_DELAYED) {
        buf_printf(to, "    %s\n", dsn_reason(dsn_status(recipient), language));
        add_diagnostic(to, a, recipient, language);
    }
    if (recipient->action == DSN_DELAYED && recipient->retry_until > 0) {
        struct slice until = date_for(recipient->retry_until, language, date);
        buf_add_str(to, "    ");
        buf_add(to, arena_printf(a, tried_until.says[language], SLICE_ARG(until)));
        buf_add_str(to, "\n");
    }
}

static void add_action(struct buf *to, struct arena *a, const struct dsn *dsn,
                       enum dsn_action action, enum dsn_language language) {
    if (!holds_action(dsn, action))
        return;
    const struct wording *happened = dsn->to_postmaster ? &loop_happened : &what_happened[action];
    const struct wording *next = dsn->kept            ? &loop_kept
                                 : dsn->to_postmaster ? &loop_next
                                                      : &what_next[action];
    buf_printf(to, "\n%s\n\n", happened->says[language]);
    for (size_t i = 0; i < dsn->recipient_count; i++) {
        if (dsn->recipients[i].action == action)
            add_recipient(to, a, &dsn->recipients[i], language);
    }
    if (next->says[language][0])
        buf_printf(to, "\n%s\n", next->says[language]);
}

static void add_language(struct buf *to, struct arena *a, const struct dsn *dsn,
                         enum dsn_language language) {
    buf_add(to, arena_printf(a, opening.says[language], SLICE_ARG(dsn->host)));
    add_message(to, a, dsn, language);
    for (enum dsn_action action = DSN_FAILED; action <= DSN_EXPANDED; action++)
        add_action(to, a, dsn, action, language);
    if (!dsn->to_postmaster) {
        buf_printf(to, "\n%s\n  postmaster@", whom_to_ask.says[language]);
        domain_shown(to, dsn->host);
        buf_add_str(to, "\n");
    }
    buf_printf(to, "\n%s\n", closing.says[language]);
}

void dsn_text(struct buf *to, const struct dsn *dsn) {
    _cleanup_(arena_done) struct arena a = {0};
    enum dsn_language first = message_is_japanese(dsn->message) ? DSN_JAPANESE : DSN_ENGLISH;
    add_language(to, &a, dsn, first);
    buf_add_str(to, "\n----------------------------------------\n\n");
    add_language(to, &a, dsn, first == DSN_ENGLISH ? DSN_JAPANESE : DSN_ENGLISH);
}
