// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mistakes on purpose, each of a kind that a debug kernel is there to find: so that it can be seen to find them in this
 * very kernel and in this very guest. They are made as the module is loaded, one for each parameter that is set.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static bool leak, freed, bounds, order, sleeping, race;
module_param(leak, bool, 0);
module_param(freed, bool, 0);
module_param(bounds, bool, 0);
module_param(order, bool, 0);
module_param(sleeping, bool, 0);
module_param(race, bool, 0);

static void lose_memory(void)
{
	int i;

	/* Several, because the address of one may stay in a register or on the stack. */
	for (i = 0; i < 16; i++) {
		char *memory = kmalloc(64 + i, GFP_KERNEL | __GFP_NOFAIL);

		(void)READ_ONCE(*memory);
	}
}

static void read_freed_memory(void)
{
	char *memory = kmalloc(64, GFP_KERNEL | __GFP_NOFAIL);

	kfree(memory);
	OPTIMIZER_HIDE_VAR(memory);
	(void)READ_ONCE(memory[8]);
}

static int few[4];

static void index_beyond_an_array(void)
{
	int index = 4;

	OPTIMIZER_HIDE_VAR(index);
	few[index % 8] = 1;
}

static void take_locks_in_both_orders(void)
{
	static DEFINE_MUTEX(one);
	static DEFINE_MUTEX(other);

	mutex_lock(&one);
	mutex_lock(&other);
	mutex_unlock(&other);
	mutex_unlock(&one);
	mutex_lock(&other);
	mutex_lock(&one);
	mutex_unlock(&one);
	mutex_unlock(&other);
}

static void sleep_under_a_spinlock(void)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	msleep(20);
	spin_unlock(&lock);
}

static unsigned long shared;

static int count_without_a_lock(void *unused)
{
	while (!kthread_should_stop()) {
		shared++;
		barrier();
		cond_resched();
	}
	return 0;
}

static int count_twice_at_once(void)
{
	struct task_struct *threads[2];
	int i;

	for (i = 0; i < 2; i++)
		threads[i] = kthread_run(count_without_a_lock, NULL, "cnx_test_wrong");
	msleep(2000);
	for (i = 0; i < 2; i++) {
		if (!IS_ERR(threads[i]))
			kthread_stop(threads[i]);
	}
	return IS_ERR(threads[0]) || IS_ERR(threads[1]) ? -ENOMEM : 0;
}

static int __init wrong_init(void)
{
	if (leak)
		lose_memory();
	if (freed)
		read_freed_memory();
	if (bounds)
		index_beyond_an_array();
	if (order)
		take_locks_in_both_orders();
	if (sleeping)
		sleep_under_a_spinlock();
	return race ? count_twice_at_once() : 0;
}

static void __exit wrong_exit(void) {}

module_init(wrong_init);
module_exit(wrong_exit);
MODULE_LICENSE("GPL v2");
MODULE_AUTHOR("The cnx authors");
MODULE_DESCRIPTION("Mistakes on purpose, for debug kernels to find");
