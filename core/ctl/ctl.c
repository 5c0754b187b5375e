/*
 * ctl.c - what the commands of belfryctl have in common
 */
#include "core/ctl/ctl.h"

#include <curl/curl.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

#define OPTIONS_MAX 24
#define INPUT_MAX (256u << 20) /* bytes of a file or standard input */

int
bf_ctl_usage(const struct bf_ctl *ctl, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "belfryctl %s: ", ctl->command->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nTry \"belfryctl %s --help\".\n", ctl->command->name);
	return BF_CTL_USAGE;
}

static void
print_option(const struct bf_ctl_option *option)
{
	char *left =
	    bf_strf("--%s%s%s", option->name, option->argument ? " " : "",
		option->argument ? option->argument : "");

	if (option->letter)
		printf("  -%c, %-22s %s\n", option->letter, left, option->help);
	else
		printf("      %-22s %s\n", left, option->help);
	free(left);
}

static void
print_help(const struct bf_ctl *ctl, const struct bf_ctl_option *options)
{
	printf("usage: belfryctl %s%s%s\n\n%s.\n\n", ctl->command->name,
	    ctl->command->arguments[0] ? " " : "", ctl->command->arguments,
	    ctl->command->summary);
	for (; options && options->name; options++)
		print_option(options);
	printf("  -j, %-22s %s\n  -h, %-22s %s\n", "--json",
	    "print the answer as JSON, for programs", "--help",
	    "show this help");
}

/* getopt's tables from ours; the index of an option is 256 + its place. */
static void
make_tables(const struct bf_ctl_option *options, char *letters,
    struct option *longs)
{
	size_t count = 0;

	*letters++ = ':';
	for (; options && options[count].name; count++) {
		longs[count] = (struct option){ options[count].name,
			options[count].value ? required_argument : no_argument,
			NULL, 256 + (int)count };
		if (!options[count].letter)
			continue;
		*letters++ = options[count].letter;
		if (options[count].value)
			*letters++ = ':';
	}
	longs[count++] = (struct option){ "json", no_argument, NULL, 'j' };
	longs[count] = (struct option){ "help", no_argument, NULL, 'h' };
	strcpy(letters, "jh");
}

static const struct bf_ctl_option *
find_option(const struct bf_ctl_option *options, int key)
{
	if (key >= 256)
		return &options[key - 256];
	for (; options && options->name; options++) {
		if (options->letter == key)
			return options;
	}
	return NULL;
}

/* Keeps the value of an option; -1 if it has as many as it can. */
static int
keep_value(const struct bf_ctl_option *option, const char *text)
{
	const char *dots = strstr(option->argument, "...");
	size_t count = 0;

	while (dots && option->value[count])
		count++;
	if (count == BF_CTL_REPEATS_MAX)
		return -1;
	option->value[count] = text;
	return 0;
}

int
bf_ctl_options(struct bf_ctl *ctl, const struct bf_ctl_option *options,
    int least, int most, int *status)
{
	struct option longs[OPTIONS_MAX] = { 0 };
	char letters[2 * OPTIONS_MAX + 4];
	const struct bf_ctl_option *option;
	int key;

	make_tables(options, letters, longs);
	optind = 0;
	opterr = 0;
	while ((key = getopt_long(ctl->argc, ctl->argv, letters, longs,
		    NULL)) != -1) {
		const char *word = ctl->argv[optind - 1];

		if (key == 'h') {
			print_help(ctl, options);
			*status = BF_CTL_OK;
			return -1;
		} else if (key == 'j') {
			ctl->json = true;
		} else if (key == '?') {
			*status = bf_ctl_usage(ctl, "unknown option %s", word);
			return -1;
		} else if (key == ':') {
			*status =
			    bf_ctl_usage(ctl, "option %s needs a value", word);
			return -1;
		}
		option = find_option(options, key);
		if (option && option->flag) {
			*option->flag = true;
		} else if (option && keep_value(option, optarg) == -1) {
			*status =
			    bf_ctl_usage(ctl, "too many of --%s", option->name);
			return -1;
		}
	}
	ctl->argc -= optind;
	ctl->argv += optind;
	if (ctl->argc >= least && ctl->argc <= most)
		return 0;
	*status = bf_ctl_usage(ctl, "%s: expected %s",
	    ctl->argc < least ? "something is missing" : "too many words",
	    ctl->command->arguments[0] ? ctl->command->arguments : "none");
	return -1;
}

