/*
 * sqlite_schema.c - the tables, and the way from each older schema
 *
 * The schema's version stands in the file (user_version). steps[n] leads from
 * version n to n + 1, and a new store takes all of them: so the way that old
 * stores go is the way that every store goes. A step that was released is
 * never changed again.
 */
#include "core/store/sqlite_private.h"

#include <belfry/clock.h>
#include <belfry/memory.h>

#include <stdlib.h>

/*
 * Version 1.
 *
 * delivery.state is enum bf_delivery_state. at_ms is when it is due (retry),
 * when it ended (final states) or when its event was accepted (fresh). What
 * waits is found by partial indexes, which hold nothing of what has ended:
 * fresh and retry in the order in which they are given out, waiting and failed
 * in the order of lists. (state stands in each of them because SQLite looks it
 * up in the table otherwise, for every row of a walk.) Rows are added in order
 * of time, so every index grows at its end.
 */
static const char version_1[] =
    "CREATE TABLE store ("
    "  id TEXT NOT NULL,"
    "  created_ms INTEGER NOT NULL"
    ");"
    "CREATE TABLE setting ("
    "  name TEXT PRIMARY KEY,"
    "  value TEXT NOT NULL"
    ") WITHOUT ROWID;"
    "CREATE TABLE type ("
    "  number INTEGER PRIMARY KEY,"
    "  name TEXT NOT NULL UNIQUE"
    ");"
    "CREATE TABLE channel ("
    "  number INTEGER PRIMARY KEY,"
    "  tenant TEXT NOT NULL,"
    "  name TEXT NOT NULL,"
    "  UNIQUE (tenant, name)"
    ");"
    "CREATE TABLE event ("
    "  id INTEGER PRIMARY KEY,"
    "  type INTEGER NOT NULL,"
    "  tenant TEXT NOT NULL,"
    "  timestamp_us INTEGER NOT NULL,"
    "  reason TEXT,"
    "  json TEXT NOT NULL"
    ");"
    "CREATE TABLE delivery ("
    "  event INTEGER NOT NULL,"
    "  channel INTEGER NOT NULL,"
    "  state INTEGER NOT NULL,"
    "  tries INTEGER NOT NULL,"
    "  attempts INTEGER NOT NULL,"
    "  crashes INTEGER NOT NULL,"
    "  at_ms INTEGER NOT NULL,"
    "  expires_ms INTEGER NOT NULL,"
    "  type INTEGER NOT NULL,"
    "  PRIMARY KEY (event, channel)"
    ") WITHOUT ROWID;"
    "CREATE INDEX fresh ON delivery (channel, event, state)"
    "  WHERE state = 0;"
    "CREATE INDEX retry ON delivery (channel, at_ms, event, state)"
    "  WHERE state = 1;"
    "CREATE INDEX waiting"
    "  ON delivery (event, channel, expires_ms, type, state)"
    "  WHERE state < 2;"
    "CREATE INDEX failed ON delivery (event, channel, type, state)"
    "  WHERE state = 3;"
    "CREATE TABLE attempt ("
    "  event INTEGER NOT NULL,"
    "  channel INTEGER NOT NULL,"
    "  number INTEGER NOT NULL,"
    "  at_ms INTEGER NOT NULL,"
    "  took_us INTEGER NOT NULL,"
    "  resolve_us INTEGER,"
    "  connect_us INTEGER,"
    "  tls_us INTEGER,"
    "  first_byte_us INTEGER,"
    "  outcome INTEGER NOT NULL,"
    "  status INTEGER NOT NULL,"
    "  why TEXT,"
    "  excerpt BLOB,"
    "  PRIMARY KEY (event, channel, number)"
    ") WITHOUT ROWID;"
    "CREATE TABLE idempotency ("
    "  tenant TEXT NOT NULL,"
    "  key TEXT NOT NULL,"
    "  event INTEGER NOT NULL,"
    "  digest BLOB NOT NULL,"
    "  PRIMARY KEY (tenant, key)"
    ") WITHOUT ROWID;"
    "CREATE INDEX idempotency_age ON idempotency (event);";

/*
 * Version 2: recipients that have outcomes of their own. place is that in the
 * attempt; settled says whether the row keeps the recipient from being tried
 * again.
 */
static const char version_2[] =
    "CREATE TABLE recipient ("
    "  event INTEGER NOT NULL,"
    "  channel INTEGER NOT NULL,"
    "  number INTEGER NOT NULL,"
    "  place INTEGER NOT NULL,"
    "  address TEXT NOT NULL,"
    "  outcome INTEGER NOT NULL,"
    "  status INTEGER NOT NULL,"
    "  reply TEXT,"
    "  settled INTEGER NOT NULL,"
    "  PRIMARY KEY (event, channel, number, place)"
    ") WITHOUT ROWID;";

/*
 * Version 3: who did what. The id is made of the time, as an event's is; a
 * tenant's rows are found by the index.
 */
