/*
 * channel_draft.c - the directives of a channel that is read from JSON
 */
#include "core/registry/channel_draft.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

/* Bytes: a pointer to such a name fits into a problem, escaped, and leaves room
 * for the message. */
#define LONGEST_NAME 64

/* "prefix/name", escaped. Source: RFC 6901, section 3. */
static char *
pointer(const char *prefix, const char *name)
{
	struct bf_buf text = { 0 };

	bf_buf_add_text(&text, prefix);
	bf_buf_add_byte(&text, '/');
	for (; *name; name++) {
		if (*name == '~')
			bf_buf_add_text(&text, "~0");
		else if (*name == '/')
			bf_buf_add_text(&text, "~1");
		else
			bf_buf_add_byte(&text, *name);
	}
	return bf_buf_take(&text);
}

struct bf_draft_node *
bf_draft_add(struct bf_draft_list *list, const char *prefix, const char *name)
{
	struct bf_draft_node *node = bf_new(struct bf_draft_node);

	node->node.name = bf_strdup(name);
	node->node.file = pointer(prefix, name);
	if (list->last) {
		list->last->next = node;
		list->last->node.next = &node->node;
	} else {
		list->first = node;
	}
	list->last = node;
	return node;
}

void
bf_draft_clear(struct bf_draft_list *list)
{
	struct bf_draft_node *node;

	while ((node = list->first)) {
		list->first = node->next;
		for (size_t i = 0; node->secret && i < node->node.words.count;
		     i++)
			explicit_bzero(node->node.words.items[i],
			    strlen(node->node.words.items[i]));
		bf_strings_free(&node->node.words);
		free(node->node.name);
		free((char *)node->node.file);
		free(node->saved);
		free(node);
	}
}

int
bf_draft_refuse(struct bf_draft *draft, const char *prefix, const char *name,
    const char *format, ...)
{
	char *field = pointer(prefix, name);
	va_list args;

	snprintf(draft->problem->field, sizeof(draft->problem->field), "%s",
	    field);
	free(field);
	va_start(args, format);
	vsnprintf(draft->problem->error.text,
	    sizeof(draft->problem->error.text), format, args);
	va_end(args);
	return -1;
}

int
bf_draft_check_name(struct bf_draft *draft, const char *prefix,
    const char *name)
{
	const struct bf_conf_node node = { .name = (char *)name, .file = "" };

	if (strlen(name) <= LONGEST_NAME ||
	    bf_settings_find(draft->table, name))
		return 0;
	snprintf(draft->problem->field, sizeof(draft->problem->field), "%s",
	    prefix);
	return bf_settings_unknown(&node, draft->table, NULL,
	    &draft->problem->error);
}

void
bf_draft_blame(struct bf_draft *draft, const struct bf_draft_list *list)
{
	struct bf_channel_problem *problem = draft->problem;
	char *text = problem->error.text;

	for (const struct bf_draft_node *node = list->first; node;
	     node = node->next) {
		const char *place = node->node.file;
		const size_t size = strlen(place);

		if (strncmp(text, place, size) != 0 ||
		    strncmp(text + size, ": ", 2) != 0)
			continue;
		snprintf(problem->field, sizeof(problem->field), "%s", place);
		memmove(text, text + size + 2, strlen(text + size + 2) + 1);
		return;
	}
}

bool
bf_draft_ignores(const char *name)
{
	static const char *const names[] = { "name", "module", "tenant_id",
		"settings", "state", "reason", "waiting", "in_flight", "window",
		"secrets", "file", "line", "version", "created_at", "if_match",
		"paced_until", "failing_since", "disabled" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}