/* Whether the detail begins with the name of the member to blame itself. */
static bool
names_field(const char *detail, const char *field)
{
	const char *slash = strrchr(field, '/');
	const char *name = slash ? slash + 1 : field;
	const size_t length = strlen(name);

	return detail && strncmp(detail, name, length) == 0 &&
	       detail[length] == ':';
}

/* line: of a file, or 0. */
static void
print_problem(const struct bf_answer *answer, int line)
{
	const char *detail = bf_json_text(answer->json, "detail");
	const char *title = bf_json_text(answer->json, "title");
	const char *field = bf_json_text(answer->json, "field");

	fputs("belfryctl: ", stderr);
	if (line > 0)
		fprintf(stderr, "line %d: ", line);
	if (field && *field && !names_field(detail, field))
		fprintf(stderr, "%s: ", field);
	if (detail || title)
		fprintf(stderr, "%s\n", detail ? detail : title);
	else
		fprintf(stderr, "the daemon answered %ld\n", answer->status);
}

/* How to become somebody whom the daemon knows. */
static const char *
token_remedy(void)
{
	const char *token = getenv("BELFRY_TOKEN");

	return token && *token ? "That in BELFRY_TOKEN is none, or was revoked."
			       : "Set BELFRY_TOKEN to one; at the Unix socket, "
				 "root and the "
				 "user of belfry need none.";
}

/* Says what to do with belfryctl about what the daemon says to programs. */
static void
print_remedy(const struct bf_answer *answer)
{
	static const struct {
		const char *type, *remedy;
	} remedies[] = {
		{ "urn:belfry:problem:unknown-channel",
		    "\"belfryctl channels\" lists those of every tenant; "
		    "--tenant says whose is meant." },
		{ "urn:belfry:problem:exists",
		    "With belfryctl it is changed by the word \"set\" in place "
		    "of \"create\"." },
	};
	const char *type = bf_json_text(answer->json, "type");

	if (answer->status == 401)
		fprintf(stderr, "%s\n", token_remedy());
	for (size_t i = 0; type && i < sizeof(remedies) / sizeof(*remedies);
	     i++) {
		if (strcmp(type, remedies[i].type) == 0)
			fprintf(stderr, "%s\n", remedies[i].remedy);
	}
}

int
bf_ctl_line_status(const struct bf_answer *answer, int line)
{
	if (answer->status >= 200 && answer->status < 300)
		return BF_CTL_OK;
	print_problem(answer, line);
	print_remedy(answer);
	return answer->status >= 500 ? BF_CTL_FAILED : BF_CTL_REFUSED;
}

int
bf_ctl_status(const struct bf_answer *answer)
{
	return bf_ctl_line_status(answer, 0);
}

int
bf_ctl_request(struct bf_ctl *ctl, const char *method, const char *path,
    cJSON *query, cJSON *body, struct bf_answer *answer)
{
	struct bf_error err;
	int status;

	status = bf_client_request(ctl->client, method, path, query, body,
	    answer, &err);
	cJSON_Delete(query);
	cJSON_Delete(body);
	if (status == -1) {
		fprintf(stderr, "belfryctl: %s\n", err.text);
		return BF_CTL_UNREACHABLE;
	}
	status = bf_ctl_status(answer);
	if (status != BF_CTL_OK)
		bf_answer_free(answer);
	return status;
}

