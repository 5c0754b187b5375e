/*
 * command_store.c - figures, backup and check
 */
#include <stdlib.h>
#include <sys/stat.h>

#include <belfry/memory.h>

#include "core/process/command_private.h"

/* Whether events can be accepted. A store that failed is tried again, unless
 * something waits to be stored anyway: nothing else may come to find out. */
void
bf_verb_ready(const struct command *command)
{
	struct scheduler *scheduler = command->scheduler;
	struct committer_figures figures;
	cJSON *json;

	bf_committer_figures(scheduler->committer, &figures);
	if (figures.failing) {
		if (bf_committer_pending(scheduler->committer) == 0)
			bf_scheduler_keep_clock(scheduler, true);
		bf_command_problem(command, 503, "not-ready",
		    "Service Unavailable", NULL, figures.why);
		return;
	}
	json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "status", "ready");
	bf_command_json(command, 200, json);
}

static enum bf_store_result
run_stats(struct bf_store *store, struct store_call *call, struct bf_error *err)
{
	return bf_store_stats(store, &((struct store_command *)call)->stats,
	    err);
}

static void
answer_stats(struct store_command *own)
{
	char *text = bf_metrics_stats(own->command.scheduler, &own->stats);

	bf_accept_reply(own->command.scheduler, own->command.intake,
	    own->command.token, 200, text);
	cJSON_free(text);
}

static void
answer_metrics(struct store_command *own)
{
	struct bf_buf text = { 0 };

	bf_metrics_text(own->command.scheduler, &own->stats, &text);
	bf_accept_reply(own->command.scheduler, own->command.intake,
	    own->command.token, 200, text.data);
	bf_buf_free(&text);
}

void
bf_verb_stats(const struct command *command)
{
	bf_command_store(command, NULL, run_stats, answer_stats);
}

void
bf_verb_metrics(const struct command *command)
{
	bf_command_store(command, NULL, run_stats, answer_metrics);
}

static enum bf_store_result
run_backup(struct bf_store *store, struct store_call *call,
    struct bf_error *err)
{
	struct store_command *own = (struct store_command *)call;

	return bf_store_backup(store, own->text, NULL, NULL, err);
}

static void
answer_backup(struct store_command *own)
{
	cJSON *json = cJSON_CreateObject();
	struct stat file = { 0 };

	(void)stat(own->text, &file);
	cJSON_AddStringToObject(json, "file", own->text);
	cJSON_AddNumberToObject(json, "bytes", (double)file.st_size);
	bf_command_kept(&own->command, 200, json);
}

void
bf_verb_backup(const struct command *command)
{
	const char *file = bf_command_text(command, "file");

	if (!file || file[0] != '/')
		bf_command_problem(command, 422, "invalid", "Invalid request",
		    "/file", "expected an absolute path");
	else
		bf_command_errand(command, file, run_backup, answer_backup);
}

static void add_check(cJSON *checks, const char *name, bool ok,
    const char *format, ...) BF_PRINTF(4, 5);

static void
add_check(cJSON *checks, const char *name, bool ok, const char *format, ...)
{
	cJSON *check = cJSON_CreateObject();
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	cJSON_AddStringToObject(check, "name", name);
	cJSON_AddBoolToObject(check, "ok", ok);
	cJSON_AddStringToObject(check, "text", text);
	cJSON_AddItemToArray(checks, check);
}

static enum bf_store_result
run_check(struct bf_store *store, struct store_call *call, struct bf_error *err)
{
	struct store_command *own = (struct store_command *)call;
	struct bf_error fault = { "" };
	enum bf_store_result result = bf_store_check(store, &fault);

	own->json = cJSON_CreateArray();
	add_check(own->json, "store", result == BF_STORE_OK, "%s",
	    result == BF_STORE_OK ? "every page is sound" : fault.text);
	return bf_store_stats(store, &own->stats, err);
}

static void
answer_check(struct store_command *own)
{
	struct scheduler *scheduler = own->command.scheduler;
	const struct bf_snapshot *snapshot =
	    bf_registry_snapshot(scheduler->registry);
	const bool space = own->stats.free_bytes >= snapshot->low_space.bytes;
	const struct bf_channel_state *state = NULL;
	const cJSON *check;
	cJSON *json = cJSON_CreateObject();
	bool ok = true;

	bf_registry_read_all(scheduler->registry);
	add_check(own->json, "space", space, "%lld bytes are free",
	    (long long)own->stats.free_bytes);
	while ((state = bf_registry_next_channel(scheduler->registry, state))) {
		const struct bf_lane_state *lane =
		    bf_lane_state_find(scheduler, state->channel->number);
		const bool failing =
		    lane ? lane->failing_since : state->failing_since;

		add_check(own->json, state->channel->name,
		    !failing && !state->stopped, "%lld waiting%s%s",
		    lane ? (long long)bf_lane_state_waiting(lane) : 0,
		    state->stopped ? "; stopped: "
		    : failing      ? "; its last attempts failed"
				   : "",
		    state->stopped && state->stop_reason ? state->stop_reason
							 : "");
	}
	cJSON_ArrayForEach(check, own->json) ok =
	    ok && cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(check, "ok"));
	cJSON_AddBoolToObject(json, "ok", ok);
	cJSON_AddItemToObject(json, "checks", own->json);
	own->json = NULL;
	bf_command_json(&own->command, 200, json);
}

void
bf_verb_check(const struct command *command)
{
	bf_command_errand(command, NULL, run_check, answer_check);
}
