/* SPDX-License-Identifier: ISC */
#include "pop3/words.h"

#include <inttypes.h>

#include "base/error.h"

const struct pop3_language pop3_languages[POP3_LANGUAGES] = {
    {"en", "English", false},
    {"ja", "日本語", true},
};

const struct pop3_language *pop3_language_find(struct slice range) {
    if (slice_eq(range, S("*")) || slice_eq_nocase(range, S("i-default")))
        return &pop3_languages[0];
    while (range.len > 0) {
        for (size_t i = 0; i < POP3_LANGUAGES; i++)
            if (slice_eq_nocase(range, slice_of_str(pop3_languages[i].tag)))
                return &pop3_languages[i];
        const ssize_t dash = slice_rfind_byte(range, '-');
        range = slice_first(range, dash < 0 ? 0 : (size_t)dash);
    }
    return NULL;
}

const struct phrase pop3_phrases[] = {
    {"%zu messages (%" PRIu64 " octets)", "%zu 通のメール (%" PRIu64 " オクテット)"},
    {"APOP is not offered here", "APOP はこのサーバーでは使えません"},
    {"AUTH given up", "AUTH を取りやめました"},
    {"TLS is active already", "TLS はすでに有効です"},
    {"TLS is not available here", "TLS はこのサーバーでは使えません"},
    {"USER comes first", "先に USER を送ってください"},
    {"UTF8 comes before the login", "UTF8 はログインの前に送ってください"},
    {"another POP3 session has this mailbox open",
     "このメールボックスは別の POP3 の接続で使用中です"},
    {"another program has removed this message",
     "このメールは他のプログラムがすでに削除しています"},
    {"begin TLS", "TLS を開始してください"},
    {"goodbye", "さようなら"},
    {"goodbye, %zu messages left", "さようなら。%zu 通のメールが残っています"},
    {"goodbye, no messages left", "さようなら。メールは残っていません"},
    {"log in first", "先にログインしてください"},
    {"logins cannot be checked just now, try again later",
     "今はログインを確認できません。しばらくしてからやり直してください"},
    {"messages come as they are", "メールは届いたままの形で渡します"},
    {"message %zu deleted", "%zu 番のメールを削除します"},
    {"name or password is wrong", "ユーザー名かパスワードが違います"},
    {"no such message", "そのメールはありません"},
    {"none of these languages is known here", "その言語は使えません"},
    {"nothing may follow STLS before TLS has begun, closing",
     "STLS の後、TLS が始まる前に送られたものがあります。接続を閉じます"},
    {"now the password", "次にパスワードを送ってください"},
    {"some deleted messages were not removed", "削除されずに残ったメールがあります"},
    {"that is the language", "この言語で応答します"},
    {"the mailbox cannot be opened just now", "今はメールボックスを開けません"},
    {"the password would travel unprotected: turn on TLS (STARTTLS, or port 995) in your mail "
     "program",
     "パスワードが保護されずに流れるため受け付けません。メールソフトで TLS (STARTTLS またはポート "
     "995) "
     "を有効にしてください"},
    {"the response is too long", "応答が長すぎます"},
    {"these are the languages", "使える言語です"},
    {"this is not POP3, closing", "これは POP3 ではありません。接続を閉じます"},
    {"this is not what the mechanism expects", "認証方式の手順に合いません"},
    {"this is what I can do", "使える機能です"},
    {"this mechanism is not offered, CAPA lists those that are",
     "この認証方式は使えません。使えるものは CAPA で分かります"},
    {"this message cannot be read just now", "今はこのメールを読み出せません"},
    {"this message is damaged and cannot be read", "このメールは壊れていて読み出せません"},
    {"this message is deleted", "このメールは削除の対象です"},
    {"too many commands without a login, closing",
     "ログインせずに送られたコマンドが多すぎます。接続を閉じます"},
    {"too many errors, closing", "エラーが多すぎます。接続を閉じます"},
    {"too many failed logins, closing", "ログインの失敗が多すぎます。接続を閉じます"},
    {"too many failed logins, try again later",
     "ログインの失敗が多すぎます。しばらくしてからやり直してください"},
    {"you are logged in already", "すでにログインしています"},
};
const size_t pop3_phrase_count = ARRAY_SIZE(pop3_phrases);

const char *pop3_japanese(struct slice english) {
    return phrase_in_japanese(pop3_phrases, ARRAY_SIZE(pop3_phrases), english);
}
