// SPDX-License-Identifier: GPL-2.0-only
/*
 * What cnx does without memory, on a kernel that has no fault injection: return probes on the allocators take back what
 * they gave, for this task alone. The results are KTAP in /proc/cnx_test_no_memory, which runs the tests when read.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kprobes.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/preempt.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/skbuff.h>
#include <linux/string.h>

#include <cnx/driver.h>

#include "../../version.h"

#define TEST_IDX 0x30
#define NOBODY 0x7fffff01 /* a portid that no socket has */

static unsigned int pool;
module_param(pool, uint, 0444);
MODULE_PARM_DESC(pool, "test the pool of ready skbs, of which cnx keeps this many (default 0: without a pool)");

static struct task_struct *starved; /* whose allocations fail; NULL: nobody's */
static bool refills_starve;         /* with it, those of the thread that fills the pool */
static LLIST_HEAD(taken_back);      /* memory that its taker was not given */

static void starve(void)
{
	WRITE_ONCE(starved, current);
}

static void feed(void)
{
	struct llist_node *memory, *next;

	WRITE_ONCE(starved, NULL);
	llist_for_each_safe(memory, next, llist_del_all(&taken_back))
		kvfree(memory);
}

static bool starves(void)
{
	return READ_ONCE(starved) == current || (READ_ONCE(refills_starve) && !strcmp(current->comm, "cnx_pool"));
}

static int take_back_skb(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct sk_buff *skb = (struct sk_buff *)regs_return_value(regs);

	if (skb && starves()) {
		/* Preemption is off in a probe, where a kernel with PREEMPT_RT frees nothing. */
		dev_kfree_skb_irq(skb);
		regs_set_return_value(regs, 0);
	}
	return 0;
}

static int take_back_memory(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	void *memory = (void *)regs_return_value(regs);

	if (memory && READ_ONCE(starved) == current) {
		/* For the same reason it is freed later. */
		llist_add(memory, &taken_back);
		regs_set_return_value(regs, 0);
	}
	return 0;
}

static struct kretprobe skb_probe = {
    .handler = take_back_skb,
    .kp.symbol_name = "__alloc_skb",
};

static struct kretprobe memory_probe = {
    .handler = take_back_memory,
    .kp.symbol_name = CNX_KVMALLOC_NODE,
};

static int tests;

static void expect_status(struct seq_file *out, const char *name, long expected, long actual)
{
	seq_printf(out, "%s %d - %s\n", expected == actual ? "ok" : "not ok", ++tests, name);
	if (expected != actual)
		seq_printf(out, "# expected %ld, got %ld\n", expected, actual);
}

static int ignore(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	return 0;
}

static void test_register(struct seq_file *out)
{
	const struct cnx_registration registration = {
	    .id = {TEST_IDX, 1},
	    .name = "no_memory",
	    .callback = ignore,
	    .sender = CNX_SENDER_ANYONE,
	};
	struct cnx_callback *callback;

	starve();
	callback = cnx_register(&registration);
	feed();
	expect_status(out, "a registration without memory is refused", -ENOMEM, PTR_ERR_OR_ZERO(callback));

	callback = cnx_register(&registration);
	expect_status(out, "and leaves its id free", 0, PTR_ERR_OR_ZERO(callback));
	expect_status(out, "which can be given back", 0, cnx_unregister(callback));
}

static void test_send(struct seq_file *out)
{
	const struct cnx_message message = {.id = {TEST_IDX, 1}, .length = 5, .payload = "hello"};
	const struct cnx_destination to = {.portid = NOBODY};
	int status;

	starve();
	status = cnx_send(&message, &to, CNX_MAY_SLEEP);
	feed();
	expect_status(out, "a send without memory is refused", -ENOMEM, status);
	expect_status(out, "and with memory gets as far as netlink", -ECONNREFUSED,
	              cnx_send(&message, &to, CNX_MAY_SLEEP));
}

static void test_batch(struct seq_file *out)
{
	struct cnx_batch batch;
	int status;

	starve();
	status = cnx_batch_begin(&batch, 1024, CNX_NO_SLEEP);
	feed();
	expect_status(out, "a batch without memory does not begin", -ENOMEM, status);
	cnx_batch_cancel(&batch);
}

