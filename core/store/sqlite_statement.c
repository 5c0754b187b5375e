/*
 * sqlite_statement.c - every statement of the store
 *
 * Each is prepared once when a connection is opened, so a schema that does
 * not fit is found then and not when it is first needed. The states in them
 * are those of enum bf_delivery_state; a partial index is used only when its
 * condition stands in the statement word for word. INDEXED BY makes a
 * statement fail rather than take a slow way.
 */
#include "core/store/sqlite_statement.h"

#define DELIVERY_COLUMNS                                                       \
	"event, channel, state, tries, attempts, crashes, at_ms, expires_ms "

#define CLAIM_COLUMNS                                                          \
	"d.event, d.channel, d.state, d.tries, d.attempts, d.crashes, "        \
	"d.at_ms, d.expires_ms, e.type, e.tenant, e.timestamp_us, e.json "

#define AUDIT_COLUMNS "id, actor, address, tenant, action, object, detail"

#define UP "event >= ?1 AND event < ?2 ORDER BY event, channel"
#define DOWN                                                                   \
	"(event, channel) < (?1, ?2) AND event >= ?3 "                         \
	"ORDER BY event DESC, channel DESC"
#define ALL "SELECT event, channel, state, type FROM delivery WHERE "
#define WAITING                                                                \
	"SELECT event, channel, state, type FROM delivery INDEXED BY waiting " \
	"WHERE state < 2 AND "
#define FAILED                                                                 \
	"SELECT event, channel, 3, type FROM delivery INDEXED BY failed "      \
	"WHERE state = 3 AND "

/* A range of events, but for those that something of waits. */
#define IDLE(column)                                                           \
	column " BETWEEN ?1 AND ?2 AND " column                                \
	       " NOT IN (SELECT event FROM delivery INDEXED BY waiting "       \
	       "WHERE state < 2 AND event BETWEEN ?1 AND ?2)"

