/* SPDX-License-Identifier: ISC */
/*
 * The statements of mail.db.
 *
 * The SQL keeps to what PostgreSQL understands as well: keys begin with the account, numbers are
 * bigint, no sequences and no triggers.
 */
#include "store/solo/index_db.h"

#define KEY " WHERE account_id = ?1"

const char SQL_ACCOUNT_GET[] =
    "SELECT born, modseq, body_next, mailbox_next, taken_pack, taken_offset,"
    " pruned, bodies, bytes, forgotten_modseq, forgotten_uid, deleted_bytes FROM account" KEY;
const char SQL_ACCOUNT_ADD[] = "INSERT INTO account (account_id, format, born, modseq, body_next,"
                               " mailbox_next, taken_pack, taken_offset, bodies, bytes,"
                               " forgotten_modseq, forgotten_uid, deleted_bytes, pruned)"
                               " VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0)";
const char SQL_ACCOUNT_SET[] = "UPDATE account SET born = ?2, modseq = ?3, body_next = ?4,"
                               " mailbox_next = ?5, taken_pack = ?6, taken_offset = ?7,"
                               " bodies = ?8, bytes = ?9, forgotten_modseq = ?10,"
                               " forgotten_uid = ?11, deleted_bytes = ?12" KEY;
const char SQL_ACCOUNT_PRUNED[] = "UPDATE account SET pruned = ?2" KEY;

const char SQL_MAILBOX_ADD[] =
    "INSERT INTO mailboxes (account_id, mailbox_id, parent_id, name, role,"
    " uidvalidity, uidnext, modseq, changed, messages, unseen, bytes)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, 0, 0, 0)";
const char SQL_MAILBOX_SET[] = "UPDATE mailboxes SET parent_id = ?3, name = ?4, role = ?5,"
                               " uidvalidity = ?6, changed = ?7" KEY " AND mailbox_id = ?2";
const char SQL_MAILBOX_GET[] = "SELECT changed, gone FROM mailboxes" KEY " AND mailbox_id = ?2";
const char SQL_MAILBOX_REMOVE[] =
    "UPDATE mailboxes SET gone = ?3, changed = ?4" KEY " AND mailbox_id = ?2";
#define NOT_WANTED                                                                                 \
    " AND NOT EXISTS (SELECT 1 FROM deleted d WHERE d.account_id = mailboxes.account_id"           \
    " AND d.mailbox_id = mailboxes.mailbox_id)"
const char SQL_MAILBOX_FORGET[] = "DELETE FROM mailboxes" KEY " AND gone = ?2" NOT_WANTED;
const char SQL_MAILBOX_FORGET_OLD[] =
    "DELETE FROM mailboxes" KEY " AND gone > 0" NOT_WANTED
    " AND NOT EXISTS (SELECT 1 FROM packs p WHERE p.account_id = mailboxes.account_id"
    " AND p.pack = mailboxes.gone)";
const char SQL_MAILBOX_COUNT[] =
    "UPDATE mailboxes SET messages = messages + ?3, unseen = unseen + ?4,"
    " bytes = bytes + ?5,"
    " uidnext = CASE WHEN uidnext < ?6 THEN ?6 ELSE uidnext END,"
    " modseq = CASE WHEN modseq < ?7 THEN ?7 ELSE modseq END" KEY " AND mailbox_id = ?2";
const char SQL_MAILBOX_LEAP[] = "UPDATE mailboxes SET uidnext = uidnext + ?2" KEY;
const char SQL_MAILBOX_ALL[] =
    "SELECT mailbox_id, parent_id, name, role, uidvalidity, uidnext, modseq,"
    " messages, unseen, bytes FROM mailboxes" KEY " AND gone = 0 ORDER BY mailbox_id";

const char SQL_BODY_ADD[] = "INSERT INTO bodies (account_id, body_id, pack, place, body, length,"
                            " size, header_size, body_crc, shape, arrival, entries)"
                            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
                            " ON CONFLICT (account_id, body_id) DO NOTHING";
const char SQL_BODY_EXPECT[] =
    "INSERT INTO bodies (account_id, body_id, pack, place, body, length,"
    " size, header_size, body_crc, shape, arrival, entries)"
    " VALUES (?1, ?2, 0, 0, 0, 0, ?3, 0, 0, 0, 0, 0) ON CONFLICT (account_id, body_id) DO NOTHING";
