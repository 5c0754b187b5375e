#ifndef BELFRY_HTML_H
#define BELFRY_HTML_H

#include <belfry/api.h>
#include <belfry/buf.h>
#include <belfry/markup.h>

/*
 * Appends HTML, as the body of an event is, in another markup: paragraphs,
 * breaks, headings, emphasis, code, preformatted text, links, images, nested
 * lists, quotes and tables (aligned) come out as the markup shows them best;
 * scripts, styles and what is hidden are left out.
 *
 * html    untrusted; any bytes do. Parsed as HTML5 is (by gumbo), a fragment
 *         or a document
 * limit   of what is appended; beyond it shortened as bf_shorten does, with
 *         what is open closed before the note
 *
 * What comes out is valid UTF-8 without control characters but line feed, with
 * no white space at its ends. Text in it is inert as bf_markup_text makes it:
 * it mentions nobody and forges no markup. Links go to http, https and mailto
 * only, any other becomes its label; one whose label names another site than
 * it goes to shows both.
 *
 * Takes time linear in the size of html. Where parsing would take long (more
 * than 100 elements open at once, or about half a mebibyte), tags are stripped
 * without parsing and a first line says so.
 */
BF_API void bf_html_convert(struct bf_buf *out, enum bf_markup markup,
    const char *html, struct bf_limit limit);

#endif
