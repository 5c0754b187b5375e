/*
 * message.c - an event as a syslog message: RFC 5424
 *
 * Receivers write lines, so whatever would end one (a control character in a
 * subject or a value) becomes a space here.
 */
#include "modules/syslog/message.h"

#include <string.h>

#define NAME_MOST 32      /* bytes of an SD-NAME, and of a MSGID */
#define FIELDS_MOST 32    /* of the metadata, that are looked at */
#define SUBJECT_LEAST 160 /* bytes that are kept free of metadata for it */
#define BOM "\xEF\xBB\xBF"

/* Source: RFC 5424, section 6.2.1, table 2. */
static const int severities[] = {
	[BF_SEVERITY_INFO] = 6,    /* informational */
	[BF_SEVERITY_SUCCESS] = 5, /* notice: normal but significant */
	[BF_SEVERITY_WARNING] = 4,
	[BF_SEVERITY_ERROR] = 3,
	[BF_SEVERITY_CRITICAL] = 2,
};

bool
syslog_is_field(const char *text, size_t most)
{
	size_t size = 0;

	while (text[size] > ' ' && text[size] <= '~')
		size++;
	return size > 0 && size <= most && text[size] == '\0';
}

/* A field of the header: what can't be in one is NILVALUE. */
static void
add_field(struct bf_buf *message, const char *text, size_t most)
{
	bf_buf_add_text(message, syslog_is_field(text, most) ? text : "-");
	bf_buf_add_byte(message, ' ');
}

static bool
is_control(char byte)
{
	return (unsigned char)byte < ' ' || byte == 0x7f;
}

/* Section 6.3.3. */
static void
add_parameter(struct bf_buf *data, const char *name, const char *value)
{
	bf_buf_add_format(data, " %s=\"", name);
	for (; *value; value++) {
		if (strchr("\"\\]", *value))
			bf_buf_add_byte(data, '\\');
		bf_buf_add_byte(data, is_control(*value) ? ' ' : *value);
	}
	bf_buf_add_byte(data, '"');
}

/* Section 6.3.3: no '=', no ']', no '"' in an SD-NAME. */
static bool
is_name(const char *text)
{
	return syslog_is_field(text, NAME_MOST) && !strpbrk(text, "=]\"");
}

/* Adds members of the metadata, in the order of their use to people, as long
 * as the message stays within size. */
static void
add_metadata(struct bf_buf *message, const struct syslog_form *form,
    const struct bf_event *event, size_t size)
{
	struct bf_field fields[FIELDS_MOST];
	const size_t all = bf_event_fields(event, fields, FIELDS_MOST);
	const size_t count = all < FIELDS_MOST ? all : FIELDS_MOST;
	struct bf_buf data = { 0 }, parameter = { 0 };

	bf_buf_add_format(&data, "[metadata@%lld",
	    (long long)form->enterprise_number);
	for (size_t i = 0; i < count; i++) {
		bf_buf_clear(&parameter);
		if (!is_name(fields[i].name))
			continue;
		add_parameter(&parameter, fields[i].name, fields[i].value);
		if (message->size + data.size + parameter.size + 1 <= size)
			bf_buf_add(&data, parameter.data, parameter.size);
	}
	bf_buf_add_byte(&data, ']');
	if (strchr(bf_buf_text(&data), '='))
		bf_buf_add(message, data.data, data.size);
	bf_buf_free(&data);
	bf_buf_free(&parameter);
}

static void
add_header(struct bf_buf *message, const struct syslog_form *form,
    const struct bf_event *event)
{
	const int severity = severities[bf_event_severity(event)];

	bf_buf_add_format(message, "<%d>1 %s ", form->facility * 8 + severity,
	    bf_event_timestamp(event));
	add_field(message, form->hostname, 255);
	add_field(message, form->app_name, 48);
	bf_buf_add_text(message, "- "); /* PROCID: it is no process's */
	/* A longer name than MSGID takes stands in the data. */
	add_field(message, bf_event_type(event), NAME_MOST);
}

static void
add_data(struct bf_buf *message, const struct syslog_form *form,
    const struct bf_event *event, const char *delivery_id)
{
	bf_buf_add_format(message, "[belfry@%lld",
	    (long long)form->enterprise_number);
	add_parameter(message, "delivery_id", delivery_id);
	add_parameter(message, "event_id", bf_event_id(event));
	add_parameter(message, "event", bf_event_type(event));
	add_parameter(message, "category", bf_event_category(event));
	add_parameter(message, "severity",
	    bf_severity_name(bf_event_severity(event)));
	add_parameter(message, "tenant_id", bf_event_tenant(event));
	bf_buf_add_byte(message, ']');
}

static void
add_subject(struct bf_buf *message, const struct bf_event *event, size_t size)
{
	const char *subject = bf_event_subject(event);
	struct bf_buf text = { 0 };

	bf_buf_add_text(message, " " BOM);
	for (; *subject; subject++)
		bf_buf_add_byte(&text, is_control(*subject) ? ' ' : *subject);
	bf_shorten(&text,
	    (struct bf_limit){ size > message->size ? size - message->size : 1,
		BF_UNIT_BYTE });
	bf_buf_add(message, bf_buf_text(&text), text.size);
	bf_buf_free(&text);
}

void
syslog_message(const struct syslog_form *form, const struct bf_event *event,
    const char *delivery_id, struct bf_buf *frame)
{
	const size_t most = (size_t)form->max_size;
	const size_t subject = strlen(bf_event_subject(event));
	const size_t kept = subject < SUBJECT_LEAST ? subject : SUBJECT_LEAST;
	struct bf_buf message = { 0 };

	add_header(&message, form, event);
	add_data(&message, form, event, delivery_id);
	add_metadata(&message, form, event, most - kept - sizeof(" " BOM));
	add_subject(&message, event, most);
	bf_buf_add_format(frame, "%zu ", message.size);
	bf_buf_add(frame, message.data, message.size);
	bf_buf_free(&message);
}
