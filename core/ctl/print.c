/*
 * print.c - output for people
 */
#include "core/ctl/print.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <belfry/memory.h>

#define CUT_LEAST 12 /* columns of a cell that are shown in any case */

static bool colours;
static size_t line_columns;

/* Words that are worth a colour wherever they stand alone in a cell. */
static const struct {
	const char *word;
	const char *colour;
} coloured[] = {
	{ "delivered", "\033[32m" },
	{ "running", "\033[32m" },
	{ "ok", "\033[32m" },
	{ "yes", "\033[32m" },
	{ "on", "\033[32m" },
	{ "success", "\033[32m" },
	{ "failed", "\033[31m" },
	{ "stopped", "\033[31m" },
	{ "critical", "\033[31m" },
	{ "error", "\033[31m" },
	{ "retry", "\033[33m" },
	{ "sending", "\033[36m" },
	{ "scheduled", "\033[33m" },
	{ "waiting", "\033[33m" },
	{ "warning", "\033[33m" },
	{ "disabled", "\033[33m" },
	{ "cancelled", "\033[2m" },
	{ "off", "\033[2m" },
	{ "no", "\033[2m" },
};

void
bf_print_colours(bool wanted)
{
	colours = wanted;
}

void
bf_print_columns(size_t columns)
{
	line_columns = columns;
}

static char *
escaped(const char *text)
{
	struct bf_buf out = { 0 };

	for (const unsigned char *c = (const void *)text; *c; c++) {
		/* U+0080 to U+009F are control characters too (C1). */
		if (*c == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f)
			bf_buf_add_format(&out, "\\x%02X", *++c);
		else if (*c < 0x20 || *c == 0x7f)
			bf_buf_add_format(&out, "\\x%02X", *c);
		else
			bf_buf_add_byte(&out, (char)*c);
	}
	return bf_buf_take(&out);
}

void
bf_print_text(const char *text)
{
	char *safe = escaped(text);

	fputs(safe, stdout);
	free(safe);
}

void
bf_print_aside(const char *format, ...)
{
	va_list args;

	if (!isatty(STDERR_FILENO))
		return;
	fflush(stdout);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
}

static void
print_coloured(const char *text)
{
	for (size_t i = 0; colours && i < sizeof(coloured) / sizeof(*coloured);
	     i++) {
		if (strcmp(text, coloured[i].word) == 0) {
			printf("%s%s\033[0m", coloured[i].colour, text);
			return;
		}
	}
	fputs(text, stdout);
}

void
bf_print_field(const char *name, const char *value)
{
	char *safe;

	if (!value)
		return;
	safe = escaped(value);
	printf("%-14s", name);
	print_coloured(safe);
	putchar('\n');
	free(safe);
}

/* Columns that UTF-8 text takes, as near as bytes tell: a character each. */
static size_t
width(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

void
bf_table_begin(struct bf_table *table, size_t columns, ...)
{
	va_list headings;

	*table = (struct bf_table){ .columns = columns };
	va_start(headings, columns);
	for (size_t i = 0; i < columns; i++)
		bf_table_cell(table, va_arg(headings, const char *));
	va_end(headings);
}

void
bf_table_cell(struct bf_table *table, const char *text)
{
	if ((table->count & (table->count - 1)) == 0)
		table->cells = bf_resize(table->cells,
		    table->count > 0 ? table->count * 2 : 1,
		    sizeof(*table->cells));
	table->cells[table->count++] = escaped(text ? text : "-");
}

void
bf_table_number(struct bf_table *table, double number)
{
	char text[32];

	snprintf(text, sizeof(text), "%.0f", number);
	bf_table_cell(table, text);
}

static size_t
column_width(const struct bf_table *table, size_t column)
{
	size_t widest = 0;

	for (size_t i = column; i < table->count; i += table->columns) {
		const size_t own = width(table->cells[i]);

		widest = own > widest ? own : widest;
	}
	return widest;
}

/* Prints text, cut visibly where it is wider than most. */
static void
print_cut(const char *text, size_t most)
{
	const char *end = text;

	if (width(text) <= most) {
		print_coloured(text);
		return;
	}
	for (size_t count = 0; count + 1 < most; count++) {
		do {
			end++;
		} while (((unsigned char)*end & 0xc0) == 0x80);
	}
	printf("%.*s\u2026", (int)(end - text), text);
}

/* Columns for the last cell of each row, behind the others. */
static size_t
room_of_last(const struct bf_table *table, const size_t *widths)
{
	size_t taken = 0;

	if (!table->cut || line_columns == 0)
		return SIZE_MAX;
	for (size_t i = 0; i + 1 < table->columns; i++)
		taken += widths[i] + 2;
	return line_columns > taken + CUT_LEAST ? line_columns - taken
						: CUT_LEAST;
}

static void
print_row(const struct bf_table *table, size_t first, const size_t *widths,
    size_t room)
{
	for (size_t i = 0; i < table->columns; i++) {
		const char *cell = table->cells[first + i];
		const bool last = i + 1 == table->columns;

		if (first == 0 && colours)
			printf("\033[1m%s\033[0m", cell);
		else
			print_cut(cell, last ? room : SIZE_MAX);
		if (!last)
			printf("%*s", (int)(widths[i] - width(cell) + 2), "");
	}
	putchar('\n');
}

void
bf_table_print(struct bf_table *table, const char *things)
{
	size_t *widths = bf_zalloc(table->columns, sizeof(*widths));
	size_t room;

	for (size_t i = 0; i < table->columns; i++)
		widths[i] = column_width(table, i);
	room = room_of_last(table, widths);
	if (table->count > table->columns) {
		for (size_t i = 0; i + table->columns <= table->count;
		     i += table->columns)
			print_row(table, i, widths, room);
	} else if (things) {
		bf_print_aside("no %s\n", things);
	}
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	free(widths);
	*table = (struct bf_table){ 0 };
}

bool
bf_json_differ(const cJSON *list, const char *name)
{
	const char *first = list ? bf_json_text(list->child, name) : NULL;
	const cJSON *item;

	cJSON_ArrayForEach(item, list)
	{
		const char *text = bf_json_text(item, name);

		if (first && text && strcmp(first, text) != 0)
			return true;
	}
	return false;
}

const char *
bf_json_text(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(object, name));
}

char *
bf_json_scalar(const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	if (cJSON_IsString(item))
		return bf_strdup(item->valuestring);
	if (!item || cJSON_IsNull(item))
		return NULL;
	return cJSON_PrintUnformatted(item);
}

double
bf_json_number(const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

bool
bf_json_true(const cJSON *object, const char *name)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}

char *
bf_json_words(const cJSON *object, const char *name)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, name);
	const cJSON *item;
	struct bf_buf out = { 0 };

	if (cJSON_IsString(list))
		bf_buf_add_text(&out, list->valuestring);
	cJSON_ArrayForEach(item, list)
	{
		if (!cJSON_IsString(item))
			continue;
		if (out.size > 0)
			bf_buf_add_byte(&out, ' ');
		bf_buf_add_text(&out, item->valuestring);
	}
	return bf_buf_take(&out);
}
