/* SPDX-License-Identifier: GPL-2.0-only */
/* What register_kprobe() has put in place, and how it is had back. */
#ifndef CNX_KERNEL_KPROBE_H
#define CNX_KERNEL_KPROBE_H

#include <linux/delay.h>
#include <linux/kprobes.h>

/*
 * Where the kernel has no memory to take a probe back it leaves it in place, in a module that may be about to go, and
 * tells so by the probe's address alone. May sleep.
 */
static inline void cnx_take_back(struct kprobe *probe)
{
	kprobe_opcode_t *const address = probe->addr;

	unregister_kprobe(probe);
	while (!probe->addr) {
		msleep(20);
		probe->addr = address;
		unregister_kprobe(probe);
	}
}

#endif /* CNX_KERNEL_KPROBE_H */
