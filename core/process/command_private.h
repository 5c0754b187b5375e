#ifndef BF_COMMAND_PRIVATE_H
#define BF_COMMAND_PRIVATE_H

#include <cjson/cJSON.h>

#include "core/process/scheduler_private.h"

/*
 * The verbs of the API: what their files share.
 *
 *   scheduler_command.c  the table, answers, arguments
 *   command_audit.c      what the audit log says of a command
 *   command_types.c      event types and their toggles
 *   command_channels.c   channels
 *   command_change.c     channels made, changed and deleted
 *   command_test.c       tests of channels
 *   command_explain.c    explain
 *   command_modules.c    modules and their switches
 *   command_rates.c      the last hour, by minutes
 *   command_select.c     replay and cancel
 *   command_store.c      figures, backup and check
 *   command_tokens.c     bearer tokens
 *   command_session.c    sessions of people in browsers
 *   sign_in.c            their passwords, checked
 *   command_tenants.c    tenants: shown
 *   command_tenant_change.c  tenants made, changed and deleted
 */

/* What the audit log says of a command that changes something. */
struct audit_facts {
	const char *action; /* the verb; NULL: it changes nothing */
	char actor[BF_ACTOR_MAX + 1];
	char address[BF_IP_TEXT];
	char tenant[BF_TENANT_MAX + 1]; /* "": the daemon as a whole */
	char object[256];
	char detail[512];
};

struct command {
	struct scheduler *scheduler;
	uint64_t intake, token;
	const char *tenant; /* whom the caller may act for; NULL: any */
	const cJSON *arguments;
	size_t limit; /* of a page that is read on another thread */
	struct audit_facts facts;
};

struct store_command {
	struct store_call call;
	struct command command; /* arguments and tenant are not kept */
	struct bf_store_stats stats;
	cJSON *json;
	char *text;      /* a file, or the name of a token */
	char *tenant;    /* that it is about; NULL: all */
	bool any_tenant; /* the caller may act for any */
	uint32_t status; /* of the answer, where it is known before */
	bool errand;     /* it is made beside the commits */
	void (*answer)(struct store_command *own);
};

/* Answers with a JSON value, which is freed. */
void bf_command_json(const struct command *command, uint32_t status,
    cJSON *json);

/* Answers with a problem document (RFC 9457). field may be NULL. */
void bf_command_problem(const struct command *command, uint32_t status,
    const char *slug, const char *title, const char *field, const char *detail);

/* The same about a member of the arguments. */
void bf_command_bad_member(const struct command *command, const char *name,
    const char *detail);

/* A text among the arguments, or NULL. */
const char *bf_command_text(const struct command *command, const char *name);

/* How many a page is to have; usual: where the arguments don't say. 0 after a
 * 422. */
#define BF_PAGE_MOST 1000
size_t bf_command_limit(const struct command *command, size_t usual);

/* The tenant that the command is about; NULL after a 403. */
const char *bf_command_tenant(const struct command *command);

/* The same, for what is to be made for it: a tenant that may have something.
 * NULL after a 403, 409 or 422. */
const char *bf_command_new_tenant(const struct command *command);

/* A tenant as answers show it. */
cJSON *bf_command_describe_tenant(const struct command *command,
    const struct bf_tenant_state *state);

/* Whether the tenant is being made, changed or deleted just now. */
bool bf_tenant_is_changing(const struct scheduler *scheduler, const char *id);

/* Whether any channel of the tenant is. */
bool bf_channel_is_changing(const struct scheduler *scheduler,
    const char *tenant);

/* The value of a tenant's setting, taken into the registry. */
void bf_tenant_load(struct bf_registry *registry, const char *id,
    const char *value);

/* The event type of an argument; NULL after a 404 with the nearest name. */
const struct bf_event_type *bf_command_type(const struct command *command,
    const char *argument);

/* The channel of an argument; NULL after a 403 or 404. */
struct bf_channel_state *bf_command_channel(const struct command *command,
    const char *argument);

/* Whether what is shown so, which is freed, is what If-Match means, if the
 * command has one. NULL: there is no such thing. Answers 412 otherwise. Source:
 * RFC 9110, section 13.1.1. */
bool bf_command_is_current(const struct command *command, const char *thing,
    cJSON *shown);

