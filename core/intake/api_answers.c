/*
 * api_answers.c - what answers hold
 *
 * Members that are not always there are not required. More may come with a
 * later belfry: who reads answers passes over what it does not know.
 */
#include "core/intake/api_schema.h"
#include "core/registry/scope.h"

#define STATES "scheduled sending delivered failed cancelled"
#define VERDICTS "delivered retry failed"

#define ALWAYS .required = true
#define TEXT(text, meaning)                                                    \
	{                                                                      \
		text, API_TEXT, ALWAYS, .help = meaning                        \
	}
#define MAYBE(text, meaning)                                                   \
	{                                                                      \
		text, API_TEXT, .help = meaning                                \
	}
#define COUNT(text, meaning)                                                   \
	{                                                                      \
		text, API_INTEGER, ALWAYS, .help = meaning                     \
	}
#define FLAG(text, meaning)                                                    \
	{                                                                      \
		text, API_FLAG, ALWAYS, .help = meaning                        \
	}
#define LIST_OF(text, schema, meaning)                                         \
	{                                                                      \
		text, API_LIST, ALWAYS, .of = schema, .help = meaning          \
	}
#define OBJECT_OF(text, schema, meaning)                                       \
	{                                                                      \
		text, API_OBJECT, ALWAYS, .of = schema, .help = meaning        \
	}
#define PLACE                                                                  \
	MAYBE("file", "Where the conf file has it"),                           \
	{                                                                      \
		"line", API_INTEGER, .help = "And in which line"               \
	}
#define NEXT                                                                   \
	{                                                                      \
		"next", API_TEXT, ALWAYS,                                      \
		    .nullable = true,                                          \
		    .help = "\"before\" of the next page; null at the end"     \
	}
#define NEXT_AFTER                                                             \
	{                                                                      \
		"next", API_TEXT, ALWAYS,                                      \
		    .nullable = true,                                          \
		    .help = "\"after\" of the next page; null at the end"      \
	}
#define SCHEMA(variable, title, meaning, list)                                 \
	const struct api_schema variable = { title, meaning, list,             \
		.unchecked = true }

/* ---- problems ---- */

static const struct api_member problem_members[] = {
	TEXT("type", "A URN of the kind of problem"),
	TEXT("title", "The kind of problem in short"),
	{ "status", API_INTEGER, ALWAYS, .min = 400, .max = 599,
	    .help = "The status of the answer" },
	TEXT("detail", "What is wrong, and what was expected"),
	MAYBE("field", "A JSON pointer to the member that is to blame"),
	MAYBE("nearest", "The event type that may have been meant"),
	{ 0 },
};

SCHEMA(bf_api_problem, "Problem", "Why it can't be done (RFC 9457)",
    problem_members);

/* ---- events ---- */

static const struct api_member made_members[] = {
	TEXT("id", "Of the delivery"),
	TEXT("channel", "Where it goes"),
	{ 0 },
};

static SCHEMA(made, "AcceptedDelivery", "A delivery that was made",
    made_members);

static const struct api_member accepted_members[] = {
	TEXT("id", "Of the event"),
	LIST_OF("deliveries", &made, "What was made of it"),
	MAYBE("reason", "Why there are no deliveries"),
	{ 0 },
};

SCHEMA(bf_api_accepted, "Accepted", "An event that is on stable storage",
    accepted_members);

#define DELIVERY                                                               \
	TEXT("id", "The webhook-id that the endpoint sees"),                   \
	    TEXT("event_id", "The event that it delivers"),                    \
	    MAYBE("event", "Its type"), MAYBE("tenant_id", "Whose it is"),     \
	    MAYBE("subject", "Of the event"),                                  \
	    TEXT("channel", "Where it goes"),                                  \
	    { "state", API_TEXT, ALWAYS, .choices = STATES,                    \
		    .help = "As it is now" },                                  \
	    COUNT("tries", "Attempts since it was accepted or replayed"),      \
	    COUNT("attempt_count", "Attempts in all"),                         \
	    { "accepted_at", API_TIME, ALWAYS,                                 \
		    .help = "When it was accepted" },                          \
	    { "due", API_TIME, .help = "When it is tried again" },             \
	{                                                                      \
		"ended_at", API_TIME, .help = "When it ended"                  \
	}

static const struct api_member row_members[] = {
	DELIVERY,
	MAYBE("why", "Why the last attempt did not succeed"),
	{ 0 },
};

