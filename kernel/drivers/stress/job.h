/* SPDX-License-Identifier: GPL-2.0-only */
/* Jobs of the stress driver: what they have in common. */
#ifndef CNX_DRIVERS_STRESS_JOB_H
#define CNX_DRIVERS_STRESS_JOB_H

#include <linux/atomic.h>
#include <linux/sched.h>
#include <linux/types.h>

#include <cnx/driver.h>
#include <cnx/stress.h>

struct stress_job;

/* A kernel thread of a job. The counters are its own to write, and anyone's to read. */
struct stress_thread {
	struct stress_job *job;
	unsigned int number;
	struct task_struct *task;
	u64 sent, failed, retried, registered, unregistered, refused;
};

struct stress_slot;

struct stress_job {
	u32 number; /* 0: the place is free */
	/* The work of one thread, which asks stress_over() again and again, and ends when told. */
	void (*work)(struct stress_thread *thread);
	union {
		struct cnx_stress_burst burst;
		struct cnx_stress_churn churn;
	};
	struct stress_slot *slots; /* of a churn; freed with the job */
	unsigned long ends;        /* jiffies; heeded where time_ms is not 0 */
	unsigned long lease_ends;  /* jiffies */
	u32 time_ms;
	unsigned int threads;
	atomic_t running;
	atomic_t fault; /* enum cnx_stress_faulty, or 0; of a burst */
	atomic64_t stray;
	struct stress_thread thread[CNX_STRESS_THREADS];
};

/*
 * Finds a place for a job, which the caller fills in and hands to stress_start(), or to stress_forget(). NULL: there is
 * none. Under the command's mutex, as all functions here but stress_over() and stress_sleep_until().
 */
struct stress_job *stress_place(void);
int stress_start(struct stress_job *job, unsigned int threads, u32 time_ms);
void stress_forget(struct stress_job *job);
struct stress_job *stress_find(u32 number);
/* Ends its threads and waits for that. The job can still be reported on. */
void stress_stop(struct stress_job *job);
void stress_stop_all(void);
void stress_renew_lease(struct stress_job *job);
void stress_sum(const struct stress_job *job, struct cnx_stress_report *report);

/* Whether a thread is to end. */
bool stress_over(const struct stress_job *job);
/* Sleeps until a time of CLOCK_MONOTONIC, or until the thread is to be stopped. */
void stress_sleep_until(ktime_t time);

/* The two kinds of job: check the command, and start it. A negative errno, or 0 with the job in *started. */
int stress_start_burst(const struct cnx_stress_burst *command, struct stress_job **started);
int stress_start_churn(const struct cnx_stress_churn *command, struct stress_job **started);

/* Answers a message with itself. What is lost of such is cnx's to count. */
void stress_echo(const struct cnx_message *message, u32 portid, struct net *net, enum cnx_context context);

#endif /* CNX_DRIVERS_STRESS_JOB_H */
