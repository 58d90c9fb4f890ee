/* SPDX-License-Identifier: ISC */
/*
 * The settings. A row says: block, member of struct conf (its name in the file is the member's,
 * with hyphens), default as the file would say it, bounds, who gets it, whether a reload is enough,
 * one sentence in English and in Japanese, an example.
 *
 * To add a setting: a member in conf.h, a row here beside those of its block. The compiler checks
 * that the member has the type of the row, the tests that each member has a row and each default
 * keeps its own bounds. Give it to every role that reads it: elsewhere it is zero.
 *
 * This file is longer than others because it is a table.
 */
#include "conf/setting.h"

#define KIB ((int64_t)1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)

enum {
    MASTER = 1 << ROLE_MASTER,
    EDGE = 1 << ROLE_EDGE,
    DIRECTORY = 1 << ROLE_DIRECTORY,
    KEYS = 1 << ROLE_KEYS,
    QUEUE = 1 << ROLE_QUEUE,
    RELAY = 1 << ROLE_RELAY,
    RESOLVER = 1 << ROLE_RESOLVER,
    FETCHER = 1 << ROLE_FETCHER,
    MAIL = 1 << ROLE_MAIL,
    EVENTS = 1 << ROLE_EVENTS,
    SCAN = 1 << ROLE_SCAN,
};

const struct conf_block conf_blocks[CONF_BLOCK_COUNT] = {
    [CONF_TOP] = {"",
                  {"The machine and its place in the net.",
                   "このサーバーのホスト名やアドレスなど、全体の設定。"}},
    [CONF_USERS] =
        {"users",
         {"The system users under which the processes run; each has its own files.",
          "各プロセスを動かすシステムユーザー。それぞれ自分のファイルだけにアクセスできます。"}},
    [CONF_WORKERS] = {"workers",
                      {"How many processes share one kind of work.",
                       "同じ種類の仕事を分担するプロセスの数。"}},
    [CONF_DNS] = {"dns", {"How names are looked up.", "DNS の名前解決。"}},
    [CONF_TLS] = {"tls",
                  {"Encryption on our own ports.",
                   "このサーバーが待ち受けるポートでの暗号化（TLS）。"}},
    [CONF_LOGIN] = {"login",
                    {"Who may log in, and what a wrong password costs.",
                     "ログインの条件と、パスワードを間違えたときの扱い。"}},
    [CONF_PASSWORD] = {"password",
                       {"How stored passwords are hashed (Argon2id).",
                        "保存するパスワードのハッシュ（Argon2id）。"}},
    [CONF_SMTP] = {"smtp",
                   {"Receiving messages; the limits hold on all SMTP ports unless the block "
                    "submission has its own.",
                    "メールの受信（SMTP）。submission ブロックに別の値がなければ、すべての SMTP "
                    "ポートに適用されます。"}},
    [CONF_SUBMISSION] = {"submission",
                         {"Messages handed in by users after login (ports 587, 465).",
                          "ログインした利用者からのメール送信（ポート 587 と 465）。"}},
    [CONF_AUTHENTICATION] =
        {"authentication",
         {"Whether a message comes from whom it says: SPF, DKIM, ARC and DMARC of "
          "what strangers send.",
          "メールが本当に差出人のドメインから来たかどうかの判定（SPF、DKIM、ARC、"
          "DMARC）。外部から届くメールが対象です。"}},
    [CONF_SENDING] = {"sending",
                      {"How much one account may send. Messages beyond it are taken and held in "
                       "the queue, and the user and the administrators are told; `hayauma queue "
                       "release` sends them. This bounds what a stolen password can do.",
                       "一つのアカウントが送信できる量。超えた分のメールは受け取ったうえでキューに"
                       "保留し、利用者と管理者に知らせます。保留したメールは hayauma queue release "
                       "で送信します。盗まれたパスワードによる迷惑メールの大量送信を防ぎます。"}},
    [CONF_POP3] = {"pop3",
                   {"Fetching messages with POP3 (ports 110, 995).",
                    "POP3 によるメールの取り出し（ポート 110 と 995）。"}},
    [CONF_IMAP] = {"imap",
                   {"Reading mailboxes with IMAP (ports 143, 993).",
                    "IMAP によるメールボックスの利用（ポート 143 と 993）。"}},
    [CONF_QUEUE] = {"queue",
                    {"How long and how often a message is tried.",
                     "メールの配送を試みる期間と間隔。"}},
    [CONF_RELAY] = {"relay", {"Sending messages to other hosts.", "ほかのサーバーへの送信。"}},
    [CONF_FETCH] = {"fetch",
                    {"HTTPS with other hosts: their MTA-STS policies are fetched, and reports of "
                     "TLS handed over.",
                     "ほかのサーバーとの HTTPS。MTA-STS ポリシーの取得と TLS レポートの送信。"}},
    [CONF_DELIVERY] = {"delivery",
                       {"Putting messages into mailboxes.", "メールボックスへの配送。"}},
    [CONF_ACCOUNTS] = {"accounts", {"Accounts and what becomes of them.", "アカウントの扱い。"}},
    [CONF_EVENTS] =
        {"events",
         {"The record of events and of each message's journey. Older versions called "
          "this block ledger; that name is still read.",
          "イベントと、メールごとの配送経過の記録。以前のバージョンではこのブロックの名前は "
          "ledger でした。その名前でも読み込みます。"},
         .former = "ledger"},
    [CONF_LOG] = {"log",
                  {"What is also written to the system's log.",
                   "システムのログにも書き出すイベント。"}},
};

static const char *const tls_versions[] = {"1.2", "1.3", NULL};
static const char *const mailbox_names[] = {"english", "japanese", NULL};
static const char *const dmarc_words[] = {"obey", "mark", NULL};
static const char *const spf_fail_words[] = {"mark", "refuse", NULL};
static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};
static const char *const log_destinations[] = {"stderr", "syslog", "none", NULL};

/* The place of a member, after a check that it has the type that the row reads and writes. */
#define OFFSET(member, ctype)                                                                      \
    offsetof(struct conf, member) +                                                                \
        0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((struct conf *)NULL)->member),    \
                                                     ctype)                                        \
                            ? 1                                                                    \
                            : -1])

#define ROW(id, m, file_name, kind, ctype, ...)                                                    \
    {                                                                                              \
        .block = id, .name = file_name, .type = kind, .member = #m, .offset = OFFSET(m, ctype),    \
        __VA_ARGS__                                                                                \
    }

#define DOC(en, ja, sample) .about = {en, ja}, .example = sample
#define FOR(who, when)      .roles = who, .effect = when
#define LIMITS(low, high)   .min = low, .max = high
#define NONE                .may_be_none = true

#define REPEATS .repeats = true

#define BOOL(id, m, name, value, ...)                                                              \
    ROW(id, m, name, CONF_BOOL, bool, .preset = value, __VA_ARGS__)
#define NUMBER(id, m, name, value, ...)                                                            \
    ROW(id, m, name, CONF_NUMBER, unsigned, .preset = value, __VA_ARGS__)
#define PERCENT(id, m, name, value, ...)                                                           \
    ROW(id, m, name, CONF_PERCENT, unsigned, .preset = value, __VA_ARGS__)
#define PORT(id, m, name, value, ...)                                                              \
    ROW(id, m, name, CONF_PORT, uint16_t, .preset = value, __VA_ARGS__)
#define SIZE(id, m, name, value, ...)                                                              \
    ROW(id, m, name, CONF_SIZE, uint64_t, .preset = value, __VA_ARGS__)
#define SPAN(id, m, name, value, ...)                                                              \
    ROW(id, m, name, CONF_SPAN, usec_t, .preset = value, __VA_ARGS__)
#define SPANS(id, m, name, value, ...)                                                             \
    ROW(id, m, name, CONF_SPANS, struct conf_spans, .preset = value, __VA_ARGS__)
#define TEXT(id, m, name, value, ...)                                                              \
    ROW(id, m, name, CONF_TEXT, struct slice, .preset = value, __VA_ARGS__)
#define HOST(id, m, name, value, ...)                                                              \
    ROW(id, m, name, CONF_HOST, struct slice, .preset = value, __VA_ARGS__)