static SCHEMA(delivery_row, "DeliveryRow", "A delivery, in a list",
    row_members);

static const struct api_member deliveries_members[] = {
	LIST_OF("deliveries", &delivery_row, "Newest first"),
	NEXT,
	{ 0 },
};

SCHEMA(bf_api_deliveries, "Deliveries", "A page of deliveries",
    deliveries_members);

static const struct api_member recipient_members[] = {
	TEXT("address", "Who"),
	{ "verdict", API_TEXT, ALWAYS, .choices = VERDICTS,
	    .help = "What became of it" },
	COUNT("status", "Code of the reply; 0: none"),
	MAYBE("reply", "The reply"),
	{ 0 },
};

static SCHEMA(recipient, "Recipient", "One of several recipients",
    recipient_members);

#define MICROS(text, meaning)                                                  \
	{                                                                      \
		text, API_INTEGER, .help = meaning                             \
	}

static const struct api_member attempt_members[] = {
	COUNT("number", "1 is the first"),
	{ "at", API_TIME, .help = "When it began" },
	MICROS("took_us", "Microseconds in all"),
	MICROS("resolve_us", "Microseconds until the name was resolved"),
	MICROS("connect_us", "Microseconds until it was connected"),
	MICROS("tls_us", "Microseconds until TLS was there"),
	MICROS("first_byte_us", "Microseconds until the answer began"),
	{ "verdict", API_TEXT, ALWAYS, .choices = VERDICTS,
	    .help = "As the module judged it" },
	COUNT("status", "Of HTTP, or of a mail server's reply; 0: no answer"),
	MAYBE("why", "Why it did not succeed"),
	MAYBE("excerpt", "The beginning of the answer's body"),
	{ "recipients", API_LIST, .of = &recipient,
	    .help = "Those that were tried" },
	{ 0 },
};

static SCHEMA(attempt, "Attempt", "One try at a delivery", attempt_members);

static const struct api_member delivery_members[] = {
	DELIVERY,
	LIST_OF("attempts", &attempt, "Oldest first"),
	{ 0 },
};

SCHEMA(bf_api_delivery, "Delivery", "A delivery with its attempts",
    delivery_members);

static const struct api_member event_row_members[] = {
	TEXT("id", "Of the event"),
	TEXT("event", "Its type"),
	TEXT("subject", "Plain text"),
	TEXT("tenant_id", "Whose it is"),
	{ "timestamp", API_TIME, ALWAYS, .help = "When it happened" },
	{ "accepted_at", API_TIME, ALWAYS, .help = "When it was accepted" },
	MAYBE("reason", "Why it has no deliveries"),
	{ 0 },
};

static SCHEMA(event_row, "EventRow", "An event, in a list", event_row_members);

static const struct api_member events_members[] = {
	LIST_OF("events", &event_row, "Newest first"),
	NEXT,
	{ 0 },
};

SCHEMA(bf_api_events, "Events", "A page of events", events_members);

static const struct api_member event_members[] = {
	TEXT("id", "Of the event"),
	TEXT("event", "Its type"),
	TEXT("subject", "Plain text"),
	TEXT("body", "HTML"),
	{ "metadata", API_MAP, ALWAYS, .help = "As it was posted" },
	TEXT("tenant_id", "Whose it is"),
	{ "timestamp", API_TIME, ALWAYS, .help = "When it happened" },
	{ "accepted_at", API_TIME, ALWAYS, .help = "When it was accepted" },
	MAYBE("reason", "Why it has no deliveries"),
	LIST_OF("deliveries", &delivery_row, "Of the event"),
	{ 0 },
};

SCHEMA(bf_api_event, "Event", "An event with its deliveries", event_members);

/* ---- event types ---- */

#define TOGGLE                                                                 \
	FLAG("enabled", "Whether it is switched on for the tenant"),           \
	    { "source", API_TEXT, ALWAYS, .choices = "default conf api",       \
		    .help = "Who says so" },                                   \
	    FLAG("locked",                                                     \
		"Whether the conf file does, so that the API can't"),          \
	    PLACE

static const struct api_member type_members[] = {
	TEXT("name", "Of the type"),
	TEXT("category", "As registered"),
	TEXT("severity", "As registered"),
	TEXT("description", "As registered"),
	FLAG("default", "The toggle that it comes with"),
	{ "metadata", API_MAP, ALWAYS,
	    .help = "Usual keys, and what they hold" },
	TOGGLE,
	{ 0 },
};

