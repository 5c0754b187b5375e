/*
 * main.c - belfryctl: talks to a running belfry
 *
 * Options before the command say how to reach the daemon; the command reads
 * its own from the rest.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/conf/settings.h"
#include "core/ctl/ctl.h"

#include "core/transport/libraries.h"

static int show_help(struct bf_ctl *ctl);

static const struct bf_ctl_command commands[] = {
	{ "send", "TYPE SUBJECT [NAME=VALUE...] | --file FILE", "Post an event",
	    bf_ctl_send },
	{ "explain", "TYPE", "Say which channels would get an event, and why",
	    bf_ctl_explain },
	{ "events", "[TYPE [on|off|default]]",
	    "List the event types, show one, or set its toggle",
	    bf_ctl_events },
	{ "channels",
	    "[NAME | start|enable|disable|delete NAME | "
	    "create MODULE NAME SETTING=VALUE... | "
	    "set NAME SETTING=VALUE...]",
	    "List the channels, show one, make or change one",
	    bf_ctl_channels },
	{ "test", "CHANNEL | --module MODULE NAME=VALUE...",
	    "Send one real notification through a channel", bf_ctl_test },
	{ "deliveries", "", "List deliveries, newest first",
	    bf_ctl_deliveries },
	{ "show", "ID", "Show a delivery with its attempts, or an event",
	    bf_ctl_show },
	{ "replay", "ID... | --channel NAME | --event TYPE | --since TIME",
	    "Deliver again what has ended", bf_ctl_replay },
	{ "cancel", "ID... | --channel NAME | --event TYPE | --since TIME",
	    "Cancel what has not been sent", bf_ctl_cancel },
	{ "modules", "[NAME]",
	    "List the modules that are loaded, or show one and its settings",
	    bf_ctl_modules },
	{ "token", "[list | create NAME | revoke NAME|ID]",
	    "List the tokens of the API, make or revoke one", bf_ctl_token },
	{ "tenants", "[list | show ID | create ID | set ID | delete ID]",
	    "List the tenants and what they use, make or change one",
	    bf_ctl_tenants },
	{ "passwd", "", "Hash a password for a dashboard_user of the conf file",
	    bf_ctl_passwd },
	{ "seal", "CHANNEL DIRECTIVE | --token NAME",
	    "Seal a secret for the conf file", bf_ctl_seal },
	{ "rotate", "", "Seal everything with a new key", bf_ctl_rotate },
	{ "audit", "", "List who changed what, newest first", bf_ctl_audit },
	{ "stats", "", "Show what the daemon is doing", bf_ctl_stats },
	{ "backup", "FILE", "Copy the store while the daemon goes on",
	    bf_ctl_backup },
	{ "check", "", "Check the daemon and its store", bf_ctl_check },
	{ "help", "[COMMAND]", "Show this help, or that of a command",
	    show_help },
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static void
print_usage(FILE *out)
{
	fputs("usage: belfryctl [--socket PATH | --url URL] [--json] "
	      "COMMAND ...\n\ncommands:\n",
	    out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-12s %s\n", commands[i].name,
		    commands[i].summary);
	fputs("\noptions:\n"
	      "  -s, --socket PATH  Unix socket of the daemon\n"
	      "                     (" BF_RUNSTATEDIR "/belfry/belfry.sock)\n"
	      "  -u, --url URL      its address over HTTP; the token is taken\n"
	      "                     from BELFRY_TOKEN\n"
	      "  -j, --json         print answers as JSON, for programs\n"
	      "  -V, --version      show the version\n"
	      "  -h, --help         show this help\n\n"
	      "\"belfryctl COMMAND --help\" tells about a command.\n",
	    out);
}

static const struct bf_ctl_command *
find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

/* Says that there is no such command, and which one may be meant. */
static int
unknown_command(const char *name)
{
	const char *names[COMMANDS];
	const char *nearest;

	for (size_t i = 0; i < COMMANDS; i++)
		names[i] = commands[i].name;
	nearest = bf_nearest(name, names, COMMANDS);
	fprintf(stderr, "belfryctl: unknown command \"%s\"", name);
	if (nearest)
		fprintf(stderr, "; did you mean \"%s\"?", nearest);
	fputs("\nTry \"belfryctl --help\".\n", stderr);
	return BF_CTL_USAGE;
}

static int
show_help(struct bf_ctl *ctl)
{
	char option[] = "--help";
	char *words[] = { NULL, option, NULL };
	int status;

	if (bf_ctl_options(ctl, NULL, 0, 1, &status) == -1)
		return status;
	if (ctl->argc == 0) {
		print_usage(stdout);
		return BF_CTL_OK;
	}
	words[0] = ctl->argv[0];
	ctl->command = find_command(words[0]);
	if (!ctl->command)
		return unknown_command(words[0]);
	ctl->argc = 2;
	ctl->argv = words;
	return ctl->command->run(ctl);
}

/* How to reach the daemon, from the options and the environment. */
struct target {
	const char *socket;
	const char *url;
	bool json;
};

/* Reads the options before the command; returns -1 or an exit status. */
static int
read_options(int argc, char **argv, struct target *target)
{
	static const struct option longs[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "url", required_argument, NULL, 'u' },
		{ "json", no_argument, NULL, 'j' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int key;

	while ((key = getopt_long(argc, argv, "+s:u:jVh", longs, NULL)) != -1) {
		switch (key) {
		case 's':
			target->socket = optarg;
			break;
		case 'u':
			target->url = optarg;
			break;
		case 'j':
			target->json = true;
			break;
		case 'V':
			puts("belfryctl " BF_VERSION);
			return BF_CTL_OK;
		case 'h':
			print_usage(stdout);
			return BF_CTL_OK;
		default:
			fputs("Try \"belfryctl --help\".\n", stderr);
			return BF_CTL_USAGE;
		}
	}
	return -1;
}

/* Columns of the terminal that standard output is; 0: it is none. */
static size_t
terminal_columns(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int
main(int argc, char **argv)
{
	struct target target = { getenv("BELFRY_SOCKET"), NULL, false };
	struct bf_ctl ctl = { 0 };
	int status;

	bf_libraries_start();
	if (!target.socket || !*target.socket)
		target.socket = BF_RUNSTATEDIR "/belfry/belfry.sock";
	status = read_options(argc, argv, &target);
	if (status != -1)
		return status;
	if (optind == argc) {
		print_usage(stderr);
		return BF_CTL_USAGE;
	}
	ctl.command = find_command(argv[optind]);
	if (!ctl.command)
		return unknown_command(argv[optind]);
	bf_print_colours(isatty(STDOUT_FILENO) && !getenv("NO_COLOR"));
	bf_print_columns(terminal_columns());
	ctl.json = target.json;
	ctl.argc = argc - optind;
	ctl.argv = argv + optind;
	ctl.client =
	    bf_client_new(target.socket, target.url, getenv("BELFRY_TOKEN"));
	status = ctl.command->run(&ctl);
	bf_client_free(&ctl.client);
	if (fflush(stdout) == EOF && status == BF_CTL_OK)
		status = BF_CTL_FAILED;
	return status;
}
