/* SPDX-License-Identifier: GPL-2.0-only */
/* From what happened to a task to the listeners. */
#ifndef CNX_DRIVERS_PROCEVENTS_REPORT_H
#define CNX_DRIVERS_PROCEVENTS_REPORT_H

#include <linux/types.h>
#include <linux/uidgid.h>

struct task_struct;

/* Something that happened, before anybody has looked at it. */
struct procevents_happening {
	u32 what;
	u32 asked_by;              /* the events whose listeners are told; `what`, as a rule */
	struct task_struct *task;  /* to whom */
	struct task_struct *other; /* its parent or its tracer; NULL: none */
	union {
		struct {
			u32 code, signal;
		} exit;
		struct {
			kuid_t real, effective;
		} uid;
		struct {
			kgid_t real, effective;
		} gid;
		const char *name;
	};
};

/* Tell everyone who asked and may see it. Any context in which both tasks cannot be freed meanwhile. */
void procevents_report(const struct procevents_happening *happening);

/* The same of a task and its parent, which this finds out. */
void procevents_report_with_parent(struct procevents_happening *happening);

#endif /* CNX_DRIVERS_PROCEVENTS_REPORT_H */