/* Answers with a JSON value, which is freed, when what was put into the store
 * before is on stable storage. */
void bf_command_kept(const struct command *command, uint32_t status,
    cJSON *json);

/* Gathers what is to be said of a command, before it is run. */
void bf_command_facts(struct command *command, const char *action,
    const struct bf_msg_command *message);

/* Says which tenant it turned out to be about. */
void bf_command_about(struct command *command, const char *tenant);

/* Says of what it was done, where the object alone does not. */
void bf_command_detail(struct command *command, const char *detail);

/* The row of the audit log, for a batch of the caller's own: to be committed
 * with what the command changes. NULL: it changes nothing. */
struct bf_change *bf_command_audit(const struct command *command);

/* Hands that row over to the committer; bf_command_kept does it itself. */
void bf_command_note(const struct command *command);

/* A channel as answers show it. */
cJSON *bf_command_describe_channel(const struct command *command,
    const struct bf_channel_state *state);

/* Adds whether something is switched on, who says so, and whether the conf file
 * does, so that the API can't. */
void bf_command_add_toggle(cJSON *json, const struct bf_toggle_state *toggle);

/* Answers 503 while the keys are changed; true if so. */
bool bf_keys_busy(const struct command *command);

/* Overwrites the texts of a value that may hold secrets. */
void bf_command_wipe(cJSON *json);

typedef enum bf_store_result store_run(struct bf_store *store,
    struct store_call *call, struct bf_error *err);

/* Makes a call on the store's thread, then answers. text is kept for run. */
void bf_command_store(const struct command *command, const char *text,
    store_run *run, void (*answer)(struct store_command *own));

/* The same beside the commits, for what takes long. */
void bf_command_errand(const struct command *command, const char *text,
    store_run *run, void (*answer)(struct store_command *own));

void bf_verb_list_types(const struct command *command);
void bf_verb_show_type(const struct command *command);
void bf_verb_set_toggle(const struct command *command);
void bf_verb_reset_toggle(const struct command *command);
void bf_verb_list_channels(const struct command *command);
void bf_verb_show_channel(const struct command *command);
void bf_verb_create_channel(const struct command *command);
void bf_verb_put_channel(const struct command *command);
void bf_verb_patch_channel(const struct command *command);
void bf_verb_delete_channel(const struct command *command);
void bf_verb_seal(const struct command *command);
void bf_verb_rotate(const struct command *command);
void bf_verb_test_channel(const struct command *command);
void bf_verb_test_draft(const struct command *command);
void bf_verb_enable_channel(const struct command *command);
void bf_verb_disable_channel(const struct command *command);
void bf_verb_start_channel(const struct command *command);
void bf_verb_explain(const struct command *command);
void bf_verb_replay(const struct command *command);
void bf_verb_cancel(const struct command *command);
void bf_verb_list_tokens(const struct command *command);
void bf_verb_create_token(const struct command *command);
void bf_verb_revoke_token(const struct command *command);
/* Makes a session of a user, and answers with it. */
void bf_session_make(const struct command *command, const char *user,
    const char *address);

/* Answers that nobody is let in, and when to come again. */
void bf_sign_in_refuse(const struct command *command, uint32_t status,
    const char *title, const char *detail, int64_t wait_ms);

void bf_verb_sign_in(const struct command *command);
void bf_verb_session_seen(const struct command *command);
void bf_verb_sign_out(const struct command *command);
void bf_verb_list_tenants(const struct command *command);
void bf_verb_show_tenant(const struct command *command);
void bf_verb_create_tenant(const struct command *command);
void bf_verb_put_tenant(const struct command *command);
void bf_verb_patch_tenant(const struct command *command);
void bf_verb_delete_tenant(const struct command *command);
void bf_verb_list_modules(const struct command *command);
void bf_verb_show_module(const struct command *command);
void bf_verb_set_module(const struct command *command);
void bf_verb_reset_module(const struct command *command);
void bf_verb_rates(const struct command *command);
void bf_verb_ready(const struct command *command);
void bf_verb_stats(const struct command *command);
void bf_verb_metrics(const struct command *command);
void bf_verb_backup(const struct command *command);
void bf_verb_check(const struct command *command);
void bf_verb_list_in_flight(const struct command *command);

#endif
