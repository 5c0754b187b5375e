#ifndef BF_SQLITE_SCAN_H
#define BF_SQLITE_SCAN_H

#include "core/store/sqlite_private.h"

/*
 * A walk over deliveries, up or down in (event, channel), that stops at those
 * which a filter lets pass. Rows are filtered here and not by SQLite, so that
 * a walk which must end early knows how far it came.
 */
struct bf_sqlite_filter {
	const char *tenant; /* NULL: any */
	const char *type;   /* NULL: any */
	uint32_t channel;   /* 0: any */
	unsigned states;    /* a bit for each bf_delivery_state */
};

enum bf_sqlite_scan_step {
	BF_SCAN_ROW, /* at says which */
	BF_SCAN_END,
	BF_SCAN_PAUSE,  /* time or steps are used up: see limit */
	BF_SCAN_FAILED, /* result and err say why */
};

struct bf_sqlite_scan {
	struct bf_sqlite *sqlite;
	sqlite3_stmt *statement;
	const struct bf_sqlite_filter *filter;
	int64_t type;       /* number; 0: any */
	uint32_t *channels; /* the tenant's, in order */
	size_t channel_count;
	bool nothing; /* no row can pass */
	size_t seen;  /* rows looked at */
	/*
	 * Rows to look at; 0: any number. A pause for their sake comes between
	 * two events, and at is the next row; one for want of time comes
	 * anywhere, and at is the last row.
	 */
	size_t limit;
	struct bf_delivery_id at;
	enum bf_store_result result;
};

/* Takes a walk's statement, its range already bound. Borrows filter. */
enum bf_store_result bf_sqlite_scan_open(struct bf_sqlite_scan *scan,
    struct bf_sqlite *sqlite, enum bf_sql statement,
    const struct bf_sqlite_filter *filter, struct bf_error *err);

enum bf_sqlite_scan_step bf_sqlite_scan_next(struct bf_sqlite_scan *scan,
    struct bf_error *err);

/* The state of the delivery that it stands at. */
enum bf_delivery_state bf_sqlite_scan_state(const struct bf_sqlite_scan *scan);

/* Whether the walk has another row, that passes or not. */
bool bf_sqlite_scan_more(struct bf_sqlite_scan *scan);

void bf_sqlite_scan_close(struct bf_sqlite_scan *scan);

#define BF_STATES_WAITING (1u << BF_STATE_SCHEDULED | 1u << BF_STATE_RETRY)
#define BF_STATES_ENDED                                                        \
	(1u << BF_STATE_DELIVERED | 1u << BF_STATE_FAILED |                    \
	    1u << BF_STATE_CANCELLED)

#endif