#define USER(id, m, name, value, ...)                                                              \
    ROW(id, m, name, CONF_USER, struct slice, .preset = value, __VA_ARGS__)
#define PATH(id, m, name, value, ...)                                                              \
    ROW(id, m, name, CONF_PATH, struct slice, .preset = value, __VA_ARGS__)
#define CHOICE(id, m, name, ctype, words, value, ...)                                              \
    ROW(id, m, name, CONF_CHOICE, ctype, .choices = words, .preset = value, __VA_ARGS__)
#define ADDRESSES(id, m, name, value, ...)                                                         \
    ROW(id, m, name, CONF_ADDRESSES, struct conf_addresses, .preset = value, __VA_ARGS__)
#define NETWORKS(id, m, name, value, ...)                                                          \
    ROW(id, m, name, CONF_NETWORKS, struct conf_networks, .preset = value, __VA_ARGS__)
#define HOST_PORT(id, m, name, value, ...)                                                         \
    ROW(id, m, name, CONF_HOST_PORT, struct conf_host_port, .preset = value, __VA_ARGS__)

#define ROUTES(id, m, name, value, ...)                                                            \
    ROW(id, m, name, CONF_ROUTES, struct conf_routes, .preset = value, __VA_ARGS__)
#define MAILBOXES(id, m, name, value, ...)                                                         \
    ROW(id, m, name, CONF_MAILBOXES, struct conf_mailboxes, .preset = value, __VA_ARGS__)

#define SENDERS(id, m, name, value, ...)                                                           \
    ROW(id, m, name, CONF_SENDERS, struct conf_senders, .preset = value, __VA_ARGS__)

