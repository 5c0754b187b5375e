#ifndef BF_LIB_HTML_WRITER_PRIVATE_H
#define BF_LIB_HTML_WRITER_PRIVATE_H

/*
 * What the files of the writer share: text goes out between begin_text and
 * end_text, after the word that was held back.
 */
#include "core/lib/html_writer.h"

/* Writes bytes of the markup itself. */
void bf_writer_put(struct bf_writer *writer, const char *text);

/* Writes the word that was held back. */
void bf_writer_flush(struct bf_writer *writer);

/* Writes the gap, and the markers between the text before and the next; code
 * says whether the next can be in code. */
void bf_writer_begin_text(struct bf_writer *writer, bool code);

/* Ends a piece of text, which may be cut here. */
void bf_writer_end_text(struct bf_writer *writer);

/* Where the next piece stands, for escaping. */
unsigned bf_writer_place(const struct bf_writer *writer);

/* Whether a style's marker was written and not closed. */
bool bf_writer_is_open(const struct bf_writer *writer, enum bf_style style);

/* Opens the styles that apply to the next text. */
void bf_writer_open_styles(struct bf_writer *writer, bool code);

/* Closes styles, all of them or until those that are open apply. */
void bf_writer_close_styles(struct bf_writer *writer, bool code, bool all);

/* Sets what closes the styles that are open, were the text cut. */
void bf_writer_set_tail(struct bf_writer *writer);

#endif
