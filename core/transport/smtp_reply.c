/*
 * smtp_reply.c - what an SMTP server says, line by line
 */
#include "core/transport/smtp_reply.h"

#include <string.h>
#include <strings.h>

#define CODE_SIZE 3

/* The code that the line begins with: three digits, then a space, a dash or
 * nothing. 0: it does not. */
static int
read_code(const char *line, size_t size)
{
	int code = 0;

	if (size < CODE_SIZE || line[0] < '2' || line[0] > '5')
		return 0;
	for (size_t i = 0; i < CODE_SIZE; i++) {
		if (line[i] < '0' || line[i] > '9')
			return 0;
		code = 10 * code + (line[i] - '0');
	}
	return size == CODE_SIZE || line[CODE_SIZE] == ' ' ||
		       line[CODE_SIZE] == '-'
		   ? code
		   : 0;
}

/* Appends what fits of the text. */
static void
append(struct bf_smtp_reply *reply, const char *text, size_t size)
{
	for (size_t i = 0; i < size && reply->size + 1 < sizeof(reply->text);
	     i++) {
		const char c = text[i];

		reply->text[reply->size++] = (char)(c == '\t'              ? ' '
						    : c < 0x20 || c > 0x7e ? '?'
									   : c);
	}
	reply->text[reply->size] = '\0';
}

/* The length of "5.1.1 " at the beginning, which each line of a reply repeats
 * (RFC 2034, section 3); 0 if there is none. */
static size_t
enhanced(const char *text, size_t size)
{
	size_t length = 0, dots = 0;

	while (length < size && ((text[length] >= '0' && text[length] <= '9') ||
				    text[length] == '.'))
		dots += text[length++] == '.';
	return dots == 2 && length < size && text[length] == ' ' ? length + 1
								 : 0;
}

int
bf_smtp_reply_line(struct bf_smtp_reply *reply, const char *line, size_t size)
{
	const int code = read_code(line, size);
	const bool first = reply->size == 0 || reply->whole;
	const char *text = line + CODE_SIZE + 1;
	const size_t length = size > CODE_SIZE + 1 ? size - CODE_SIZE - 1 : 0;

	if (code == 0 || (!first && code != reply->code))
		return -1;
	reply->whole = size == CODE_SIZE || line[CODE_SIZE] == ' ';
	reply->code = code;
	if (first) {
		reply->size = 0;
		append(reply, line, CODE_SIZE);
	}
	if (length > 0) {
		const size_t skipped = first ? 0 : enhanced(text, length);

		append(reply, " ", 1);
		append(reply, text + skipped, length - skipped);
	}
	return 0;
}

static bool
has_keyword(const char *text, size_t size, const char *keyword)
{
	const size_t length = strlen(keyword);

	return size >= length && strncasecmp(text, keyword, length) == 0 &&
	       (size == length || text[length] == ' ' || text[length] == '=');
}

void
bf_smtp_features_line(struct bf_smtp_features *features, bool first,
    const char *line, size_t size)
{
	const char *text = line + CODE_SIZE + 1;

	if (first) {
		*features = (struct bf_smtp_features){ 0 };
		return;
	}
	if (size <= CODE_SIZE + 1)
		return;
	size -= CODE_SIZE + 1;
	features->pipelining |= has_keyword(text, size, "PIPELINING");
	features->size |= has_keyword(text, size, "SIZE");
	features->auth |= has_keyword(text, size, "AUTH");
}