/* clang-format off */
const struct conf_setting conf_settings[] = {
    /* ---------------------------------------------------------------- the machine */
    HOST(CONF_TOP, hostname, "hostname", NULL,
         FOR(MASTER | EDGE | DIRECTORY | KEYS | QUEUE | RELAY | SCAN | EVENTS, CONF_RELOAD),
         DOC("The full name of this machine, as other hosts find it in DNS and as it greets them.",
             "このサーバーの完全修飾ドメイン名（FQDN）。DNS に登録されている必要があり、接続先への EHLO でも使います。",
             "mail.example.jp")),
    PATH(CONF_TOP, data_directory, "data-directory", "/var/lib/hayauma",
         FOR(MASTER, CONF_RESTART),
         DOC("Where accounts, messages, queue, keys and records are kept.",
             "アカウント、メール、キュー、鍵、記録を置く状態ディレクトリ。",
             "/srv/mail")),
    ADDRESSES(CONF_TOP, listen, "listen", "0.0.0.0 ::", FOR(MASTER | RELAY, CONF_RESTART),
         DOC("The addresses on which all services listen, at most 16; their ports are the usual ones.",
             "すべてのサービスが待ち受けるアドレス（16 個まで）。ポートは標準の番号です。",
             "192.0.2.25 2001:db8::25")),
    NUMBER(CONF_TOP, port_offset, "port-offset", "0", LIMITS(0, 64000),
         FOR(MASTER | RELAY, CONF_RESTART),
         DOC("Added to the number of every port we listen on, for a trial run beside another mail "
             "server or without root.",
             "待ち受けるすべてのポート番号に加える数。別のメールサーバーと並行して動かすときや、root 権限なしで試すときに使います。",
             "2000")),

    /* ---------------------------------------------------------------- processes */
    USER(CONF_USERS, users.edge, "edge", "hayauma-edge", FOR(MASTER, CONF_RESTART),
         DOC("The user of the processes that talk with the outside.",
             "外部と通信するプロセスのユーザー。",
             "hayauma-edge")),
    USER(CONF_USERS, users.vault, "vault", "hayauma-vault", FOR(MASTER, CONF_RESTART),
         DOC("The user of the processes that keep accounts and private keys.",
             "アカウントと秘密鍵を管理するプロセスのユーザー。",
             "hayauma-vault")),
    USER(CONF_USERS, users.mail, "mail", "hayauma-mail", FOR(MASTER, CONF_RESTART),
         DOC("The user of the processes that keep messages: queue, mailboxes, events.",
             "メールを保管するプロセス（キュー、メールボックス、記録）のユーザー。",
             "hayauma-mail")),
    NUMBER(CONF_WORKERS, workers.edge, "edge", "2", LIMITS(1, 64), FOR(MASTER, CONF_RESTART),
         DOC("How many processes take connections from outside.",
             "外部からの接続を受け付けるプロセスの数。",
             "4")),
    NUMBER(CONF_WORKERS, workers.relay, "relay", "1", LIMITS(1, 64),
         FOR(MASTER, CONF_RESTART),
         DOC("How many processes send messages to other hosts.",
             "ほかのサーバーへ送信するプロセスの数。",
             "2")),
    NUMBER(CONF_WORKERS, workers.mail, "mail", "2", LIMITS(1, 64),
         FOR(MASTER | MAIL, CONF_RESTART),
         DOC("How many processes share the accounts; each account lives in one of them.",
             "アカウントを分担するプロセスの数。一つのアカウントは一つのプロセスが受け持ちます。",
             "4")),
    NUMBER(CONF_WORKERS, workers.scan, "scan", "2", LIMITS(1, 64), FOR(MASTER, CONF_RESTART),
         DOC("How many processes judge messages.",
             "メールを判定するプロセスの数。",
             "4")),

    /* ---------------------------------------------------------------- names */
    ADDRESSES(CONF_DNS, dns.resolvers, "resolvers", "none", .port = 53, NONE,
         FOR(RESOLVER, CONF_RELOAD),
         DOC("The name servers to ask; none means those of /etc/resolv.conf.",
             "問い合わせ先のネームサーバー。none なら /etc/resolv.conf に従います。",
             "192.0.2.53 [2001:db8::53]:5353")),
    BOOL(CONF_DNS, dns.dnssec, "dnssec", "yes", FOR(MASTER, CONF_RELOAD),
         DOC("Whether answers are validated with DNSSEC.",
             "応答を DNSSEC で検証するかどうか。",
             "no")),
    PATH(CONF_DNS, dns.trust_anchor, "trust-anchor", "/usr/share/dns/root.key", NONE,
         FOR(MASTER, CONF_RELOAD),
         DOC("The file with the DNSSEC trust anchors, in zone file form.",
             "DNSSEC のトラストアンカーのファイル（ゾーンファイル形式）。",
             "/var/lib/unbound/root.key")),

    /* ---------------------------------------------------------------- doors */
    PATH(CONF_TLS, tls.certificate, "certificate", "none", NONE, FOR(MASTER | KEYS, CONF_RELOAD),
         DOC("The certificate of this host with its intermediates, as certbot keeps them; none means "
             "keys/default.crt of the data directory. Read again when it has changed.",
             "このサーバーの証明書と中間証明書のファイル（certbot の fullchain.pem をそのまま指定できます）。none なら状態ディレクトリの keys/default.crt を使います。更新されると自動で読み直します。",
             "/etc/letsencrypt/live/mail.example.jp/fullchain.pem")),
    PATH(CONF_TLS, tls.key, "key", "none", NONE, FOR(MASTER | KEYS, CONF_RELOAD),
         DOC("The private key of that certificate; it may be readable by root alone, and never by"
             " everybody.",
             "その証明書の秘密鍵のファイル。root だけが読める状態でかまいません。だれでも読める状態では起動しません。",
             "/etc/letsencrypt/live/mail.example.jp/privkey.pem")),
    CHOICE(CONF_TLS, tls.min_version, "min-version", enum conf_tls_version, tls_versions, "1.2",
         FOR(EDGE, CONF_RELOAD),
         DOC("The oldest version of TLS that is accepted.",
             "受け入れる TLS の最低バージョン。",
             "1.3")),
    BOOL(CONF_LOGIN, login.allow_plaintext, "allow-plaintext", "no",
         FOR(EDGE, CONF_RELOAD),
         DOC("Whether passwords may be sent over connections without TLS.",
             "TLS を使わない接続でのパスワードによるログインを許可するかどうか。",
             "yes")),
    SPAN(CONF_LOGIN, login.delay_first, "delay-first", "2s", LIMITS(0, 10 * USEC_MIN),
         FOR(DIRECTORY, CONF_RELOAD),
         DOC("How long the answer to a first failed login waits; each further failure doubles it, "
             "unless the same password is tried again.",
             "最初のログイン失敗で応答を遅らせる時間。別のパスワードで失敗するたびに 2 倍になります。",
             "1s")),
    SPAN(CONF_LOGIN, login.delay_max, "delay-max", "30s", LIMITS(0, 10 * USEC_MIN),
         FOR(DIRECTORY, CONF_RELOAD),
         DOC("The longest delay after failed logins.",
             "ログイン失敗で応答を遅らせる時間の上限。",
             "1min")),
    SIZE(CONF_PASSWORD, password.memory, "memory", "19M", LIMITS(64 * KIB, 4 * GIB),
         FOR(DIRECTORY, CONF_RELOAD),
         DOC("The memory that hashing one password takes.",
             "パスワード一つのハッシュ計算に使うメモリ。",
             "64M")),
    NUMBER(CONF_PASSWORD, password.passes, "passes", "2", LIMITS(1, 100),
         FOR(DIRECTORY, CONF_RELOAD),
         DOC("How many passes hashing makes over that memory.",
             "ハッシュ計算の反復回数。",
             "3")),

    /* ---------------------------------------------------------------- smtp */
    TEXT(CONF_SMTP, smtp.banner, "banner", "Hayauma", LIMITS(0, 200), FOR(EDGE, CONF_RELOAD),
         DOC("The words behind the host name and ESMTP in the greeting.",
             "接続時の応答（グリーティング）で、ホスト名と ESMTP の後に付ける文字列。",
             "\"no unsolicited advertising\"")),
    NETWORKS(CONF_SMTP, smtp.trusted_networks, "trusted-networks", "none", NONE,
         FOR(EDGE | RELAY, CONF_RELOAD),
         DOC("Networks that may send anywhere without login; anybody there can send in your name.",
             "ログインなしでどこへでも送信できるネットワーク。そこからは誰でも、このサーバーの利用者を名乗って送信できます。",
             "127.0.0.0/8 ::1/128")),
    SIZE(CONF_SMTP, smtp.command_line_max, "command-line-max", "4K", LIMITS(512, 64 * KIB),
         FOR(EDGE, CONF_RELOAD),
         DOC("The longest command line, with its line end (RFC 5321 requires 512 at least).",
             "コマンド 1 行の最大の長さ（行末を含む。RFC 5321 により 512 以上）。",
             "8K")),
    SIZE(CONF_SMTP, smtp.auth_line_max, "auth-line-max", "12K", LIMITS(512, 64 * KIB),
         FOR(EDGE, CONF_RELOAD),
         DOC("The longest line within a login (RFC 4954 requires 12288).",
             "認証のやりとりでの 1 行の最大の長さ（RFC 4954 により 12288）。",
             "16K")),
    SIZE(CONF_SMTP, smtp.text_line_max, "text-line-max", "8K", LIMITS(1000, 64 * KIB),
         FOR(EDGE, CONF_RELOAD),
         DOC("The longest line within a message from outside, with its line end. In what a user "
             "submits, lines of more than 998 characters are shortened.",
             "外部から届くメールの 1 行の最大の長さ（行末を含む）。利用者が送信するメールでは、998 文字を超える行を短くエンコードし直します。",
             "4K")),
    SIZE(CONF_SMTP, smtp.header_max, "header-max", "256K", LIMITS(16 * KIB, 16 * MIB),
         FOR(EDGE, CONF_RELOAD),
         DOC("The largest header of a message from outside.",
             "外部から届くメールのヘッダーの最大サイズ。",
             "128K")),
    SIZE(CONF_SMTP, smtp.message_size_max, "message-size-max", "50M", LIMITS(64 * KIB, 2 * GIB),
         FOR(EDGE, CONF_RELOAD),
         DOC("The largest message from outside, as announced with SIZE.",
             "外部から届くメールの最大サイズ。SIZE 拡張で相手に知らせます。",
             "100M")),
    NUMBER(CONF_SMTP, smtp.recipients_max, "recipients-max", "1000", LIMITS(100, 100000),
         FOR(EDGE, CONF_RELOAD),
         DOC("The most recipients of one message (RFC 5321 requires 100 at least).",
             "メール 1 通の宛先の最大数（RFC 5321 により 100 以上）。",
             "500")),
    NUMBER(CONF_SMTP, smtp.messages_per_connection, "messages-per-connection", "100",
         LIMITS(1, 1000000), FOR(EDGE, CONF_RELOAD),
         DOC("The most messages over one connection on port 25.",
             "ポート 25 で、一つの接続で受け取るメールの最大数。",
             "1000")),
    NUMBER(CONF_SMTP, smtp.received_max, "received-max", "100", LIMITS(10, 1000),
         FOR(EDGE, CONF_RELOAD),
         DOC("A message with more Received fields than this goes in circles and is refused.",
             "Received ヘッダーがこの数を超えたメールは、メールループとみなして拒否します。",
             "50")),
    SPAN(CONF_SMTP, smtp.timeout, "timeout", "5min", LIMITS(USEC_SEC, USEC_DAY),
         FOR(EDGE, CONF_RELOAD),
         DOC("How long to wait for the next command, and for the next part of a message.",
             "次のコマンドや、メールデータの続きを待つ時間。",
             "2min")),
    SPAN(CONF_SMTP, smtp.login_timeout, "login-timeout", "1min", LIMITS(USEC_SEC, USEC_DAY),
         FOR(EDGE, CONF_RELOAD),
         DOC("How long to wait for a command on a submission port before login.",
             "サブミッションのポート（587 と 465）で、ログイン前にコマンドを待つ時間。",
             "30s")),
    SPAN(CONF_SMTP, smtp.stress_timeout, "stress-timeout", "10s", LIMITS(USEC_SEC, USEC_DAY),
         FOR(EDGE, CONF_RELOAD),
         DOC("How long to wait for anything while connections are scarce.",
             "接続数に余裕がないとき、相手を待つ時間。",
             "5s")),
    SPAN(CONF_SMTP, smtp.greeting_wait, "greeting-wait", "0s", LIMITS(0, USEC_MIN),
         FOR(EDGE, CONF_RELOAD),
         DOC("How long the greeting waits on port 25; who talks before it is refused. With 0s "
             "nobody is refused for that.",
             "ポート 25 でグリーティングを遅らせる時間。その前にコマンドを送ってきた相手は拒否します。0s なら、先に送ってきても拒否しません。",
             "5s")),
    SIZE(CONF_SMTP, smtp.min_rate, "min-rate", "500", LIMITS(0, GIB), FOR(EDGE, CONF_RELOAD),
         DOC("Bytes per second that a sender of a message has to reach; 0 for no minimum.",
             "メールを送ってくる相手に求める最低の転送速度（毎秒のバイト数）。0 なら求めません。",
             "1K")),
    NUMBER(CONF_SMTP, smtp.soft_errors, "soft-errors", "5", LIMITS(1, 1000),
         FOR(EDGE, CONF_RELOAD),
         DOC("After this many errors each further answer is delayed.",
             "エラーがこの数に達したら、以後の応答を遅らせます。",
             "3")),
    SPAN(CONF_SMTP, smtp.error_delay, "error-delay", "1s", LIMITS(0, USEC_MIN),
         FOR(EDGE, CONF_RELOAD),
         DOC("By how much answers are delayed after that.",
             "そのとき応答を遅らせる時間。",
             "3s")),
    NUMBER(CONF_SMTP, smtp.hard_errors, "hard-errors", "10", LIMITS(1, 1000),
         FOR(EDGE, CONF_RELOAD),
         DOC("After this many errors the connection is closed.",
             "エラーがこの数に達したら、接続を切断します。",
             "20")),
    NUMBER(CONF_SMTP, smtp.junk_commands, "junk-commands", "50", LIMITS(1, 100000),
         FOR(EDGE, CONF_RELOAD),
         DOC("How many commands that lead nowhere (NOOP, RSET, AUTH) one connection may send.",
             "一つの接続で許す、配送に直接関わらないコマンド（NOOP、RSET、AUTH）の数。",
             "100")),
    NUMBER(CONF_SMTP, smtp.login_failures, "login-failures", "3", LIMITS(1, 1000),
         FOR(EDGE, CONF_RELOAD),
         DOC("After this many failed logins the connection is closed.",
             "ログインの失敗がこの数に達したら、接続を切断します。",
             "5")),
    NUMBER(CONF_SMTP, smtp.connections_per_address, "connections-per-address", "20",
         LIMITS(1, 20000), FOR(EDGE, CONF_RELOAD),
         DOC("The most connections to one edge process from one address at a time on port 25; "
             "loopback addresses and trusted-networks are not limited. With IPv6 a network of 64 bits "
             "counts as one address, and one of 48 bits as 16.",
             "ポート 25 で、一つのアドレスから一つの edge プロセスへの同時接続の最大数。ループバックと trusted-networks は制限しません。IPv6 では /64 を一つのアドレス、/48 を 16 のアドレスとして数えます。",
             "50")),
    NUMBER(CONF_SMTP, smtp.connections_max, "connections-max", "5000", LIMITS(1, 20000),
         FOR(EDGE, CONF_RELOAD),
         DOC("The most SMTP connections of one edge process at a time.",
             "一つの edge プロセスが同時に受け付ける SMTP 接続の最大数。",
             "2000")),
    SIZE(CONF_SMTP, smtp.memory_max, "memory-max", "256M", LIMITS(4 * MIB, 64 * GIB),
         FOR(EDGE, CONF_RELOAD),
         DOC("The most memory of one edge process for what clients of all ports have sent and is "
             "not handed on yet, and for replies that they have not read; beyond it new messages "
             "are put off with 452 and new connections with 421 (POP3: -ERR, IMAP: BYE). Strangers on port 25 "
             "may use four fifths of it.",
             "一つの edge プロセスが、全ポートのクライアントから届いて処理中のデータと、まだ読まれていない応答のために使うメモリの上限。超えている間は、新しいメールを 452 で、新しい接続を 421（POP3 では -ERR、IMAP では BYE）で一時的に拒否します。ポート 25 の相手が使えるのは、このうち 5 分の 4 までです。",
             "1G")),

    /* ---------------------------------------------------------------- submission */
    SIZE(CONF_SUBMISSION, submission.header_max, "header-max", "1M", LIMITS(16 * KIB, 16 * MIB),
         FOR(EDGE, CONF_RELOAD),
         DOC("The largest header of a message from a user.",
             "利用者が送信するメールのヘッダーの最大サイズ。",
             "512K")),
    SIZE(CONF_SUBMISSION, submission.message_size_max, "message-size-max", "50M",
         LIMITS(64 * KIB, 2 * GIB), FOR(EDGE, CONF_RELOAD),
         DOC("The largest message from a user.",
             "利用者が送信するメールの最大サイズ。",
             "25M")),
    NUMBER(CONF_SUBMISSION, submission.recipients_max, "recipients-max", "1000",
         LIMITS(100, 100000), FOR(EDGE, CONF_RELOAD),
         DOC("The most recipients of one message from a user.",
             "利用者が送信するメール 1 通の宛先の最大数。",
             "100")),
    NUMBER(CONF_SUBMISSION, submission.messages_per_session, "messages-per-session", "100",
         LIMITS(1, 1000000), FOR(EDGE, CONF_RELOAD),
         DOC("The most messages from a user over one connection.",
             "一つの接続で利用者から受け取るメールの最大数。",
             "1000")),
    NUMBER(CONF_SUBMISSION, submission.connections_per_address, "connections-per-address", "20",
         LIMITS(1, 20000), FOR(EDGE, CONF_RELOAD),
         DOC("The same on the submission ports.",
             "サブミッションのポート（587 と 465）での同じ制限。",
             "100")),

    /* ---------------------------------------------------------------- who has sent a message */
    CHOICE(CONF_AUTHENTICATION, authentication.dmarc, "dmarc", enum conf_dmarc, dmarc_words, "obey",
         FOR(SCAN, CONF_RELOAD),
         DOC("What is done when a message fails the DMARC policy of its author's domain: obey refuses "
             "it or puts it into the mailbox for junk, as the policy says; mark only notes it.",
             "メールが差出人のドメインの DMARC ポリシーに合わないときの扱い。obey なら、ポリシーに従って拒否するか迷惑メールのメールボックスに入れます。mark なら、結果を記録するだけです。",
             "mark")),
    CHOICE(CONF_AUTHENTICATION, authentication.spf_fail, "spf-fail", enum conf_spf_fail,
         spf_fail_words, "mark", FOR(SCAN, CONF_RELOAD),
         DOC("What is done when SPF fails and DMARC does not pass: mark only notes it; refuse loses "
             "messages that were forwarded.",
             "SPF が fail になり、DMARC も pass にならないときの扱い。mark なら結果を記録するだけです。refuse なら拒否しますが、転送されたメールも失われます。",
             "refuse")),
    SENDERS(CONF_AUTHENTICATION, authentication.exempt, "exempt", "none", NONE, REPEATS,
         FOR(SCAN, CONF_RELOAD),
         DOC("A domain whose messages are taken although they fail its policy, and why; one line for "
             "each. Anybody can then write in its name.",
             "ポリシーに合わなくてもメールを受け取る差出人のドメインと、その理由。1 行に一つずつ書きます。誰でもそのドメインを名乗れるようになります。",
             "example.ac.jp \"its gateway breaks signatures\"")),
    SENDERS(CONF_AUTHENTICATION, authentication.trusted_sealer, "trusted-sealer", "none", NONE, REPEATS,
         FOR(SCAN, CONF_RELOAD),
         DOC("A domain whose word is believed that DMARC had passed when a message came to it (ARC), and "
             "why: of a forwarder or a list; one line for each.",
             "そこに届いた時点で DMARC が pass だったという記録（ARC）を信じるドメインと、その理由。転送元やメーリングリストのためのもので、1 行に一つずつ書きます。",
             "lists.example.jp \"lists of the society\"")),

    TEXT(CONF_AUTHENTICATION, authentication.reports_to, "reports-to", "dmarc-reports", NONE,
         LIMITS(1, 64), FOR(EDGE, CONF_RELOAD),
         DOC("The local part of the addresses, at any domain of this host, to which other hosts send "
             "DMARC reports. Messages to it go where the address leads, as all do; what they report is "
             "also kept, and `hayauma report dmarc` shows it.",
             "ほかのサーバーが DMARC レポートを送ってくるアドレスのローカル部（どのドメインでも同じ）。メールは通常どおり配送し、レポートの内容は保存して hayauma report dmarc で表示します。",
             "dmarc")),
    BOOL(CONF_AUTHENTICATION, authentication.send_reports, "send-reports", "yes",
         FOR(SCAN | QUEUE, CONF_RELOAD),
         DOC("Whether domains that ask for it in DNS are told once a day what came here in their name "
             "(DMARC aggregate reports). They are told addresses of servers and numbers, and nothing of "
             "people or texts.",
             "DNS で求めているドメインに、その名で届いたメールについてのレポート（DMARC 集計レポート）を 1 日に一度送るかどうか。送るのはサーバーのアドレスと件数だけで、利用者や本文の情報は含みません。",
             "no")),
    TEXT(CONF_AUTHENTICATION, authentication.reports_organization, "reports-organization", "none",
         NONE, LIMITS(1, 200), FOR(EVENTS, CONF_RELOAD),
         DOC("Who reports, as these reports say it; none for the host name.",
             "送るレポートに書く組織名。none ならホスト名を使います。",
             "\"Example University\"")),

    /* ---------------------------------------------------------------- sending */
    NUMBER(CONF_SENDING, sending.messages_per_hour, "messages-per-hour", "500",
         LIMITS(0, 1000000000), FOR(DIRECTORY, CONF_RELOAD),
         DOC("The most messages of one account within an hour; 0 for no limit.",
             "一つのアカウントが 1 時間に送信できるメールの数。0 なら制限しません。",
             "200")),
    NUMBER(CONF_SENDING, sending.messages_per_day, "messages-per-day", "3000",
         LIMITS(0, 1000000000), FOR(DIRECTORY, CONF_RELOAD),
         DOC("The most messages of one account within a day; 0 for no limit.",
             "一つのアカウントが 1 日に送信できるメールの数。0 なら制限しません。",
             "1000")),
    NUMBER(CONF_SENDING, sending.new_recipients_per_hour, "new-recipients-per-hour", "300",
         LIMITS(0, 1000000000), FOR(DIRECTORY, CONF_RELOAD),
         DOC("The most recipients within an hour to whom the account has not written lately (its "
             "last thousand or so are remembered); 0 for no limit.",
             "一つのアカウントが 1 時間に送信できる新しい宛先の数。最近送信した約 1,000 件の宛先は数えません。0 なら制限しません。",
             "100")),
    NUMBER(CONF_SENDING, sending.new_recipients_per_day, "new-recipients-per-day", "1000",
         LIMITS(0, 1000000000), FOR(DIRECTORY, CONF_RELOAD),
         DOC("The same within a day; 0 for no limit.",
             "1 日に送信できる新しい宛先の数。数え方は 1 時間の場合と同じです。0 なら制限しません。",
             "500")),
    NUMBER(CONF_SENDING, sending.held_max, "held-max", "100", LIMITS(1, 1000000),
         FOR(QUEUE, CONF_RELOAD),
         DOC("The most messages of one account that are held at a time; further ones are refused "
             "with 452.",
             "一つのアカウントについて保留しておくメールの最大数。それを超えると 452 で拒否します。",
             "20")),
    SIZE(CONF_SENDING, sending.held_size_max, "held-size-max", "200M", LIMITS(MIB, TIB),
         FOR(QUEUE, CONF_RELOAD),
         DOC("The most bytes of them; further ones are refused with 452.",
             "一つのアカウントについて保留しておくメールの合計サイズの上限。それを超えると 452 で拒否します。",
             "1G")),

    /* ---------------------------------------------------------------- pop3 */
    SPAN(CONF_POP3, pop3.timeout, "timeout", "10min", LIMITS(10 * USEC_MIN, USEC_DAY),
         FOR(EDGE | MAIL, CONF_RELOAD),
         DOC("How long to wait for the next command after login (RFC 1939 requires 10min at least).",
             "ログイン後に次のコマンドを待つ時間（RFC 1939 により 10min 以上）。",
             "30min")),
    SPAN(CONF_POP3, pop3.login_timeout, "login-timeout", "1min", LIMITS(USEC_SEC, USEC_DAY),
         FOR(EDGE, CONF_RELOAD),
         DOC("How long to wait for a command before login.",
             "ログイン前にコマンドを待つ時間。",
             "30s")),
    NUMBER(CONF_POP3, pop3.hard_errors, "hard-errors", "10", LIMITS(1, 1000),
         FOR(EDGE | MAIL, CONF_RELOAD),
         DOC("After this many errors the connection is closed.",
             "エラーがこの数に達したら、接続を切断します。",
             "20")),
    NUMBER(CONF_POP3, pop3.login_failures, "login-failures", "5", LIMITS(1, 1000),
         FOR(EDGE, CONF_RELOAD),
         DOC("After this many failed logins the connection is closed.",
             "ログインの失敗がこの数に達したら、接続を切断します。",
             "3")),
    NUMBER(CONF_POP3, pop3.login_commands, "login-commands", "50", LIMITS(5, 1000),
         FOR(EDGE, CONF_RELOAD),
         DOC("After this many commands without login the connection is closed.",
             "ログインしないままコマンドがこの数に達したら、接続を切断します。",
             "20")),
    NUMBER(CONF_POP3, pop3.connections_per_address, "connections-per-address", "20",
         LIMITS(1, 20000), FOR(EDGE, CONF_RELOAD),
         DOC("The most connections to one edge process from one address at a time that have not "
             "logged in yet; loopback addresses and trusted-networks are not limited. With IPv6 a "
             "network of 64 bits counts as one address, and one of 48 bits as 16.",
             "まだログインしていない接続について、一つのアドレスから一つの edge プロセスへの同時接続の最大数。ループバックと trusted-networks は制限しません。IPv6 では /64 を一つのアドレス、/48 を 16 のアドレスとして数えます。",
             "100")),
    NUMBER(CONF_POP3, pop3.connections_max, "connections-max", "10000", LIMITS(1, 20000),
         FOR(EDGE, CONF_RELOAD),
         DOC("The most POP3 connections of one edge process at a time.",
             "一つの edge プロセスが同時に受け付ける POP3 接続の最大数。",
             "5000")),

    /* ---------------------------------------------------------------- imap */
    SPAN(CONF_IMAP, imap.timeout, "timeout", "32min", LIMITS(30 * USEC_MIN, USEC_DAY),
         FOR(EDGE | MAIL, CONF_RELOAD),
         DOC("How long to wait for the next command after login, and in IDLE for its end (RFC 9051 "
             "requires 30min at least).",
             "ログイン後に次のコマンドを待つ時間。IDLE では、その終了を待つ時間（RFC 9051 により 30min 以上）。",
             "1h")),
    SPAN(CONF_IMAP, imap.login_timeout, "login-timeout", "1min", LIMITS(USEC_SEC, USEC_DAY),
         FOR(EDGE, CONF_RELOAD),
         DOC("How long to wait for a command before login.",
             "ログイン前にコマンドを待つ時間。",
             "30s")),
    NUMBER(CONF_IMAP, imap.hard_errors, "hard-errors", "50", LIMITS(1, 1000),
         FOR(EDGE | MAIL, CONF_RELOAD),
         DOC("After this many commands in a row that were answered with BAD the connection is closed.",
             "BAD で応答したコマンドがこの数だけ続いたら、接続を切断します。",
             "20")),
    NUMBER(CONF_IMAP, imap.login_failures, "login-failures", "5", LIMITS(1, 1000),
         FOR(EDGE, CONF_RELOAD),
         DOC("After this many failed logins the connection is closed.",
             "ログインの失敗がこの数に達したら、接続を切断します。",
             "3")),
    NUMBER(CONF_IMAP, imap.login_commands, "login-commands", "50", LIMITS(5, 1000),
         FOR(EDGE, CONF_RELOAD),
         DOC("After this many commands without login the connection is closed.",
             "ログインしないままコマンドがこの数に達したら、接続を切断します。",
             "20")),
    NUMBER(CONF_IMAP, imap.connections_per_address, "connections-per-address", "30",
         LIMITS(1, 20000), FOR(EDGE, CONF_RELOAD),
         DOC("The most connections to one edge process from one address at a time that have not "
             "logged in yet; loopback addresses and trusted-networks are not limited. With IPv6 a "
             "network of 64 bits counts as one address, and one of 48 bits as 16. An account may "
             "have 100 connections that have logged in, wherever they come from.",
             "まだログインしていない接続について、一つのアドレスから一つの edge プロセスへの同時接続の最大数。ループバックと trusted-networks は制限しません。IPv6 では /64 を一つのアドレス、/48 を 16 のアドレスとして数えます。ログイン後は、接続元にかかわらず、一つのアカウントにつき 100 接続までです。",
             "100")),
    NUMBER(CONF_IMAP, imap.connections_max, "connections-max", "10000", LIMITS(1, 20000),
         FOR(EDGE, CONF_RELOAD),
         DOC("The most IMAP connections of one edge process at a time.",
             "一つの edge プロセスが同時に受け付ける IMAP 接続の最大数。",
             "5000")),
    SIZE(CONF_IMAP, imap.message_size_max, "message-size-max", "50M", LIMITS(64 * KIB, 2 * GIB),
         FOR(MAIL, CONF_RELOAD),
         DOC("The largest message that a mail program may store, such as a copy of what was sent.",
             "メールソフトがメールボックスに保存できるメール（送信済みメールの控えなど）の最大サイズ。",
             "25M")),
    NUMBER(CONF_IMAP, imap.message_limit, "message-limit", "0", LIMITS(0, 1000000),
         FOR(MAIL, CONF_RELOAD),
         DOC("The most messages that one command may read, search, change or store; 0 is no limit, else "
             "at least 1000. Of more the newest are taken, and the answer says so (MESSAGELIMIT, RFC "
             "9738). Mail programs that do not know this show only the newest messages of a large "
             "mailbox, so set it only if a server must be protected from commands about whole "
             "mailboxes.",
             "一つのコマンドで読み出し、検索、変更、保存できるメールの最大数。0 は無制限、それ以外は 1000 以上にします。これより多い場合は新しいメールだけを処理し、そのことを応答で知らせます（MESSAGELIMIT、RFC 9738）。対応していないメールソフトでは、大きなメールボックスの新しいメールしか表示されなくなります。メールボックス全体に対するコマンドからサーバーを守る必要がある場合にだけ設定してください。",
             "10000")),
    TEXT(CONF_IMAP, imap.capabilities_off, "capabilities-off", "UIDONLY", NONE, LIMITS(1, 1000),
         FOR(MAIL, CONF_RELOAD),
         DOC("Capabilities that are neither announced after login nor enabled, with spaces between "
             "them, for mail programs that ask for what they do not know: with UIDONLY, Outlook's "
             "servers show no messages. An account can have a list of its own: its metadata entry "
             "/private/vendor/hayauma/imap/capabilities-off.",
             "ログイン後に通知せず、ENABLE でも有効にしない機能（CAPABILITY の名前）。複数あれば空白で区切ります。対応していない機能を有効にしてしまうメールソフトのためのものです（UIDONLY を有効にすると、Outlook のサーバーではメールが表示されません）。アカウントごとのリストは、メタデータ /private/vendor/hayauma/imap/capabilities-off で設定できます。",
             "\"UIDONLY COMPRESS=DEFLATE\"")),

    /* ---------------------------------------------------------------- queue */
    SPANS(CONF_QUEUE, queue.retry_schedule, "retry-schedule", "5min 10min 20min 40min 80min",
         LIMITS(USEC_SEC, 30 * USEC_DAY), FOR(QUEUE, CONF_RELOAD),
         DOC("The waits after the first failed tries.",
             "最初の数回の失敗について、次の再送までの時間。",
             "1min 5min 15min 1h")),
    SPAN(CONF_QUEUE, queue.retry_first_day, "retry-first-day", "2h",
         LIMITS(USEC_SEC, 30 * USEC_DAY), FOR(QUEUE, CONF_RELOAD),
         DOC("The wait between tries after that, on the first day.",
             "その後、1 日目の再送間隔。",
             "1h")),
    SPAN(CONF_QUEUE, queue.retry_after, "retry-after", "4h", LIMITS(USEC_SEC, 30 * USEC_DAY),
         FOR(QUEUE, CONF_RELOAD),
         DOC("The wait between tries from the second day on.",
             "2 日目以降の再送間隔。",
             "6h")),
    PERCENT(CONF_QUEUE, queue.retry_jitter, "retry-jitter", "20%", LIMITS(0, 50),
         FOR(QUEUE, CONF_RELOAD),
         DOC("By how much each wait is made longer or shorter at random.",
             "再送までの時間をランダムにずらす幅。",
             "10%")),
    SPAN(CONF_QUEUE, queue.lifetime, "lifetime", "5d", LIMITS(USEC_MIN, 100 * USEC_DAY),
         FOR(KEYS | QUEUE | SCAN, CONF_RELOAD),
         DOC("How long a message is tried before it goes back to its sender.",
             "差出人へ返送（バウンス）するまで、配送を試みる期間。",
             "4d")),
    SPAN(CONF_QUEUE, queue.bounce_lifetime, "bounce-lifetime", "2d",
         LIMITS(USEC_MIN, 100 * USEC_DAY), FOR(QUEUE, CONF_RELOAD),
         DOC("How long a bounce (a message without sender) is tried before it is given up.",
             "差出人が空のメール（バウンスなど）の配送を試みる期間。",
             "1d")),
    SPANS(CONF_QUEUE, queue.delay_notices, "delay-notices", "4h 1d", NONE,
         LIMITS(USEC_MIN, 100 * USEC_DAY), FOR(QUEUE, CONF_RELOAD),
         DOC("When the sender is told that a message is still under way.",
             "メールがまだ届いていないことを差出人に知らせるまでの時間。",
             "1d")),
    SIZE(CONF_QUEUE, queue.bounce_full_size_max, "bounce-full-size-max", "100K", LIMITS(0, GIB),
         FOR(QUEUE, CONF_RELOAD),
         DOC("Bounces return messages up to this size whole, of larger ones only the header.",
             "バウンスに、このサイズまでのメールは全体を、それより大きければヘッダーだけを付けます。",
             "1M")),
    SIZE(CONF_QUEUE, queue.disk_reserve, "disk-reserve", "256M", LIMITS(MIB, TIB),
         FOR(QUEUE | MAIL, CONF_RELOAD),
         DOC("New messages are put off when less disk space than this is free.",
             "ディスクの空き容量がこれを下回ったら、新しいメールを一時的に拒否します。",
             "2G")),
    NUMBER(CONF_QUEUE, queue.loops_held_max, "loops-held-max", "1000", LIMITS(1, 1000000),
         FOR(QUEUE, CONF_RELOAD),
         DOC("The most messages of strangers that are held because they went in a circle (see "
             "hayauma queue list). Above that, messages to be forwarded that were forwarded before "
             "are put off with 451 until you have released or removed some.",
             "転送のループと判断して保留する、外部からのメールの最大数（hayauma queue list で確認できます）。これを超えると、すでに転送されてきた転送先宛てのメールを、保留中のメールを解除または削除するまで 451 で一時的に拒否します。",
             "200")),
    SIZE(CONF_QUEUE, queue.loops_held_size_max, "loops-held-size-max", "256M", LIMITS(MIB, TIB),
         FOR(QUEUE, CONF_RELOAD),
         DOC("The most bytes of them; above that the same happens.",
             "そのようなメールの合計サイズの上限。超えたときの動作は loops-held-max と同じです。",
             "1G")),
    NUMBER(CONF_QUEUE, queue.active_max, "active-max", "10000", LIMITS(10, 10000000),
         FOR(QUEUE, CONF_RELOAD),
         DOC("The most messages held in memory for delivery at a time; the others wait on disk.",
             "配送のために同時にメモリに置くメールの最大数。残りはディスク上で待ちます。",
             "50000")),
    SIZE(CONF_QUEUE, queue.memory_max, "memory-max", "256M", LIMITS(16 * MIB, TIB),
         FOR(QUEUE, CONF_RELOAD),
         DOC("The most memory for messages that are being accepted or delivered.",
             "受信中と配送中のメールに使うメモリの上限。",
             "1G")),
    NUMBER(CONF_QUEUE, queue.recipients_per_transaction, "recipients-per-transaction", "100",
         LIMITS(1, 1000), FOR(QUEUE, CONF_RELOAD),
         DOC("The most recipients to whom a message is sent in one go; more take several.",
             "一度の送信でまとめる宛先の最大数。超える分は分けて送信します。",
             "50")),

    /* ---------------------------------------------------------------- relay */
    NUMBER(CONF_RELAY, relay.connections_start, "connections-start", "5", LIMITS(1, 1000),
         FOR(RELAY, CONF_RELOAD),
         DOC("How many connections to one destination there are at first.",
             "一つの送信先への同時接続の初期値。",
             "2")),
    NUMBER(CONF_RELAY, relay.connections_max, "connections-max", "20", LIMITS(1, 1000),
         FOR(RELAY, CONF_RELOAD),
         DOC("How many connections to one destination there may be when all goes well.",
             "順調なときの、一つの送信先への同時接続の最大数。",
             "50")),
    SPAN(CONF_RELAY, relay.idle_timeout, "idle-timeout", "5s", LIMITS(0, USEC_HOUR),
         FOR(RELAY, CONF_RELOAD),
         DOC("How long a connection is kept for another message; 0s closes it at once.",
             "次のメールに備えて接続を保つ時間。0s ならすぐに切断します。",
             "10s")),
    SPAN(CONF_RELAY, relay.connect_timeout, "connect-timeout", "30s", LIMITS(USEC_SEC, USEC_HOUR),
         FOR(RELAY, CONF_RELOAD),
         DOC("How long to wait for a connection.",
             "接続が確立するまで待つ時間。",
             "1min")),
    SPAN(CONF_RELAY, relay.greeting_timeout, "greeting-timeout", "5min",
         LIMITS(USEC_SEC, USEC_HOUR), FOR(RELAY, CONF_RELOAD),
         DOC("How long to wait for the greeting (RFC 5321 §4.5.3.2.1: 5min).",
             "相手のグリーティングを待つ時間（RFC 5321 §4.5.3.2.1 では 5min）。",
             "2min")),
    SPAN(CONF_RELAY, relay.command_timeout, "command-timeout", "5min",
         LIMITS(USEC_SEC, USEC_HOUR), FOR(RELAY, CONF_RELOAD),
         DOC("How long to wait for answers that have no timeout of their own (EHLO, STARTTLS).",
             "個別の設定がない応答（EHLO、STARTTLS など）を待つ時間。",
             "2min")),
    SPAN(CONF_RELAY, relay.mail_timeout, "mail-timeout", "5min", LIMITS(USEC_SEC, USEC_HOUR),
         FOR(RELAY, CONF_RELOAD),
         DOC("How long to wait for the answer to MAIL (RFC 5321 §4.5.3.2.2: 5min).",
             "MAIL への応答を待つ時間（RFC 5321 §4.5.3.2.2 では 5min）。",
             "2min")),
    SPAN(CONF_RELAY, relay.rcpt_timeout, "rcpt-timeout", "5min", LIMITS(USEC_SEC, USEC_HOUR),
         FOR(RELAY, CONF_RELOAD),
         DOC("How long to wait for the answer to RCPT (RFC 5321 §4.5.3.2.3: 5min).",
             "RCPT への応答を待つ時間（RFC 5321 §4.5.3.2.3 では 5min）。",
             "2min")),
    SPAN(CONF_RELAY, relay.data_timeout, "data-timeout", "2min", LIMITS(USEC_SEC, USEC_HOUR),
         FOR(RELAY, CONF_RELOAD),
         DOC("How long to wait for the answer to DATA (RFC 5321 §4.5.3.2.4: 2min).",
             "DATA への応答を待つ時間（RFC 5321 §4.5.3.2.4 では 2min）。",
             "1min")),
    SPAN(CONF_RELAY, relay.data_block_timeout, "data-block-timeout", "3min",
         LIMITS(USEC_SEC, USEC_HOUR), FOR(RELAY, CONF_RELOAD),
         DOC("How long to wait until a part of the message is taken (RFC 5321 §4.5.3.2.5: 3min).",
             "メールデータの一部の送信が終わるまで待つ時間（RFC 5321 §4.5.3.2.5 では 3min）。",
             "1min")),
    SPAN(CONF_RELAY, relay.data_end_timeout, "data-end-timeout", "10min",
         LIMITS(USEC_SEC, USEC_HOUR), FOR(RELAY, CONF_RELOAD),
         DOC("How long to wait for the answer to the whole message (RFC 5321 §4.5.3.2.6: 10min).",
             "メールデータ全体への応答を待つ時間（RFC 5321 §4.5.3.2.6 では 10min）。",
             "15min")),
    ADDRESSES(CONF_RELAY, relay.source_addresses, "source-addresses", "none", NONE,
         FOR(RELAY, CONF_RELOAD),
         DOC("The addresses to send from, at most one of IPv4 and one of IPv6.",
             "送信に使う送信元アドレス。IPv4 と IPv6 をそれぞれ一つまで指定できます。",
             "192.0.2.25 2001:db8::25")),
    HOST_PORT(CONF_RELAY, relay.smart_host, "smart-host", "none", .port = 25, NONE,
         FOR(QUEUE | RELAY, CONF_RELOAD),
         DOC("A host that takes all messages to the outside; it is looked up itself, not its MX.",
             "外部へのメールをすべて中継させるホスト（スマートホスト）。MX ではなく、そのホスト自身のアドレスを引きます。",
             "relay.example.jp:587")),
    TEXT(CONF_RELAY, relay.smart_host_user, "smart-host-user", "none", NONE, LIMITS(1, 255),
         FOR(QUEUE | RELAY, CONF_RELOAD),
         DOC("The name to log in with at the smart host; its password stands in "
             "relay.password-file.",
             "スマートホストにログインするときのユーザー名。パスワードは relay.password-file に書きます。",
             "lab@example.jp")),
    CHOICE(CONF_RELAY, relay.smart_host_tls, "smart-host-tls", enum conf_relay_tls,
         conf_relay_tls_words, "auto", FOR(QUEUE | RELAY, CONF_RELOAD),
         DOC("TLS with the smart host: encrypt and verify demand it, verify also a certificate for "
             "the host's name; auto is verify with a login, otherwise DANE where the host has it, "
             "else may.",
             "スマートホストとの TLS。encrypt と verify は TLS を必須にし、verify は証明書がホスト名に合うことも求めます。auto は、ログインするなら verify です。しないなら、相手に DANE があればそれに従い、なければ may と同じです。",
             "verify")),
    ROUTES(CONF_RELAY, relay.route, "route", "none", NONE, REPEATS, .port = 25,
         FOR(QUEUE | RELAY, CONF_RELOAD),
         DOC("Where the messages for a domain go and how; one line for each, the closest domain "
             "counts. Without tls= it is verify with a login, otherwise DANE where the domain has "
             "it, else may; with tls=may DANE does not count. A route goes before "
             "relay.smart-host.",
             "特定のドメイン宛てのメールの送信先と送信方法。1 行に一つずつ書き、最も長く一致するドメインの行を使います。tls= がなければ、ログインするなら verify です。しないなら、ドメインに DANE があればそれに従い、なければ may です。tls=may と書くと DANE を使いません。relay.smart-host より優先します。",
             "example.ac.jp relay.example.ac.jp:587 user=lab tls=verify")),
    PATH(CONF_RELAY, relay.password_file, "password-file", "none", NONE,
         FOR(MASTER, CONF_RELOAD),
         DOC("The file with the passwords for logins at other servers, which root alone may read; "
             "each line is HOST USER PASSWORD. A reload reads it again.",
             "ほかのサーバーにログインするためのパスワードを書くファイル。root だけが読めるようにし、各行を「ホスト ユーザー パスワード」とします。設定の再読み込みで読み直します。",
             "/etc/hayauma/relay-passwords")),
    BOOL(CONF_RELAY, relay.login_without_tls, "login-without-tls", "no",
         FOR(RELAY, CONF_RELOAD),
         DOC("Whether a login is made on a connection without TLS, where anybody on the way can read "
             "the password.",
             "TLS を使わない接続でもログインするかどうか。経路上の第三者がパスワードを読めてしまいます。",
             "no")),
    PORT(CONF_RELAY, relay.implicit_tls_port, "implicit-tls-port", "465",
         FOR(QUEUE | RELAY, CONF_RELOAD),
         DOC("The port at which TLS begins at once, without STARTTLS (RFC 8314).",
             "STARTTLS を使わず、接続と同時に TLS を開始するポート（RFC 8314）。",
             "465")),
    BOOL(CONF_RELAY, relay.mta_sts, "mta-sts", "yes", FOR(MASTER | QUEUE | RELAY, CONF_RELOAD),
         DOC("Whether the MTA-STS policies of other domains are fetched and obeyed (RFC 8461): their "
             "messages go only to the hosts named there, and with a verified certificate.",
             "ほかのドメインの MTA-STS ポリシー（RFC 8461）を取得し、従うかどうか。従う場合、そのドメイン宛てのメールは、ポリシーにあるサーバーへ、証明書を検証したうえでだけ送信します。",
             "no")),
    BOOL(CONF_RELAY, relay.tls_reports, "tls-reports", "yes", FOR(QUEUE, CONF_RELOAD),
         DOC("Whether domains that ask for it in DNS get a report each day of how TLS with their "
             "hosts went (RFC 8460).",
             "DNS で希望しているドメインに、そのサーバーとの TLS の状況を毎日報告するかどうか（RFC 8460）。",
             "no")),
    PATH(CONF_RELAY, relay.authorities, "authorities", "/etc/ssl/certs/ca-certificates.crt", NONE,
         FOR(MASTER, CONF_RELOAD),
         DOC("The certificate authorities, as PEM, by which certificates are verified where that is "
             "demanded.",
             "証明書の検証を求めるときに使う認証局の証明書（PEM 形式）。",
             "/etc/hayauma/authorities.pem")),
    BOOL(CONF_RELAY, relay.tls, "tls", "yes", FOR(QUEUE | RELAY, CONF_RELOAD),
         DOC("Whether connections are encrypted where the other host offers STARTTLS.",
             "相手が STARTTLS に対応しているとき、接続を暗号化するかどうか。",
             "no")),
    PORT(CONF_RELAY, relay.port, "port", "25", FOR(QUEUE | RELAY, CONF_RELOAD),
         DOC("The port of other hosts to connect to; anything but 25 is for trials.",
             "接続先のポート。25 以外はテスト用です。",
             "2025")),

    /* ---------------------------------------------------------------- fetch */
    NETWORKS(CONF_FETCH, fetch.inside_networks, "inside-networks", "none", NONE,
         FOR(FETCHER, CONF_RELOAD),
         DOC("Private networks from which is fetched all the same, for labs; who chooses the name of "
             "a domain chooses the address.",
             "プライベートネットワークのうち、取得を許すもの（実験環境用）。アドレスは、ドメインの持ち主が自由に決められます。",
             "192.168.7.0/24")),
    PORT(CONF_FETCH, fetch.port, "port", "443", FOR(FETCHER, CONF_RELOAD),
         DOC("The port of other hosts to connect to; anything but 443 is for trials.",
             "接続先のポート。443 以外はテスト用です。",
             "8443")),

    /* ---------------------------------------------------------------- delivery */
    TEXT(CONF_DELIVERY, delivery.plus_separator, "plus-separator", "+", LIMITS(0, 1),
         FOR(DIRECTORY, CONF_RELOAD),
         DOC("What parts an account from its detail, as in name+detail@example.jp; \"\" turns "
             "details off.",
             "name+detail@example.jp のように、アカウントと拡張部分を区切る文字。\"\" なら使いません。",
             "-")),
    SIZE(CONF_DELIVERY, delivery.quota, "quota", "none", NONE, LIMITS(0, 1024 * TIB),
         FOR(EDGE | QUEUE | MAIL, CONF_RELOAD),
         DOC("The space of an account for which none is set.",
             "個別の設定がないアカウントの容量制限。",
             "10G")),
    SIZE(CONF_DELIVERY, delivery.memory_max, "memory-max", "64M", LIMITS(4 * MIB, 64 * GIB),
         FOR(MAIL, CONF_RELOAD),
         DOC("The memory of one mail process for lists of messages in mailboxes, about 33 bytes a "
             "message; what was used least recently leaves it. What is in use stays, even beyond.",
             "一つの mail プロセスが、メールボックスのメール一覧のために使うメモリの上限（メール 1 通につき約 33 バイト）。超えた分は、最も長く使われていないものから解放します。使用中のものは、上限を超えても残ります。",
             "512M")),

    SPAN(CONF_DELIVERY, delivery.deleted_keep, "deleted-keep", "7d", LIMITS(0, 3650 * USEC_DAY),
         FOR(MAIL, CONF_RELOAD),
         DOC("How long messages that were deleted from a mailbox can be brought back with `hayauma "
             "mailbox restore`; 0s: not at all. They do not count for the quota, and give way when "
             "the disk gets full.",
             "メールボックスから削除されたメールを、hayauma mailbox restore で元に戻せるようにしておく期間。0s なら残しません。残したメールは容量制限に含めず、ディスクが足りなくなれば先に消去します。",
             "30d")),
    SIZE(CONF_DELIVERY, delivery.deleted_size_max, "deleted-size-max", "100M", NONE,
         LIMITS(MIB, 1024 * TIB), FOR(MAIL, CONF_RELOAD),
         DOC("The most disk space of an account for such messages, of which it keeps 100,000 at "
             "most; the first that were deleted go first.",
             "削除されたメールを残すために、一つのアカウントが使えるディスク容量の上限。残すのは多くても 10 万通です。超えると、先に削除されたものから消去します。",
             "1G")),

    SPAN(CONF_ACCOUNTS, accounts.removed_keep, "removed-keep", "30d", LIMITS(0, 3650 * USEC_DAY),
         FOR(DIRECTORY, CONF_RELOAD),
         DOC("How long a removed account and its messages are kept and can be brought back; 0s: "
             "until somebody purges them.",
             "削除したアカウントとそのメールを保存し、元に戻せるようにしておく期間。0s なら、purge するまで保存します。",
             "90d")),
    MAILBOXES(CONF_ACCOUNTS, accounts.mailboxes, "mailboxes", "drafts sent junk trash archive", NONE,
         FOR(MAIL, CONF_RELOAD),
         DOC("The mailboxes that an account begins with beside its INBOX, so that every mail program "
             "uses the same ones; with NAME behind =, quotes around both where the name has blanks, "
             "for a name of your own. An account that never had any but its INBOX gets them when it "
             "is next used; what its user has removed or renamed does not come again.",
             "INBOX のほかに、アカウントに最初から作るメールボックス。どのメールソフトも同じメールボックスを使うようになります。= の後ろに名前を書けば、その名前で作ります（空白を含むなら全体を引用符で囲みます）。INBOX しか持ったことのないアカウントには、次に使われたときに作ります。利用者が削除したり名前を変えたりしたものを、作り直すことはありません。",
             "sent=Sent-Items trash drafts")),
    CHOICE(CONF_ACCOUNTS, accounts.mailbox_names, "mailbox-names", enum conf_mailbox_names,
         mailbox_names, "english", FOR(MAIL, CONF_RELOAD),
         DOC("How those are called that have no name of their own: Drafts, Sent, Junk, Trash and "
             "Archive, or the same in Japanese. Mailboxes that exist keep their names.",
             "accounts.mailboxes で名前を指定しなかったものの名前を、英語（Drafts、Sent、Junk、Trash、Archive）にするか、日本語（下書き、送信済み、迷惑メール、ゴミ箱、アーカイブ）にするか。すでにあるメールボックスの名前は変わりません。",
             "japanese")),
    BOOL(CONF_ACCOUNTS, accounts.share_with_anyone, "share-with-anyone", "no",
         FOR(MAIL, CONF_RELOAD),
         DOC("Whether users may give rights in their mailboxes to all others at once (anyone), so "
             "that these are in everybody's list. With no, only \"hayauma mailbox acl\" does it; "
             "rights that were given stay.",
             "メールボックスの権限を、利用者がほかの全員（anyone）に与えてよいかどうか。与えると、そのメールボックスは全員の一覧に現れます。no なら、hayauma mailbox acl でだけ設定できます。すでに与えた権限は変わりません。",
             "yes")),

    /* ---------------------------------------------------------------- records */
    SPAN(CONF_EVENTS, events.keep, "keep", "30d", LIMITS(USEC_HOUR, 3650 * USEC_DAY),
         FOR(EVENTS | MAIL, CONF_RELOAD),
         DOC("How long events are kept.",
             "イベントの記録を保存する期間。",
             "90d")),
    SIZE(CONF_EVENTS, events.size_max, "size-max", "1G", LIMITS(16 * MIB, TIB),
         FOR(EVENTS, CONF_RELOAD),
         DOC("The most disk space for events; the oldest go first.",
             "イベントの記録に使うディスク容量の上限。超えると古いものから削除します。",
             "10G")),
    CHOICE(CONF_LOG, log.level, "level", enum conf_log_level, log_levels, "info",
         FOR(EVENTS, CONF_RELOAD),
         DOC("The least important events that are written.",
             "書き出すイベントの最低の重要度。",
             "debug")),
    CHOICE(CONF_LOG, log.destination, "destination", enum conf_log_destination,
         log_destinations, "stderr", FOR(EVENTS, CONF_RESTART),
         DOC("Where events are written as lines of text. Under systemd stderr and syslog both are the "
             "journal; elsewhere syslog is the daemon at /dev/log, facility mail.",
             "イベントをテキスト行として書き出す先。systemd の下では stderr も syslog もジャーナルになります。"
             "それ以外では、syslog は /dev/log のデーモン（ファシリティは mail）です。",
             "syslog")),
    PATH(CONF_LOG, log.file, "file", "none", NONE, FOR(MASTER, CONF_RELOAD),
         DOC("A file to which events are written as well; once it was moved away, a reload begins a "
             "new one.",
             "イベントをあわせて書き出すファイル。ファイルを移動したあと再読み込みすると、新しく作成します。",
             "/var/log/hayauma/hayauma.log")),
};
/* clang-format on */

const size_t conf_setting_count = ARRAY_SIZE(conf_settings);
