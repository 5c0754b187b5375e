/*
 * address.c - mailboxes, as people write them in a conf file
 *
 * What comes out is safe in an envelope and in a header: ASCII, one @ that
 * counts, no white space, no control characters.
 */
#include "modules/smtp/address.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <arpa/inet.h>
#include <idn2.h>
#include <unistr.h>

#include <belfry/buf.h>
#include <belfry/markup.h>
#include <belfry/memory.h>

#define LOCAL_MOST 64    /* RFC 5321, section 4.5.3.1.1 */
#define MAILBOX_MOST 254 /* RFC 5321, section 4.5.3.1.3, less the brackets */

#define EXPECTED "expected one such as ops@example.com or Ops <ops@example.com>"

/* RFC 5322, section 3.2.3. */
static const char atext[] = "!#$%&'*+-/=?^_`{|}~0123456789"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "abcdefghijklmnopqrstuvwxyz";

#define SHOWN 76 /* bytes of an address in a message */

/* A text for a message: short, of one line, without control characters. */
static const char *
show(const char *text, char room[SHOWN + 1])
{
	const struct bf_limit limit = { SHOWN, BF_UNIT_BYTE };
	struct bf_buf shown = { 0 };

	bf_markup_text(&shown, BF_PLAIN_TEXT, text, limit);
	strcpy(room, bf_buf_text(&shown));
	bf_buf_free(&shown);
	for (char *c = room; *c; c++) {
		if (*c == '\n' || *c == '\t')
			*c = ' ';
	}
	return room;
}

static bool
has_control(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	}
	return false;
}

/* ---- the parts of a mailbox ---- */

/* Whether the local part is a dot-atom or a quoted string (RFC 5321, section
 * 4.1.2). Control characters and bytes beyond ASCII are out already. */
static bool
is_local(const char *local, size_t size)
{
	bool dot = true; /* none may be first, or beside another */

	if (size > 1 && local[0] == '"' && local[size - 1] == '"') {
		for (size_t i = 1; i < size - 1; i++) {
			if (local[i] == '"')
				return false;
			if (local[i] == '\\' && ++i == size - 1)
				return false;
		}
		return true;
	}
	for (size_t i = 0; i < size; i++) {
		if (local[i] == '.' ? dot : !strchr(atext, local[i]))
			return false;
		dot = local[i] == '.';
	}
	return !dot;
}

/* Whether domain is an address in brackets (RFC 5321, section 4.1.3). */
static bool
is_literal(const char *domain)
{
	const size_t size = strlen(domain);
	char address[64];
	unsigned char room[16];

	if (size < 3 || size > sizeof(address) || domain[0] != '[' ||
	    domain[size - 1] != ']')
		return false;
	memcpy(address, domain + 1, size - 2);
	address[size - 2] = '\0';
	if (strncasecmp(address, "IPv6:", 5) == 0)
		return inet_pton(AF_INET6, address + 5, room) == 1;
	return inet_pton(AF_INET, address, room) == 1;
}

/* Whether name is letters, digits and dashes between dots (RFC 1123, section
 * 2.1). */
static bool
is_domain(const char *name)
{
	size_t label = 0;
	char last = '.';

	for (; *name; last = *name++) {
		if (*name == '.') {
			if (label == 0 || last == '-')
				return false;
			label = 0;
		} else if ((!isalnum((unsigned char)*name) && *name != '-') ||
			   (*name == '-' && label == 0) || ++label > 63) {
			return false;
		}
	}
	return label > 0 && last != '-';
}

/* Appends the domain, an IDN as A-labels. 0 or -1. */
static int
add_domain(struct bf_buf *mailbox, const char *domain, struct bf_error *err)
{
	char *ascii = NULL, room[SHOWN + 1];
	int status;

	if (is_literal(domain)) {
		bf_buf_add_text(mailbox, domain);
		return 0;
	}
	status = idn2_to_ascii_8z(domain, &ascii, IDN2_NONTRANSITIONAL);
	if (status == IDN2_OK && is_domain(ascii)) {
		bf_buf_add_text(mailbox, ascii);
		idn2_free(ascii);
		return 0;
	}
	if (status == IDN2_OK || *domain == '\0')
		bf_error_set(err,
		    "%s: not the name of a domain; expected one such as "
		    "example.com",
		    show(domain, room));
	else
		bf_error_set(err,
		    "%s: not the name of a domain (%s); expected one such as "
		    "example.com",
		    show(domain, room), idn2_strerror(status));
	idn2_free(ascii);
	return -1;
}

/* Reads local@domain. */
static char *
read_mailbox(const char *text, struct bf_error *err)
{
	const char *at = strrchr(text, '@');
	struct bf_buf mailbox = { 0 };
	const size_t local = at ? (size_t)(at - text) : 0;
	char room[SHOWN + 1];

	if (!at) {
		bf_error_set(err,
		    "%s: not a mail address, it has no @; " EXPECTED,
		    show(text, room));
		return NULL;
	}
	for (const char *c = text; c < at; c++) {
		if ((unsigned char)*c < 0x80)
			continue;
		bf_error_set(err,
		    "%s: what is before the @ must be ASCII; internationalized "
		    "mailboxes (RFC 6531) are not supported",
		    show(text, room));
		return NULL;
	}
	if (!is_local(text, local)) {
		bf_error_set(err,
		    "%s: not a mail address before the @; " EXPECTED,
		    show(text, room));
		return NULL;
	}
	bf_buf_add(&mailbox, text, local + 1);
	if (add_domain(&mailbox, at + 1, err) == -1) {
		bf_buf_free(&mailbox);
		return NULL;
	}
	if (local > LOCAL_MOST || mailbox.size > MAILBOX_MOST) {
		bf_error_set(err,
		    "%s: too long; expected at most %d octets before the @ and "
		    "%d in all",
		    show(text, room), LOCAL_MOST, MAILBOX_MOST);
		bf_buf_free(&mailbox);
		return NULL;
	}
	return bf_buf_take(&mailbox);
}