SCHEMA(bf_api_event_type, "EventType", "A registered event type", type_members);

static const struct api_member types_members[] = {
	LIST_OF("event_types", &bf_api_event_type, "All there are"),
	{ 0 },
};

SCHEMA(bf_api_event_types, "EventTypes", "The registry", types_members);

static const struct api_member decision_members[] = {
	TEXT("channel", "Which one"),
	TEXT("module", "Its module"),
	FLAG("receives", "Whether it would get the event"),
	{ "rule", API_TEXT, ALWAYS,
	    .choices = "accepted toggle_off module_disabled channel_disabled "
		       "not_listed about_itself",
	    .help = "What decides" },
	TEXT("reason", "The same in a sentence"),
	{ 0 },
};

static SCHEMA(decision, "Decision", "What is decided for a channel",
    decision_members);

static const struct api_member explanation_members[] = {
	TEXT("event", "The type in question"),
	TEXT("tenant_id", "Whose channels"),
	TEXT("reason", "What would come of it"),
	LIST_OF("channels", &decision, "Each channel of the tenant"),
	{ 0 },
};

SCHEMA(bf_api_explanation, "Explanation",
    "Which channels would get an event, and why", explanation_members);

/* ---- channels ---- */

static const struct api_member channel_members[] = {
	TEXT("name", "Unique in the tenant"),
	TEXT("tenant_id", "Whose it is"),
	TEXT("module", "Its module"),
	{ "state", API_TEXT, ALWAYS,
	    .choices = "running disabled stopped faulty",
	    .help = "As it is now" },
	MAYBE("reason", "Why it does not run"),
	FLAG("disabled", "Whether it was switched off over the API"),
	{ "paced_until", API_TIME,
	    .help = "Until when its endpoint asked to be left alone" },
	{ "failing_since", API_TIME,
	    .help = "Since when its deliveries keep failing" },
	COUNT("waiting", "Deliveries that wait"),
	COUNT("in_flight", "Deliveries that are being sent"),
	{ "window", API_INTEGER,
	    .help = "Attempts at the same time that its endpoint bears, as "
		    "seen so far" },
	LIST_OF("events", NULL, "What it receives; empty: all types"),
	LIST_OF("retry", NULL, "Delays before each retry"),
	{ "jitter", API_INTEGER, ALWAYS, .help = "Percent of a delay" },
	TEXT("timeout", "Of an attempt"),
	TEXT("max_age", "After which a delivery fails"),
	COUNT("concurrency", "Attempts at the same time, at most"),
	TEXT("retry_after_max", "How long an endpoint may ask to wait"),
	FLAG("ordered", "Whether retries are not overtaken"),
	FLAG("enabled", "Of the directive"),
	{ "rate", API_TEXT, ALWAYS, .nullable = true,
	    .help = "Of first attempts; null: no limit" },
	{ "settings", API_MAP, ALWAYS,
	    .help = "The module's, without secrets" },
	LIST_OF("secrets", NULL, "Names of the settings that are secret"),
	PLACE,
	{ "version", API_INTEGER, .min = 1,
	    .help = "Of one made over the API: one more with each change" },
	{ "created_at", API_TIME, .help = "When that was made" },
	{ 0 },
};

SCHEMA(bf_api_channel, "Channel", "A configured destination", channel_members);

static const struct api_member channels_members[] = {
	LIST_OF("channels", &bf_api_channel, "In order of tenant and name"),
	NEXT_AFTER,
	{ 0 },
};

SCHEMA(bf_api_channels, "Channels", "A page of channels", channels_members);

static const struct api_member deleted_members[] = {
	TEXT("deleted", "What was deleted"),
	{ 0 },
};

SCHEMA(bf_api_deleted, "Deleted", "It is gone", deleted_members);

static const struct api_member step_members[] = {
	TEXT("step", "Which one"),
	COUNT("at_us", "Microseconds from the start"),
	TEXT("text", "What happened"),
	{ 0 },
};

static SCHEMA(step, "Step", "A step of an attempt", step_members);

static const struct api_member hint_members[] = {
	TEXT("name", "In the manual"),
	TEXT("cause", "What most likely is the matter"),
	TEXT("fix", "What to do"),
	{ 0 },
};

static SCHEMA(hint, "Hint", "The likely cause, and what to do", hint_members);