int
bf_ctl_ask(struct bf_ctl *ctl, const char *method, const char *path,
    cJSON *query, cJSON *body, struct bf_answer *answer)
{
	int status = bf_ctl_request(ctl, method, path, query, body, answer);

	if (status == BF_CTL_OK && ctl->json) {
		puts(answer->text);
		bf_answer_free(answer);
	}
	return status;
}

/* Moves what a later page has to the end of the first one. */
static void
add_page(const struct bf_answer *whole, const struct bf_answer *page,
    const char *member)
{
	cJSON *list = cJSON_GetObjectItemCaseSensitive(whole->json, member);
	cJSON *more = cJSON_GetObjectItemCaseSensitive(page->json, member);
	cJSON *item;

	while (list && (item = cJSON_DetachItemFromArray(more, 0)))
		cJSON_AddItemToArray(list, item);
	cJSON_ReplaceItemInObjectCaseSensitive(whole->json, "next",
	    cJSON_DetachItemFromObjectCaseSensitive(page->json, "next"));
}

int
bf_ctl_ask_all(struct bf_ctl *ctl, const char *path, cJSON *query,
    const char *member, struct bf_answer *answer)
{
	cJSON *first = cJSON_Duplicate(query, 1);
	int status = bf_ctl_request(ctl, "GET", path, first, NULL, answer);
	const char *next;
	char *text;

	while (status == BF_CTL_OK &&
	       (next = bf_json_text(answer->json, "next"))) {
		cJSON *more = cJSON_Duplicate(query, 1);
		struct bf_answer page;

		cJSON_AddStringToObject(more, "after", next);
		status = bf_ctl_request(ctl, "GET", path, more, NULL, &page);
		if (status != BF_CTL_OK) {
			bf_answer_free(answer);
			break;
		}
		add_page(answer, &page, member);
		bf_answer_free(&page);
	}
	cJSON_Delete(query);
	if (status == BF_CTL_OK && ctl->json) {
		text = cJSON_PrintUnformatted(answer->json);
		puts(text);
		cJSON_free(text);
		bf_answer_free(answer);
	}
	return status;
}

void
bf_ctl_doubt_tenant(struct bf_ctl *ctl, const char *tenant)
{
	struct bf_answer answer;
	struct bf_error err;
	const char *source;
	char *path;

	if (!tenant)
		return;
	path = bf_ctl_path("/v1/tenants/%s", tenant);
	/* Who may not see it is not told. */
	if (bf_client_request(ctl->client, "GET", path, NULL, NULL, &answer,
		&err) == 0) {
		source = bf_json_text(answer.json, "source");
		if (source && strcmp(source, "implied") == 0)
			fprintf(stderr,
			    "Nobody made tenant %s before: is it spelt right? "
			    "(belfryctl tenants create %s)\n",
			    tenant, tenant);
		bf_answer_free(&answer);
	}
	free(path);
}

char *
bf_ctl_path(const char *format, const char *segment)
{
	char *safe = curl_easy_escape(NULL, segment, 0);
	const char *place = strstr(format, "%s");
	char *path =
	    bf_strf("%.*s%s%s", (int)(place - format), format, safe, place + 2);

	curl_free(safe);
	return path;
}

void
bf_ctl_add(cJSON *object, const char *name, const char *text)
{
	if (text)
		cJSON_AddStringToObject(object, name, text);
}

int
bf_ctl_read_file(const char *path, struct bf_buf *text)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	bool failed;
	size_t got;

	if (!file) {
		fprintf(stderr, "belfryctl: %s: %s\n", path, strerror(errno));
		return -1;
	}
	do {
		got = fread(bf_buf_reserve(text, 65536), 1, 65536, file);
		text->size += got;
	} while (got > 0 && text->size < INPUT_MAX);
	bf_buf_add(text, "", 0);
	failed = ferror(file) != 0;
	if (failed) {
		fprintf(stderr, "belfryctl: %s: %s\n", path, strerror(errno));
		bf_buf_wipe(text);
	}
	if (file != stdin)
		fclose(file);
	return failed ? -1 : 0;
}
