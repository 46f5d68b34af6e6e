// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes netlink pause where it has made a socket findable and has not marked it as the kernel's yet, for a task that
 * loads cnx: what is a matter of some instructions otherwise, the guest program test_early_senders can hit.
 */
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched.h>

static int task;
module_param(task, int, 0444);
MODULE_PARM_DESC(task, "the task that is made to pause");

static int pause_here(struct kretprobe_instance *instance, struct pt_regs *registers)
{
	if (task_pid_nr(current) == task)
		mdelay(20);
	return 0;
}

static struct kretprobe inserted = {.kp.symbol_name = "netlink_insert", .handler = pause_here};

static int __init test_early_senders_init(void)
{
	return register_kretprobe(&inserted);
}

static void __exit test_early_senders_exit(void)
{
	unregister_kretprobe(&inserted);
}

module_init(test_early_senders_init);
module_exit(test_early_senders_exit);
MODULE_LICENSE("GPL v2");
MODULE_AUTHOR("The cnx authors");
MODULE_DESCRIPTION("cnx test: makes room for who sends while cnx loads");
