/* SPDX-License-Identifier: GPL-2.0-only */
/* What a listener may see, and how it sees it. */
#ifndef CNX_DRIVERS_PROCEVENTS_SIGHT_H
#define CNX_DRIVERS_PROCEVENTS_SIGHT_H

#include <linux/cred.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include <cnx/callback.h>

struct pid_namespace;
struct task_struct;
struct user_namespace;

struct procevents_sight {
	struct pid_namespace *pids; /* whose tasks it sees, and how they are numbered; held */
	struct user_namespace *ids; /* how users and groups are numbered; held */
	kuid_t user;                /* whose tasks it sees, unless it sees everyone's */
	bool everyone;
};

/*
 * What the current task may see that asks by the socket of `sender`. In the callback that was handed it. 0 and a sight
 * to be released, or -EPERM.
 */
int procevents_sight_take(struct procevents_sight *sight, const struct cnx_sender *sender);
void procevents_sight_release(const struct procevents_sight *sight);

/* Whether both see the same, and see it in the same way. */
bool procevents_sight_equals(const struct procevents_sight *one, const struct procevents_sight *other);

/*
 * Whether a task is the listener's user's. With preemption off, as who reports has it.
 *
 * One that runs with other rights than that user has is not, whoever started it: its real, its effective and its saved
 * uid must all be the user's, as ptrace(2) and the hidepid option of /proc judge. Otherwise a user would be told what a
 * setuid program ends with, which /proc keeps from him.
 */
static inline bool procevents_sight_has(const struct procevents_sight *sight, const struct task_struct *task)
{
	const struct cred *cred;

	if (sight->everyone)
		return true;
	cred = rcu_dereference_sched(task->real_cred);
	return uid_eq(cred->uid, sight->user) && uid_eq(cred->euid, sight->user) && uid_eq(cred->suid, sight->user);
}

#endif /* CNX_DRIVERS_PROCEVENTS_SIGHT_H */