static const struct api_member report_members[] = {
	FLAG("ok", "Whether it was delivered"),
	{ "verdict", API_TEXT, ALWAYS, .choices = VERDICTS,
	    .help = "As the module judged it" },
	COUNT("status", "The endpoint's; 0: no answer"),
	MAYBE("why", "Why it did not succeed"),
	{ "took_ms", API_NUMBER, ALWAYS, .help = "Milliseconds in all" },
	MAYBE("excerpt", "The beginning of the answer"),
	LIST_OF("steps", &step, "What happened, secrets masked"),
	{ "hint", API_OBJECT, .of = &hint, .help = "If there is one" },
	{ 0 },
};

SCHEMA(bf_api_test_report, "TestReport", "What became of a test",
    report_members);

/* ---- deliveries that are changed ---- */

static const struct api_member replayed_members[] = {
	COUNT("replayed", "How many"),
	{ 0 },
};

SCHEMA(bf_api_replayed, "Replayed", "What is delivered again",
    replayed_members);

static const struct api_member cancelled_members[] = {
	COUNT("cancelled", "How many"),
	{ 0 },
};

SCHEMA(bf_api_cancelled, "Cancelled", "What is not sent any more",
    cancelled_members);

/* ---- rates ---- */

static const struct api_member minute_members[] = {
	{ "at", API_TIME, ALWAYS, .help = "When the minute began" },
	COUNT("accepted", "Deliveries made"),
	COUNT("delivered", "Deliveries that ended so"),
	COUNT("failed", "Deliveries that ended so"),
	{ "waited_median_ms", API_NUMBER, .help = "To a factor of two" },
	{ "waited_most_ms", API_NUMBER, .help = "Of those delivered" },
	{ 0 },
};

static SCHEMA(minute, "Minute", "One minute", minute_members);

static const struct api_member rates_members[] = {
	FLAG("complete", "Whether each channel was counted on its own"),
	LIST_OF("minutes", &minute, "Sixty, oldest first"),
	{ 0 },
};

SCHEMA(bf_api_rates, "Rates", "Deliveries by minute", rates_members);

/* ---- modules ---- */

#define MODULE                                                                 \
	TEXT("name", "Of the module"), TEXT("version", "Its own"),             \
	    COUNT("abi", "That it was built for"),                             \
	    TEXT("license", "Of its code"), TEXT("summary", "What it does"),   \
	    TEXT("path", "Of its file"),                                       \
	    FLAG("isolate", "Whether it has workers of its own"), TOGGLE,      \
	    LIST_OF("channels", NULL, "Names of its channels"),                \
	{                                                                      \
		"directives", API_VALUE, .help = "Its table of settings"       \
	}

static const struct api_member module_row_members[] = {
	MODULE,
	{ 0 },
};

static SCHEMA(module_row, "ModuleRow", "A module that is loaded",
    module_row_members);

static const struct api_member modules_members[] = {
	LIST_OF("modules", &module_row, "All that are loaded"),
	{ 0 },
};

SCHEMA(bf_api_modules, "Modules", "The modules", modules_members);

static const struct api_member module_members[] = {
	MODULE,
	{ "settings_schema", API_MAP,
	    .help = "A JSON Schema of the settings of its channels" },
	{ 0 },
};

SCHEMA(bf_api_module, "Module",
    "A module, with the JSON Schema of its settings", module_members);

/* ---- tokens and keys ---- */

#define TOKEN                                                                  \
	TEXT("name", "What it is called"), TEXT("tenant_id", "Whose it is"),   \
	    { "scope", API_TEXT, ALWAYS, .choices = BF_SCOPE_LIST,             \
		    .help = "What it allows" },                                \
	    TEXT("rate",                                                       \
		"How many requests may be made with it: a rate, or off"),      \
	    { "id", API_TEXT, .help = "Of one that the API made" },            \
	    { "created_at", API_TIME, .help = "When the API made it" }, PLACE

static const struct api_member token_row_members[] = {
	TOKEN,
	{ 0 },
};

static SCHEMA(token_row, "TokenRow", "A token, without its value",
    token_row_members);

static const struct api_member tokens_members[] = {
	LIST_OF("tokens", &token_row, "Those of the conf file first"),
	NEXT_AFTER,
	{ 0 },
};

SCHEMA(bf_api_tokens, "Tokens", "A page of tokens", tokens_members);

static const struct api_member token_members[] = {
	TOKEN,
	TEXT("token", "Its value: shown this once"),
	{ 0 },
};

SCHEMA(bf_api_token, "Token", "A token that was made", token_members);

