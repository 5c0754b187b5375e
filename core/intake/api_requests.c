/*
 * api_requests.c - what requests may hold: parameters and bodies
 */
#include <string.h>

#include "core/conf/password.h"
#include "core/intake/api_schema.h"
#include "core/registry/context.h"
#include "core/registry/rate.h"
#include "core/registry/snapshot.h"

#define STATES "scheduled sending delivered failed cancelled"
#define TENANT_HELP "Whose it is; without it, the caller's own tenant"

/* ---- parameters of queries ---- */

static const struct api_member parameters[] = {
	{ "tenant_id", API_TEXT, .min = 1, .max = BF_TENANT_MAX,
	    .help = TENANT_HELP },
	{ "channel", API_TEXT, .min = 1, .max = BF_NAME_MAX,
	    .help = "Of the channel of that name" },
	{ "event", API_TEXT, .min = 1, .max = BF_NAME_MAX,
	    .help = "Of that event type" },
	{ "type", API_TEXT, .min = 1, .max = BF_NAME_MAX,
	    .help = "Of that event type" },
	{ "state", API_TEXT, .choices = STATES,
	    .help = "In that state; scheduled and sending list both" },
	{ "since", API_TIME, .help = "Accepted then or later" },
	{ "until", API_TIME, .help = "Accepted before" },
	{ "limit", API_INTEGER, .min = 1, .max = 1000,
	    .help = "How many at most" },
	{ "actor", API_TEXT, .min = 1, .max = BF_ACTOR_MAX,
	    .help = "Done by: \"token NAME\", \"user NAME\", \"uid N\"" },
	{ "action", API_TEXT, .min = 1, .max = BF_NAME_MAX,
	    .help = "What was done: \"channel-patch\"" },
	{ "after", API_TEXT, .min = 1, .max = 400,
	    .help = "The \"next\" of the page before" },
	{ "before", API_TEXT, .min = 1, .max = 400,
	    .help = "The \"next\" of the list before" },
	{ 0 },
};

const struct api_member *
bf_api_parameter_find(const char *name, size_t length)
{
	const struct api_member *parameter = parameters;

	while (
	    parameter->name && (strlen(parameter->name) != length ||
				   memcmp(parameter->name, name, length) != 0))
		parameter++;
	return parameter->name ? parameter : NULL;
}

/* ---- bodies ---- */

#define TENANT                                                                 \
	{                                                                      \
		"tenant_id", API_TEXT, .min = 1, .max = BF_TENANT_MAX,         \
				       .help = TENANT_HELP                     \
	}

/* The members of an event, for people to fill in. */
#define NOTIFICATION                                                           \
	{ "subject", API_VALUE, .help = "Plain text" },                        \
	    { "body", API_VALUE, .help = "HTML" },                             \
	    { "metadata", API_VALUE, .help = "An object of anything" },        \
	{                                                                      \
		"timestamp", API_VALUE,                                        \
		    .help = "When it happened; without it, now"                \
	}

static const struct api_member event_members[] = {
	{ "event", API_TEXT, .required = true, .min = 1, .max = BF_NAME_MAX,
	    .help = "A registered event type", .example = "\"deploy_failed\"" },
	{ "subject", API_TEXT, .required = true, .help = "Plain text",
	    .example = "\"Deployment of shop failed\"" },
	{ "body", API_TEXT, .help = "HTML",
	    .example = "\"<p>Exit status 1</p>\"" },
	{ "metadata", API_MAP, .help = "An object of anything",
	    .example = "{\"application_name\":\"shop\"}" },
	TENANT,
	{ "timestamp", API_TIME, .help = "When it happened; without it, now" },
	{ 0 },
};

/* The parser of events checks it (core/event/parse.h). */
const struct api_schema bf_api_event_input = { .name = "EventInput",
	.help = "Something that happened",
	.members = event_members,
	.unchecked = true };

static const struct api_member toggle_members[] = {
	{ "enabled", API_FLAG, .required = true,
	    .help = "Whether it is switched on" },
	TENANT,
	{ 0 },
};

const struct api_schema bf_api_toggle_input = { .name = "ToggleInput",
	.help = "A switch as it is to be",
	.members = toggle_members };

static const struct api_member explain_members[] = {
	{ "event", API_TEXT, .required = true,
	    .help = "The event type in question",
	    .example = "\"deploy_failed\"" },
	TENANT,
	{ 0 },
};

const struct api_schema bf_api_explain_input = { .name = "ExplainInput",
	.help = "An event that might be",
	.members = explain_members };

static void
add_text(cJSON *json, const char *name, const char *text)
{
	if (text)
		cJSON_AddStringToObject(json, name, text);
}

