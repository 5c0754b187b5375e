/*
 * command_audit.c - what the audit log says of a command
 *
 * Which members were given, and the values of those that can hold no secret.
 * Of settings the names alone: which of them are secrets only their module
 * knows, and an address may have a password in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#include "core/process/command_private.h"

/* Members with what the command is done to: the first that there is. */
static const char *const objects[] = { "id", "name", "file", "token", "channel",
	"event" };

/* Members whose values are told. */
static const char *const told[] = { "channel", "concurrency", "directive",
	"enabled", "event", "events", "finish", "jitter", "limits", "max_age",
	"module", "name", "ordered", "rate", "retry", "retry_after_max",
	"scope", "since", "timeout", "until" };

/* Members that say nothing of the change, or stand elsewhere in the row. */
static const char *const unsaid[] = { "tenant_id", "if_match" };

static bool
is_among(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

#define AMONG(names, name)                                                     \
	is_among(names, sizeof(names) / sizeof(*(names)), name)

/* Copies what there is room for, in whole characters of UTF-8. */
static void
copy(char *to, size_t room, const char *text)
{
	size_t size = strlen(text);

	if (size >= room) {
		size = room - 1;
		while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
			size--;
	}
	memcpy(to, text, size);
	to[size] = '\0';
}

static void
add_names(struct bf_buf *detail, const cJSON *object)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, object) bf_buf_add_format(detail, "%s%s",
	    item == object->child ? "=" : ",", item->string);
}

static void
add_value(struct bf_buf *detail, const cJSON *value)
{
	char *text;

	bf_buf_add_byte(detail, '=');
	if (cJSON_IsString(value)) {
		bf_buf_add_text(detail, value->valuestring);
		return;
	}
	text = cJSON_PrintUnformatted(value);
	bf_buf_add_text(detail, text);
	cJSON_free(text);
}

/* "enabled=true events=["deploy_*"] settings=secret,url" */
static void
add_members(struct bf_buf *detail, const cJSON *arguments, const char *object)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, arguments)
	{
		if (AMONG(unsaid, item->string) ||
		    (object && strcmp(item->string, object) == 0))
			continue;
		bf_buf_add_format(detail, "%s%s", detail->size > 0 ? " " : "",
		    item->string);
		if (AMONG(told, item->string))
			add_value(detail, item);
		else if (strcmp(item->string, "settings") == 0)
			add_names(detail, item);
	}
}

void
bf_command_facts(struct command *command, const char *action,
    const struct bf_msg_command *message)
{
	struct audit_facts *facts = &command->facts;
	const char *tenant = bf_command_text(command, "tenant_id");
	const char *object = NULL, *name;
	struct bf_buf detail = { 0 };

	facts->action = action;
	copy(facts->actor, sizeof(facts->actor), message->actor);
	copy(facts->address, sizeof(facts->address), message->address);
	if (tenant || command->tenant)
		bf_command_about(command, tenant ? tenant : command->tenant);
	for (size_t i = 0; !object && i < sizeof(objects) / sizeof(*objects);
	     i++) {
		name = bf_command_text(command, objects[i]);
		if (!name)
			continue;
		object = objects[i];
		copy(facts->object, sizeof(facts->object), name);
	}
	add_members(&detail, command->arguments, object);
	copy(facts->detail, sizeof(facts->detail), bf_buf_text(&detail));
	bf_buf_free(&detail);
}

void
bf_command_about(struct command *command, const char *tenant)
{
	copy(command->facts.tenant, sizeof(command->facts.tenant), tenant);
}

void
bf_command_detail(struct command *command, const char *detail)
{
	copy(command->facts.detail, sizeof(command->facts.detail), detail);
}

static struct bf_change *
make_row(const struct scheduler *scheduler, const struct audit_row *row)
{
	struct bf_change *change = bf_new(struct bf_change);

	change->kind = BF_CHANGE_AUDIT;
	change->audit = (struct bf_audit){
		.at = bf_scheduler_now(scheduler),
		.actor = bf_strdup(row->actor),
		.address = bf_strdup(row->address ? row->address : ""),
		.tenant = bf_strdup(row->tenant),
		.action = bf_strdup(row->action),
		.object = bf_strdup(row->object ? row->object : ""),
		.detail = bf_strdup(row->detail ? row->detail : ""),
	};
	return change;
}

struct bf_change *
bf_command_audit(const struct command *command)
{
	const struct audit_facts *facts = &command->facts;

	if (!facts->action)
		return NULL;
	return make_row(command->scheduler,
	    &(struct audit_row){ .actor = facts->actor,
		.address = facts->address,
		.tenant = *facts->tenant ? facts->tenant : NULL,
		.action = facts->action,
		.object = facts->object,
		.detail = facts->detail });
}

void
bf_command_note(const struct command *command)
{
	struct bf_change *row = bf_command_audit(command);

	if (row)
		bf_committer_add(command->scheduler->committer, row, true);
}

void
bf_audit_note(struct scheduler *scheduler, const struct audit_row *row)
{
	bf_committer_add(scheduler->committer, make_row(scheduler, row), true);
}
