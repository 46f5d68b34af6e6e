// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that sends as it is told, for tests that count every message. A line written to /proc/cnx_test_traffic is an
 * order, and what is read from the same open file afterwards is what came of it, as numbers. Several files may be open,
 * and their orders are carried out at once.
 *
 *	register DELAY MESSAGES BYTES	the callback, with these coalescing limits; -> status
 *	unregister			-> status
 *	send PORTID GROUP COUNT HOW	COUNT messages; -> how many were accepted, and the last one's status
 *	batch GROUP DATAGRAMS COUNT	datagrams of COUNT messages, of the two ids in turn; -> as for send
 *	report GROUP			one message, lossless; -> status, and the portids that it failed to reach
 *	received			-> messages that came from sockets, and how many of them out of turn
 *
 * HOW is a sum of LOSSLESS and ATOMIC. A message's seq counts what one order sends, and its payload is a struct
 *traffic.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>

#include <cnx/driver.h>

#define IDX 0x34

enum how { LOSSLESS = 1, ATOMIC = 2 };

struct traffic {
	u64 sent_ns; /* CLOCK_MONOTONIC */
	u32 number;
	u32 unused;
};

/* What an order came to. */
struct outcome {
	size_t size;
	char text[512];
};

static DEFINE_MUTEX(registration_mutex); /* guards `registered` */
static struct cnx_callback *registered;
static atomic_t received = ATOMIC_INIT(0);
static atomic_t out_of_turn = ATOMIC_INIT(0);

/* Messages from one sender at a time, whose seq counts from 1. */
static int receive(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	if (message->seq != (u32)atomic_inc_return(&received))
		atomic_inc(&out_of_turn);
	return 0;
}

static __printf(2, 3) void tell(struct outcome *outcome, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	outcome->size +=
	    vscnprintf(outcome->text + outcome->size, sizeof(outcome->text) - outcome->size, format, arguments);
	va_end(arguments);
}

static int do_register(u32 delay_us, u32 messages, u32 bytes)
{
	const struct cnx_registration registration = {
	    .id = {IDX, 1},
	    .name = "traffic",
	    .callback = receive,
	    .sender = CNX_SENDER_ANYONE,
	    .open_to_listeners = true,
	    .coalescing = {.delay_us = delay_us, .messages = messages, .bytes = bytes},
	};
	struct cnx_callback *callback;
	int status;

	mutex_lock(&registration_mutex);
	atomic_set(&received, 0);
	atomic_set(&out_of_turn, 0);
	callback = cnx_register(&registration);
	status = PTR_ERR_OR_ZERO(callback);
	if (!status)
		registered = callback;
	mutex_unlock(&registration_mutex);
	return status;
}

static int do_unregister(void)
{
	int status = -ENOENT;

	mutex_lock(&registration_mutex);
	if (registered)
		status = cnx_unregister(registered);
	if (!status)
		registered = NULL;
	mutex_unlock(&registration_mutex);
	return status;
}

static int send_one(const struct cnx_destination *to, u32 number, bool atomic)
{
	static DEFINE_SPINLOCK(lock);
	const struct traffic payload = {.sent_ns = ktime_get_ns(), .number = number};
	const struct cnx_message message = {
	    .id = {IDX, 1},
	    .seq = number,
	    .length = sizeof(payload),
	    .payload = &payload,
	};
	unsigned long flags;
	int status;

	if (!atomic)
		return cnx_send(&message, to, CNX_MAY_SLEEP);
	spin_lock_irqsave(&lock, flags);
	status = cnx_send(&message, to, CNX_NO_SLEEP);
	spin_unlock_irqrestore(&lock, flags);
	return status;
}

static void do_send(struct outcome *outcome, u32 portid, u32 group, u32 count, u32 how)
{
	const struct cnx_destination to = {.portid = portid, .group = group, .lossless = how & LOSSLESS};
	u32 accepted = 0;
	int status = 0;
	u32 i;

	for (i = 1; i <= count && !fatal_signal_pending(current); i++) {
		status = send_one(&to, i, how & ATOMIC);
		accepted += !status;
		/* A lossless order ends at the first message that has to wait; the others go on to the end. */
		if (status && (how & LOSSLESS))
			break;
		cond_resched();
	}
	tell(outcome, "%u %d\n", accepted, status);
}

