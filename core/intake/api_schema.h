#ifndef BF_API_SCHEMA_H
#define BF_API_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "core/base/buf.h"

/*
 * What the API's requests and answers hold: tables that requests are checked
 * by, and that the OpenAPI document shows.
 */

enum api_type {
	API_TEXT,
	API_FLAG,
	API_INTEGER,
	API_NUMBER,
	API_TIME,   /* RFC 3339, section 5.6 */
	API_OBJECT, /* of a schema */
	API_LIST,   /* of objects of a schema; of texts without one */
	API_MAP,    /* an object with members of any name and value */
	API_VALUE,  /* anything: who reads it says what is wrong */
};

struct api_schema;

struct api_member {
	const char *name;
	enum api_type type;
	bool required; /* in a request; in an answer: it is always there */
	bool nullable;
	long min, max; /* characters of a text, or the value; max 0: none */
	const char *choices; /* with a blank between; NULL: any */
	const struct api_schema *of;
	const char *help;
	const char *example; /* JSON */
};

struct api_schema {
	const char *name; /* "Channel": in the components of the document */
	const char *help;
	const struct api_member *members; /* NULL name at the end */
	/* A parser of its own knows more members, and which are required; or
	 * it is an answer. */
	bool unchecked;
	bool partial; /* nothing is required, null takes a member away */
	/* Adds more properties, of other tables; may be NULL. */
	void (*more)(cJSON *properties);
};

/*
 * Whether a request's body is as the schema says: no other members, each of its
 * type and in its bounds, none missing. If not, field gets the JSON pointer
 * (RFC 6901) to the member that is to blame, and detail what was expected.
 */
bool bf_api_schema_fits(const struct api_schema *schema, const cJSON *body,
    struct bf_buf *field, struct bf_buf *detail);

/* The same for the text of a query's parameter; of the name's own bounds. */
bool bf_api_text_fits(const struct api_member *parameter, const char *text,
    struct bf_buf *detail);

/* The parameter of a query by its name; NULL: there is none. */
const struct api_member *bf_api_parameter_find(const char *name, size_t length);

/* Whether name is one of names, which have a blank between. */
bool bf_api_is_among(const char *names, const char *name, size_t length);

/* Adds names that have blanks between with commas between. */
void bf_api_add_names(struct bf_buf *text, const char *names);

/* ---- the tables ---- */

/* The requests: api_requests.c. */
extern const struct api_schema bf_api_event_input, bf_api_toggle_input,
    bf_api_explain_input, bf_api_channel_input, bf_api_channel_put,
    bf_api_channel_patch,
    bf_api_draft_input, bf_api_test_input, bf_api_tenant_input,
    bf_api_selection_input, bf_api_token_input, bf_api_seal_input,
    bf_api_rotate_input, bf_api_backup_input, bf_api_nothing_input,
    bf_api_session_input, bf_api_tenant_draft, bf_api_tenant_settings;

/* The answers: api_answers.c. */
extern const struct api_schema bf_api_problem, bf_api_accepted, bf_api_events,
    bf_api_event, bf_api_event_types, bf_api_event_type, bf_api_explanation,
    bf_api_channels, bf_api_channel, bf_api_deleted, bf_api_test_report,
    bf_api_sealed, bf_api_rotated, bf_api_deliveries, bf_api_delivery,
    bf_api_replayed, bf_api_cancelled, bf_api_rates,
    bf_api_modules, bf_api_module, bf_api_tokens, bf_api_token, bf_api_nothing,
    bf_api_session, bf_api_tenants, bf_api_tenant, bf_api_stats, bf_api_audit, bf_api_backup, bf_api_check,
    bf_api_status, bf_api_document;

#endif
