#ifndef STORE_HELPERS_H
#define STORE_HELPERS_H

#include "core/store/store.h"

/* What the store's tests share: a directory of their own, and changes made
 * with what a test cares about. */

#define TENANT "550e8400-e29b-41d4-a716-446655440000"
#define HOUR_MS (3600 * (int64_t)1000)
#define START_MS 1775835045000 /* a day in 2026: time of event 1 */

/* A new, empty directory; free() it after remove_directory. */
char *make_directory(void);
void remove_directory(char *dir);

/* The file in dir; free() it. */
char *path_in(const char *dir, const char *name);

/* The store in dir; the test fails if it can't be opened. */
struct bf_store *open_store(const char *dir);

/* Ids a second apart: event n is accepted at START_MS + n seconds. */
uint64_t event_id(unsigned n);
struct bf_delivery_id delivery_id(unsigned n, uint32_t channel);

/* Adds event n of a type, with deliveries to channels 1 to count, which expire
 * an hour after it was accepted. The caller may change what is returned. */
struct bf_append *add_event(struct bf_batch *batch, unsigned n,
    const char *type, uint32_t count);

/* Adds the end of an attempt: number is tries + 1. */
struct bf_finish *add_finish(struct bf_batch *batch, unsigned n,
    uint32_t channel, int tries, enum bf_delivery_state state);

/* Adds a cancel or replay of everything; the caller narrows it. */
struct bf_change *add_select(struct bf_batch *batch, enum bf_change_kind kind);

void add_setting(struct bf_batch *batch, const char *name, const char *value);

/* Adds a row of the audit log, as of n seconds after START_MS, about a tenant
 * or, if it is NULL, the daemon; the caller may change what is returned. */
struct bf_audit *add_audit(struct bf_batch *batch, unsigned n,
    const char *tenant, const char *action);

/* Commits and frees the batch; the test fails if that fails. */
void commit(struct bf_store *store, struct bf_batch *batch);

/* Stores events first to last, each with deliveries to channels 1 to count. */
void store_events(struct bf_store *store, unsigned first, unsigned last,
    const char *type, uint32_t count);

/* Ends the first attempt of a delivery. */
void finish(struct bf_store *store, unsigned n, uint32_t channel,
    enum bf_delivery_state state);

/* State of a delivery; -1: there is none. */
int state_of(struct bf_store *store, unsigned n, uint32_t channel);

/* The delivery, without its event. */
struct bf_delivery_row row_of(struct bf_store *store, unsigned n,
    uint32_t channel);

/* Fails the test with the error's text. */
void succeed(enum bf_store_result result, const struct bf_error *err);

#endif