static int send_batch(const struct cnx_destination *to, u32 first, u32 count)
{
	struct cnx_batch batch;
	u32 i;
	int status;

	status = cnx_batch_begin(&batch, count * cnx_batch_room(sizeof(struct traffic)), CNX_MAY_SLEEP);
	for (i = 0; !status && i < count; i++) {
		const struct cnx_message header = {
		    .id = {IDX, 1 + i % 2}, .seq = first + i, .length = sizeof(struct traffic)};
		struct traffic *payload = cnx_batch_reserve(&batch, &header);

		if (IS_ERR(payload)) {
			status = PTR_ERR(payload);
			break;
		}
		payload->number = first + i;
		status = cnx_batch_commit(&batch);
	}
	if (!status)
		return cnx_batch_send(&batch, to);
	cnx_batch_cancel(&batch);
	return status;
}

static void do_batch(struct outcome *outcome, u32 group, u32 datagrams, u32 count)
{
	const struct cnx_destination to = {.group = group};
	u32 accepted = 0;
	int status = 0;
	u32 i;

	for (i = 0; i < datagrams && !fatal_signal_pending(current); i++) {
		status = send_batch(&to, 1 + i * count, count);
		accepted += status ? 0 : count;
		cond_resched();
	}
	tell(outcome, "%u %d\n", accepted, status);
}

static void failed(void *context, __u32 portid, int status)
{
	tell(context, " %u", portid);
}

static void do_report(struct outcome *outcome, u32 group)
{
	struct outcome *portids = kzalloc(sizeof(*portids), GFP_KERNEL);
	const struct cnx_destination to = {
	    .group = group,
	    .lossless = true,
	    .failed = failed,
	    .failed_context = portids,
	};

	if (!portids)
		return;
	tell(outcome, "%d", send_one(&to, 1, false));
	tell(outcome, "%s\n", portids->text);
	kfree(portids);
}

static int carry_out(struct outcome *outcome, const char *order)
{
	u32 a, b, c, d;

	outcome->size = 0;
	if (sscanf(order, "register %u %u %u", &a, &b, &c) == 3)
		tell(outcome, "%d\n", do_register(a, b, c));
	else if (!strncmp(order, "unregister", 10))
		tell(outcome, "%d\n", do_unregister());
	else if (sscanf(order, "send %u %u %u %u", &a, &b, &c, &d) == 4)
		do_send(outcome, a, b, c, d);
	else if (sscanf(order, "batch %u %u %u", &a, &b, &c) == 3)
		do_batch(outcome, a, b, c);
	else if (sscanf(order, "report %u", &a) == 1)
		do_report(outcome, a);
	else if (!strncmp(order, "received", 8))
		tell(outcome, "%d %d\n", atomic_read(&received), atomic_read(&out_of_turn));
	else
		return -EINVAL;
	return 0;
}

static int traffic_open(struct inode *inode, struct file *file)
{
	file->private_data = kzalloc(sizeof(struct outcome), GFP_KERNEL);
	return file->private_data ? 0 : -ENOMEM;
}

static int traffic_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static ssize_t traffic_write(struct file *file, const char __user *from, size_t size, loff_t *position)
{
	char order[64];
	int status;

	if (size >= sizeof(order))
		return -EINVAL;
	if (copy_from_user(order, from, size))
		return -EFAULT;
	order[size] = '\0';
	status = carry_out(file->private_data, order);
	return status ?: size;
}

static ssize_t traffic_read(struct file *file, char __user *to, size_t size, loff_t *position)
{
	const struct outcome *outcome = file->private_data;

	return simple_read_from_buffer(to, size, position, outcome->text, outcome->size);
}

static const struct proc_ops traffic_operations = {
    .proc_open = traffic_open,
    .proc_release = traffic_release,
    .proc_read = traffic_read,
    .proc_write = traffic_write,
};

static int __init traffic_init(void)
{
	return proc_create("cnx_test_traffic", 0600, NULL, &traffic_operations) ? 0 : -ENOMEM;
}

static void __exit traffic_exit(void)
{
	remove_proc_entry("cnx_test_traffic", NULL);
	do_unregister();
}

module_init(traffic_init);
module_exit(traffic_exit);
MODULE_LICENSE("GPL v2");
MODULE_AUTHOR("The cnx authors");
MODULE_DESCRIPTION("Sends as it is told, for tests that count every message");
