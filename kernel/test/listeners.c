// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sends that are heard. The guest program test_listen opens sockets, writes two of their portids (the first a member of
 * TEST_GROUP, the second a subscriber of TEST_FAR_GROUP) to /proc/cnx_test_listeners, and reads it: then each send
 * below is made, and a line `NUMBER STATUS` tells what it came to. The number is the message's seq and its payload, by
 * which test_listen knows what has to arrive where. Its table is the counterpart of the one here.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <linux/uaccess.h>

#include "../version.h"
#include "test.h"

#define BATCHED 5u

static DEFINE_MUTEX(listeners_mutex);
static u32 member_portid;
static u32 subscriber_portid;

/* One send that another context is asked to make. */
struct order {
	u32 number;
	struct cnx_destination to;
	int status;
	bool right_context;
	struct completion done;
};

static struct order order;

static int send_number(u32 number, const struct cnx_destination *to, enum cnx_context context)
{
	const struct cnx_message message = {
	    .id = {TEST_GROUP, 1},
	    .seq = number,
	    .length = sizeof(number),
	    .payload = &number,
	};

	return cnx_send(&message, to, context);
}

static void in_timer(struct timer_list *timer)
{
	order.right_context = in_serving_softirq();
	order.status = send_number(order.number, &order.to, CNX_NO_SLEEP);
	complete(&order.done);
}

static enum hrtimer_restart in_hrtimer(struct hrtimer *timer)
{
	order.right_context = in_hardirq();
	order.status = send_number(order.number, &order.to, CNX_NO_SLEEP);
	complete(&order.done);
	return HRTIMER_NORESTART;
}

/* -ENOTRECOVERABLE where the kernel ran the handler in a context that the test is not about. */
static int ordered_status(void)
{
	wait_for_completion(&order.done);
	return order.right_context ? order.status : -ENOTRECOVERABLE;
}

static int send_in_softirq(u32 number, const struct cnx_destination *to)
{
	struct timer_list timer;
	int status;

	order.number = number;
	order.to = *to;
	init_completion(&order.done);
	timer_setup_on_stack(&timer, in_timer, 0);
	mod_timer(&timer, jiffies + 1);
	status = ordered_status();
	timer_delete_sync(&timer);
	timer_destroy_on_stack(&timer);
	return status;
}