/* ---- addresses ---- */

/* Reads a display name: a quoted string, or words that hold nothing that
 * would make it another address. NULL for none; -1 for what is no name. */
static int
read_name(const char *text, size_t size, char **name, struct bf_error *err)
{
	struct bf_buf unquoted = { 0 };
	const bool quoted = size > 1 && text[0] == '"' && text[size - 1] == '"';
	bool well = true;

	for (size_t i = quoted; well && i < size - quoted; i++) {
		if (quoted && text[i] == '\\' && i + 2 < size)
			i++;
		else
			well = !strchr(quoted ? "\"" : "\"<>@", text[i]);
		bf_buf_add_byte(&unquoted, text[i]);
	}
	if (u8_check((const uint8_t *)text, size)) {
		bf_buf_free(&unquoted);
		bf_error_set(err, "the name before the address is not UTF-8");
		return -1;
	}
	if (!well) {
		bf_buf_free(&unquoted);
		bf_error_set(err, "the name before the address must be in "
				  "double quotes where it has \" < > or @");
		return -1;
	}
	if (unquoted.size > 0)
		*name = bf_buf_take(&unquoted);
	bf_buf_free(&unquoted);
	return 0;
}

/* Reads `NAME <MAILBOX>`, the angle bracket being at open. */
static int
read_with_name(struct smtp_address *address, const char *text, size_t open,
    size_t size, struct bf_error *err)
{
	char *mailbox = bf_strndup(text + open + 1, size - open - 2);
	size_t name = open;

	while (name > 0 && text[name - 1] == ' ')
		name--;
	address->mailbox = read_mailbox(mailbox, err);
	free(mailbox);
	if (!address->mailbox)
		return -1;
	return read_name(text, name, &address->name, err);
}

int
smtp_address_parse(struct smtp_address *address, const char *text,
    struct bf_error *err)
{
	size_t size;
	const char *open;
	char room[SHOWN + 1];
	int status = 0;

	*address = (struct smtp_address){ 0 };
	if (has_control(text)) {
		bf_error_set(err,
		    "%s: a control character in a mail address; " EXPECTED,
		    show(text, room));
		return -1;
	}
	text += strspn(text, " ");
	size = strlen(text);
	while (size > 0 && text[size - 1] == ' ')
		size--;
	open = strrchr(text, '<');
	if (open && size > 0 && text[size - 1] == '>') {
		status = read_with_name(address, text, (size_t)(open - text),
		    size, err);
	} else {
		char *mailbox = bf_strndup(text, size);

		address->mailbox = read_mailbox(mailbox, err);
		status = address->mailbox ? 0 : -1;
		free(mailbox);
	}
	if (status == -1)
		smtp_address_clear(address);
	return status;
}

/* Whether a mailbox is in the list; the domain without regard to case. */
static bool
has(const struct smtp_addresses *addresses, const struct smtp_address *address)
{
	const size_t local =
	    (size_t)(smtp_address_domain(address) - address->mailbox);

	for (size_t i = 0; i < addresses->count; i++) {
		const char *other = addresses->items[i].mailbox;

		if (strncmp(other, address->mailbox, local) == 0 &&
		    strcasecmp(other + local, address->mailbox + local) == 0)
			return true;
	}
	return false;
}

static void
add(struct smtp_addresses *addresses, struct smtp_address *address)
{
	if (has(addresses, address)) {
		smtp_address_clear(address);
		return;
	}
	addresses->items = bf_resize(addresses->items, addresses->count + 1,
	    sizeof(*addresses->items));
	addresses->items[addresses->count++] = *address;
}

int
smtp_addresses_parse(struct smtp_addresses *addresses,
    const struct bf_strings *words, struct bf_error *err)
{
	const size_t before = addresses->count;
	struct bf_buf text = { 0 };
	struct smtp_address address;
	bool named = false;
	char room[SHOWN + 1];

	for (size_t i = 0; i < words->count; i++) {
		const char *word = words->items[i];

		named = !strchr(word, '@');

		/* The words of a name go before the address they name. */
		bf_buf_add_format(&text, "%s%s", text.size > 0 ? " " : "",
		    word);
		if (named)
			continue;
		if (smtp_address_parse(&address, text.data, err) == -1)
			goto fail;
		add(addresses, &address);
		bf_buf_clear(&text);
	}
	if (!named) {
		bf_buf_free(&text);
		return 0;
	}
	bf_error_set(err, "%s: not a mail address, it has no @; " EXPECTED,
	    show(text.data, room));

fail:
	bf_buf_free(&text);
	while (addresses->count > before)
		smtp_address_clear(&addresses->items[--addresses->count]);
	return -1;
}

const char *
smtp_address_domain(const struct smtp_address *address)
{
	return strrchr(address->mailbox, '@') + 1;
}

void
smtp_address_clear(struct smtp_address *address)
{
	free(address->name);
	free(address->mailbox);
	*address = (struct smtp_address){ 0 };
}

void
smtp_addresses_clear(struct smtp_addresses *addresses)
{
	for (size_t i = 0; i < addresses->count; i++)
		smtp_address_clear(&addresses->items[i]);
	free(addresses->items);
	*addresses = (struct smtp_addresses){ 0 };
}
