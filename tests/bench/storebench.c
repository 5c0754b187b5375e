/*
 * storebench.c - what the store costs a delivery
 *
 * A run by hand, never a test. In the default run a batch holds the events of
 * this turn, each with one delivery, and the ends (with an attempt each) of
 * the turn before, as the scheduler commits them; printed are lives a second
 * and processor time a life. With -w deliveries are left waiting instead, the
 * store is closed, and what a start costs is printed: time and memory to open
 * it, to count the backlog, and to claim the first window of each channel.
 *
 *   storebench [-d DIR] [-b BATCH] [-n EVENTS] [-c CHANNELS] [-w] [-s] [-k]
 *              [-p] [-t MS]
 *
 *   -d  directory of the store (made; must not hold one)
 *   -b  events in a batch         -n  events in all
 *   -c  channels that take turns  -w  leave them waiting, measure a start
 *   -s  only measure the start (and drain) of a store that an earlier run
 *       with -w -s left, in a process that did nothing before; -w -s leaves it
 *   -k  an idempotency key for each event
 *   -t  time of the first event, in ms since 1970; 20 are of a millisecond
 *   -p  prune what is older than a tenth of the run, as it goes
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <belfry/memory.h>

#include "core/store/store.h"

static const char tenant[] = "550e8400-e29b-41d4-a716-446655440000";

static struct {
	const char *dir;
	size_t batch, events;
	uint32_t channels;
	bool wait, start, keys, prune;
	struct bf_instant first;
} options = { "storebench.d", 128, 200000, 1, false, false, false, false,
	{ 1775835045123 } };

static double
wall(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Processor time of this process. */
static double
processor(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* Resident memory in MiB. */
static double
memory(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long pages = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%*d %ld", &pages) != 1)
		pages = 0;
	fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

static void
need(enum bf_store_result result, const struct bf_error *err)
{
	if (result == BF_STORE_OK)
		return;
	fprintf(stderr, "storebench: %s\n", err->text);
	exit(1);
}

/* About 700 bytes of canonical JSON. */
static struct bf_event *
make_event(uint64_t id, size_t sequence)
{
	struct bf_buf json = { 0 };

	bf_buf_add_format(&json,
	    "{\"body\":\"<h2>Deployment succeeded</h2><p>Release "
	    "<b>2026.4.%zu</b> of <a href=\\\"https://shop.example.com/\\\">"
	    "shop</a> is live in eu-west-1, started by Jos\\u00e9 "
	    "Garc\\u00eda.</p><ul><li>3 services restarted</li><li>no "
	    "migration pending</li></ul>\",\"event\":\"deploy_succeeded\","
	    "\"metadata\":{\"application_id\":\"app-xyz789\","
	    "\"application_name\":\"shop\",\"commit\":{\"author\":\"Jos\\u00e9"
	    "\",\"files\":12,\"sha\":"
	    "\"9fceb02d0ae598e95dc970b74767f19372d61af8\"},\"deployment_id\":"
	    "\"dep_%012zu\",\"duration_s\":41.75,\"rollback\":false,"
	    "\"tags\":[\"web\",\"express\",\"eu\"]},\"subject\":\"Deployment "
	    "4711-%zu of shop succeeded\",\"tenant_id\":\"%s\","
	    "\"timestamp\":\"2026-04-10T15:30:45.123456+00:00\"}",
	    sequence, sequence, sequence, tenant);
	return bf_event_new(id, "deploy_succeeded", "deployment",
	    BF_SEVERITY_SUCCESS, tenant, 1775835045123456, &json);
}

/* Ids as an intake would make them at some 20 events a millisecond. */
static uint64_t
id_of(size_t sequence)
{
	const int64_t ms = options.first.ms + (int64_t)(sequence / 20);

	return bf_id_at((struct bf_instant){ ms }) + sequence % 20 + 1;
}

static uint32_t
channel_of(size_t sequence)
{
	return (uint32_t)(sequence % options.channels) + 1;
}

static void
add_append(struct bf_batch *batch, size_t sequence)
{
	struct bf_change *change = bf_new(struct bf_change);
	struct bf_append *append = &change->append;
	const uint64_t id = id_of(sequence);

	change->kind = BF_CHANGE_APPEND;
	append->event = make_event(id, sequence);
	append->channels = bf_zalloc(1, sizeof(*append->channels));
	append->channels[0] = channel_of(sequence);
	append->channel_count = 1;
	append->expires = bf_zalloc(1, sizeof(*append->expires));
	append->expires[0].ms = bf_id_instant(id).ms + 86400000;
	if (options.keys)
		append->key = bf_strf("%08x-%zu",
		    (unsigned)(sequence * 2654435761u), sequence);
	bf_batch_add(batch, change);
}

static void
add_finish(struct bf_batch *batch, size_t sequence)
{
	struct bf_change *change = bf_new(struct bf_change);
	struct bf_finish *finish = &change->finish;
	const uint64_t id = id_of(sequence);

	change->kind = BF_CHANGE_FINISH;
	finish->id = (struct bf_delivery_id){ id, channel_of(sequence) };
	finish->state = BF_STATE_DELIVERED;
	finish->now.ms = bf_id_instant(id).ms + 12;
	finish->count = true;
	finish->attempt = bf_new(struct bf_attempt);
	*finish->attempt = (struct bf_attempt){
		.number = 1,
		.at = bf_id_instant(id),
		.took_us = 812,
		.resolve_us = -1,
		.connect_us = -1,
		.tls_us = -1,
		.first_byte_us = 700,
		.status = 200,
		.excerpt = bf_strdup("ok\n"),
		.excerpt_size = 3,
	};
	bf_batch_add(batch, change);
}

static void
prune(struct bf_store *store, size_t sequence)
{
	const size_t kept = options.events / 10;
	struct bf_instant before;
	struct bf_error err;
	size_t count;

	if (!options.prune || sequence < kept)
		return;
	before = bf_id_instant(id_of(sequence - kept));
	need(bf_store_prune(store, before, before, options.batch * 2, &count,
		 NULL, NULL, &err),
	    &err);
}

static void
fill_batch(struct bf_batch *batch, size_t done)
{
	bf_batch_init(batch);
	for (size_t i = 0; i < options.batch; i++)
		add_append(batch, done + i);
	if (options.wait || done == 0)
		return;
	for (size_t i = 0; i < options.batch; i++)
		add_finish(batch, done - options.batch + i);
}

/* Only the time in the store's calls counts. */
static void
live(struct bf_store *store)
{
	double took = 0, used = 0;
	struct bf_error err;
	size_t commits = 0;

	for (size_t done = 0; done < options.events; done += options.batch) {
		struct bf_batch batch;
		double since, used_since;

		fill_batch(&batch, done);
		since = wall();
		used_since = processor();
		need(bf_store_commit(store, &batch, &err), &err);
		need(bf_store_checkpoint(store, &err), &err);
		prune(store, done);
		took += wall() - since;
		used += processor() - used_since;
		bf_batch_clear(&batch);
		commits++;
	}
	printf("%s: batch=%zu lives_per_s=%.0f cpu_us_per_life=%.2f "
	       "commit_us=%.0f memory_mib=%.1f\n",
	    options.wait ? "wait" : "live", options.batch,
	    (double)options.events / took, used * 1e6 / (double)options.events,
	    took * 1e6 / (double)commits, memory());
}

static void
show(const char *what, double *since, double *used)
{
	printf("start: %s: ms=%.1f cpu_ms=%.1f memory_mib=%.1f\n", what,
	    (wall() - *since) * 1e3, (processor() - *used) * 1e3, memory());
	*since = wall();
	*used = processor();
}

static void
start(void)
{
	double since = wall(), used = processor();
	struct bf_delivery_row rows[64];
	struct bf_backlog *backlog;
	struct bf_store *store;
	struct bf_error err;
	size_t channels, count;
	bool more;

	show("before", &since, &used);
	store = bf_store_open(options.dir, &err);
	need(store ? BF_STORE_OK : BF_STORE_UNUSABLE, &err);
	show("open", &since, &used);
	need(bf_store_backlog(store, &backlog, &channels, &err), &err);
	show("backlog", &since, &used);
	for (size_t i = 0; i < channels; i++) {
		need(bf_store_claim_fresh(store, backlog[i].channel, 0, 64,
			 1 << 20, rows, &count, &more, &err),
		    &err);
		for (size_t j = 0; j < count; j++)
			bf_event_unref(&rows[j].event);
	}
	show("claims", &since, &used);
	free(backlog);
	bf_store_close(&store);
}

/* Everything that waits, in windows, with a batch of ends for each. */
static void
drain(void)
{
	struct bf_delivery_row *rows = bf_zalloc(options.batch, sizeof(*rows));
	double began = wall(), used = processor();
	size_t count, done = 0;
	uint64_t after = 0;
	struct bf_store *store;
	struct bf_error err;
	bool more = true;

	store = bf_store_open(options.dir, &err);
	need(store ? BF_STORE_OK : BF_STORE_UNUSABLE, &err);
	while (more) {
		struct bf_batch batch;

		need(bf_store_claim_fresh(store, 1, after, options.batch,
			 16 << 20, rows, &count, &more, &err),
		    &err);
		bf_batch_init(&batch);
		for (size_t i = 0; i < count; i++) {
			after = rows[i].id.event;
			bf_event_unref(&rows[i].event);
			add_finish(&batch, done++);
		}
		need(bf_store_commit(store, &batch, &err), &err);
		need(bf_store_checkpoint(store, &err), &err);
		bf_batch_clear(&batch);
	}
	printf("drain: deliveries=%zu per_s=%.0f cpu_us=%.2f "
	       "memory_mib=%.1f\n",
	    done, (double)done / (wall() - began),
	    (processor() - used) * 1e6 / (double)(done ? done : 1), memory());
	free(rows);
	bf_store_close(&store);
}

static int
usage(void)
{
	fputs("usage: storebench [-d DIR] [-b BATCH] [-n EVENTS] "
	      "[-c CHANNELS] [-w] [-s] [-k] [-p] [-t MS]\n",
	    stderr);
	return 2;
}

int
main(int argc, char **argv)
{
	struct bf_store *store;
	struct bf_error err;
	int option;

	while ((option = getopt(argc, argv, "d:b:n:c:wskpt:")) != -1) {
		switch (option) {
		case 'd':
			options.dir = optarg;
			break;
		case 'b':
			options.batch = strtoul(optarg, NULL, 10);
			break;
		case 'n':
			options.events = strtoul(optarg, NULL, 10);
			break;
		case 'c':
			options.channels = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'w':
			options.wait = true;
			break;
		case 's':
			options.start = true;
			break;
		case 'k':
			options.keys = true;
			break;
		case 'p':
			options.prune = true;
			break;
		case 't':
			options.first.ms = strtoll(optarg, NULL, 10);
			break;
		default:
			return usage();
		}
	}
	if (options.batch == 0 || options.channels == 0 || optind < argc)
		return usage();
	if (options.wait || !options.start) {
		store = bf_store_open(options.dir, &err);
		need(store ? BF_STORE_OK : BF_STORE_UNUSABLE, &err);
		live(store);
		bf_store_close(&store);
	}
	if (options.wait != options.start) {
		start();
		if (options.channels == 1)
			drain();
	}
	return 0;
}
