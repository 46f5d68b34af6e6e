/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interface of the kernel's own connector over cnx: a driver written for that builds unchanged and speaks through
 * cnx. Its build must find this file before the kernel's of the same name, and cnx's symbols (its Kbuild file):
 *
 *	NOSTDINC_FLAGS += -I$(CNX)/include/compat -I$(CNX)/include
 *	KBUILD_EXTRA_SYMBOLS += $(CNX)/build/kernel/Module.symvers
 *
 * Names, arguments, return codes and contexts are the connector's, and so is that callbacks may sleep and must check
 * the sender's rights themselves. doc/driver-guide.md lists where cnx differs.
 */
#ifndef __CONNECTOR_H /* the kernel's own guard, so that its header cannot follow this one */
#define __CONNECTOR_H

#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/netlink.h>
#include <linux/refcount.h>
#include <linux/version.h>
#include <linux/workqueue.h>
#include <net/sock.h>
#include <uapi/linux/connector.h>

#define CN_CBQ_NAMELEN 32

/* The kernel exports cn_ names of its own, and a module may not export them again. */
#define cn_add_callback cnx_compat_add_callback
#define cn_del_callback cnx_compat_del_callback
#define cn_netlink_send cnx_compat_send
#define cn_netlink_send_mult cnx_compat_send_mult

/*
 * Process context; may sleep. A name beyond CN_CBQ_NAMELEN - 1 bytes is cut. 0, -EINVAL (taken, or a null pointer),
 * -ENOMEM.
 */
int cn_add_callback(const struct cb_id *id, const char *name,
                    void (*callback)(struct cn_msg *, struct netlink_skb_parms *));

/* Process context; may sleep. Unlike the connector's, it returns when the callback has ended and will not run again. */
void cn_del_callback(const struct cb_id *id);

/*
 * Send `len` bytes that follow *msg, which may hold further messages. 0, or the bytes sent if to portid alone; -ENODEV,
 * -ESRCH, -ENOMEM, -EMSGSIZE; -ENOBUFS where the connector says -ESRCH of listeners whose queues are full.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
typedef int (*netlink_filter_fn)(struct sock *dsk, struct sk_buff *skb, void *data);
/* A filter is refused with -EOPNOTSUPP: netlink would run it after the copy that it is to save. Use cnx/driver.h. */
int cn_netlink_send_mult(struct cn_msg *msg, u16 len, u32 portid, u32 group, gfp_t gfp_mask, netlink_filter_fn filter,
                         void *filter_data);
#else
int cn_netlink_send_mult(struct cn_msg *msg, u16 len, u32 portid, u32 group, gfp_t gfp_mask);
#endif

/* One message of msg->len bytes. */
int cn_netlink_send(struct cn_msg *msg, u32 portid, u32 group, gfp_t gfp_mask);

#endif /* __CONNECTOR_H */