const char SQL_BODY_GET[] = "SELECT pack, place, length, size FROM bodies" KEY " AND body_id = ?2";
const char SQL_BODY_MOVE[] =
    "UPDATE bodies SET pack = ?3, place = ?4, body = ?5, length = ?6, size = ?7,"
    " header_size = ?8, body_crc = ?9, shape = ?10, arrival = ?11" KEY " AND body_id = ?2";
const char SQL_BODY_SHIFT[] =
    "UPDATE bodies SET entries = entries + ?3, deleted = deleted + ?4" KEY " AND body_id = ?2"
    " RETURNING pack, length, size, entries, deleted";
const char SQL_BODY_DROP_LAST[] =
    "DELETE FROM bodies" KEY " AND body_id = ?2 AND entries = 1 AND deleted = 0"
    " RETURNING pack, length, size, 0, 0";
const char SQL_BODY_DROP[] =
    "DELETE FROM bodies" KEY " AND body_id = ?2 AND entries = 0 AND deleted = 0";
const char SQL_BODY_DROP_UNUSED[] =
    "DELETE FROM bodies" KEY " AND entries = 0 AND deleted = 0 RETURNING pack, length";
#define BODY_RANGE KEY " AND body_id BETWEEN ?2 AND ?3"
const char SQL_BODY_RANGE[] =
    "SELECT body_id, pack, length, size, entries, deleted FROM bodies" BODY_RANGE
    " ORDER BY body_id LIMIT ?4";
const char SQL_BODY_SHIFT_RANGE[] =
    "UPDATE bodies SET entries = entries + ?4, deleted = deleted + ?5" BODY_RANGE;
const char SQL_BODY_DROP_RANGE[] = "DELETE FROM bodies" BODY_RANGE;
const char SQL_BODY_ENTRIES[] = "SELECT entries FROM bodies" KEY " AND body_id = ?2";
const char SQL_BODY_PLACES[] =
    "SELECT body_id, pack, body, size, body_crc FROM bodies" KEY " AND body_id >= ?2"
    " ORDER BY body_id LIMIT ?3";
const char SQL_BODY_NEWEST[] = "SELECT body_id, size, body_crc FROM bodies" KEY
                               " AND body_id <= ?2 ORDER BY body_id DESC LIMIT 1";
const char SQL_BODY_COUNT[] =
    "SELECT count(*), count(*) FILTER (WHERE body_id > ?2) FROM bodies" KEY;

const char SQL_ENTRY_ADD[] =
    "INSERT INTO entries (account_id, mailbox_id, uid, body_id, modseq, flags, pack, keywords,"
    " saved) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const char SQL_ENTRY_GET[] = "SELECT body_id, flags, modseq, pack, keywords FROM entries" KEY
                             " AND mailbox_id = ?2 AND uid = ?3";
const char SQL_ENTRY_SAVED[] = "SELECT saved FROM entries" KEY " AND mailbox_id = ?2 AND uid = ?3";
const char SQL_ENTRY_SET[] = "UPDATE entries SET flags = ?4, modseq = ?5, keywords = ?6" KEY
                             " AND mailbox_id = ?2 AND uid = ?3";
const char SQL_ENTRY_MOVE[] =
    "UPDATE entries SET pack = ?4" KEY " AND mailbox_id = ?2 AND uid = ?3";
const char SQL_ENTRY_DROP[] = "DELETE FROM entries" KEY " AND mailbox_id = ?2 AND uid = ?3"
                              " RETURNING body_id, flags, pack, keywords";
const char SQL_ENTRY_UIDS[] = "SELECT uid FROM entries" KEY " AND mailbox_id = ?2 LIMIT ?3";
#define ENTRY_RANGE KEY " AND mailbox_id = ?2 AND uid BETWEEN ?3 AND ?4"
const char SQL_ENTRY_RANGE[] =
    "SELECT uid, body_id, flags, modseq, pack, keywords FROM entries" ENTRY_RANGE
    " ORDER BY uid LIMIT ?5";
const char SQL_ENTRY_SET_RANGE[] =
    "UPDATE entries SET flags = ?5, modseq = ?6, keywords = ?7" ENTRY_RANGE;