#define LIMIT(text, meaning)                                                   \
	{                                                                      \
		text, API_INTEGER, ALWAYS, .nullable = true, .help = meaning   \
	}

static const struct api_member limits_members[] = {
	LIMIT("events_per_second", "How many events it may post in a second"),
	LIMIT("burst", "How many at once, after a pause"),
	LIMIT("channels", "How many channels it may have"),
	LIMIT("tokens", "How many tokens made over the API it may have"),
	LIMIT("stored_bytes",
	    "How much of the store its events and deliveries may take"),
	{ 0 },
};

static SCHEMA(limits, "Limits", "What a tenant may have", limits_members);

static const struct api_member usage_members[] = {
	COUNT("channels", "Those of the conf file, too"),
	COUNT("tokens", "Made over the API"),
	COUNT("stored_events", "That are in the store"),
	COUNT("stored_bytes", "That these take, with their deliveries"),
	COUNT("waiting", "Deliveries that wait"),
	{ 0 },
};

static SCHEMA(usage, "Usage", "What a tenant has", usage_members);

static const struct api_member tenant_members[] = {
	TEXT("id", "As events and tokens name it"),
	{ "name", API_TEXT, ALWAYS, .nullable = true,
	    .help = "As people see it" },
	{ "source", API_TEXT, ALWAYS, .choices = "api conf default implied",
	    .help = "Who made it; implied: nobody, but it has something" },
	FLAG("locked", "Whether it stands in the conf file"),
	OBJECT_OF("limits", &limits, "As set for it; null: the default"),
	OBJECT_OF("effective_limits", &limits, "That count; null: none"),
	OBJECT_OF("usage", &usage, "What it has"),
	PLACE,
	{ "version", API_INTEGER, .help = "Of one made over the API" },
	{ "created_at", API_TIME, .help = "When that was" },
	{ 0 },
};

SCHEMA(bf_api_tenant, "Tenant", "A tenant, what it may have and has",
    tenant_members);

static const struct api_member tenants_members[] = {
	LIST_OF("tenants", &bf_api_tenant, "In order of id"),
	NEXT_AFTER,
	{ 0 },
};

SCHEMA(bf_api_tenants, "Tenants", "A page of tenants", tenants_members);

static const struct api_member session_members[] = {
	TEXT("user", "Who is signed in"),
	TEXT("scope", "What the user may do: read, manage or admin"),
	TEXT("tenant_id", "Whose things the user sees"),
	{ "default_tenant", API_TEXT, ALWAYS, .nullable = true,
	    .help = "The default tenant; null for others than admins" },
	TEXT("csrf_token", "What changes by this session have as X-CSRF-Token"),
	TEXT("version", "Of belfry"),
	{ 0 },
};

SCHEMA(bf_api_session, "Session", "A person who is signed in", session_members);

/* ---- the audit log ---- */

static const struct api_member audit_row_members[] = {
	TEXT("id", "Of the row; they ascend"),
	{ "at", API_TIME, ALWAYS, .help = "When it was done" },
	TEXT("actor",
	    "Who did it: \"token NAME\", \"user NAME\", \"uid N\" of a peer "
	    "of the Unix socket, or \"signal\""),
	TEXT("address", "From where: an IP address, \"unix\", or empty"),
	{ "tenant_id", API_TEXT, ALWAYS, .nullable = true,
	    .help = "Whom it is about; null: the daemon, or all of them" },
	TEXT("action", "What was done"),
	TEXT("object", "The name of what it was done to, or empty"),
	TEXT("detail", "Which members were given; values where none can be "
		       "a secret"),
	{ 0 },
};

static SCHEMA(audit_row, "AuditRow", "A change, or a test, and who made it",
    audit_row_members);

static const struct api_member audit_members[] = {
	LIST_OF("audit", &audit_row, "Newest first"),
	NEXT,
	{ 0 },
};

SCHEMA(bf_api_audit, "Audit", "A page of the audit log", audit_members);

static const struct api_member no_members[] = { { 0 } };

SCHEMA(bf_api_nothing, "Nothing", "It is done", no_members);

static const struct api_member sealed_members[] = {
	TEXT("sealed", "What to write in the conf file"),
	TEXT("key", "Id of the key"),
	{ 0 },
};

SCHEMA(bf_api_sealed, "Sealed", "A secret for the conf file", sealed_members);

