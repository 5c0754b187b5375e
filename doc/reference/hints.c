/*
 * hints.c - what a test of a channel says, as a table of the manual
 */
#include <string.h>

#include "core/transport/hints.h"
#include "doc/reference/reference.h"

/* A sentence, with the parts that only a test knows in words. */
static void
write_sentence(const char *text, struct bf_buf *out)
{
	static const char mark[] = "{location}";
	const char *place = strstr(text, mark);

	if (place) {
		bf_buf_add(out, text, (size_t)(place - text));
		bf_buf_add_text(out, "another address");
		text = place + strlen(mark);
	}
	bf_buf_add_text(out, text);
}

int
write_hints_markdown(const char *about, size_t size, struct bf_buf *out)
{
	static const char *const names[] = {
		[BF_PROTOCOL_ANY] = "network",
		[BF_PROTOCOL_HTTP] = "HTTP",
		[BF_PROTOCOL_SMTP] = "SMTP",
	};
	enum bf_protocol protocol;
	const struct bf_hint *hint;
	size_t count = 0;

	bf_buf_add_text(out, "| name | cause | fix |\n| --- | --- | --- |\n");
	for (size_t i = 0; (hint = bf_hint_at(i, &protocol)); i++) {
		if (strlen(names[protocol]) != size ||
		    strncmp(names[protocol], about, size) != 0)
			continue;
		bf_buf_add_format(out, "| `%s` | ", hint->name);
		write_sentence(hint->cause, out);
		bf_buf_add_text(out, " | ");
		write_sentence(hint->fix, out);
		bf_buf_add_text(out, " |\n");
		count++;
	}
	return count > 0 ? 0 : -1;
}
