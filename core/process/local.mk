libcore_la_SOURCES += core/process/child.h \
	core/process/committer.c core/process/committer.h \
	core/process/intake.c core/process/own_address.c \
	core/process/own_address.h \
	core/process/scheduler.c core/process/scheduler_accept.c \
	core/process/scheduler_command.c core/process/scheduler_lane.c \
	core/process/scheduler_metrics.c core/process/scheduler_notice.c \
	core/process/scheduler_outcome.c core/process/scheduler_outcome.h \
	core/process/scheduler_private.h core/process/scheduler_retain.c \
	core/process/scheduler_settings.c core/process/scheduler_worker.c \
	core/process/worker.c core/process/worker_channel.c \
	core/process/worker_private.h
