/*
 * html_parse.c - any HTML by the parser
 */
#include "core/lib/html_parse.h"

#include "core/lib/html_filter.h"

static void *
allocate(void *arena, size_t size)
{
	return bf_arena_take(arena, size);
}

static void
keep(void *arena, void *memory)
{
	(void)arena;
	(void)memory;
}

const GumboNode *
bf_html_parse(const char *html, size_t size, struct bf_arena *arena)
{
	GumboOptions options = kGumboDefaultOptions;
	const GumboNode *root = NULL;
	struct bf_buf filtered = { 0 };

	options.allocator = allocate;
	options.deallocator = keep;
	options.userdata = arena;
	options.max_errors = 0;
	if (bf_html_filter(&filtered, html, size) == 0)
		root = gumbo_parse_with_options(&options,
		    bf_buf_text(&filtered), filtered.size)
			   ->root;
	bf_buf_free(&filtered);
	return root;
}
