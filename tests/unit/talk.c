/*
 * talk.c - a talk of a test, told to a dialogue
 */
#include "tests/unit/talk.h"

#include <stdlib.h>
#include <string.h>

#include <belfry/memory.h>

void
talk_follow(const char *lines, struct bf_dialogue *dialogue,
    struct bf_buf *shown)
{
	while (*lines) {
		const size_t size = strcspn(lines, "\n");
		char *line = bf_strndup(lines + 2, size - 2);

		if (*lines == '>')
			bf_dialogue_sent(dialogue, line, shown);
		else
			bf_dialogue_received(dialogue, line, shown);
		bf_buf_add_byte(shown, '\n');
		free(line);
		lines += size + (lines[size] == '\n');
	}
}
