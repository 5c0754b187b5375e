#ifndef BF_KIT_H
#define BF_KIT_H

#include <stdint.h>

#include <belfry/error.h>
#include <belfry/module.h>

#include "core/event/event_private.h"
#include "core/module/loader.h"

/*
 * belfry-module: what writers of modules use. Makes a module from nothing, and
 * holds one against what belfry expects of modules.
 */

/* Writes a folder named NAME with a module of that name, from the templates in
 * a folder. Returns 0, or -1 with the reason; nothing is overwritten. */
int bf_kit_new(const char *name, const char *templates, struct bf_error *err);

/* What is to be checked: the shared object, and directives of a channel, as
 * they would stand in its block (NULL: those required, made up by type). */
struct bf_kit_check {
	const char *path;
	const char *settings;
	uint64_t seed; /* of the events */
};

/* Runs every check and prints what came of it. Returns how many failed. */
int bf_kit_check(const struct bf_kit_check *check);

/* ---- what the checks are made of ---- */

/* A module as a worker has it. */
struct bf_kit_subject {
	const char *path;
	uint64_t seed;
	struct bf_loader *loader;
	struct bf_snapshot *snapshot;
	const struct bf_module *module;
	const struct bf_channel *channel;
	void *settings;
};

/* Loads the module and reads its settings; -1 with the reason. */
int bf_kit_open(const struct bf_kit_check *check,
    struct bf_kit_subject *subject, struct bf_error *err);
void bf_kit_close(struct bf_kit_subject *subject);

/* The index-th event of a seed: long, empty, in many scripts, with broken HTML
 * and deep metadata. One reference. */
struct bf_event *bf_kit_event(uint64_t seed, unsigned index);

/* The dynamic symbols that a shared object defines. */
int bf_kit_symbols(const char *path, struct bf_strings *names,
    struct bf_error *err);

/* From the n-th allocation from now on each one fails; 0: none. Returns -1
 * where allocations can't be made to fail (under sanitizers). */
int bf_kit_fail_allocations(unsigned n);

#endif