static const struct api_member reseal_members[] = {
	TEXT("place", "What it is the secret of"),
	TEXT("key", "Id of the key it is sealed with"),
	TEXT("file", "Where it stands"),
	COUNT("line", "And in which line"),
	{ 0 },
};

static SCHEMA(reseal, "Reseal", "What stands under an old key", reseal_members);

static const struct api_member rotated_members[] = {
	TEXT("key", "Id of the key in use"),
	COUNT("channels", "That were sealed anew"),
	COUNT("unreadable", "That could not be"),
	LIST_OF("dropped", NULL, "Ids of keys that are gone"),
	LIST_OF("kept", NULL, "Ids of old keys that are still needed"),
	LIST_OF("reseal", &reseal, "In the conf file"),
	{ 0 },
};

SCHEMA(bf_api_rotated, "Rotated", "What the rotation did", rotated_members);

/* ---- the daemon ---- */

static const struct api_member stats_events[] = {
	COUNT("accepted", "Since the start"),
	COUNT("repeated", "Under a known Idempotency-Key"),
	COUNT("unrouted", "Without deliveries"),
	COUNT("refused", "With a problem"),
	COUNT("limited", "By a tenant's limits"),
	{ 0 },
};

static SCHEMA(stats_event, "EventFigures", "Of events", stats_events);

static const struct api_member stats_attempts[] = {
	COUNT("delivered", "Attempts that delivered"),
	COUNT("retry", "Attempts that are tried again"),
	COUNT("failed", "Attempts that ended a delivery"),
	{ 0 },
};

static SCHEMA(stats_attempt, "AttemptFigures", "Of attempts", stats_attempts);

static const struct api_member stats_deliveries[] = {
	COUNT("waiting", "Now"),
	COUNT("in_flight", "Now"),
	COUNT("failed", "Since the start"),
	{ 0 },
};

static SCHEMA(stats_delivery, "DeliveryFigures", "Of deliveries",
    stats_deliveries);

static const struct api_member stats_stores[] = {
	COUNT("bytes", "Of its file"),
	COUNT("wal_bytes", "Of its write-ahead log"),
	COUNT("free_bytes", "On its file system"),
	COUNT("commits", "Since the start"),
	FLAG("failing", "Whether it takes nothing now"),
	{ 0 },
};

static SCHEMA(stats_store, "StoreFigures", "Of the store", stats_stores);

static const struct api_member stats_members[] = {
	TEXT("version", "Of belfry"),
	COUNT("uptime_seconds", "Of the scheduler"),
	OBJECT_OF("events", &stats_event, "Of events"),
	OBJECT_OF("attempts", &stats_attempt, "Of attempts"),
	OBJECT_OF("deliveries", &stats_delivery, "Of deliveries"),
	OBJECT_OF("store", &stats_store, "Of the store"),
	{ 0 },
};

SCHEMA(bf_api_stats, "Stats", "What the daemon is doing", stats_members);

static const struct api_member backup_members[] = {
	TEXT("file", "Where the copy is"),
	COUNT("bytes", "Its size"),
	{ 0 },
};

SCHEMA(bf_api_backup, "Backup", "A copy of the store", backup_members);

static const struct api_member checked_members[] = {
	TEXT("name", "What was looked at"),
	FLAG("ok", "Whether it is well"),
	TEXT("text", "What was found"),
	{ 0 },
};

static SCHEMA(checked, "Checked", "One of the checks", checked_members);

static const struct api_member check_members[] = {
	FLAG("ok", "Whether all is well"),
	LIST_OF("checks", &checked, "Each"),
	{ 0 },
};

SCHEMA(bf_api_check, "Check", "How the daemon is", check_members);

static const struct api_member status_members[] = {
	TEXT("status", "\"ok\" or \"ready\""),
	{ 0 },
};

SCHEMA(bf_api_status, "Status", "It answers", status_members);

static const struct api_member document_members[] = {
	TEXT("openapi", "The version of the specification"),
	{ "info", API_MAP, ALWAYS, .help = "About the API" },
	{ "paths", API_MAP, ALWAYS, .help = "Its operations" },
	{ "components", API_MAP, ALWAYS, .help = "What they share" },
	{ "tags", API_VALUE, .help = "Groups of operations" },
	{ "servers", API_VALUE, .help = "Where it is served" },
	{ "security", API_VALUE, .help = "How to show who asks" },
	{ 0 },
};

SCHEMA(bf_api_document, "Document", "An OpenAPI 3.1 document",
    document_members);
