// SPDX-License-Identifier: GPL-2.0-only
/* Process events, told as the kernel's process connector tells them: see doc/process-events.md. */
#include <linux/err.h>
#include <linux/module.h>

#include <cnx/driver.h>
#include <cnx/procevents.h>

#include "listeners.h"
#include "request.h"
#include "sources.h"

module_param_named(wait_us, procevents_wait_us, uint, 0444);
MODULE_PARM_DESC(wait_us,
                 "microseconds that an event may wait for others where a listener asked for batches, 0 to 1000000 "
                 "(default 10000; 0: not at all)");

static struct cnx_callback *callback;

void procevents_lacks(const char *events, const char *source, int status)
{
	pr_info("cnx_procevents: no %s events: this kernel has no %s to learn of them from (%d)\n", events, source,
	        status);
}

static int __init procevents_init(void)
{
	static const struct cnx_registration registration = {
	    .id = {CNX_PROC_IDX, CNX_PROC_VAL},
	    .name = "proc_events",
	    .callback = procevents_request,
	    .kind = CNX_KIND_SLEEPABLE,
	    .sender = CNX_SENDER_ANYONE, /* what it may see is judged by what it asks for */
	    .open_to_listeners = true,
	    .scope = CNX_EVERY_NAMESPACE,
	};
	int status;

	if (procevents_wait_us > 1000000) {
		pr_err("cnx_procevents: wait_us must be 0 to 1000000\n");
		return -EINVAL;
	}
	status = procevents_tracepoints_begin();
	if (status)
		return status;
	status = procevents_kprobes_begin();
	if (status)
		goto without_kprobes;
	callback = cnx_register(&registration);
	if (!IS_ERR(callback))
		return 0;
	status = PTR_ERR(callback);
	procevents_kprobes_end();
without_kprobes:
	procevents_tracepoints_end();
	return status;
}

static void __exit procevents_exit(void)
{
	/* First what adds listeners, then what sends to them, then they themselves. */
	cnx_unregister(callback);
	procevents_kprobes_end();
	procevents_tracepoints_end();
	procevents_end_all();
}

module_init(procevents_init);
module_exit(procevents_exit);
MODULE_LICENSE("GPL v2");
MODULE_AUTHOR("The cnx authors");
MODULE_DESCRIPTION("Process events over cnx: fork, exec, exit and more, in each namespace");