static int send_in_hardirq(u32 number, const struct cnx_destination *to)
{
	struct hrtimer timer;
	int status;

	order.number = number;
	order.to = *to;
	init_completion(&order.done);
	hrtimer_setup_on_stack(&timer, in_hrtimer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	hrtimer_start(&timer, ns_to_ktime(1000000), HRTIMER_MODE_REL_HARD);
	status = ordered_status();
	hrtimer_cancel(&timer);
	destroy_hrtimer_on_stack(&timer);
	return status;
}

static int send_under_spinlock(u32 number, const struct cnx_destination *to)
{
	static DEFINE_SPINLOCK(lock);
	unsigned long flags;
	int status;

	spin_lock_irqsave(&lock, flags);
	status = send_number(number, to, CNX_NO_SLEEP);
	spin_unlock_irqrestore(&lock, flags);
	return status;
}

static int send_with_interrupts_off(u32 number, const struct cnx_destination *to)
{
	unsigned long flags;
	int status;

	local_irq_save(flags);
	status = send_number(number, to, CNX_NO_SLEEP);
	local_irq_restore(flags);
	return status;
}

static int send_with_preemption_off(u32 number, const struct cnx_destination *to)
{
	int status;

	preempt_disable();
	status = send_number(number, to, CNX_NO_SLEEP);
	preempt_enable();
	return status;
}

/* BATCHED messages in one datagram, and a reservation dropped between them, which must not arrive. */
static int send_batch(u32 number, const struct cnx_destination *to, enum cnx_context context)
{
	struct cnx_message header = {.id = {TEST_GROUP, 1}, .seq = number, .length = sizeof(number)};
	struct cnx_batch batch;
	void *payload;
	u32 i;
	int status;

	status = cnx_batch_begin(&batch, (BATCHED + 1) * cnx_batch_room(sizeof(number)), context);
	for (i = 0; !status && i < BATCHED; i++) {
		payload = cnx_batch_reserve(&batch, &header);
		if (IS_ERR(payload)) {
			status = PTR_ERR(payload);
			break;
		}
		if (i == 2) {
			cnx_batch_drop(&batch);
			payload = cnx_batch_reserve(&batch, &header);
			if (IS_ERR(payload)) {
				status = PTR_ERR(payload);
				break;
			}
		}
		memcpy(payload, &number, sizeof(number));
		status = cnx_batch_commit(&batch);
	}
	if (status) {
		cnx_batch_cancel(&batch);
		return status;
	}
	return cnx_batch_send(&batch, to);
}

static int send_batch_with_preemption_off(u32 number, const struct cnx_destination *to)
{
	int status;

	preempt_disable();
	status = send_batch(number, to, CNX_NO_SLEEP);
	preempt_enable();
	return status;
}

/* A callback that answers under a lock that no kernel lets it sleep under. */
static int answer_under_raw_lock(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	static DEFINE_RAW_SPINLOCK(lock);
	struct cnx_message answer = *message;
	unsigned long flags;
	int status;

	answer.ack++;
	raw_spin_lock_irqsave(&lock, flags);
	status = cnx_answer(sender, &answer, 0);
	raw_spin_unlock_irqrestore(&lock, flags);
	return status;
}

static int send_by_lookup(u32 number)
{
	atomic_t calls = ATOMIC_INIT(0);
	struct cnx_registration r = test_registration(1, test_count, &calls);
	const struct cnx_destination to = {};
	struct cnx_callback *callback;
	int status;

	r.id.idx = TEST_GROUP;
	callback = cnx_register(&r);
	if (IS_ERR(callback))
		return PTR_ERR(callback);
	status = send_number(number, &to, CNX_MAY_SLEEP);
	cnx_unregister(callback);
	return status;
}

static bool let_through(void *context, __u32 portid)
{
	return portid == *(const u32 *)context;
}

static int listeners_answer(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	return *(const int *)context;
}

/* Dispatches `number` to a callback of the given kind that answers `answer`, under a spinlock if asked to. */
static int dispatch_number(u32 number, enum cnx_kind kind, bool locked, int answer)
{
	static DEFINE_SPINLOCK(lock);
	struct cnx_registration r = test_registration(2, listeners_answer, &answer);
	struct cnx_message message = {.id = {TEST_GROUP, 2}, .seq = number};
	struct cnx_callback *callback;
	int status;

	r.id = message.id;
	r.kind = kind;
	callback = cnx_register(&r);
	if (IS_ERR(callback))
		return PTR_ERR(callback);
	if (locked) {
		spin_lock(&lock);
		status = cnx_dispatch(&message);
		spin_unlock(&lock);
	} else {
		status = cnx_dispatch(&message);
	}
	cnx_unregister(callback);
	return status;
}

/* What reaches no socket, for the counters' sake. */
static void show_refusals(struct seq_file *file)
{
	static const u8 bytes[CNX_MAX_MESSAGE];
	const struct cnx_destination to = {.group = TEST_GROUP};
	const struct cnx_message large = {
	    .id = {TEST_GROUP, 1},
	    .length = CNX_MAX_MESSAGE,
	    .payload = bytes,
	};
	const struct cnx_message unknown = {.id = {TEST_GROUP, 3}};

	seq_printf(file, "20 %d\n", cnx_send(&large, &to, CNX_MAY_SLEEP));
	seq_printf(file, "21 %d\n", cnx_dispatch(&unknown));
	seq_printf(file, "22 %d\n", dispatch_number(22, CNX_KIND_ATOMIC, true, 0));
	seq_printf(file, "23 %d\n", dispatch_number(23, CNX_KIND_SLEEPABLE, true, 0));
	seq_printf(file, "24 %d\n", dispatch_number(24, CNX_KIND_SLEEPABLE, false, 0));
	seq_printf(file, "25 %d\n", dispatch_number(25, CNX_KIND_ATOMIC, false, -EPROTO));
}

static int listeners_show(struct seq_file *file, void *unused)
{
	static u32 nobody = 1;
	const struct cnx_destination near = {.group = TEST_GROUP};
	const struct cnx_destination far = {.group = TEST_FAR_GROUP};
	struct cnx_destination to;

	seq_printf(file, "1 %d\n", send_number(1, &near, CNX_MAY_SLEEP));
	seq_printf(file, "2 %d\n", send_in_softirq(2, &near));
	seq_printf(file, "3 %d\n", send_in_hardirq(3, &near));
	seq_printf(file, "4 %d\n", send_under_spinlock(4, &near));
	seq_printf(file, "5 %d\n", send_batch(5, &near, CNX_MAY_SLEEP));
	seq_printf(file, "6 %d\n", send_by_lookup(6));
	to = (struct cnx_destination){.group = TEST_GROUP, .except = member_portid};
	seq_printf(file, "7 %d\n", send_number(7, &to, CNX_MAY_SLEEP));
	to = (struct cnx_destination){.portid = member_portid};
	seq_printf(file, "8 %d\n", send_number(8, &to, CNX_MAY_SLEEP));
	to = (struct cnx_destination){.portid = member_portid, .group = TEST_GROUP};
	seq_printf(file, "9 %d\n", send_number(9, &to, CNX_MAY_SLEEP));
	seq_printf(file, "10 %d\n", send_number(10, &far, CNX_MAY_SLEEP));
	seq_printf(file, "11 %d\n", send_in_softirq(11, &far));
	seq_printf(file, "12 %d\n", send_in_hardirq(12, &far));
	seq_printf(file, "13 %d\n", send_batch(13, &far, CNX_MAY_SLEEP));
	to = (struct cnx_destination){
	    .group = TEST_FAR_GROUP,
	    .filter = let_through,
	    .filter_context = &subscriber_portid,
	};
	seq_printf(file, "14 %d\n", send_number(14, &to, CNX_MAY_SLEEP));
	seq_printf(file, "15 %d\n", send_in_hardirq(15, &to));
	to.filter_context = &nobody;
	seq_printf(file, "16 %d\n", send_number(16, &to, CNX_MAY_SLEEP));
	to.group = TEST_GROUP;
	seq_printf(file, "17 %d\n", send_number(17, &to, CNX_MAY_SLEEP));
	to = (struct cnx_destination){.group = TEST_FAR_GROUP, .portid = subscriber_portid};
	seq_printf(file, "18 %d\n", send_number(18, &to, CNX_MAY_SLEEP));
	to = (struct cnx_destination){.group = TEST_FAR_GROUP, .except = subscriber_portid};
	seq_printf(file, "19 %d\n", send_number(19, &to, CNX_MAY_SLEEP));
	show_refusals(file);
	seq_printf(file, "26 %d\n", send_with_interrupts_off(26, &near));
	seq_printf(file, "27 %d\n", send_with_preemption_off(27, &near));
	seq_printf(file, "28 %d\n", send_batch_with_preemption_off(28, &near));
	seq_printf(file, "29 %d\n", send_with_preemption_off(29, &far));
	to = (struct cnx_destination){
	    .group = TEST_FAR_GROUP,
	    .filter = let_through,
	    .filter_context = &subscriber_portid,
	};
	seq_printf(file, "30 %d\n", send_batch_with_preemption_off(30, &to));
	to.filter_context = &nobody;
	seq_printf(file, "31 %d\n", send_with_preemption_off(31, &to));
	to = (struct cnx_destination){.portid = member_portid, .group = TEST_GROUP};
	seq_printf(file, "32 %d\n", send_with_interrupts_off(32, &to));
	to = (struct cnx_destination){.group = TEST_DEAF_GROUP};
	seq_printf(file, "33 %d\n", send_with_preemption_off(33, &to));
	to = (struct cnx_destination){.portid = member_portid, .lossless = true};
	seq_printf(file, "34 %d\n", send_with_preemption_off(34, &to));
	/* What was sent last comes last, whatever put off what was sent before. */
	seq_printf(file, "35 %d\n", send_number(35, &near, CNX_NO_SLEEP));
	return 0;
}

static int listeners_open(struct inode *inode, struct file *file)
{
	return single_open_size(file, listeners_show, NULL, PAGE_SIZE);
}

static ssize_t listeners_read(struct file *file, char __user *to, size_t size, loff_t *position)
{
	ssize_t result;

	mutex_lock(&listeners_mutex);
	result = seq_read(file, to, size, position);
	mutex_unlock(&listeners_mutex);
	return result;
}

static ssize_t listeners_write(struct file *file, const char __user *from, size_t size, loff_t *position)
{
	char text[40];
	int parsed;

	if (size >= sizeof(text) || copy_from_user(text, from, size))
		return -EINVAL;
	text[size] = '\0';
	mutex_lock(&listeners_mutex);
	parsed = sscanf(text, "%u %u", &member_portid, &subscriber_portid);
	mutex_unlock(&listeners_mutex);
	return parsed == 2 ? size : -EINVAL;
}

static const struct proc_ops listeners_operations = {
    .proc_open = listeners_open,
    .proc_read = listeners_read,
    .proc_write = listeners_write,
    .proc_lseek = seq_lseek,
    .proc_release = single_release,
};

static struct cnx_callback *answering;

int test_listeners_init(void)
{
	struct cnx_registration r = test_registration(4, answer_under_raw_lock, NULL);

	r.id.idx = TEST_GROUP;
	answering = cnx_register(&r);
	if (IS_ERR(answering))
		return PTR_ERR(answering);
	if (proc_create("cnx_test_listeners", 0600, NULL, &listeners_operations))
		return 0;
	cnx_unregister(answering);
	return -ENOMEM;
}

void test_listeners_exit(void)
{
	remove_proc_entry("cnx_test_listeners", NULL);
	cnx_unregister(answering);
}
