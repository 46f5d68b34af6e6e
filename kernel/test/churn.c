// SPDX-License-Identifier: GPL-2.0-only
/*
 * Callbacks that come and go under dispatch. Each has a context of its own, which is poisoned and freed as soon as
 * unregistering has returned, so a call that is still running then, or comes later, finds a dead canary.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "test.h"

#define CALLERS 4
#define IDS 8
#define SECONDS 3
#define ALIVE 0x600dbeefcafef00dull
#define DEAD 0xdeaddeaddeaddeadull

struct canary {
	u64 before;
	char body[240];
	u64 after;
};

struct churn {
	atomic_t dead;
	atomic_t reached;
	atomic_t unknown;
	atomic_t other;
};

static struct churn churn;

static int sing(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	const struct canary *canary = context;

	if (READ_ONCE(canary->before) != ALIVE)
		atomic_inc(&churn.dead);
	/* An odd val is registered as sleepable, see below. It sleeps, so that unregistering meets it inside. */
	if (message->id.val & 1)
		usleep_range(50, 100);
	else
		cpu_relax();
	if (READ_ONCE(canary->after) != ALIVE)
		atomic_inc(&churn.dead);
	return 0;
}

static int call_all(void *unused)
{
	u32 i = 0;

	while (!kthread_should_stop()) {
		struct cnx_message message = test_message(0x100 + i++ % IDS);
		int status = cnx_dispatch(&message);

		atomic_inc(status == 0 ? &churn.reached : status == -ENODEV ? &churn.unknown : &churn.other);
		if (i % 64 == 0)
			cond_resched();
	}
	return 0;
}

/* One generation: all ids come, and go one by one. Returns the registrations that did as they should. */
static unsigned int generation(void)
{
	struct cnx_callback *callbacks[IDS];
	struct canary *canaries[IDS];
	unsigned int good = 0;
	u32 i;

	for (i = 0; i < IDS; i++) {
		struct cnx_registration r;

		canaries[i] = kmalloc(sizeof(*canaries[i]), GFP_KERNEL | __GFP_NOFAIL);
		canaries[i]->before = ALIVE;
		canaries[i]->after = ALIVE;
		r = test_registration(0x100 + i, sing, canaries[i]);
		r.kind = i & 1 ? CNX_KIND_SLEEPABLE : CNX_KIND_ATOMIC;
		callbacks[i] = cnx_register(&r);
	}
	for (i = 0; i < IDS; i++) {
		good += !IS_ERR(callbacks[i]) && cnx_unregister(callbacks[i]) == 0;
		WRITE_ONCE(canaries[i]->before, DEAD);
		WRITE_ONCE(canaries[i]->after, DEAD);
		kfree(canaries[i]);
	}
	return good;
}

void test_churn(struct test_log *log)
{
	struct task_struct *callers[CALLERS];
	unsigned int generations = 0, good = 0;
	unsigned long end;
	int i;

	memset(&churn, 0, sizeof(churn));
	for (i = 0; i < CALLERS; i++)
		callers[i] = kthread_run(call_all, NULL, "cnx_test_churn%d", i);
	for (end = jiffies + SECONDS * HZ; time_before(jiffies, end); generations++) {
		good += generation();
		cond_resched();
	}
	for (i = 0; i < CALLERS; i++) {
		if (!IS_ERR(callers[i]))
			kthread_stop(callers[i]);
	}
	test_true(log, "churn: callbacks come and go many times", generations >= 3);
	test_equal(log, "churn: each of them is registered and unregistered", generations * IDS, good);
	test_true(log, "churn: some calls reach a callback", atomic_read(&churn.reached) > 0);
	test_true(log, "churn: some calls come when there is none", atomic_read(&churn.unknown) > 0);
	test_equal(log, "churn: no call comes to anything else", 0, atomic_read(&churn.other));
	test_equal(log, "churn: no call meets what unregistering has freed", 0, atomic_read(&churn.dead));
	test_note(log, "%u generations, %d calls reached a callback, %d came when there was none", generations,
	          atomic_read(&churn.reached), atomic_read(&churn.unknown));
}
