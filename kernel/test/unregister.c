// SPDX-License-Identifier: GPL-2.0-only
/* The promise of cnx_unregister(): what has gone is not running, and what cannot be waited for is refused. */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "test.h"

/* More than the slots that two CPUs have for running calls, so that the list behind the slots is used too. */
#define CROWD 40

static void bad_arguments(struct test_log *log)
{
	atomic_t calls = ATOMIC_INIT(0);
	struct cnx_registration r = test_registration(1, test_count, &calls);
	struct cnx_message message = test_message(1);
	struct cnx_callback *callbacks[2] = {cnx_register(&r), NULL};

	test_equal(log, "unregister: NULL", -EINVAL, cnx_unregister(NULL));
	test_equal(log, "unregister: what a failed registration returned", -EINVAL, cnx_unregister(ERR_PTR(-EEXIST)));
	test_equal(log, "unregister: none of no callbacks", 0, cnx_unregister_all(NULL, 0));
	test_equal(log, "unregister: one of no callbacks", -EINVAL, cnx_unregister_all(NULL, 1));
	test_equal(log, "unregister: two callbacks of which one is NULL", -EINVAL, cnx_unregister_all(callbacks, 2));
	test_equal(log, "unregister: a refusal leaves the good one in place", 0, cnx_dispatch(&message));
	rcu_read_lock();
	test_equal(log, "unregister: inside an RCU read section", -EDEADLK, cnx_unregister(callbacks[0]));
	rcu_read_unlock();
	preempt_disable();
	test_equal(log, "unregister: where sleeping is forbidden", -EDEADLK, cnx_unregister(callbacks[0]));
	preempt_enable();
	test_equal(log, "unregister: refusals leave it in place", 0, cnx_dispatch(&message));
	test_equal(log, "unregister: it goes in the end", 0, cnx_unregister(callbacks[0]));
	test_equal(log, "unregister: what has gone cannot be reached", -ENODEV, cnx_dispatch(&message));
	test_equal(log, "unregister: what has gone has not run", 2, atomic_read(&calls));
}

/* A callback that unregisters another, or itself. */
struct suicide {
	struct cnx_callback *victim;
	int status;
};

static int unregister_victim(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	struct suicide *suicide = context;

	suicide->status = cnx_unregister(suicide->victim);
	return 0;
}

static void from_inside(struct test_log *log, enum cnx_kind kind, const char *itself, const char *afterwards)
{
	struct suicide suicide = {};
	struct cnx_registration r = test_registration(1, unregister_victim, &suicide);
	struct cnx_message message = test_message(1);

	r.kind = kind;
	suicide.victim = cnx_register(&r);
	cnx_dispatch(&message);
	test_equal(log, itself, -EDEADLK, suicide.status);
	test_equal(log, afterwards, 0, cnx_unregister(suicide.victim));
}

static void another_from_inside(struct test_log *log)
{
	atomic_t calls = ATOMIC_INIT(0);
	struct suicide suicide = {};
	struct cnx_registration victim = test_registration(2, test_count, &calls);
	struct cnx_registration killer = test_registration(1, unregister_victim, &suicide);
	struct cnx_message message = test_message(1);
	struct cnx_callback *callback;

	killer.kind = CNX_KIND_SLEEPABLE;
	suicide.victim = cnx_register(&victim);
	callback = cnx_register(&killer);
	suicide.status = -1;
	test_equal(log, "unregister: a sleepable callback runs", 0, cnx_dispatch(&message));
	test_equal(log, "unregister: another from inside a sleepable callback", 0, suicide.status);
	message.id.val = 2;
	test_equal(log, "unregister: the other has gone", -ENODEV, cnx_dispatch(&message));
	cnx_unregister(callback);
}

struct crowd {
	atomic_t inside;
	atomic_t threads;
	atomic_t after; /* calls that began when unregistering had returned */
	bool gone;
	struct completion seen; /* all are inside, or it has been waited for long enough */
	struct completion empty;
};

static int linger(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	struct crowd *crowd = context;

	if (READ_ONCE(crowd->gone))
		atomic_inc(&crowd->after);
	atomic_inc(&crowd->inside);
	/* However long the others take to begin. */
	wait_for_completion(&crowd->seen);
	msleep(300);
	atomic_dec(&crowd->inside);
	return 0;
}

static int call_once(void *context)
{
	struct crowd *crowd = context;
	struct cnx_message message = test_message(1);

	cnx_dispatch(&message);
	if (atomic_dec_and_test(&crowd->threads))
		complete(&crowd->empty);
	return 0;
}

static bool all_inside(struct crowd *crowd, int count)
{
	unsigned long end = jiffies + 60 * HZ;
	bool all;

	while (!(all = atomic_read(&crowd->inside) == count) && time_before(jiffies, end))
		usleep_range(500, 1000);
	complete_all(&crowd->seen);
	return all;
}

/* Static, because a thread of a failed test may outlive the test. */
static struct crowd crowd;

static void waits_for(struct test_log *log, int count, const char *name, const char *result)
{
	struct cnx_registration r = test_registration(1, linger, &crowd);
	struct cnx_message message = test_message(1);
	struct cnx_callback *callback;
	int i;

	crowd.gone = false;
	atomic_set(&crowd.inside, 0);
	atomic_set(&crowd.after, 0);
	/* One more than there are threads, for this function, so that none of them is the last before all have begun.
	 */
	atomic_set(&crowd.threads, 1);
	init_completion(&crowd.seen);
	init_completion(&crowd.empty);
	r.kind = CNX_KIND_SLEEPABLE;
	callback = cnx_register(&r);
	for (i = 0; i < count; i++) {
		atomic_inc(&crowd.threads);
		if (IS_ERR(kthread_run(call_once, &crowd, "cnx_test_call")))
			atomic_dec(&crowd.threads);
	}
	test_true(log, name, all_inside(&crowd, count));
	test_equal(log, "unregister: a callback that is running", 0, cnx_unregister(callback));
	test_equal(log, result, 0, atomic_read(&crowd.inside));
	WRITE_ONCE(crowd.gone, true);
	test_equal(log, "unregister: it cannot be reached afterwards", -ENODEV, cnx_dispatch(&message));
	if (!atomic_dec_and_test(&crowd.threads))
		wait_for_completion(&crowd.empty);
	test_equal(log, "unregister: it never runs again", 0, atomic_read(&crowd.after));
}

void test_unregister(struct test_log *log)
{
	bad_arguments(log);
	from_inside(log, CNX_KIND_SLEEPABLE, "unregister: a sleepable callback from inside itself",
	            "unregister: the sleepable callback from outside");
	from_inside(log, CNX_KIND_ATOMIC, "unregister: an atomic callback from inside itself",
	            "unregister: the atomic callback from outside");
	another_from_inside(log);
	waits_for(log, 1, "unregister: a call sleeps in the callback", "unregister: it waited for the sleeping call");
	waits_for(log, CROWD, "unregister: more calls sleep in the callback than there are slots for",
	          "unregister: it waited for every one of them");
}
