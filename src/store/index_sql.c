/* SPDX-License-Identifier: ISC */
/*
 * The statements of mail.db.
 *
 * The SQL keeps to what PostgreSQL understands as well: keys begin with the account, numbers are
 * bigint, no sequences and no triggers.
 */
#include "store/index_db.h"

#define KEY " WHERE account_id = ?1"

const char SQL_ACCOUNT_GET[] =
    "SELECT born, modseq, letter_next, mailbox_next, taken_pack, taken_offset,"
    " pruned, format FROM account" KEY;
const char SQL_ACCOUNT_ADD[] = "INSERT INTO account (account_id, format, born, modseq, letter_next,"
                               " mailbox_next, taken_pack, taken_offset, pruned)"
                               " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)";
const char SQL_ACCOUNT_SET[] = "UPDATE account SET born = ?2, modseq = ?3, letter_next = ?4,"
                               " mailbox_next = ?5, taken_pack = ?6, taken_offset = ?7" KEY;
const char SQL_ACCOUNT_PRUNED[] = "UPDATE account SET pruned = ?2" KEY;

const char SQL_MAILBOX_ADD[] =
    "INSERT INTO mailboxes (account_id, mailbox_id, parent_id, name, role,"
    " uidvalidity, uidnext, modseq, changed, letters, unseen, bytes)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, 0, 0, 0)";
const char SQL_MAILBOX_SET[] = "UPDATE mailboxes SET parent_id = ?3, name = ?4, role = ?5,"
                               " uidvalidity = ?6, changed = ?7" KEY " AND mailbox_id = ?2";
const char SQL_MAILBOX_GET_MODSEQ[] = "SELECT changed FROM mailboxes" KEY " AND mailbox_id = ?2";
const char SQL_MAILBOX_COUNT[] =
    "UPDATE mailboxes SET letters = letters + ?3, unseen = unseen + ?4,"
    " bytes = bytes + ?5,"
    " uidnext = CASE WHEN uidnext < ?6 THEN ?6 ELSE uidnext END,"
    " modseq = CASE WHEN modseq < ?7 THEN ?7 ELSE modseq END" KEY " AND mailbox_id = ?2";
const char SQL_MAILBOX_LEAP[] = "UPDATE mailboxes SET uidnext = uidnext + ?2" KEY;
const char SQL_MAILBOX_ALL[] =
    "SELECT mailbox_id, parent_id, name, role, uidvalidity, uidnext, modseq,"
    " letters, unseen, bytes FROM mailboxes" KEY " ORDER BY mailbox_id";

const char SQL_MESSAGE_ADD[] =
    "INSERT INTO letters (account_id, letter_id, pack, place, body, length,"
    " size, header_size, body_crc, shape, arrival)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
    " ON CONFLICT (account_id, letter_id) DO NOTHING";
const char SQL_MESSAGE_GET[] =
    "SELECT pack, place, length, size FROM letters" KEY " AND letter_id = ?2";
const char SQL_MESSAGE_MOVE[] =
    "UPDATE letters SET pack = ?3, place = ?4, body = ?5, length = ?6" KEY " AND letter_id = ?2";
const char SQL_MESSAGE_DROP[] = "DELETE FROM letters" KEY " AND letter_id = ?2"
                                " RETURNING pack, place, length, size";

const char SQL_ENTRY_ADD[] =
    "INSERT INTO entries (account_id, mailbox_id, uid, letter_id, modseq, flags)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const char SQL_ENTRY_GET[] =
    "SELECT letter_id, flags, modseq FROM entries" KEY " AND mailbox_id = ?2 AND uid = ?3";
const char SQL_ENTRY_SET[] =
    "UPDATE entries SET flags = ?4, modseq = ?5" KEY " AND mailbox_id = ?2 AND uid = ?3";
const char SQL_ENTRY_DROP[] = "DELETE FROM entries" KEY " AND mailbox_id = ?2 AND uid = ?3"
                              " RETURNING letter_id, flags";
const char SQL_ENTRY_ALL[] =
    "SELECT e.uid, e.flags, e.modseq, e.letter_id, l.pack, l.place, l.body,"
    " l.size, l.header_size, l.body_crc, l.shape, l.arrival"
    " FROM entries e JOIN letters l"
    " ON l.account_id = e.account_id AND l.letter_id = e.letter_id"
    " WHERE e.account_id = ?1 AND e.mailbox_id = ?2 ORDER BY e.uid";

const char SQL_KEY_ADD[] =
    "INSERT INTO delivered (account_id, delivery_key, arrival, letter_id)"
    " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (account_id, delivery_key) DO NOTHING";
const char SQL_KEY_GET[] = "SELECT letter_id FROM delivered" KEY " AND delivery_key = ?2";
const char SQL_KEY_ALL[] = "SELECT delivery_key FROM delivered" KEY;
const char SQL_KEY_PRUNE[] = "DELETE FROM delivered" KEY " AND arrival < ?2";

const char SQL_VANISHED_ADD[] = "INSERT INTO vanished (account_id, mailbox_id, uid, modseq, pack)"
                                " VALUES (?1, ?2, ?3, ?4, ?5)"
                                " ON CONFLICT (account_id, mailbox_id, uid) DO NOTHING";
const char SQL_VANISHED_GET[] = "SELECT pack FROM vanished" KEY " AND mailbox_id = ?2 AND uid = ?3";
const char SQL_VANISHED_PLACE[] =
    "UPDATE vanished SET pack = ?4" KEY " AND mailbox_id = ?2 AND uid = ?3";
const char SQL_VANISHED_GONE[] = "UPDATE vanished SET pack = 0" KEY " AND pack = ?2";

const char SQL_PACK_ADD[] = "INSERT INTO packs (account_id, pack, bytes, alive, state)"
                            " VALUES (?1, ?2, ?3, ?4, ?5)";
const char SQL_PACK_SET[] = "UPDATE packs SET bytes = ?3, state = ?4" KEY " AND pack = ?2";
const char SQL_PACK_COUNT[] =
    "UPDATE packs SET alive = alive + ?3,"
    " bytes = CASE WHEN bytes < ?4 THEN ?4 ELSE bytes END" KEY " AND pack = ?2";
const char SQL_PACK_DROP[] = "DELETE FROM packs" KEY " AND pack = ?2";
const char SQL_PACK_ALL[] = "SELECT pack, bytes, alive, state FROM packs" KEY " ORDER BY pack";
