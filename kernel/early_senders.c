// SPDX-License-Identifier: GPL-2.0-only
#include <linux/errno.h>
#include <linux/net.h>
#include <linux/printk.h>
#include <linux/ptrace.h>
#include <linux/socket.h>
#include <net/sock.h>

#include "early_senders.h"
#include "kprobe.h"

static void tell_nobody(struct sock *socket) {}

static int divert(struct kprobe *probe, struct pt_regs *registers)
{
	instruction_pointer_set(registers, (unsigned long)tell_nobody);
	return 1;
}

/* By it kprobes know that where the probed function would go on is changed. */
static void changes_the_path(struct kprobe *probe, struct pt_regs *registers, unsigned long flags) {}

static struct kprobe ready = {
    .symbol_name = "netlink_data_ready", .pre_handler = divert, .post_handler = changes_the_path};
static bool held_off;

int cnx_early_senders_hold_off(void)
{
	const int status = register_kprobe(&ready);

	held_off = !status;
	if (status == -ENOMEM)
		return status;
	if (status)
		pr_info("cnx: programs that send while it loads are not held off (%d): see doc/containers.md\n",
		        status);
	return 0;
}

void cnx_early_senders_let_in(void)
{
	if (held_off)
		cnx_take_back(&ready);
}

void cnx_early_senders_forget(struct sock *socket)
{
	int status;

	do {
		u8 nothing;
		struct kvec buffer = {.iov_base = &nothing, .iov_len = sizeof(nothing)};
		struct msghdr message = {};

		status = kernel_recvmsg(socket->sk_socket, &message, &buffer, 1, sizeof(nothing), MSG_DONTWAIT);
	} while (status >= 0);
}