static const char version_3[] =
    "CREATE TABLE audit ("
    "  id INTEGER PRIMARY KEY,"
    "  actor TEXT NOT NULL,"
    "  address TEXT NOT NULL,"
    "  tenant TEXT,"
    "  action TEXT NOT NULL,"
    "  object TEXT NOT NULL,"
    "  detail TEXT NOT NULL"
    ");"
    "CREATE INDEX audit_tenant ON audit (tenant, id);";

/*
 * Version 4: what each tenant takes. What there is already is summed up, this
 * once; the numbers are BF_STORE_EVENT_COST and BF_STORE_DELIVERY_COST.
 */
static const char version_4[] =
    "CREATE TABLE usage ("
    "  tenant TEXT PRIMARY KEY,"
    "  events INTEGER NOT NULL,"
    "  bytes INTEGER NOT NULL"
    ") WITHOUT ROWID;"
    "INSERT INTO usage (tenant, events, bytes)"
    "  SELECT tenant, count(*), sum(length(json) + 256 + 128 *"
    "    (SELECT count(*) FROM delivery WHERE delivery.event = event.id))"
    "  FROM event GROUP BY tenant;";

static const char *const steps[BF_SQLITE_SCHEMA] = {
	version_1,
	version_2,
	version_3,
	version_4,
};

static int
run(sqlite3 *db, const char *path, const char *text, struct bf_error *err)
{
	if (sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	bf_sqlite_describe(db, path, "set up the tables", err);
	return -1;
}

static int
read_number(sqlite3 *db, const char *path, const char *pragma, int64_t *number,
    struct bf_error *err)
{
	sqlite3_stmt *statement = NULL;
	int result = -1;

	if (sqlite3_prepare_v2(db, pragma, -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW) {
		*number = sqlite3_column_int64(statement, 0);
		result = 0;
	} else {
		bf_sqlite_describe(db, path, "read its schema's version", err);
	}
	sqlite3_finalize(statement);
	return result;
}

/* What is there: the version, of a file that is ours. */
static int
read_version(sqlite3 *db, const char *path, int64_t *version,
    struct bf_error *err)
{
	int64_t application;

	if (read_number(db, path, "PRAGMA application_id", &application, err) ==
		-1 ||
	    read_number(db, path, "PRAGMA user_version", version, err) == -1)
		return -1;
	if (application != BF_SQLITE_APPLICATION || *version < 1) {
		bf_error_set(err,
		    "%s is a database, but not a store of belfry's", path);
		return -1;
	}
	if (*version > BF_SQLITE_SCHEMA) {
		bf_error_set(err,
		    "%s was written by a newer belfry (schema %lld; this one "
		    "knows %d at most): run that one",
		    path, (long long)*version, BF_SQLITE_SCHEMA);
		return -1;
	}
	return 0;
}

/* All steps from a version on, in one transaction. */
static int
advance(sqlite3 *db, const char *path, int64_t version, const char *also,
    struct bf_error *err)
{
	char *mark = bf_strf("PRAGMA user_version = %d", BF_SQLITE_SCHEMA);
	int result = run(db, path, "BEGIN IMMEDIATE", err);

	for (; result == 0 && version < BF_SQLITE_SCHEMA; version++)
		result = run(db, path, steps[version], err);
	if (result == 0)
		result = run(db, path, also, err);
	if (result == 0)
		result = run(db, path, mark, err);
	if (result == 0)
		result = run(db, path, "COMMIT", err);
	if (result == -1 && sqlite3_get_autocommit(db) == 0)
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	free(mark);
	return result;
}

int
bf_sqlite_create(sqlite3 *db, const char *path, struct bf_error *err)
{
	char *also = bf_strf("PRAGMA application_id = %d;"
			     "INSERT INTO store (id, created_ms) "
			     "VALUES (lower(hex(randomblob(16))), %lld)",
	    BF_SQLITE_APPLICATION, (long long)bf_clock_wall().ms);
	int result = advance(db, path, 0, also, err);

	free(also);
	if (result == 0)
		result = run(db, path, "PRAGMA journal_mode = WAL", err);
	return result;
}

int
bf_sqlite_migrate(sqlite3 *db, const char *path, struct bf_error *err)
{
	int64_t version;

	if (read_version(db, path, &version, err) == -1)
		return -1;
	return version == BF_SQLITE_SCHEMA
		   ? 0
		   : advance(db, path, version, "", err);
}

int
bf_sqlite_check_schema(sqlite3 *db, const char *path, struct bf_error *err)
{
	int64_t version;

	if (read_version(db, path, &version, err) == -1)
		return -1;
	if (version == BF_SQLITE_SCHEMA)
		return 0;
	bf_error_set(err,
	    "%s has the older schema %lld: the daemon brings it "
	    "forward when it starts",
	    path, (long long)version);
	return -1;
}
