#ifndef BF_OPTIONS_H
#define BF_OPTIONS_H

#include <stdbool.h>

/* What the command line asks for. Texts are borrowed from it. */
struct bf_options {
	const char *conf;    /* -c; the default where it is not given */
	const char *globals; /* -g, or NULL */
	const char *signal;  /* -s: stop, quit, reopen or reload; or NULL */
	bool test;           /* -t */
	bool dump;           /* -T */
	bool quiet;          /* -q */
	bool version;        /* -v */
	bool verbose;        /* -V */
	bool help;           /* -h, -? */
};

/* Reads the options; 0, or -1 after having said what is wrong. */
int bf_options_read(int argc, char **argv, struct bf_options *options);

void bf_options_help(void);

/* -v, or with how belfry was built -V: on standard output. */
void bf_options_version(bool verbose);

#endif