const char SQL_ENTRY_DROP_RANGE[] = "DELETE FROM entries" ENTRY_RANGE;
const char SQL_ENTRY_LOAD[] =
    "SELECT e.uid, e.flags, e.modseq, e.body_id, b.size, b.shape, b.arrival, b.entries, e.keywords"
    " FROM entries e JOIN bodies b"
    " ON b.account_id = e.account_id AND b.body_id = e.body_id"
    " WHERE e.account_id = ?1 AND e.mailbox_id = ?2 AND e.uid > ?3 ORDER BY e.uid LIMIT ?4";

#define BOX KEY " AND mailbox_id = ?2"
const char SQL_SET_JOIN[] =
    "UPDATE keyword_sets SET entries = entries + ?4" BOX " AND names = ?3 RETURNING set_id";
const char SQL_SET_ADD[] =
    "INSERT INTO keyword_sets (account_id, mailbox_id, names, entries, set_id)"
    " VALUES (?1, ?2, ?3, ?4, (SELECT coalesce(max(set_id), 0) + 1 FROM keyword_sets" BOX "))"
    " RETURNING set_id";
const char SQL_SET_LEAVE[] = "UPDATE keyword_sets SET entries = entries - ?4" BOX
                             " AND set_id = ?3 RETURNING entries, names";
const char SQL_SET_DROP[] = "DELETE FROM keyword_sets" BOX " AND set_id = ?3";
const char SQL_SET_GET[] = "SELECT names FROM keyword_sets" BOX " AND set_id = ?3";
const char SQL_KEYWORD_JOIN[] =
    "INSERT INTO keywords (account_id, mailbox_id, name, sets) VALUES (?1, ?2, ?3, 1)"
    " ON CONFLICT (account_id, mailbox_id, name) DO UPDATE SET sets = sets + 1";
const char SQL_KEYWORD_LEAVE[] = "UPDATE keywords SET sets = sets - 1" BOX " AND name = ?3";
const char SQL_KEYWORD_DROP[] = "DELETE FROM keywords" BOX " AND name = ?3 AND sets = 0";
const char SQL_KEYWORD_ALL[] = "SELECT name FROM keywords" BOX " ORDER BY name";

#define PROPERTY KEY " AND mailbox_id = ?2 AND kind = ?3 AND name = ?4"
const char SQL_PROPERTY_ADD[] =
    "INSERT INTO properties (account_id, mailbox_id, kind, name, value, modseq, pack)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const char SQL_PROPERTY_SET[] = "UPDATE properties SET value = ?5, modseq = ?6, pack = ?7" PROPERTY;
const char SQL_PROPERTY_GET[] =
    "SELECT value, modseq, pack, coalesce(length(value), 0) FROM properties" PROPERTY;
const char SQL_PROPERTY_ALL[] = "SELECT mailbox_id, kind, name, modseq, length(value),"
                                " CASE WHEN length(value) <= ?2 THEN value END FROM properties" KEY;
const char SQL_PROPERTY_DROP[] = "DELETE FROM properties" KEY " AND mailbox_id = ?2"
                                 " RETURNING pack, length(name), coalesce(length(value), 0)";
const char SQL_PROPERTY_FORGET[] = "DELETE FROM properties" KEY " AND value IS NULL AND pack = ?2";

const char SQL_DELETED_ADD[] =
    "INSERT INTO deleted (account_id, mailbox_id, uid, body_id, flags, keywords, modseq,"
    " deleted_at, pack) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
    " ON CONFLICT (account_id, mailbox_id, uid) DO NOTHING";
const char SQL_DELETED_ADD_RANGE[] =
    "INSERT INTO deleted (account_id, mailbox_id, uid, body_id, flags, keywords, modseq,"
    " deleted_at, pack) SELECT account_id, mailbox_id, uid, body_id, flags, ?5, ?6, ?7, 0"
    " FROM entries" ENTRY_RANGE;
const char SQL_DELETED_PLACE[] =
    "UPDATE deleted SET flags = ?4, keywords = ?5, modseq = ?6,"
    " deleted_at = ?7, pack = ?8" KEY " AND mailbox_id = ?2 AND uid = ?3";
#define DELETION                                                                                   \
    "SELECT d.mailbox_id, d.uid, b.size, d.body_id, d.modseq, d.deleted_at, d.flags, d.pack,"      \
    " d.keywords FROM deleted d JOIN bodies b"                                                     \
    " ON b.account_id = d.account_id AND b.body_id = d.body_id WHERE d.account_id = ?1"
