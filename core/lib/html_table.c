/*
 * html_table.c - tables, their columns aligned
 *
 * The cells are gathered first, as lines of text. Columns are as wide as their
 * widest cell on a terminal (UAX #11). A table that is too wide becomes a
 * record for each row: lines of heading and cell.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <uniwidth.h>

#include <belfry/memory.h>

#include "core/lib/html_tree.h"

#define CELL_MOST 2000 /* bytes */
#define COLUMNS_MOST 20
#define SPACING 2

struct cell {
	size_t at, size; /* of the text */
	size_t width;    /* columns */
};

struct table {
	struct bf_buf text;  /* of all cells */
	struct bf_buf cells; /* struct cell */
	struct bf_buf ends;  /* size_t for each row: index past its last cell */
	bool headed;         /* the first row is all headings */
	size_t widths[COLUMNS_MOST];
	size_t columns;
};

static const struct cell *
cells_of(const struct table *table)
{
	return (const struct cell *)(const void *)table->cells.data;
}

static size_t
cell_count(const struct table *table)
{
	return table->cells.size / sizeof(struct cell);
}

static size_t
row_count(const struct table *table)
{
	return table->ends.size / sizeof(size_t);
}

static size_t
row_end(const struct table *table, size_t row)
{
	return ((const size_t *)(const void *)table->ends.data)[row];
}

static bool
gather_cell(struct table *table, const GumboNode *node, size_t column)
{
	struct cell cell = { .at = table->text.size };

	if (column >= COLUMNS_MOST ||
	    !bf_html_line(&table->text, node, CELL_MOST, true))
		return false;
	cell.size = table->text.size - cell.at;
	cell.width =
	    (size_t)u8_width((const uint8_t *)table->text.data + cell.at,
		cell.size, "UTF-8");
	if (cell.width > table->widths[column])
		table->widths[column] = cell.width;
	bf_buf_add(&table->cells, &cell, sizeof(cell));
	return true;
}

static bool
gather_row(struct table *table, const GumboNode *row)
{
	const GumboVector *children = &row->v.element.children;
	const bool first = row_count(table) == 0;
	bool headings = true;
	size_t column = 0, end;

	for (unsigned i = 0; i < children->length; i++) {
		const GumboNode *cell = children->data[i];

		if (cell->type != GUMBO_NODE_ELEMENT || bf_html_is_hidden(cell))
			continue;
		if (!gather_cell(table, cell, column++))
			return false;
		headings &= cell->v.element.tag == GUMBO_TAG_TH;
	}
	if (column == 0)
		return true;
	if (first)
		table->headed = headings;
	if (column > table->columns)
		table->columns = column;
	end = cell_count(table);
	bf_buf_add(&table->ends, &end, sizeof(end));
	return true;
}

/* Gathers the rows of a table, or of a group of rows in it. */
static bool
gather(struct table *table, const GumboNode *node, bool group)
{
	const GumboVector *children = &node->v.element.children;
	bool well = true;

	for (unsigned i = 0; well && i < children->length; i++) {
		const GumboNode *child = children->data[i];

		if (child->type != GUMBO_NODE_ELEMENT ||
		    bf_html_is_hidden(child))
			continue;
		if (bf_html_kind(child) == BF_HTML_ROW)
			well = gather_row(table, child);
		else if (child->v.element.tag == GUMBO_TAG_CAPTION)
			continue;
		else
			well = !group && gather(table, child, true);
	}
	return well;
}

/* ---- writing ---- */

static void
add_spaces(struct bf_buf *line, size_t count)
{
	memset(bf_buf_reserve(line, count), ' ', count);
	line->size += count;
}

static void
write_row(struct bf_writer *writer, const struct table *table, size_t row,
    struct bf_buf *line)
{
	const size_t first = row > 0 ? row_end(table, row - 1) : 0;
	size_t missing = 0;

	bf_buf_clear(line);
	for (size_t i = first; i < row_end(table, row); i++) {
		const struct cell *cell = &cells_of(table)[i];

		if (cell->size > 0) {
			add_spaces(line, missing);
			bf_buf_add(line, table->text.data + cell->at,
			    cell->size);
			missing = 0;
		}
		missing += table->widths[i - first] -
			   (cell->size > 0 ? cell->width : 0) + SPACING;
	}
	bf_buf_add_byte(line, '\n');
	bf_writer_text(writer, line->data, line->size);
}

static void
write_underline(struct bf_writer *writer, const struct table *table,
    struct bf_buf *line)
{
	bf_buf_clear(line);
	for (size_t i = 0; i < table->columns; i++) {
		if (i > 0)
			add_spaces(line, SPACING);
		memset(bf_buf_reserve(line, table->widths[i]), '-',
		    table->widths[i]);
		line->size += table->widths[i];
	}
	bf_buf_add_byte(line, '\n');
	bf_writer_text(writer, line->data, line->size);
}

static void
write_aligned(struct bf_writer *writer, const struct table *table)
{
	struct bf_buf line = { 0 };

	bf_writer_pre(writer, true);
	for (size_t row = 0; row < row_count(table); row++) {
		write_row(writer, table, row, &line);
		if (row == 0 && table->headed)
			write_underline(writer, table, &line);
	}
	bf_writer_pre(writer, false);
	bf_buf_free(&line);
}

static void
write_cell(struct bf_writer *writer, const struct table *table, size_t index)
{
	const struct cell *cell = &cells_of(table)[index];

	bf_writer_text(writer, table->text.data + cell->at, cell->size);
}

static void
write_records(struct bf_writer *writer, const struct table *table)
{
	const size_t headings = row_end(table, 0);

	for (size_t row = 1; row < row_count(table); row++) {
		const size_t first = row_end(table, row - 1);

		bf_writer_gap(writer, BF_GAP_PARAGRAPH);
		for (size_t i = first; i < row_end(table, row); i++) {
			bf_writer_gap(writer, BF_GAP_LINE);
			if (cells_of(table)[i].size == 0)
				continue;
			if (i - first < headings) {
				write_cell(writer, table, i - first);
				bf_writer_text(writer, ": ", 2);
			}
			write_cell(writer, table, i);
		}
	}
}

static void
write_caption(struct bf_writer *writer, const GumboNode *node)
{
	const GumboVector *children = &node->v.element.children;

	for (unsigned i = 0; i < children->length; i++) {
		const GumboNode *child = children->data[i];
		struct bf_buf text = { 0 };

		if (child->type == GUMBO_NODE_ELEMENT &&
		    child->v.element.tag == GUMBO_TAG_CAPTION &&
		    bf_html_line(&text, child, CELL_MOST, true))
			bf_writer_text(writer, text.data, text.size);
		bf_buf_free(&text);
	}
	bf_writer_gap(writer, BF_GAP_LINE);
}

bool
bf_html_table(struct bf_writer *writer, const GumboNode *node)
{
	struct table table = { .columns = 0 };
	size_t width = 0;
	bool well = gather(&table, node, false) && table.columns > 1;

	for (size_t i = 0; i < table.columns; i++)
		width += table.widths[i] + (i > 0 ? SPACING : 0);
	if (well && width > bf_writer_columns(writer) &&
	    (!table.headed || row_count(&table) < 2))
		well = false;
	if (well) {
		write_caption(writer, node);
		if (width > bf_writer_columns(writer))
			write_records(writer, &table);
		else
			write_aligned(writer, &table);
	}
	bf_buf_free(&table.text);
	bf_buf_free(&table.cells);
	bf_buf_free(&table.ends);
	return well;
}