/* The directives that every channel of the conf file has. */
static void
add_channel_directives(cJSON *properties)
{
	const struct bf_directive *directive = bf_context_channel.table;
	const struct bf_special *special = bf_context_channel.specials;
	cJSON *json;

	for (; directive && directive->type != BF_TYPE_NONE; directive++) {
		if (strcmp(directive->name, "bind_address") == 0 ||
		    strcmp(directive->name, "proxy") == 0)
			continue;
		json = cJSON_AddObjectToObject(properties, directive->name);
		add_text(json, "description", directive->help);
		add_text(json, "default", directive->fallback);
	}
	for (; special && special->name; special++) {
		if (strcmp(special->name, "bind_address") == 0 ||
		    strcmp(special->name, "proxy") == 0)
			continue;
		json = cJSON_AddObjectToObject(properties, special->name);
		add_text(json, "description", special->help);
		add_text(json, "default", special->fallback);
	}
}

#define CHANNEL(needed)                                                        \
	{ "name", API_TEXT, .min = 1, .max = BF_NAME_MAX,                      \
		.help = "Its name; not needed where the path has it",          \
		.example = "\"team\"" },                                       \
	    { "module", API_TEXT, .required = needed,                          \
		    .help = "A module that is loaded",                         \
		    .example = "\"webhook\"" },                                \
	    { "settings", API_MAP,                                             \
		    .help =                                                    \
			"The module's own settings: see settings_schema of "   \
			"GET /v1/modules/{name}",                              \
		    .example = "{\"url\":\"https://example.com/hook\"}" },     \
	    TENANT

static const struct api_member channel_members[] = {
	CHANNEL(true),
	{ 0 },
};

/* A channel that there is keeps its module. */
static const struct api_member put_members[] = {
	CHANNEL(false),
	{ 0 },
};

/* Channels are read by the tables of the conf file (channel_json.h). */
const struct api_schema bf_api_channel_input = { .name = "ChannelInput",
	.help = "A channel; what its answer has besides is passed over",
	.members = channel_members,
	.unchecked = true,
	.more = add_channel_directives };

const struct api_schema bf_api_channel_put = { .name = "ChannelPut",
	.help = "A channel; what its answer has besides is passed over",
	.members = put_members,
	.unchecked = true,
	.more = add_channel_directives };

const struct api_schema bf_api_channel_patch = { .name = "ChannelPatch",
	.help = "What changes in a channel (RFC 7396)",
	.members = channel_members,
	.unchecked = true,
	.partial = true,
	.more = add_channel_directives };

static const struct api_member notification_members[] = {
	{ "event", API_VALUE, .help = "A registered event type" },
	NOTIFICATION,
	{ 0 },
};

static const struct api_schema notification = { .name = "Notification",
	.help = "The event that a test sends",
	.members = notification_members,
	.unchecked = true };

static const struct api_member draft_members[] = {
	{ "name", API_TEXT, .min = 1, .max = BF_NAME_MAX,
	    .help = "Of a saved channel, whose secrets are taken" },
	{ "module", API_TEXT, .required = true,
	    .help = "A module that is loaded", .example = "\"webhook\"" },
	{ "settings", API_MAP, .help = "As of a channel" },
	{ "notification", API_OBJECT, .of = &notification,
	    .help = "The event to send; without it, a plain one" },
	TENANT,
	{ 0 },
};

const struct api_schema bf_api_draft_input = { .name = "DraftInput",
	.help = "A channel that is not saved",
	.members = draft_members,
	.unchecked = true,
	.more = add_channel_directives };

static const struct api_member test_members[] = {
	{ "event", API_VALUE, .help = "A registered event type" },
	NOTIFICATION,
	TENANT,
	{ 0 },
};

const struct api_schema bf_api_test_input = { .name = "TestInput",
	.help = "The event that a test sends",
	.members = test_members };

static const struct api_member tenant_members[] = {
	TENANT,
	{ 0 },
};

const struct api_schema bf_api_tenant_input = { .name = "TenantInput",
	.help = "Whose it is",
	.members = tenant_members };

#define LIMIT_OF(text, most, meaning)                                          \
	{                                                                      \
		text, API_INTEGER, .nullable = true, .max = most,              \
				   .help = meaning                             \
	}

static const struct api_member limits_members[] = {
	LIMIT_OF("events_per_second", BF_LIMIT_MOST,
	    "How many events it may post in a second"),
	LIMIT_OF("burst", BF_LIMIT_MOST, "How many at once, after a pause"),
	LIMIT_OF("channels", BF_LIMIT_MOST, "How many channels it may have"),
	LIMIT_OF("tokens", BF_LIMIT_MOST,
	    "How many tokens made over the API it may have"),
	LIMIT_OF("stored_bytes", BF_LIMIT_BYTES_MOST,
	    "How much of the store its events and deliveries may take"),
	{ 0 },
};

