/*
 * message.c - an event as a mail
 *
 * Nothing but the parts goes in, no clock and no chance, so that a retry sends
 * the same bytes. The boundary is made of the delivery's id behind "=_", which
 * no part has in it as it is sent.
 */
#include "modules/smtp/message.h"

#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include <belfry/encode.h>
#include <belfry/html.h>

#include "modules/smtp/mime.h"

#define INCIDENT_BYTES 16 /* of the hash in the id of an incident's thread */

/* Whether text may stand in an id between angle brackets. */
static bool
is_id(const char *text)
{
	const size_t size = strlen(text);

	return size > 0 && size <= 255 &&
	       strspn(text, "!#$%&'*+-./=?^_`{|}~[]:0123456789"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "abcdefghijklmnopqrstuvwxyz") == size;
}

/* Appends "NAME: VALUE", on two lines if it is long; is_id holds for value. */
static void
add_header(struct bf_buf *out, const char *name, const char *value)
{
	bf_buf_add_format(out, "%s:%s %s\r\n", name,
	    strlen(name) + strlen(value) + 2 > 76 ? "\r\n" : "", value);
}

static void
add_date(struct bf_buf *out, struct bf_instant instant)
{
	const time_t seconds = (time_t)(instant.ms / 1000);
	char text[64];
	struct tm tm;

	/* Names of days and months are those of the C locale, which belfry
	 * never leaves. */
	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	bf_buf_add_format(out, "Date: %s\r\n", text);
}

static void
add_subject(struct bf_buf *out, const struct smtp_message *parts)
{
	const char *subject = bf_event_subject(parts->event);
	struct bf_buf text = { 0 };

	if (parts->subject_prefix)
		bf_buf_add_format(&text, "%s ", parts->subject_prefix);
	bf_buf_add_text(&text,
	    *subject ? subject : bf_event_type(parts->event));
	smtp_header_text(out, "Subject", text.data);
	bf_buf_free(&text);
}

/* Refers to the id that all mails about one incident of a tenant refer to. No
 * message has it: readers make a thread of what refers to the same one. */
static void
add_references(struct bf_buf *out, const struct bf_event *event,
    const char *domain)
{
	const char *incident = bf_event_metadata(event, "incident_id");
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct bf_buf text = { 0 }, id = { 0 };

	if (!incident || *incident == '\0')
		return;
	bf_buf_add_format(&text, "%s\n%s", bf_event_tenant(event), incident);
	/* SHA-256 can't fail where signing webhooks works. */
	EVP_Digest(text.data, text.size, digest, NULL, EVP_sha256(), NULL);
	bf_buf_add_text(&id, "<incident.");
	bf_encode_hex(&id, digest, INCIDENT_BYTES);
	bf_buf_add_format(&id, "@%s>", domain);
	add_header(out, "In-Reply-To", id.data);
	add_header(out, "References", id.data);
	bf_buf_free(&id);
	bf_buf_free(&text);
}

static void
add_ids(struct bf_buf *out, const struct smtp_message *parts,
    const char *domain)
{
	struct bf_buf id = { 0 };

	bf_buf_add_format(&id, "<%s@%s>", parts->delivery_id, domain);
	add_header(out, "Message-ID", id.data);
	add_references(out, parts->event, domain);
	bf_buf_clear(&id);
	if (parts->list_id)
		bf_buf_add_format(&id, "<%s>", parts->list_id);
	else
		bf_buf_add_format(&id, "<belfry.%s>", domain);
	add_header(out, "List-Id", id.data);
	bf_buf_free(&id);
	add_header(out, "Auto-Submitted", "auto-generated");
	add_header(out, "X-Belfry-Delivery", parts->delivery_id);
	smtp_header_text(out, "X-Belfry-Event", bf_event_type(parts->event));
}

/* Appends plain text as HTML. */
static void
add_as_html(struct bf_buf *html, const char *text)
{
	bf_buf_add_text(html, "<p>");
	for (; *text; text++) {
		if (*text == '&')
			bf_buf_add_text(html, "&amp;");
		else if (*text == '<')
			bf_buf_add_text(html, "&lt;");
		else
			bf_buf_add_byte(html, *text);
	}
	bf_buf_add_text(html, "</p>");
}

/* Appends the two parts: plain text, then the HTML it was made from. */
static void
add_body(struct bf_buf *out, const struct smtp_message *parts)
{
	const struct bf_limit no_limit = { 0 };
	const char *html = bf_event_body(parts->event);
	struct bf_buf text = { 0 }, subject = { 0 };

	/* Readers show the HTML: without any, that is the subject too. */
	if (*html == '\0') {
		add_as_html(&subject, bf_event_subject(parts->event));
		html = subject.data;
	}
	bf_html_convert(&text, BF_PLAIN_TEXT, html, no_limit);
	if (text.size == 0)
		bf_markup_text(&text, BF_PLAIN_TEXT,
		    bf_event_subject(parts->event), no_limit);
	bf_buf_add_format(out, "--=_%s\r\n", parts->delivery_id);
	smtp_text_part(out, "text/plain", bf_buf_text(&text));
	bf_buf_add_format(out, "\r\n--=_%s\r\n", parts->delivery_id);
	smtp_text_part(out, "text/html", html);
	bf_buf_add_format(out, "\r\n--=_%s--\r\n", parts->delivery_id);
	bf_buf_free(&text);
	bf_buf_free(&subject);
}

/* Checks what comes from the conf file and the core. */
static int
check(const struct smtp_message *parts, const char *domain,
    struct bf_error *err)
{
	if (parts->to->count == 0 && (!parts->cc || parts->cc->count == 0)) {
		bf_error_set(err, "no recipient; expected at least one");
		return -1;
	}
	if (!is_id(domain) || !is_id(parts->delivery_id) ||
	    (parts->list_id && !is_id(parts->list_id))) {
		bf_error_set(err,
		    "expected domain, list id and delivery id of printable "
		    "ASCII, without spaces and brackets, at most 255 octets");
		return -1;
	}
	return 0;
}

int
smtp_message(struct bf_buf *out, const struct smtp_message *parts,
    struct bf_error *err)
{
	const char *domain =
	    parts->domain ? parts->domain : smtp_address_domain(parts->from);

	if (check(parts, domain, err) == -1)
		return -1;
	add_date(out, bf_event_accepted(parts->event));
	smtp_header_addresses(out, "From", parts->from, 1);
	if (parts->reply_to)
		smtp_header_addresses(out, "Reply-To", parts->reply_to, 1);
	smtp_header_addresses(out, "To", parts->to->items, parts->to->count);
	if (parts->cc)
		smtp_header_addresses(out, "Cc", parts->cc->items,
		    parts->cc->count);
	add_subject(out, parts);
	add_ids(out, parts, domain);
	bf_buf_add_format(out,
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/alternative;\r\n"
	    " boundary=\"=_%s\"\r\n\r\n",
	    parts->delivery_id);
	add_body(out, parts);
	return 0;
}
