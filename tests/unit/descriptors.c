/*
 * descriptors.c - whether descriptors were left open
 */
#include "tests/unit/descriptors.h"

#include <fcntl.h>

int
lowest_free(void)
{
	int fd = 0;

	while (fcntl(fd, F_GETFD) != -1)
		fd++;
	return fd;
}
