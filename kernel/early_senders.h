/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs that send to cnx while netlink makes a socket for it. netlink lets a kernel socket be found before it marks
 * it as the kernel's; what comes in between it queues, as to a program, and the function by which it then tells the
 * socket's owner is netlink_data_ready(), which is a BUG (__netlink_kernel_create() in net/netlink/af_netlink.c). That
 * takes a program that already has a socket of the protocol in that namespace: one that was there before cnx, where the
 * protocol is the kernel connector's.
 */
#ifndef CNX_KERNEL_EARLY_SENDERS_H
#define CNX_KERNEL_EARLY_SENDERS_H

#include <linux/kconfig.h>

struct sock;

#if IS_ENABLED(CONFIG_KPROBES)

/*
 * From here to there nothing is called in place of that function, on any socket. Holds nobody off, and says so in the
 * log, where the kernel lets the function not be probed. 0; -ENOMEM, and then there is nothing to end. May sleep.
 */
int cnx_early_senders_hold_off(void);
void cnx_early_senders_let_in(void);

/*
 * Once they have all told: takes what they sent to this kernel socket out of its queue, where nobody would look for it,
 * and has those go on who wait for room there. What is taken has no answer. Process context.
 */
void cnx_early_senders_forget(struct sock *socket);

#else

static inline int cnx_early_senders_hold_off(void)
{
	return 0;
}
static inline void cnx_early_senders_let_in(void) {}
static inline void cnx_early_senders_forget(struct sock *socket) {}

#endif

#endif /* CNX_KERNEL_EARLY_SENDERS_H */
