/*
 * hints.c - the likely cause of a failure, and the fix, from tables
 */
#include "core/transport/hints.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <belfry/memory.h>

#include "core/transport/hints_private.h"

/* The tables, in the order in which they are looked at. */
static const struct hint_row *const tables[] = { bf_hints_network,
	bf_hints_http, bf_hints_smtp };

#define TABLES (sizeof(tables) / sizeof(*tables))

/* Whether a number of the text goes on beyond the mark that was found. */
static bool
goes_on(const char *text, const char *found, size_t size)
{
	return (found > text && isdigit((unsigned char)found[-1]) &&
		   isdigit((unsigned char)found[0])) ||
	       (isdigit((unsigned char)found[size - 1]) &&
		   isdigit((unsigned char)found[size]));
}

static bool
has_mark(const char *text, const char *mark, size_t size)
{
	if (!text)
		return false;
	for (const char *at = text; *at; at++) {
		if (strncasecmp(at, mark, size) == 0 &&
		    !goes_on(text, at, size))
			return true;
	}
	return false;
}

static bool
fits_text(const struct bf_symptom *symptom, const char *marks)
{
	while (marks) {
		const size_t size = strcspn(marks, "|");

		if (has_mark(symptom->error, marks, size) ||
		    has_mark(symptom->detail, marks, size) ||
		    has_mark(symptom->text, marks, size))
			return true;
		marks = marks[size] ? marks + size + 1 : NULL;
	}
	return false;
}

static bool
fits(const struct bf_symptom *symptom, const struct hint_row *row)
{
	return (row->protocol == BF_PROTOCOL_ANY ||
		   row->protocol == symptom->protocol) &&
	       (row->stage == BF_STAGE_ANY || row->stage == symptom->stage) &&
	       (row->most == 0 || (symptom->code >= row->least &&
				      symptom->code <= row->most)) &&
	       (row->signs & ~symptom->signs) == 0 &&
	       (!row->marks || fits_text(symptom, row->marks));
}

const struct bf_hint *
bf_hint_find(const struct bf_symptom *symptom)
{
	for (size_t i = 0; i < TABLES; i++) {
		for (const struct hint_row *row = tables[i]; row->hint.name;
		     row++) {
			if (fits(symptom, row))
				return &row->hint;
		}
	}
	return NULL;
}

char *
bf_hint_cause(const struct bf_hint *hint, const struct bf_symptom *symptom)
{
	static const char mark[] = "{location}";
	const char *place = strstr(hint->cause, mark);

	if (!place)
		return bf_strdup(hint->cause);
	return bf_strf("%.*s%s%s", (int)(place - hint->cause), hint->cause,
	    symptom->location ? symptom->location : "another address",
	    place + strlen(mark));
}

const struct bf_hint *
bf_hint_at(size_t index, enum bf_protocol *protocol)
{
	for (size_t i = 0; i < TABLES; i++) {
		for (const struct hint_row *row = tables[i]; row->hint.name;
		     row++) {
			if (index-- > 0)
				continue;
			*protocol = row->protocol;
			return &row->hint;
		}
	}
	return NULL;
}