const char SQL_DELETED_GET[] = DELETION " AND d.mailbox_id = ?2 AND d.uid = ?3";
const char SQL_DELETED_LOOSE[] = DELETION " AND d.pack = 0 ORDER BY d.mailbox_id, d.uid LIMIT ?2";
const char SQL_DELETED_ANY[] = "SELECT 1 FROM deleted" KEY " AND mailbox_id = ?2 LIMIT 1";
const char SQL_DELETED_COUNT[] = "SELECT count(*) FROM deleted" KEY;
const char SQL_DELETED_LIST[] =
    "SELECT d.mailbox_id, d.uid, b.size, d.body_id, d.modseq, d.deleted_at, d.flags, d.keywords,"
    " b.arrival, b.entries, b.deleted, coalesce(m.name, '') FROM deleted d"
    " JOIN bodies b ON b.account_id = d.account_id AND b.body_id = d.body_id"
    " LEFT JOIN mailboxes m ON m.account_id = d.account_id AND m.mailbox_id = d.mailbox_id"
    " WHERE d.account_id = ?1 AND d.modseq >= ?2 AND (d.modseq > ?2 OR d.uid > ?3)"
    " ORDER BY d.modseq, d.uid LIMIT ?4";
const char SQL_DELETED_VOID[] =
    "DELETE FROM deleted" KEY " AND mailbox_id = ?2 AND uid = ?3 AND pack = 0 AND modseq > ?4"
    " RETURNING body_id";
const char SQL_DELETED_FORGET[] =
    "DELETE FROM deleted" KEY " AND modseq <= ?2 AND (modseq < ?2 OR uid <= ?3)"
    " RETURNING body_id, pack";

const char SQL_KEY_ADD[] =
    "INSERT INTO delivered (account_id, delivery_key, arrival, body_id)"
    " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (account_id, delivery_key) DO NOTHING";
const char SQL_KEY_GET[] = "SELECT body_id FROM delivered" KEY " AND delivery_key = ?2";
const char SQL_KEY_ALL[] = "SELECT delivery_key FROM delivered" KEY;
const char SQL_KEY_PRUNE[] = "DELETE FROM delivered" KEY " AND arrival < ?2";

const char SQL_VANISHED_ADD[] = "INSERT INTO vanished (account_id, mailbox_id, uid, modseq, pack)"
                                " VALUES (?1, ?2, ?3, ?4, ?5)"
                                " ON CONFLICT (account_id, mailbox_id, uid) DO NOTHING";
const char SQL_VANISHED_ADD_RANGE[] =
    "INSERT INTO vanished (account_id, mailbox_id, uid, modseq, pack)"
    " SELECT account_id, mailbox_id, uid, ?5, ?6 FROM entries" ENTRY_RANGE
    " ON CONFLICT (account_id, mailbox_id, uid) DO NOTHING";
const char SQL_VANISHED_GET[] = "SELECT pack FROM vanished" KEY " AND mailbox_id = ?2 AND uid = ?3";
const char SQL_VANISHED_SINCE[] =
    "SELECT uid FROM vanished" KEY " AND mailbox_id = ?2 AND modseq > ?3 ORDER BY +uid";
const char SQL_VANISHED_PLACE[] =
    "UPDATE vanished SET pack = ?4" KEY " AND mailbox_id = ?2 AND uid = ?3";
const char SQL_VANISHED_GONE[] = "UPDATE vanished SET pack = 0" KEY " AND pack = ?2";

const char SQL_PACK_ADD[] = "INSERT INTO packs (account_id, pack, bytes, alive, state)"
                            " VALUES (?1, ?2, ?3, ?4, ?5)";
const char SQL_PACK_SET[] = "UPDATE packs SET bytes = ?3, state = ?4" KEY " AND pack = ?2";
const char SQL_PACK_COUNT[] =
    "UPDATE packs SET alive = alive + ?3,"
    " bytes = CASE WHEN bytes < ?4 THEN ?4 ELSE bytes END" KEY " AND pack = ?2";
const char SQL_PACK_HALVE[] = "UPDATE packs SET state = ?3" KEY " AND pack = ?2 AND state = ?4";
const char SQL_PACK_DROP[] = "DELETE FROM packs" KEY " AND pack = ?2";
const char SQL_PACK_ALL[] = "SELECT pack, bytes, alive, state FROM packs" KEY " ORDER BY pack";