static const struct api_schema limits_input = { .name = "LimitsInput",
	.help = "Null: the default; 0: no limit",
	.members = limits_members };

#define TENANT_SETTINGS                                                        \
	{ "name", API_TEXT, .nullable = true,                                  \
		.help = "What people call it; null: nothing",                  \
		.example = "\"ACME Ltd\"" },                                   \
	{                                                                      \
		"limits", API_OBJECT, .nullable = true, .of = &limits_input,   \
				      .help = "What it may have; null: the "   \
					      "defaults"                       \
	}

static const struct api_member tenant_settings_members[] = { TENANT_SETTINGS,
	{ 0 } };

const struct api_schema bf_api_tenant_settings = { .name = "TenantSettings",
	.help = "Name and limits of a tenant",
	.members = tenant_settings_members };

static const struct api_member tenant_draft_members[] = {
	{ "id", API_TEXT, .required = true, .min = 1, .max = BF_TENANT_MAX,
	    .help = "As events and tokens name it", .example = "\"acme\"" },
	TENANT_SETTINGS,
	{ 0 },
};

const struct api_schema bf_api_tenant_draft = { .name = "TenantDraft",
	.help = "A tenant as it is to be",
	.members = tenant_draft_members };

static const struct api_member selection_members[] = {
	{ "channel", API_TEXT, .help = "Of the channel of that name" },
	{ "event", API_TEXT, .help = "Of that event type" },
	{ "since", API_TIME, .help = "Accepted then or later" },
	{ "until", API_TIME, .help = "Accepted before" },
	TENANT,
	{ 0 },
};

const struct api_schema bf_api_selection_input = { .name = "SelectionInput",
	.help = "Which deliveries are meant: one of the first four at least, "
		"in the "
		"body or the query",
	.members = selection_members };

static const struct api_member token_members[] = {
	{ "name", API_TEXT, .required = true, .min = 1, .max = BF_NAME_MAX,
	    .help = "What it is called", .example = "\"ci\"" },
	{ "scope", API_TEXT, .choices = BF_SCOPE_LIST,
	    .help = "What it allows; without it, to post events" },
	{ "rate", API_TEXT, .min = 1, .max = BF_RATE_TEXT,
	    .help = "How many requests may be made with it; without it, the "
		    "conf file's token_rate",
	    .example = "\"100/s burst=200\"" },
	TENANT,
	{ 0 },
};

const struct api_schema bf_api_token_input = { .name = "TokenInput",
	.help = "A token as it is to be",
	.members = token_members };

static const struct api_member session_members[] = {
	{ "user", API_TEXT, .required = true, .min = 1, .max = BF_NAME_MAX,
	    .help = "The name of a dashboard_user", .example = "\"alice\"" },
	{ "password", API_TEXT, .required = true, .min = 1,
	    .max = BF_PASSWORD_MAX, .help = "The user's" },
	{ 0 },
};

const struct api_schema bf_api_session_input = { .name = "SessionInput",
	.help = "Who signs in",
	.members = session_members };

static const struct api_member seal_members[] = {
	{ "channel", API_TEXT, .help = "Of the channel of that name" },
	{ "directive", API_TEXT, .help = "That the secret is the value of" },
	{ "token", API_TEXT, .help = "Or the token that it is the value of" },
	{ "secret", API_TEXT, .required = true,
	    .help = "What is to be sealed" },
	TENANT,
	{ 0 },
};

const struct api_schema bf_api_seal_input = { .name = "SealInput",
	.help = "A secret, and where it will stand in the conf file",
	.members = seal_members };

static const struct api_member rotate_members[] = {
	{ "finish", API_FLAG, .help = "Only drop old keys that nothing needs" },
	{ 0 },
};

const struct api_schema bf_api_rotate_input = { .name = "RotateInput",
	.help = "How to rotate",
	.members = rotate_members };

static const struct api_member backup_members[] = {
	{ "file", API_TEXT, .required = true, .min = 1, .max = 4096,
	    .help = "Absolute path of a file that is not there yet" },
	{ 0 },
};

const struct api_schema bf_api_backup_input = { .name = "BackupInput",
	.help = "Where to copy to",
	.members = backup_members };

static const struct api_member no_members[] = { { 0 } };

const struct api_schema bf_api_nothing_input = { .name = "EmptyInput",
	.help = "Nothing to be said",
	.members = no_members };
