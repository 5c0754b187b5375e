/*
 * child.c - what every child does
 */
#include "core/process/child.h"

#include <unistd.h>

#include "core/base/log.h"
#include "core/wire/control.h"

void
bf_child_ready(int control)
{
	(void)bf_control_send(control,
	    &(struct bf_control){ BF_CONTROL_READY, getpid(), 0, -1 });
	bf_log_echo(-1);
}
