// SPDX-License-Identifier: GPL-2.0-only
/* Threads that register and unregister callbacks while messages for them may come. */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>

#include "job.h"

/* One id of the range. It belongs to one thread; its callback may run anywhere. */
struct stress_slot {
	struct stress_job *job;
	struct cnx_callback *callback; /* NULL: not registered */
	/* Set before the callback can run, and cleared when it cannot any more: nobody may find it cleared. */
	bool live;
	bool sleepable;
};

static int churned(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	struct stress_slot *slot = context;

	if (!READ_ONCE(slot->live))
		atomic64_inc(&slot->job->stray);
	stress_echo(message, sender->portid, sender->net, slot->sleepable ? CNX_MAY_SLEEP : CNX_NO_SLEEP);
	return 0;
}

static void come(struct stress_thread *thread, struct stress_slot *slot, u32 val)
{
	const struct cnx_registration registration = {
	    .id = {CNX_STRESS_CHURN_IDX, val},
	    .name = "stress_churn",
	    .callback = churned,
	    .context = slot,
	    .kind = slot->sleepable ? CNX_KIND_SLEEPABLE : CNX_KIND_ATOMIC,
	    .sender = CNX_SENDER_NET_ADMIN,
	};
	struct cnx_callback *callback;

	WRITE_ONCE(slot->live, true);
	callback = cnx_register(&registration);
	if (IS_ERR(callback)) {
		WRITE_ONCE(slot->live, false);
		WRITE_ONCE(thread->refused, thread->refused + 1);
		return;
	}
	slot->callback = callback;
	WRITE_ONCE(thread->registered, thread->registered + 1);
}

/* A thread of ours is in no callback and no read section, so nothing but a mistake of cnx's refuses this. */
static void go(struct stress_thread *thread, struct stress_slot *slot)
{
	if (cnx_unregister(slot->callback)) {
		WRITE_ONCE(thread->refused, thread->refused + 1);
		return;
	}
	slot->callback = NULL;
	WRITE_ONCE(slot->live, false);
	WRITE_ONCE(thread->unregistered, thread->unregistered + 1);
}

/* Marsaglia's xorshift: the same order for the same seed. */
static u32 next_random(u32 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Every so manieth slot is this thread's, from its own number on. */
static void churn(struct stress_thread *thread)
{
	struct stress_job *job = thread->job;
	const u32 stride = job->churn.threads;
	const u32 mine = (job->churn.ids - thread->number + stride - 1) / stride;
	u32 random = (job->churn.seed ^ (thread->number + 1) * 0x9e3779b9u) ?: 1;
	u32 i;

	while (!stress_over(job)) {
		const u32 index = thread->number + next_random(&random) % mine * stride;
		struct stress_slot *slot = &job->slots[index];

		if (slot->callback)
			go(thread, slot);
		else
			come(thread, slot, job->churn.first + index);
		cond_resched();
	}
	for (i = thread->number; i < job->churn.ids; i += stride)
		if (job->slots[i].callback)
			go(thread, &job->slots[i]);
}

int stress_start_churn(const struct cnx_stress_churn *command, struct stress_job **started)
{
	struct stress_job *job;
	int status = -ENOMEM;
	u32 i;

	if (!command->first || !command->ids || command->ids > CNX_STRESS_CHURN_IDS ||
	    command->first > CNX_STRESS_CHURN_IDS - command->ids + 1 || !command->threads ||
	    command->threads > CNX_STRESS_THREADS || command->threads > command->ids ||
	    command->time_ms > CNX_STRESS_TIME_MS || command->reserved)
		return -EINVAL;
	job = stress_place();
	if (!job)
		return -ENOSPC;
	job->churn = *command;
	job->work = churn;
	job->slots = kvcalloc(command->ids, sizeof(*job->slots), GFP_KERNEL);
	for (i = 0; job->slots && i < command->ids; i++) {
		job->slots[i].job = job;
		job->slots[i].sleepable = i & 1;
	}
	if (job->slots)
		status = stress_start(job, command->threads, command->time_ms);
	if (status)
		stress_forget(job);
	*started = job;
	return status;
}
