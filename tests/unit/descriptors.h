#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

/* The lowest descriptor that is not open: the same before and after, if none
 * was left open. */
int lowest_free(void);

#endif
