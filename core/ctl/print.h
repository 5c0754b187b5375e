#ifndef BF_CTL_PRINT_H
#define BF_CTL_PRINT_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include <belfry/buf.h>
#include <belfry/error.h>

/*
 * Output for people: aligned tables, colours on a terminal only. Whatever came
 * from the daemon is printed with its control characters escaped, so that no
 * event can write to the reader's terminal.
 */

/* Whether colours are wanted: set once, from the terminal and NO_COLOR. */
void bf_print_colours(bool wanted);

/* How many columns a line of the terminal has, set once; 0: any number. */
void bf_print_columns(size_t columns);

/* Prints text with control characters as \xHH. */
void bf_print_text(const char *text);

/* Prints one line "name:  value"; nothing if value is NULL. */
void bf_print_field(const char *name, const char *value);

/* A table: rows of cells, each column as wide as its widest cell. */
struct bf_table {
	size_t columns;
	char **cells; /* row after row, the heading first */
	size_t count;
	bool cut; /* the last column, visibly, where a line would be full */
};

/* Starts a table with its headings. */
void bf_table_begin(struct bf_table *table, size_t columns, ...);

/* Adds a cell; the row ends by itself. NULL is shown as "-". */
void bf_table_cell(struct bf_table *table, const char *text);
void bf_table_number(struct bf_table *table, double number);

/* Says something to who reads at a terminal, on stderr; a program, which reads
 * what is printed, is not told. */
void bf_print_aside(const char *format, ...) BF_PRINTF(1, 2);

/* Whether the members of a list have several values of a name: then a column
 * of it says something. */
bool bf_json_differ(const cJSON *list, const char *name);

/* Prints the table and frees it. A table without rows prints nothing; aside it
 * is said that there are no such things ("deliveries"; NULL: is not said). */
void bf_table_print(struct bf_table *table, const char *things);

/* Members of an object: text of a string member or NULL; any scalar as text
 * in new memory; a number or 0; truth. */
const char *bf_json_text(const cJSON *object, const char *name);
char *bf_json_scalar(const cJSON *object, const char *name);
double bf_json_number(const cJSON *object, const char *name);
bool bf_json_true(const cJSON *object, const char *name);

/* The strings of an array member, with blanks between, in new memory. */
char *bf_json_words(const cJSON *object, const char *name);

#endif
