// SPDX-License-Identifier: GPL-2.0-only
/* Forks, execs, exits and new names, from tracepoints that every kernel has. */
#include <linux/binfmts.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include <trace/events/sched.h>
#include <trace/events/task.h>

#include <cnx/procevents.h>

#include "../../version.h"
#include "listeners.h"
#include "report.h"
#include "sources.h"

/* With the child's number given and the child not running yet. sched_process_fork would not tell of io_uring's threads.
 */
static void on_new_task(void *unused, struct task_struct *task, cnx_clone_flags flags)
{
	struct procevents_happening happening = {.what = CNX_PROC_FORK, .asked_by = CNX_PROC_FORK, .task = task};

	if (procevents_is_asked(CNX_PROC_FORK))
		procevents_report_with_parent(&happening);
}

static void on_exec(void *unused, struct task_struct *task, pid_t former_pid, struct linux_binprm *program)
{
	const struct procevents_happening happening = {.what = CNX_PROC_EXEC, .asked_by = CNX_PROC_EXEC, .task = task};

	if (procevents_is_asked(CNX_PROC_EXEC))
		procevents_report(&happening);
}

/* Before anyone can wait for the task, so that it still has its numbers, and its parent. */
static void on_exit(void *unused, struct task_struct *task CNX_EXIT_ARGUMENTS)
{
	const u32 asked_by = CNX_PROC_EXIT | (task->exit_code ? CNX_PROC_NONZERO_EXIT : 0);
	struct procevents_happening happening = {
	    .what = CNX_PROC_EXIT,
	    .asked_by = asked_by,
	    .task = task,
	    .exit = {.code = task->exit_code, .signal = task->exit_signal},
	};

	if (procevents_is_asked(asked_by))
		procevents_report_with_parent(&happening);
}

/* As the kernel, this tells of names that a process gives itself, and not of what an exec or the kernel calls it. */
static void on_rename(void *unused, struct task_struct *task, const char *name)
{
	const struct procevents_happening happening = {
	    .what = CNX_PROC_COMM, .asked_by = CNX_PROC_COMM, .task = task, .name = name};

	if (procevents_is_asked(CNX_PROC_COMM) && !current->in_execve && !(task->flags & (PF_KTHREAD | PF_IO_WORKER)))
		procevents_report(&happening);
}

static struct source {
	const char *name;
	const char *events;
	void *probe;
	struct tracepoint *point; /* NULL: this kernel has none */
	bool registered;
} sources[] = {
    {.name = "task_newtask", .events = "fork", .probe = on_new_task},
    {.name = "sched_process_exec", .events = "exec", .probe = on_exec},
    {.name = "sched_process_exit", .events = "exit", .probe = on_exit},
    {.name = "task_rename", .events = "comm", .probe = on_rename},
};

/* That the probes are what these tracepoints call is the compiler's to see. */
static void __maybe_unused check_probes(void)
{
	check_trace_callback_type_task_newtask(on_new_task);
	check_trace_callback_type_sched_process_exec(on_exec);
	check_trace_callback_type_sched_process_exit(on_exit);
	check_trace_callback_type_task_rename(on_rename);
}

static void find(struct tracepoint *point, void *unused)
{
	struct source *source;

	for (source = sources; source < sources + ARRAY_SIZE(sources); source++)
		if (!strcmp(point->name, source->name))
			source->point = point;
}

void procevents_tracepoints_end(void)
{
	struct source *source;

	for (source = sources; source < sources + ARRAY_SIZE(sources); source++)
		if (source->registered)
			tracepoint_probe_unregister(source->point, source->probe, NULL);
	tracepoint_synchronize_unregister();
}

int procevents_tracepoints_begin(void)
{
	struct source *source;

	for_each_kernel_tracepoint(find, NULL);
	for (source = sources; source < sources + ARRAY_SIZE(sources); source++) {
		const int status =
		    source->point ? tracepoint_probe_register(source->point, source->probe, NULL) : -ENOENT;

		source->registered = !status;
		if (status == -ENOMEM) {
			procevents_tracepoints_end();
			return status;
		}
		if (status)
			procevents_lacks(source->events, source->name, status);
	}
	return 0;
}