static void test_sparse_batch(struct seq_file *out)
{
	const struct cnx_message header = {.id = {TEST_IDX, 1}, .length = 4};
	const struct cnx_destination to = {.portid = NOBODY};
	struct cnx_batch batch;
	int status = cnx_batch_begin(&batch, CNX_MAX_BATCH, CNX_MAY_SLEEP);

	expect_status(out, "a large batch begins", 0, status);
	if (status)
		return;
	expect_status(out, "takes one small message", 0, PTR_ERR_OR_ZERO(cnx_batch_reserve(&batch, &header)));
	expect_status(out, "keeps it", 0, cnx_batch_commit(&batch));
	expect_status(out, "and is trimmed and sent", -ECONNREFUSED, cnx_batch_send(&batch, &to));
}

/* Sends until one finds no memory, and returns how many did not. */
static unsigned int send_until_starved(void)
{
	const struct cnx_message message = {.id = {TEST_IDX, 1}, .length = 5, .payload = "hello"};
	const struct cnx_destination to = {.portid = NOBODY};
	unsigned int sent = 0;

	WRITE_ONCE(refills_starve, true);
	starve();
	while (sent <= pool && cnx_send(&message, &to, CNX_MAY_SLEEP) == -ECONNREFUSED)
		sent++;
	feed();
	WRITE_ONCE(refills_starve, false);
	return sent;
}

static void test_pool(struct seq_file *out)
{
	const struct cnx_message message = {.id = {TEST_IDX, 1}, .length = 5, .payload = "hello"};
	const struct cnx_destination to = {.portid = NOBODY};

	/* It is this CPU's magazine that is emptied, and has to fill again. */
	migrate_disable();
	expect_status(out, "without memory, as many sends succeed as skbs are ready", pool, send_until_starved());
	expect_status(out, "and with memory, the next one does", -ECONNREFUSED, cnx_send(&message, &to, CNX_MAY_SLEEP));
	/* That send has asked for a refill. */
	msleep(300);
	expect_status(out, "the pool has filled again by itself", pool, send_until_starved());
	migrate_enable();
}

static void test_control(struct seq_file *out)
{
	const struct cnx_control_request request = {.version = CNX_CONTROL_VERSION, .op = CNX_CONTROL_INFO};
	const struct cnx_message message = {
	    .id = {CNX_CONTROL_IDX, CNX_CONTROL_VAL},
	    .length = sizeof(request),
	    .payload = &request,
	};
	int status;

	starve();
	status = cnx_dispatch(&message);
	feed();
	expect_status(out, "a control request without memory is refused", -ENOMEM, status);
	expect_status(out, "and is answered with memory", 0, cnx_dispatch(&message));
}

static int show(struct seq_file *out, void *unused)
{
	tests = 0;
	seq_puts(out, "KTAP version 1\n");
	if (pool) {
		test_pool(out);
	} else {
		test_register(out);
		test_send(out);
		test_batch(out);
		test_sparse_batch(out);
		test_control(out);
	}
	seq_printf(out, "1..%d\n", tests);
	return 0;
}

static int __init no_memory_init(void)
{
	int status = register_kretprobe(&skb_probe);

	if (status)
		return status;
	status = register_kretprobe(&memory_probe);
	if (status)
		goto end_skb_probe;
	if (!proc_create_single("cnx_test_no_memory", 0400, NULL, show)) {
		status = -ENOMEM;
		goto end_memory_probe;
	}
	return 0;

end_memory_probe:
	unregister_kretprobe(&memory_probe);
end_skb_probe:
	unregister_kretprobe(&skb_probe);
	return status;
}

static void __exit no_memory_exit(void)
{
	remove_proc_entry("cnx_test_no_memory", NULL);
	unregister_kretprobe(&memory_probe);
	unregister_kretprobe(&skb_probe);
}

module_init(no_memory_init);
module_exit(no_memory_exit);
MODULE_LICENSE("GPL v2");
MODULE_AUTHOR("The cnx authors");
MODULE_DESCRIPTION("Tests of cnx without memory");
