/*
 * options.c - the command line of belfry, which is nginx's
 */
#include "core/process/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>
#include <event2/event.h>
#include <openssl/crypto.h>
#include <sqlite3.h>

#define CONF_FILE BF_SYSCONFDIR "/belfry.conf"

static int
is_signal(const char *name)
{
	static const char *const names[] = { "stop", "quit", "reopen",
		"reload" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(name, names[i]) == 0)
			return 1;
	}
	fprintf(stderr,
	    "belfry: -s %s: expected stop, quit, reopen or reload\n", name);
	return 0;
}

int
bf_options_read(int argc, char **argv, struct bf_options *options)
{
	int option;

	*options = (struct bf_options){ .conf = CONF_FILE };
	while ((option = getopt(argc, argv, "c:g:s:tTqvVh?")) != -1) {
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
		default:
			/* getopt says '?' for a mistake and for -? itself. */
			if (optopt != 0 && optopt != '?')
				return -1;
			options->help = true;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "belfry: unexpected argument \"%s\"\n",
		    argv[optind]);
		return -1;
	}
	return options->signal && !is_signal(options->signal) ? -1 : 0;
}

void
bf_options_help(void)
{
	puts("usage: belfry [-?hqtTvV] [-c FILE] [-g DIRECTIVES] [-s SIGNAL]\n"
	     "\n"
	     "  -c FILE        use this conf file (" CONF_FILE ")\n"
	     "  -g DIRECTIVES  directives of the main context, beside the conf "
	     "file's\n"
	     "  -s SIGNAL      tell the running belfry to stop, quit, reopen "
	     "or reload\n"
	     "  -t             test the conf file and exit\n"
	     "  -T             the same, and print it without its secrets\n"
	     "  -q             with -t, say nothing but errors\n"
	     "  -v             print the version\n"
	     "  -V             print the version and how belfry was built\n"
	     "  -h, -?         print this help\n"
	     "\n"
	     "See belfry(8) and belfry.conf(5).");
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
