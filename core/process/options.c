/*
 * options.c - the command line of belfry, which is nginx's
 */
#include "core/process/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <event2/event.h>
#include <openssl/crypto.h>
#include <sqlite3.h>

#define CONF_FILE BF_SYSCONFDIR "/belfry.conf"

static bool
is_signal(const char *name)
{
	static const char *const names[] = { "stop", "quit", "reopen",
		"reload" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

/* What is left when the options are read. 0, or -1 after having said what is
 * wrong with it. */
static int
check_rest(const struct bf_options *options, const char *word)
{
	if (word && !options->signal && is_signal(word))
		fprintf(stderr,
		    "belfry: unexpected argument \"%s\"; did you mean -s %s?\n",
		    word, word);
	else if (word)
		fprintf(stderr, "belfry: unexpected argument \"%s\"\n", word);
	else if (options->signal && !is_signal(options->signal))
		fprintf(stderr,
		    "belfry: -s %s: expected stop, quit, reopen or reload\n",
		    options->signal);
	else
		return 0;
	return -1;
}

/* Whether what getopt says '?' of was that itself, and no mistake. */
static bool
is_question(const char *word)
{
	return optopt == 0 && strncmp(word, "--", 2) != 0;
}

int
bf_options_read(int argc, char **argv, struct bf_options *options)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	*options = (struct bf_options){ .conf = CONF_FILE };
	opterr = optopt = 0;
	while ((option = getopt_long(argc, argv, ":c:g:s:tTqvVh?", longs,
		    NULL)) != -1) {
		switch (option) {
		case 'c':
			options->conf = optarg;
			break;
		case 'g':
			options->globals = optarg;
			break;
		case 's':
			options->signal = optarg;
			break;
		case 'T':
			options->dump = true; /* FALLTHROUGH */
		case 't':
			options->test = true;
			break;
		case 'q':
			options->quiet = true;
			break;
		case 'V':
			options->verbose = true; /* FALLTHROUGH */
		case 'v':
			options->version = true;
			break;
		case 'h':
			options->help = true;
			break;
		case ':':
			fprintf(stderr, "belfry: option %s needs a value\n",
			    argv[optind - 1]);
			return -1;
		default:
			if (!is_question(argv[optind - 1])) {
				fprintf(stderr, "belfry: unknown option %s\n",
				    argv[optind - 1]);
				return -1;
			}
			options->help = true;
		}
	}
	return check_rest(options, argv[optind]);
}

void
bf_options_help(void)
{
	puts("usage: belfry [-?hqtTvV] [-c FILE] [-g DIRECTIVES] [-s SIGNAL]\n"
	     "\n"
	     "Without -s, -t, -T, -v, -V or -h: starts the daemon, in the "
	     "background unless\n"
	     "the conf file or -g says \"daemon off;\".\n"
	     "\n"
	     "  -c FILE        use this conf file (" CONF_FILE ")\n"
	     "  -g DIRECTIVES  directives of the main context, beside the conf "
	     "file's\n"
	     "  -s SIGNAL      tell the running belfry to stop, quit, reopen "
	     "or reload;\n"
	     "                 it reloads only a conf file that passes -t\n"
	     "  -t             test the conf file and exit\n"
	     "  -T             the same, and print it without its secrets\n"
	     "  -q             with -t, say nothing but errors\n"
	     "  -v, --version  print the version\n"
	     "  -V             print the version and how belfry was built\n"
	     "  -h, --help     print this help (-? too)\n"
	     "\n"
	     "belfryctl talks to the running daemon. See belfry(8), "
	     "belfryctl(1) and belfry.conf(5).");
}

void
bf_options_version(bool verbose)
{
	puts("belfry version: belfry/" BF_VERSION);
	if (!verbose)
		return;
	printf("built by %s\n", __VERSION__);
	printf("%s, libcurl %s, SQLite %s, libevent %s\n",
	    OpenSSL_version(OPENSSL_VERSION),
	    curl_version_info(CURLVERSION_NOW)->version, sqlite3_libversion(),
	    event_get_version());
	puts("conf file: " CONF_FILE "\n"
	     "modules: " BF_LIBDIR "/modules\n"
	     "configure arguments: " BF_CONFIGURE_ARGUMENTS);
}
