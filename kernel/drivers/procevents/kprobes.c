// SPDX-License-Identifier: GPL-2.0-only
/*
 * New ids, sessions and tracers, and coredumps. The kernel has no tracepoint for them; but it calls its own connector
 * at these points, whether or not that has listeners, and a kprobe sees the calls.
 */
#include <linux/cred.h>
#include <linux/kernel.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include <cnx/procevents.h>

#include "../../kprobe.h"
#include "listeners.h"
#include "report.h"
#include "sources.h"

#if IS_ENABLED(CONFIG_KPROBES) && IS_ENABLED(CONFIG_HAVE_FUNCTION_ARG_ACCESS_API)

static struct task_struct *task_in(struct pt_regs *registers)
{
	return (struct task_struct *)regs_get_kernel_argument(registers, 0);
}

static unsigned int number_in(struct pt_regs *registers)
{
	return (unsigned int)regs_get_kernel_argument(registers, 1);
}

/* With the new credentials in force. */
static int on_id(struct kprobe *unused, struct pt_regs *registers)
{
	const u32 what = number_in(registers);
	struct procevents_happening happening = {.what = what, .asked_by = what, .task = task_in(registers)};
	const struct cred *cred;

	if (!procevents_is_asked(what & (CNX_PROC_UID | CNX_PROC_GID)))
		return 0;
	rcu_read_lock();
	cred = __task_cred(happening.task);
	if (what == CNX_PROC_UID) {
		happening.uid.real = cred->uid;
		happening.uid.effective = cred->euid;
	} else {
		happening.gid.real = cred->gid;
		happening.gid.effective = cred->egid;
	}
	procevents_report(&happening);
	rcu_read_unlock();
	return 0;
}

static int on_session(struct kprobe *unused, struct pt_regs *registers)
{
	const struct procevents_happening happening = {
	    .what = CNX_PROC_SID, .asked_by = CNX_PROC_SID, .task = task_in(registers)};

	if (procevents_is_asked(CNX_PROC_SID))
		procevents_report(&happening);
	return 0;
}

static int on_ptrace(struct kprobe *unused, struct pt_regs *registers)
{
	const unsigned int request = number_in(registers);
	const struct procevents_happening happening = {
	    .what = CNX_PROC_PTRACE,
	    .asked_by = CNX_PROC_PTRACE,
	    .task = task_in(registers),
	    .other = request == PTRACE_ATTACH ? current : NULL,
	};

	if (procevents_is_asked(CNX_PROC_PTRACE) && (request == PTRACE_ATTACH || request == PTRACE_DETACH))
		procevents_report(&happening);
	return 0;
}

static int on_coredump(struct kprobe *unused, struct pt_regs *registers)
{
	struct procevents_happening happening = {
	    .what = CNX_PROC_COREDUMP, .asked_by = CNX_PROC_COREDUMP, .task = task_in(registers)};

	if (procevents_is_asked(CNX_PROC_COREDUMP))
		procevents_report_with_parent(&happening);
	return 0;
}

static struct source {
	const char *events;
	struct kprobe probe;
	bool registered;
} sources[] = {
    {.events = "uid and gid", .probe = {.symbol_name = "proc_id_connector", .pre_handler = on_id}},
    {.events = "sid", .probe = {.symbol_name = "proc_sid_connector", .pre_handler = on_session}},
    {.events = "ptrace", .probe = {.symbol_name = "proc_ptrace_connector", .pre_handler = on_ptrace}},
    {.events = "coredump", .probe = {.symbol_name = "proc_coredump_connector", .pre_handler = on_coredump}},
};

void procevents_kprobes_end(void)
{
	struct source *source;

	for (source = sources; source < sources + ARRAY_SIZE(sources); source++)
		if (source->registered)
			cnx_take_back(&source->probe);
}

int procevents_kprobes_begin(void)
{
	struct source *source;

	for (source = sources; source < sources + ARRAY_SIZE(sources); source++) {
		int status = register_kprobe(&source->probe);

		if (!status && !kprobe_ftrace(&source->probe)) {
			cnx_take_back(&source->probe);
			status = -EOPNOTSUPP;
		}
		source->registered = !status;
		if (status == -ENOMEM) {
			procevents_kprobes_end();
			return status;
		}
		if (status)
			procevents_lacks(source->events, source->probe.symbol_name, status);
	}
	return 0;
}

#else

int procevents_kprobes_begin(void)
{
	procevents_lacks("uid, gid, sid, ptrace and coredump", "kprobes", -EOPNOTSUPP);
	return 0;
}

void procevents_kprobes_end(void) {}

#endif
