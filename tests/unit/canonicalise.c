/*
 * canonicalise.c - prints each line of standard input as canonical JSON, or
 * "!" and why it is refused: for tests that compare with other programs
 */
#include <stdio.h>
#include <stdlib.h>

#include <belfry/json.h>

int
main(void)
{
	char *line = NULL;
	size_t capacity = 0;
	ssize_t size;

	while ((size = getline(&line, &capacity, stdin)) > 0) {
		struct bf_buf out = { 0 };
		struct bf_error err;
		cJSON *tree = bf_json_parse(line, (size_t)size - 1, &err);

		if (tree) {
			bf_json_print(&out, tree);
			puts(bf_buf_text(&out));
		} else {
			printf("!%s\n", err.text);
		}
		cJSON_Delete(tree);
		bf_buf_free(&out);
	}
	free(line);
	return 0;
}
