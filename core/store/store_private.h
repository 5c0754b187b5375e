#ifndef BF_STORE_PRIVATE_H
#define BF_STORE_PRIVATE_H

#include "core/store/store.h"

/*
 * What an implementation of the store provides: a function for each operation
 * of store.h, which says what they promise. An implementation's own struct
 * begins with a struct bf_store.
 */
struct bf_store_vtable {
	enum bf_store_result (
	    *commit)(struct bf_store *, struct bf_batch *, struct bf_error *);
	enum bf_store_result (*backlog)(struct bf_store *, struct bf_backlog **,
	    size_t *, struct bf_error *);
	enum bf_store_result (*claim_fresh)(struct bf_store *, uint32_t,
	    uint64_t, size_t, size_t, struct bf_delivery_row *, size_t *,
	    bool *, struct bf_error *);
	enum bf_store_result (*claim_retries)(struct bf_store *, uint32_t,
	    struct bf_instant, uint64_t, struct bf_instant, size_t, size_t,
	    struct bf_delivery_row *, size_t *, struct bf_instant *,
	    struct bf_error *);
	enum bf_store_result (*expire)(struct bf_store *, struct bf_instant,
	    size_t, struct bf_delivery_id *, enum bf_delivery_state *, size_t *,
	    struct bf_error *);
	enum bf_store_result (*prune)(struct bf_store *, struct bf_instant,
	    struct bf_instant, size_t, size_t *, bf_store_used *, void *,
	    struct bf_error *);
	enum bf_store_result (*prune_audit)(struct bf_store *,
	    struct bf_instant, size_t, size_t *, struct bf_error *);
	enum bf_store_result (*number_channels)(struct bf_store *,
	    struct bf_numbered_channel *, size_t, struct bf_error *);
	enum bf_store_result (
	    *checkpoint)(struct bf_store *, struct bf_error *);
	void (*deadline)(struct bf_store *, struct bf_duration);
	enum bf_store_result (*list)(struct bf_store *, const struct bf_query *,
	    bf_store_row *, void *, struct bf_delivery_id *, struct bf_error *);
	enum bf_store_result (*list_events)(struct bf_store *,
	    const struct bf_query *, bf_store_event_row *, void *, uint64_t *,
	    struct bf_error *);
	enum bf_store_result (*list_audit)(struct bf_store *,
	    const struct bf_audit_query *, bf_store_audit_row *, void *,
	    uint64_t *, struct bf_error *);
	enum bf_store_result (*get_event)(struct bf_store *, uint64_t,
	    struct bf_event **, char **, bf_store_row *, void *,
	    struct bf_error *);
	enum bf_store_result (*get_delivery)(struct bf_store *,
	    struct bf_delivery_id, struct bf_delivery_row *, bool *,
	    bf_store_attempt *, void *, struct bf_error *);
	enum bf_store_result (
	    *get)(struct bf_store *, const char *, char **, struct bf_error *);
	enum bf_store_result (*settings)(struct bf_store *, const char *,
	    const char *, bf_store_setting_more *, void *, struct bf_error *);
	enum bf_store_result (*usage)(struct bf_store *, bf_store_used *,
	    void *, struct bf_error *);
	enum bf_store_result (*channels)(struct bf_store *, bf_store_channel *,
	    void *, struct bf_error *);
	enum bf_store_result (*stats)(struct bf_store *,
	    struct bf_store_stats *, struct bf_error *);
	enum bf_store_result (*check)(struct bf_store *, struct bf_error *);
	enum bf_store_result (*backup)(struct bf_store *, const char *,
	    bf_store_progress *, void *, struct bf_error *);
	void (*close)(struct bf_store *);
};

struct bf_store {
	const struct bf_store_vtable *vtable;
};

#endif