const char *const bf_sql_texts[BF_SQL_COUNT] = {
	[BF_SQL_BEGIN] = "BEGIN IMMEDIATE",
	[BF_SQL_COMMIT] = "COMMIT",
	[BF_SQL_ROLLBACK] = "ROLLBACK",

	[BF_SQL_TYPE_NUMBER] = "SELECT number FROM type WHERE name = ?1",
	[BF_SQL_TYPE_NAME] = "SELECT name FROM type WHERE number = ?1",
	[BF_SQL_TYPE_ADD] = "INSERT INTO type (name) VALUES (?1)",
	[BF_SQL_CHANNEL_NUMBER] = "SELECT number FROM channel "
				  "WHERE tenant = ?1 AND name = ?2",
	[BF_SQL_CHANNEL_ADD] =
	    "INSERT INTO channel (tenant, name) VALUES (?1, ?2)",
	[BF_SQL_CHANNELS] =
	    "SELECT number, tenant, name FROM channel ORDER BY number",
	[BF_SQL_CHANNELS_OF_TENANT] =
	    "SELECT number FROM channel WHERE tenant = ?1",
	[BF_SQL_SETTING] = "SELECT value FROM setting WHERE name = ?1",
	[BF_SQL_SETTINGS] = "SELECT name, value FROM setting "
			    "WHERE name >= ?1 ORDER BY name",
	[BF_SQL_SETTING_PUT] =
	    "INSERT INTO setting (name, value) VALUES (?1, ?2) "
	    "ON CONFLICT DO UPDATE SET value = excluded.value",
	[BF_SQL_SETTING_DROP] = "DELETE FROM setting WHERE name = ?1",

	[BF_SQL_USAGE] = "SELECT tenant, events, bytes FROM usage",
	[BF_SQL_USAGE_ADD] =
	    "INSERT INTO usage (tenant, events, bytes) VALUES (?1, ?2, ?3) "
	    "ON CONFLICT DO UPDATE SET events = events + excluded.events, "
	    "bytes = bytes + excluded.bytes",
	[BF_SQL_USAGE_DROP] =
	    "DELETE FROM usage WHERE tenant = ?1 AND events <= 0",

	/* From the tables of sqlite_rows.h. */
	[BF_SQL_EVENTS_ADD] =
	    "INSERT INTO event (id, type, tenant, timestamp_us, reason, json) "
	    "SELECT id, type, tenant, timestamp_us, reason, json "
	    "FROM new_event WHERE true ON CONFLICT DO NOTHING",
	[BF_SQL_EVENT_SAME] =
	    "SELECT 1 FROM event WHERE id = ?1 AND tenant = ?2 AND json = ?3",
	[BF_SQL_DELIVERIES_ADD] =
	    "INSERT INTO delivery (event, channel, state, tries, attempts, "
	    "crashes, at_ms, expires_ms, type) "
	    "SELECT event, channel, 0, 0, 0, 0, at_ms, expires_ms, type "
	    "FROM new_delivery",
	[BF_SQL_KEY_FIND] = "SELECT event, digest FROM idempotency "
			    "WHERE tenant = ?1 AND key = ?2 AND event >= ?3",
	[BF_SQL_KEY_ADD] =
	    "INSERT OR REPLACE INTO idempotency (tenant, key, event, digest) "
	    "VALUES (?1, ?2, ?3, ?4)",
	/* Late, and without effect, when the tries differ or this number of
	 * attempt was used. */
	[BF_SQL_FINISH] =
	    "UPDATE delivery SET state = ?3, tries = tries + ?4, "
	    "attempts = max(attempts, ?5), crashes = ?6, "
	    "at_ms = coalesce(?7, at_ms) "
	    "WHERE event = ?1 AND channel = ?2 AND state < 2 AND tries = ?8 "
	    "AND attempts < ?9",
	[BF_SQL_ATTEMPTS_ADD] =
	    "INSERT INTO attempt (event, channel, number, at_ms, took_us, "
	    "resolve_us, connect_us, tls_us, first_byte_us, outcome, status, "
	    "why, excerpt) "
	    "SELECT event, channel, number, at_ms, took_us, resolve_us, "
	    "connect_us, tls_us, first_byte_us, outcome, status, why, excerpt "
	    "FROM new_attempt WHERE true ON CONFLICT DO NOTHING",
	[BF_SQL_ATTEMPTS_DROP] = "DELETE FROM attempt WHERE event = ?1 "
				 "AND channel = ?2 AND number <= ?3",
	[BF_SQL_ATTEMPTS_DROP_RECIPIENTS] =
	    "DELETE FROM recipient WHERE event = ?1 AND channel = ?2 "
	    "AND number <= ?3 AND NOT settled",
	[BF_SQL_RECIPIENT_ADD] =
	    "INSERT INTO recipient (event, channel, number, place, address, "
	    "outcome, status, reply, settled) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) "
	    "ON CONFLICT DO NOTHING",
	[BF_SQL_CANCEL] = "UPDATE delivery SET state = 4, at_ms = ?3 "
			  "WHERE event = ?1 AND channel = ?2 AND state < 2",
	[BF_SQL_REPLAY] =
	    "UPDATE delivery SET state = 1, tries = 0, crashes = 0, "
	    "at_ms = ?3, expires_ms = ?4 "
	    "WHERE event = ?1 AND channel = ?2 AND state >= 2",

	[BF_SQL_UNSETTLE] = "UPDATE recipient SET settled = 0 "
			    "WHERE event = ?1 AND channel = ?2 AND settled "
			    "AND (outcome = 2 OR ?3)",

	[BF_SQL_CLAIM_FRESH] =
	    "SELECT " CLAIM_COLUMNS "FROM delivery d INDEXED BY fresh "
	    "LEFT JOIN event e ON e.id = d.event "
	    "WHERE d.state = 0 AND d.channel = ?1 AND d.event > ?2 "
	    "ORDER BY d.event",
	[BF_SQL_CLAIM_RETRIES] =
	    "SELECT " CLAIM_COLUMNS "FROM delivery d INDEXED BY retry "
	    "LEFT JOIN event e ON e.id = d.event "
	    "WHERE d.state = 1 AND d.channel = ?1 "
	    "AND (d.at_ms, d.event) > (?2, ?3) ORDER BY d.at_ms, d.event",
	[BF_SQL_SETTLED] = "SELECT address, outcome, status, reply "
			   "FROM recipient WHERE event = ?1 AND channel = ?2 "
			   "AND settled ORDER BY number, place",
	[BF_SQL_BACKLOG_FRESH] =
	    "SELECT channel, count(*) FROM delivery INDEXED BY fresh "
	    "WHERE state = 0 GROUP BY channel ORDER BY channel",
	[BF_SQL_BACKLOG_RETRIES] =
	    "SELECT channel, count(*), min(at_ms) FROM delivery "
	    "INDEXED BY retry WHERE state = 1 GROUP BY channel "
	    "ORDER BY channel",
	[BF_SQL_EXPIRE_SCAN] =
	    "SELECT event, channel, expires_ms, state FROM delivery "
	    "INDEXED BY waiting WHERE state < 2 AND event >= ?1 "
	    "ORDER BY event, channel",
	[BF_SQL_EXPIRE] = "UPDATE delivery SET state = 3, at_ms = ?3, attempts "
			  "= attempts + 1 "
			  "WHERE event = ?1 AND channel = ?2 AND state < 2",
	[BF_SQL_EXPIRE_ATTEMPT] =
	    "INSERT INTO attempt (event, channel, number, at_ms, took_us, "
	    "outcome, status, why) "
	    "SELECT event, channel, attempts, ?3, 0, ?4, 0, ?5 FROM delivery "
	    "WHERE event = ?1 AND channel = ?2",
	[BF_SQL_PRUNE_LAST] =
	    "SELECT max(id), count(*) FROM (SELECT id FROM event "
	    "WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3)",
	[BF_SQL_PRUNE_USAGE] =
	    "SELECT tenant, length(json), (SELECT count(*) FROM delivery "
	    "WHERE delivery.event = event.id) FROM event WHERE " IDLE("id"),
	[BF_SQL_PRUNE_RECIPIENTS] =
	    "DELETE FROM recipient WHERE " IDLE("event"),
	[BF_SQL_PRUNE_ATTEMPTS] = "DELETE FROM attempt WHERE " IDLE("event"),
	[BF_SQL_PRUNE_EVENTS] = "DELETE FROM event WHERE " IDLE("id"),
	[BF_SQL_PRUNE_DELIVERIES] = "DELETE FROM delivery WHERE " IDLE("event"),
	[BF_SQL_PRUNE_KEYS] =
	    "DELETE FROM idempotency WHERE (tenant, key) IN "
	    "(SELECT tenant, key FROM idempotency INDEXED BY idempotency_age "
	    "WHERE event < ?1 ORDER BY event LIMIT ?2)",
	[BF_SQL_PRUNE_PASTS] =
	    "DELETE FROM setting WHERE name IN (SELECT name FROM setting "
	    "WHERE name >= ?1 AND name < ?2 AND CAST(value AS INTEGER) <= "
	    "min(?3, ifnull((SELECT min(id) FROM event), ?3), "
	    "ifnull((SELECT min(id) FROM audit), ?3)) LIMIT ?4)",

	[BF_SQL_SCAN_ALL_UP] = ALL UP,
	[BF_SQL_SCAN_ALL_DOWN] = ALL DOWN,
	[BF_SQL_SCAN_WAITING_UP] = WAITING UP,
	[BF_SQL_SCAN_WAITING_DOWN] = WAITING DOWN,
	[BF_SQL_SCAN_FAILED_UP] = FAILED UP,
	[BF_SQL_SCAN_FAILED_DOWN] = FAILED DOWN,

	[BF_SQL_AUDIT_ADD] =
	    "INSERT INTO audit (" AUDIT_COLUMNS ") "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
	[BF_SQL_AUDIT_HIGHEST] = "SELECT max(id) FROM audit",
	[BF_SQL_AUDIT_PRUNE] =
	    "DELETE FROM audit WHERE id IN "
	    "(SELECT id FROM audit WHERE id < ?1 ORDER BY id LIMIT ?2)",
	[BF_SQL_AUDIT_SCAN] = "SELECT " AUDIT_COLUMNS " FROM audit "
			      "WHERE id < ?1 AND id >= ?2 ORDER BY id DESC",
	[BF_SQL_AUDIT_SCAN_TENANT] =
	    "SELECT " AUDIT_COLUMNS " FROM audit INDEXED BY audit_tenant "
	    "WHERE tenant = ?3 AND id < ?1 AND id >= ?2 ORDER BY id DESC",

	[BF_SQL_EVENT] = "SELECT type, tenant, timestamp_us, json, reason "
			 "FROM event WHERE id = ?1",
	[BF_SQL_EVENT_SCAN] = "SELECT id, type, tenant FROM event "
			      "WHERE id < ?1 AND id >= ?2 ORDER BY id DESC",
	[BF_SQL_EVENT_HIGHEST] = "SELECT max(id) FROM event",
	[BF_SQL_EVENT_DELIVERIES] = "SELECT " DELIVERY_COLUMNS "FROM delivery "
				    "WHERE event = ?1 ORDER BY channel",
	[BF_SQL_DELIVERY] = "SELECT " DELIVERY_COLUMNS "FROM delivery "
			    "WHERE event = ?1 AND channel = ?2",
	[BF_SQL_ATTEMPTS] =
	    "SELECT number, at_ms, took_us, resolve_us, connect_us, tls_us, "
	    "first_byte_us, outcome, status, why, excerpt FROM attempt "
	    "WHERE event = ?1 AND channel = ?2 ORDER BY number",
	[BF_SQL_RECIPIENTS] =
	    "SELECT address, outcome, status, reply FROM recipient "
	    "WHERE event = ?1 AND channel = ?2 AND number = ?3 ORDER BY place",
	[BF_SQL_ORPHAN] = "SELECT event FROM delivery INDEXED BY waiting "
			  "WHERE state < 2 "
			  "AND event NOT IN (SELECT id FROM event) LIMIT 1",
};
