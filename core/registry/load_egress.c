/*
 * load_egress.c - the block egress: what channels made over the API may reach
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/registry/load_private.h"

#define PORT_MAX 65535

/* A port, up to end. -1: it is none. */
static int
read_port(const char *text, const char *end, uint16_t *port)
{
	const size_t size = (size_t)(end - text);
	long value;

	if (size == 0 || size > 5 || text[0] == '0' ||
	    strspn(text, "0123456789") < size)
		return -1;
	value = strtol(text, NULL, 10);
	*port = (uint16_t)value;
	return value <= PORT_MAX ? 0 : -1;
}

static int
read_allow_ports(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	struct bf_egress *egress = target;

	(void)special;
	for (size_t i = 0; i < node->words.count; i++) {
		const char *word = node->words.items[i];
		const char *end = word + strlen(word);
		const char *dash = strchr(word, '-');
		struct bf_port_range *range;

		egress->ports =
		    bf_grow(egress->ports, egress->port_count, sizeof(*range));
		range = &egress->ports[egress->port_count++];
		if (read_port(word, dash ? dash : end, &range->first) == 0 &&
		    read_port(dash ? dash + 1 : word, end, &range->last) == 0 &&
		    range->first <= range->last)
			continue;
		return bf_conf_error(node, loading->err,
		    "allow_ports: \"%.64s\": not a port; expected 1 to 65535, "
		    "or a range such as 8000-8999",
		    word);
	}
	return 0;
}

static int
read_allow_private(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	struct bf_egress *egress = target;
	struct bf_error cause;

	(void)special;
	for (size_t i = 0; i < node->words.count; i++) {
		egress->ranges = bf_grow(egress->ranges, egress->range_count,
		    sizeof(*egress->ranges));
		if (bf_ip_range_parse(node->words.items[i],
			&egress->ranges[egress->range_count++], &cause) == -1)
			return bf_conf_error(node, loading->err,
			    "allow_private: %s", cause.text);
	}
	return 0;
}

static const struct bf_directive table[] = {
	{ BF_FIELD(bf_egress, allow_http), .fallback = "off",
	    .help = "Whether their URLs may begin with http:, and mail go out "
		    "without TLS, which whoever is on the way can read and "
		    "change" },
	{ 0 },
};

static const struct bf_special specials[] = {
	{ "allow_ports", "PORT | PORT-PORT ...", 1, BF_WORDS_ANY, false, false,
	    "80 443 465 587 2525", "The ports that they may connect to", 0,
	    read_allow_ports },
	{ "allow_private", "ADDRESS/BITS ...", 1, BF_WORDS_ANY, false, true,
	    NULL,
	    "Opens ranges of addresses that are not public: private, loopback, "
	    "link-local, multicast, translated and other special ones, and "
	    "this machine's own",
	    0, read_allow_private },
	{ "proxy", "URL | off", 1, 1, false, false, "off",
	    "Their proxy, in place of that of the main context; it looks names "
	    "up, and has to judge the addresses",
	    offsetof(struct bf_egress, proxy), bf_load_proxy },
	{ 0 },
};

const struct bf_context bf_context_egress = { "egress", "egress", table,
	specials };

int
bf_load_egress(struct bf_loading *loading, const struct bf_special *special,
    const struct bf_conf_node *node, void *target)
{
	(void)special;
	return bf_context_read(loading, &bf_context_egress, node,
	    &((struct bf_snapshot *)target)->egress, NULL);
}
