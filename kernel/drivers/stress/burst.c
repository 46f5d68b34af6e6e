// SPDX-License-Identifier: GPL-2.0-only
/* Threads that send messages whose numbers follow one another, so that whoever receives them sees what is missing. */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include "job.h"

#define LARGEST_PAYLOAD (CNX_MAX_MESSAGE - sizeof(struct cnx_msg))

static void write_message(void *payload, const struct stress_thread *thread, u64 number)
{
	const struct cnx_stress_message head = {
	    .job = thread->job->number, .thread = thread->number, .number = number, .time_ns = ktime_get_ns()};
	u8 *filler = payload + sizeof(head);
	u32 size = thread->job->burst.size - sizeof(head);
	u32 i;

	memcpy(payload, &head, sizeof(head));
	for (i = 0; i < size; i++)
		filler[i] = (u8)(number + i);
}

static struct cnx_message header_of(const struct stress_thread *thread, u64 number)
{
	return (struct cnx_message){
	    .id = {CNX_STRESS_IDX, CNX_STRESS_TRAFFIC_VAL},
	    .seq = (u32)number,
	    .length = thread->job->burst.size,
	};
}

/* One that may not sleep is told -EAGAIN by a portid that has no room; one that may would wait, and not be stopped. */
static enum cnx_context context_of(const struct stress_job *job)
{
	return job->burst.flags & CNX_STRESS_LOSSLESS ? CNX_NO_SLEEP : CNX_MAY_SLEEP;
}

/* What a fault makes of the i-th of `count` numbers from `first` on. */
static u64 number_at(u64 first, u32 i, u32 count, bool swap)
{
	return swap && count > 1 && i < 2 ? first + 1 - i : first + i;
}

static int send_single(struct stress_thread *thread, const struct cnx_destination *to, u64 number, void *payload)
{
	struct cnx_message message = header_of(thread, number);

	write_message(payload, thread, number);
	message.payload = payload;
	return cnx_send(&message, to, context_of(thread->job));
}

/* *handed_over: whether cnx had it to send, and so to count. */
static int send_datagram(struct stress_thread *thread, const struct cnx_destination *to, u64 first, u32 count,
                         bool swap, bool *handed_over)
{
	struct cnx_batch batch;
	int status = cnx_batch_begin(&batch, count * cnx_batch_room(thread->job->burst.size), context_of(thread->job));
	u32 i;

	*handed_over = false;
	for (i = 0; !status && i < count; i++) {
		const u64 number = number_at(first, i, count, swap);
		const struct cnx_message header = header_of(thread, number);
		void *payload = cnx_batch_reserve(&batch, &header);

		if (IS_ERR(payload)) {
			status = PTR_ERR(payload);
			cnx_batch_cancel(&batch);
			return status;
		}
		write_message(payload, thread, number);
		status = cnx_batch_commit(&batch);
	}
	if (status)
		return status;
	*handed_over = true;
	return cnx_batch_send(&batch, to);
}

/* A datagram of `count` messages from `first` on, tried again where that is asked for. False: the job was over first.
 */
static bool send_once(struct stress_thread *thread, const struct cnx_destination *to, u64 first, u32 count, bool swap,
                      void *payload)
{
	for (;;) {
		bool handed_over = true;
		int status = 0;

		if (payload && !swap)
			status = send_single(thread, to, first, payload);
		else
			status = send_datagram(thread, to, first, count, swap, &handed_over);
		if (!status || (handed_over && !to->lossless) || status == -ECONNREFUSED) {
			WRITE_ONCE(thread->sent, thread->sent + count);
			WRITE_ONCE(thread->failed, thread->failed + (status ? count : 0));
			return true;
		}
		if (stress_over(thread->job))
			return false;
		WRITE_ONCE(thread->retried, thread->retried + 1);
		stress_sleep_until(ktime_add_us(ktime_get(), 100));
	}
}

static void burst(struct stress_thread *thread)
{
	struct stress_job *job = thread->job;
	const struct cnx_stress_burst *order = &job->burst;
	const struct cnx_destination to = {
	    .portid = order->portid, .group = order->group, .lossless = order->flags & CNX_STRESS_LOSSLESS};
	void *payload = order->batch == 1 ? kvmalloc(order->size, GFP_KERNEL) : NULL;
	ktime_t due = ktime_get();
	u64 number = 1;

	while (!stress_over(job) && (!order->count || number <= order->count)) {
		u64 left = order->count ? order->count - number + 1 : order->batch;
		int fault = thread->number == 0 ? atomic_xchg(&job->fault, 0) : 0;
		u32 count = min_t(u64, fault == CNX_STRESS_SWAP ? max(order->batch, 2u) : order->batch, left);

		if (fault == CNX_STRESS_SKIP) {
			WRITE_ONCE(thread->sent, thread->sent + 1);
			number++;
			continue;
		}
		if (!send_once(thread, &to, number, count, fault == CNX_STRESS_SWAP, payload))
			break;
		number += count;
		if (order->rate) {
			due = ktime_add_ns(due, div_u64((u64)count * NSEC_PER_SEC, order->rate));
			while (ktime_before(ktime_get(), due) && !stress_over(job))
				/* Never longer than until the next look at whether the job is over. */
				stress_sleep_until(min(due, ktime_add_ms(ktime_get(), 100)));
		}
		cond_resched();
	}
	kvfree(payload);
}

int stress_start_burst(const struct cnx_stress_burst *command, struct stress_job **started)
{
	const bool lossless = command->flags & CNX_STRESS_LOSSLESS;
	struct stress_job *job;
	int status;

	if (!command->portid == !command->group || command->group == CNX_CONTROL_IDX ||
	    command->flags & ~CNX_STRESS_LOSSLESS || (lossless && command->group) || !command->threads ||
	    command->threads > CNX_STRESS_THREADS || command->size < sizeof(struct cnx_stress_message) ||
	    command->size > LARGEST_PAYLOAD || !command->batch || command->batch > CNX_STRESS_BATCH ||
	    command->batch * cnx_batch_room(command->size) > CNX_MAX_BATCH || command->rate > CNX_STRESS_RATE ||
	    command->time_ms > CNX_STRESS_TIME_MS)
		return -EINVAL;
	job = stress_place();
	if (!job)
		return -ENOSPC;
	job->burst = *command;
	job->work = burst;
	status = stress_start(job, command->threads, command->time_ms);
	if (status)
		stress_forget(job);
	*started = job;
	return status;
}
