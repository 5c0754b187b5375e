/*
 * main.c - belfry-module: makes modules, and checks them
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include <belfry/memory.h>

#include "core/kit/kit.h"
#include "core/transport/libraries.h"

#define EXIT_USAGE 2

static void
print_usage(FILE *out)
{
	fputs(
	    "usage: belfry-module new NAME\n"
	    "       belfry-module check [-c FILE] [-r SEED] MODULE.so\n\n"
	    "commands:\n"
	    "  new    Make a folder with a module, its Makefile and its test\n"
	    "  check  Load a module and hold it against what belfry expects\n\n"
	    "options:\n"
	    "  -c, --conf FILE      directives of a channel, as in its block\n"
	    "                       (without it, those required are made up)\n"
	    "  -r, --seed SEED      of the events that are made; 1\n"
	    "  -t, --templates DIR  where new takes its files from\n"
	    "                       (" BF_TEMPLATES ")\n"
	    "  -V, --version        show the version\n"
	    "  -h, --help           show this help\n",
	    out);
}

static int
usage_error(const char *what)
{
	fprintf(stderr, "belfry-module: %s\nTry \"belfry-module --help\".\n",
	    what);
	return EXIT_USAGE;
}

/* The whole text of a file, or NULL with a message. */
static char *
read_settings(const char *path)
{
	FILE *file = fopen(path, "re");
	struct bf_buf text = { 0 };
	size_t got;

	if (!file) {
		fprintf(stderr, "belfry-module: %s: %s\n", path,
		    strerror(errno));
		return NULL;
	}
	do {
		got = fread(bf_buf_reserve(&text, 4096), 1, 4096, file);
		text.size += got;
	} while (got > 0);
	fclose(file);
	bf_buf_add_byte(&text, '\n');
	return bf_buf_take(&text);
}

static int
make_new(const char *name, const char *templates)
{
	struct bf_error err;

	if (bf_kit_new(name, templates, &err) == -1) {
		fprintf(stderr, "belfry-module: %s\n", err.text);
		return EXIT_FAILURE;
	}
	printf("made %s: \"cd %s && make check\" builds and checks it\n", name,
	    name);
	return EXIT_SUCCESS;
}

static int
check(const char *path, const char *conf, uint64_t seed)
{
	char whole[PATH_MAX];
	char *settings = NULL;
	int failed;

	if (!realpath(path, whole)) {
		fprintf(stderr, "belfry-module: %s: %s\n", path,
		    strerror(errno));
		return EXIT_FAILURE;
	}
	if (conf && !(settings = read_settings(conf)))
		return EXIT_FAILURE;
	failed = bf_kit_check(&(struct bf_kit_check){ whole, settings, seed });
	free(settings);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "conf", required_argument, NULL, 'c' },
		{ "seed", required_argument, NULL, 'r' },
		{ "templates", required_argument, NULL, 't' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *conf = NULL, *templates = BF_TEMPLATES;
	uint64_t seed = 1;
	int option;

	bf_libraries_start();
	event_set_mem_functions(bf_malloc, bf_realloc, free);
	while ((option = getopt_long(argc, argv, "c:r:t:Vh", options, NULL)) !=
	       -1) {
		switch (option) {
		case 'c':
			conf = optarg;
			break;
		case 'r':
			seed = strtoull(optarg, NULL, 10);
			break;
		case 't':
			templates = optarg;
			break;
		case 'V':
			puts("belfry-module " BF_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			print_usage(stdout);
			return EXIT_SUCCESS;
		default:
			return usage_error("that is no option");
		}
	}
	argc -= optind;
	argv += optind;
	if (argc == 2 && strcmp(argv[0], "new") == 0)
		return make_new(argv[1], templates);
	if (argc == 2 && strcmp(argv[0], "check") == 0)
		return check(argv[1], conf, seed);
	return usage_error("expected \"new NAME\" or \"check MODULE.so\"");
}
