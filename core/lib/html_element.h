#ifndef BF_LIB_HTML_ELEMENT_H
#define BF_LIB_HTML_ELEMENT_H

#include <gumbo.h>

/* What an element does to those around it (WHATWG HTML, section 13.2.6). */
enum {
	BF_HTML_KEPT = 1,       /* shown in some way; no other is */
	BF_HTML_VOID = 2,       /* never open */
	BF_HTML_FORMATTING = 4, /* opened again until its own end tag */
	BF_HTML_CLOSES_P = 8,   /* closes a p; an inline end tag stops at it */
	BF_HTML_LISTED = 16,    /* closes an item of its list */
	BF_HTML_PART = 32,      /* of a table; of no meaning elsewhere */
	BF_HTML_CELL = 64,      /* forgets formatting that was opened within */
};

#define BF_HTML_OPEN_MOST 100          /* elements open at once */
#define BF_HTML_WORK_MOST (512 * 1024) /* bytes, and BF_HTML_TAG_WORK a tag */
#define BF_HTML_TAG_WORK 10            /* what a tag costs, in bytes of text */

/* Of the above; 0 for a tag that is not shown. */
unsigned bf_html_element(GumboTag tag);

#endif
