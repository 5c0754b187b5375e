#ifndef REFERENCE_H
#define REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#include <belfry/buf.h>
#include <belfry/error.h>

/*
 * The reference of the conf file, made from the tables that the parser reads
 * it by: so the manual can't say anything else than the program does.
 */

/* A directive as the manual shows it. Texts are owned. */
struct entry {
	char *name;
	char *syntax;   /* its words: "USER [GROUP]" */
	char *fallback; /* NULL: none */
	char *range;    /* "1h to 36500d"; NULL: none */
	const char *help;
	bool required, repeats, block;
	bool literal; /* the syntax is what is typed, capitals too */
};

/* A block: "main", "api", ... or the name of a module. */
struct section {
	const char *name;
	const char *opening;   /* "channel MODULE NAME"; "" for main */
	struct entry *entries; /* sorted by name */
	size_t count;
};

/*
 * Every block of the core, then every module of modules (a list of files).
 * NULL if a module can't be opened.
 */
struct section *make_sections(char *const *modules, size_t *count,
    struct bf_error *err);
void free_sections(struct section *sections, size_t count);

/* Appends a section as mdoc or as Markdown. */
void write_section_mdoc(const struct section *section, struct bf_buf *out);
void write_section_markdown(const struct section *section, struct bf_buf *out);

/* The same for the event types that belfry knows by itself. */
void write_events_mdoc(struct bf_buf *out);
void write_events_markdown(struct bf_buf *out);

/* The hints of tests: about "network" (whatever the protocol), "HTTP" or
 * "SMTP". -1: there are none of that name. */
int write_hints_markdown(const char *about, size_t size, struct bf_buf *out);

/*
 * Whether a conf file shows every directive of every section, with its default
 * and its help, each in a block of its kind. A default is put out of use by a
 * "#" directly in front of it; prose has a space after the "#".
 */
int check_conf(const char *path, const struct section *sections, size_t count,
    struct bf_error *err);

#endif
