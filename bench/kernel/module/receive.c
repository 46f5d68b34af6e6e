// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sends to the bus from inside the kernel, through a netlink socket like a program's: what a system call adds is left
 * out, and nothing else is. Senders are threads, one to a CPU.
 */
#include <linux/completion.h>
#include <linux/connector.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/vmalloc.h>
#include <net/net_namespace.h>

#include "bench.h"

#define MOST_SENDERS 2

struct message {
	struct nlmsghdr netlink;
	struct cn_msg connector;
	u8 payload[BENCH_PAYLOAD];
};
static_assert(sizeof(struct message) == NLMSG_ALIGN(sizeof(struct message)), "messages follow each other unpadded");

/* What the senders send: for each callback a datagram of so many messages. */
struct traffic {
	struct message *messages;
	unsigned int callbacks;
	unsigned int batch;
	struct plan plan;
	atomic_t missing; /* senders that have not begun */
};

struct sender {
	struct traffic *traffic;
	struct socket *socket;
	struct task_struct *task;
	struct completion done;
	u64 *ticks;
	unsigned int sent;
	int status;
};

static int make_traffic(struct traffic *traffic)
{
	const size_t count = (size_t)traffic->callbacks * traffic->batch;
	size_t i;

	traffic->messages = vzalloc(count * sizeof(*traffic->messages));
	if (!traffic->messages)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		struct message *message = &traffic->messages[i];

		message->netlink.nlmsg_len = sizeof(*message);
		message->netlink.nlmsg_type = NLMSG_DONE;
		message->connector.id.idx = BENCH_IDX;
		message->connector.id.val = i / traffic->batch;
		message->connector.len = BENCH_PAYLOAD;
	}
	return 0;
}

static int send_next(void *context)
{
	struct sender *sender = context;
	const struct traffic *traffic = sender->traffic;
	/* A prime is a stride that comes by all of them, and not in the order in which they lie. */
	const size_t callback = sender->sent++ * 7919ul % traffic->callbacks;
	struct msghdr header = {};
	struct kvec datagram = {
	    .iov_base = traffic->messages + callback * traffic->batch,
	    .iov_len = traffic->batch * sizeof(*traffic->messages),
	};
	const int sent = kernel_sendmsg(sender->socket, &header, &datagram, 1, datagram.iov_len);

	return sent < 0 ? sent : 0;
}

static int sender_main(void *context)
{
	struct sender *sender = context;
	struct traffic *traffic = sender->traffic;

	/* They begin together, so that they meet from their first message to their last. */
	atomic_dec(&traffic->missing);
	while (atomic_read(&traffic->missing))
		cond_resched();
	sender->status = bench_measure(sender->ticks, traffic->plan, send_next, sender);
	complete(&sender->done);
	return 0;
}

static int open_sender(struct sender *sender, struct traffic *traffic, unsigned int cpu, unsigned int protocol)
{
	int status;

	sender->traffic = traffic;
	sender->ticks = bench_ticks + (size_t)cpu * traffic->plan.steps;
	init_completion(&sender->done);
	status = sock_create_kern(&init_net, PF_NETLINK, SOCK_RAW, protocol, &sender->socket);
	if (status)
		return status;
	sender->task = kthread_create(sender_main, sender, "cnx_bench/%u", cpu);
	if (IS_ERR(sender->task)) {
		sock_release(sender->socket);
		return PTR_ERR(sender->task);
	}
	/* It is looked at after it may have ended. */
	get_task_struct(sender->task);
	kthread_bind(sender->task, cpu);
	return 0;
}

static void close_sender(struct sender *sender)
{
	kthread_stop(sender->task);
	put_task_struct(sender->task);
	sock_release(sender->socket);
}

static int run_senders(struct traffic *traffic, unsigned int count, unsigned int protocol)
{
	struct sender senders[MOST_SENDERS] = {};
	unsigned int opened, i;
	int status = 0;

	for (opened = 0; opened < count; opened++) {
		status = open_sender(&senders[opened], traffic, opened, protocol);
		if (status)
			break;
	}
	for (i = 0; !status && i < count; i++)
		wake_up_process(senders[i].task);
	for (i = 0; !status && i < count; i++)
		wait_for_completion(&senders[i].done);
	for (i = 0; i < opened; i++) {
		status = status ?: senders[i].status;
		close_sender(&senders[i]);
	}
	return status;
}

int bench_receive(enum bus bus, const unsigned int *numbers)
{
	const unsigned int protocol = numbers[0], senders = numbers[1];
	struct traffic traffic = {
	    .callbacks = bench_registered(bus),
	    .plan = {numbers[2], numbers[3]},
	    .batch = numbers[4],
	    .missing = ATOMIC_INIT(senders),
	};
	int status;

	if (!senders || senders > MOST_SENDERS || senders > num_online_cpus() || !traffic.callbacks || !traffic.batch ||
	    traffic.batch > (bus == CNX ? BENCH_MOST_BATCH : 1) || traffic.plan.steps > BENCH_MOST_TICKS / senders)
		return -EINVAL;
	status = make_traffic(&traffic);
	if (!status)
		status = run_senders(&traffic, senders, protocol);
	vfree(traffic.messages);
	bench_steps = status ? 0 : senders * traffic.plan.steps;
	return status;
}
