/*
 * mailload.c - what libcurl alone does with a message
 *
 * A run by hand, never a test. The ceiling of the part mail of run.py: a loop
 * over libcurl's multi interface that sends the message of a file again and
 * again, so many at once, on connections that are kept. It composes nothing,
 * and keeps nothing.
 *
 *   mailload -u URL -f SENDER -t RECIPIENT [-c MAILS-AT-ONCE] [-n MAILS] FILE
 *
 * Printed: mails that the server took and that failed, mails a second, and the
 * processor time of a mail (user and system). It ends with status 1 if one
 * failed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#define MESSAGE_MOST (1 << 20) /* bytes of a message */

static struct {
	const char *url, *sender, *recipient;
	long at_once, mails;
} options = { NULL, NULL, NULL, 16, 10000 };

static char message[MESSAGE_MOST];
static size_t message_size;

/* A mail under way. */
struct mail {
	CURL *curl;
	size_t sent; /* of the message */
};

static size_t
give(char *to, size_t size, size_t count, void *context)
{
	struct mail *mail = context;
	const size_t left = message_size - mail->sent;

	size = size * count < left ? size * count : left;
	memcpy(to, message + mail->sent, size);
	mail->sent += size;
	return size;
}

static void
set_up(struct mail *mail, struct curl_slist *recipients)
{
	CURL *curl = mail->curl = curl_easy_init();

	if (!curl)
		abort();
	curl_easy_setopt(curl, CURLOPT_PRIVATE, mail);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_URL, options.url);
	curl_easy_setopt(curl, CURLOPT_MAIL_FROM, options.sender);
	curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(curl, CURLOPT_READDATA, mail);
}

static void
start(CURLM *multi, struct mail *mail)
{
	mail->sent = 0;
	if (curl_multi_add_handle(multi, mail->curl) != CURLM_OK)
		abort();
}

/* Sends all; how many failed. */
static long
send_all(CURLM *multi, struct mail *mails)
{
	long started = 0, ended = 0, failed = 0;
	int running, left;

	for (; started < options.at_once && started < options.mails; started++)
		start(multi, &mails[started]);
	while (ended < options.mails) {
		CURLMsg *end;

		curl_multi_perform(multi, &running);
		while ((end = curl_multi_info_read(multi, &left))) {
			struct mail *mail;

			curl_easy_getinfo(end->easy_handle, CURLINFO_PRIVATE,
			    &mail);
			if (end->data.result != CURLE_OK && failed++ == 0)
				fprintf(stderr, "mailload: %s\n",
				    curl_easy_strerror(end->data.result));
			curl_multi_remove_handle(multi, mail->curl);
			ended++;
			if (started < options.mails) {
				start(multi, mail);
				started++;
			}
		}
		if (ended < options.mails)
			curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	return failed;
}

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Processor time so far, in microseconds. */
static double
cpu_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static int
read_message(const char *path)
{
	FILE *file = fopen(path, "re");

	if (!file) {
		fprintf(stderr, "mailload: %s: %s\n", path, strerror(errno));
		return -1;
	}
	message_size = fread(message, 1, sizeof(message), file);
	fclose(file);
	if (message_size > 0 && message_size < sizeof(message))
		return 0;
	fprintf(stderr, "mailload: %s: expected 1 to %d bytes\n", path,
	    MESSAGE_MOST - 1);
	return -1;
}

/* Sends all, and prints the figures: how many failed. */
static long
run(void)
{
	struct mail *mails = calloc((size_t)options.at_once, sizeof(*mails));
	struct curl_slist *recipients =
	    curl_slist_append(NULL, options.recipient);
	CURLM *multi = curl_multi_init();
	double wall, cpu;
	long failed;

	if (!mails || !recipients || !multi)
		abort();
	for (long i = 0; i < options.at_once; i++)
		set_up(&mails[i], recipients);
	wall = seconds();
	cpu = cpu_us();
	failed = send_all(multi, mails);
	wall = seconds() - wall;
	cpu = cpu_us() - cpu;
	printf("mails=%ld failed=%ld mails_per_s=%.0f cpu_us_per_mail=%.2f\n",
	    options.mails - failed, failed, (double)options.mails / wall,
	    cpu / (double)options.mails);
	for (long i = 0; i < options.at_once; i++)
		curl_easy_cleanup(mails[i].curl);
	curl_multi_cleanup(multi);
	curl_slist_free_all(recipients);
	free(mails);
	return failed;
}

int
main(int argc, char **argv)
{
	long failed;
	int letter;

	while ((letter = getopt(argc, argv, "u:f:t:c:n:")) != -1) {
		switch (letter) {
		case 'u':
			options.url = optarg;
			break;
		case 'f':
			options.sender = optarg;
			break;
		case 't':
			options.recipient = optarg;
			break;
		case 'c':
			options.at_once = strtol(optarg, NULL, 10);
			break;
		case 'n':
			options.mails = strtol(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	if (!options.url || !options.sender || !options.recipient ||
	    options.at_once < 1 || options.mails < 1 || optind + 1 != argc) {
		fputs("usage: mailload -u URL -f SENDER -t RECIPIENT "
		      "[-c MAILS-AT-ONCE] [-n MAILS] FILE\n",
		    stderr);
		return 2;
	}
	if (read_message(argv[optind]) == -1)
		return 1;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	failed = run();
	curl_global_cleanup();
	return failed > 0;
}
