#ifndef BF_PLACE_H
#define BF_PLACE_H

#include "core/registry/snapshot.h"

/*
 * Where a channel's messages go, as names to compare: channels with the same
 * endpoint (host and path of a URL, or host and port) are limited by the far
 * side as one, and so are, in another way, those of a module with the same
 * platform (the host). A path may be a secret, so the names are digests.
 */
struct bf_place {
	char endpoint[33]; /* "" if the settings name none */
	char platform[33];
};

/* Reads the place off the settings: "url" or another that is a URL, else "host"
 * and "port". Without either, a module has one platform. */
void bf_place_of(const struct bf_channel *channel, struct bf_place *place);

#endif
