// SPDX-License-Identifier: GPL-2.0-only
/* Jobs: a fixed number of places, each with threads that end when they are told, when their time is over, or when
 * nobody asks about them any more. */
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "job.h"

static struct stress_job jobs[CNX_STRESS_JOBS];
static u32 last_number;

bool stress_over(const struct stress_job *job)
{
	return kthread_should_stop() || (job->time_ms && time_after_eq(jiffies, job->ends)) ||
	       time_after(jiffies, READ_ONCE(job->lease_ends));
}

void stress_sleep_until(ktime_t time)
{
	set_current_state(TASK_INTERRUPTIBLE);
	if (!kthread_should_stop())
		schedule_hrtimeout_range(&time, 20 * NSEC_PER_USEC, HRTIMER_MODE_ABS);
	__set_current_state(TASK_RUNNING);
}

/* A thread has to be there when it is stopped, so it waits for that. */
static int thread_main(void *context)
{
	struct stress_thread *thread = context;

	thread->job->work(thread);
	atomic_dec(&thread->job->running);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

struct stress_job *stress_find(u32 number)
{
	unsigned int i;

	for (i = 0; number && i < CNX_STRESS_JOBS; i++)
		if (jobs[i].number == number)
			return &jobs[i];
	return NULL;
}

static bool abandoned(const struct stress_job *job)
{
	return job->number && !atomic_read(&job->running) && time_after(jiffies, job->lease_ends);
}

struct stress_job *stress_place(void)
{
	unsigned int i;

	for (i = 0; i < CNX_STRESS_JOBS; i++) {
		struct stress_job *job = &jobs[i];

		if (abandoned(job)) {
			stress_stop(job);
			stress_forget(job);
		}
		if (job->number)
			continue;
		memset(job, 0, sizeof(*job));
		do {
			last_number++;
		} while (!last_number || stress_find(last_number));
		job->number = last_number;
		return job;
	}
	return NULL;
}

int stress_start(struct stress_job *job, unsigned int threads, u32 time_ms)
{
	unsigned int i;

	job->time_ms = time_ms;
	job->ends = jiffies + msecs_to_jiffies(time_ms);
	stress_renew_lease(job);
	/* All are there before the first of them runs, so that they begin together or not at all. */
	for (i = 0; i < threads; i++) {
		struct stress_thread *thread = &job->thread[i];

		thread->job = job;
		thread->number = i;
		thread->task = kthread_create(thread_main, thread, "cnx_stress/%u.%u", job->number, i);
		if (IS_ERR(thread->task)) {
			int status = PTR_ERR(thread->task);

			/* One that never ran ends without having been in thread_main(). */
			stress_stop(job);
			return status;
		}
		job->threads++;
	}
	atomic_set(&job->running, threads);
	for (i = 0; i < threads; i++)
		wake_up_process(job->thread[i].task);
	return 0;
}

void stress_stop(struct stress_job *job)
{
	unsigned int i;

	/* Told all at once, so that the wait is as long as that for the slowest. */
	WRITE_ONCE(job->lease_ends, jiffies - 1);
	for (i = 0; i < job->threads; i++) {
		if (job->thread[i].task)
			kthread_stop(job->thread[i].task);
		job->thread[i].task = NULL;
	}
}

void stress_forget(struct stress_job *job)
{
	kvfree(job->slots);
	job->slots = NULL;
	job->number = 0;
}

void stress_stop_all(void)
{
	unsigned int i;

	for (i = 0; i < CNX_STRESS_JOBS; i++) {
		if (!jobs[i].number)
			continue;
		stress_stop(&jobs[i]);
		stress_forget(&jobs[i]);
	}
}

void stress_renew_lease(struct stress_job *job)
{
	WRITE_ONCE(job->lease_ends, jiffies + msecs_to_jiffies(CNX_STRESS_LEASE_MS));
}

void stress_sum(const struct stress_job *job, struct cnx_stress_report *report)
{
	unsigned int i;

	report->job = job->number;
	report->running = atomic_read(&job->running);
	report->threads = job->threads;
	report->stray = atomic64_read(&job->stray);
	for (i = 0; i < job->threads; i++) {
		const struct stress_thread *thread = &job->thread[i];

		report->sent += READ_ONCE(thread->sent);
		report->failed += READ_ONCE(thread->failed);
		report->retried += READ_ONCE(thread->retried);
		report->registered += READ_ONCE(thread->registered);
		report->unregistered += READ_ONCE(thread->unregistered);
		report->refused += READ_ONCE(thread->refused);
	}
}
