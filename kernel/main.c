// SPDX-License-Identifier: GPL-2.0-only
/* cnx.ko: its entry, its netlink socket, /proc and sysctl files, and the symbols that drivers link against. */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/notifier.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/sysctl.h>
#include <net/net_namespace.h>
#include <net/netlink.h>
#include <net/sock.h>

#include <cnx/version.h>

#include "bindings.h"
#include "skb_pool.h"
#include "version.h"

static unsigned int cnx_protocol;
module_param_named(protocol, cnx_protocol, uint, 0444);
MODULE_PARM_DESC(protocol, "netlink protocol number in the initial network namespace, 1 to 31 (default 0: 11 where "
                           "the kernel leaves it free, else 28)");

static unsigned int cnx_pool_depth = 256;
module_param_named(pool_depth, cnx_pool_depth, uint, 0444);
MODULE_PARM_DESC(pool_depth,
                 "skbs that are kept ready for each CPU and size where so many are used, 0 to 1024 (default 256; 0: "
                 "none, each send allocates its own)");

static unsigned int cnx_pool_bytes = 3776;
module_param_named(pool_bytes, cnx_pool_bytes, uint, 0444);
MODULE_PARM_DESC(pool_bytes,
                 "size of the largest datagram that an skb is kept ready for, 0 to 3776 bytes with its headers "
                 "(default 3776; 0: none)");

/* The kernel socket of the initial network namespace. Set before the core runs, cleared after it has ended. */
struct sock *cnx_k_socket;

static struct sock *cnx_socket_of(struct net *net)
{
	return !net || net_eq(net, &init_net) ? cnx_k_socket : NULL;
}

bool cnx_k_group_has_members(struct net *net, __u32 group)
{
	struct sock *socket = cnx_socket_of(net);

	return socket && netlink_has_listeners(socket, group);
}

int cnx_k_broadcast(struct net *net, struct sk_buff *skb, __u32 except, __u32 group, bool may_sleep)
{
	struct sock *socket = cnx_socket_of(net);

	if (!socket) {
		kfree_skb(skb);
		return -ESRCH;
	}
	NETLINK_CB(skb).dst_group = group;
	return netlink_broadcast(socket, skb, except, group, GFP_ATOMIC);
}

int cnx_k_unicast(struct net *net, struct sk_buff *skb, __u32 portid, __u32 group, bool wait)
{
	struct sock *socket = cnx_socket_of(net);
	int delivered;

	if (!socket) {
		kfree_skb(skb);
		return -ECONNREFUSED;
	}
	NETLINK_CB(skb).dst_group = group;
	delivered = netlink_unicast(socket, skb, portid, !wait);
	return delivered < 0 ? delivered : 0;
}

void cnx_k_answer(struct sk_buff *received, const void *message, int status, const char *sentence)
{
	struct netlink_ext_ack extack = {._msg = sentence};

	netlink_ack(received, (struct nlmsghdr *)message, status, &extack);
}

static void cnx_input(struct sk_buff *skb)
{
	const struct netlink_skb_parms *parms = &NETLINK_CB(skb);
	const struct cnx_k_origin origin = {
	    .pid = parms->creds.pid,
	    .uid = __kuid_val(parms->creds.uid),
	    .gid = __kgid_val(parms->creds.gid),
	    .portid = parms->portid,
	};

	cnx_core_receive(skb, skb->data, skb->len, sock_net(skb->sk), origin);
}

/* Who may join a group: see CNX_CONTROL_SUBSCRIBE in cnx/uapi.h, whose rule is the same. Process context. */
static int cnx_bind(struct net *net, int group)
{
	if (!cnx_socket_of(net))
		return -EOPNOTSUPP;
	if (ns_capable(net->user_ns, CAP_NET_ADMIN) || cnx_core_group_is_open(group))
		return 0;
	return -EPERM;
}

static int cnx_socket_event(struct notifier_block *block, unsigned long event, void *data)
{
	const struct netlink_notify *notify = data;

	if (event == NETLINK_URELEASE && notify->protocol == cnx_protocol && cnx_socket_of(notify->net))
		cnx_core_socket_closed(notify->portid);
	return NOTIFY_DONE;
}

static struct notifier_block cnx_notifier = {
    .notifier_call = cnx_socket_event,
};

static struct sock *cnx_listen_on(unsigned int protocol)
{
	struct netlink_kernel_cfg config = {
	    .groups = CNX_GROUPS,
	    .flags = NL_CFG_F_NONROOT_RECV,
	    .input = cnx_input,
	    .bind = cnx_bind,
	};

	return netlink_kernel_create(&init_net, protocol, &config);
}

/* A position is the serial of the callback shown last, so a listing survives what comes and goes meanwhile. */
struct cnx_listing {
	struct cnx_callback_record record;
};

static void *cnx_listing_next(struct seq_file *file, void *shown, loff_t *position)
{
	struct cnx_listing *listing = file->private;

	if (!cnx_core_next_callback(*position, &listing->record)) {
		++*position;
		return NULL;
	}
	*position = listing->record.serial;
	return listing;
}

static void *cnx_listing_start(struct seq_file *file, loff_t *position)
{
	struct cnx_listing *listing = file->private;

	if (*position == 0)
		return SEQ_START_TOKEN;
	/* The callback at the position is the first that has not been shown; it may be gone by now. */
	if (!cnx_core_next_callback(*position - 1, &listing->record))
		return NULL;
	*position = listing->record.serial;
	return listing;
}

static void cnx_listing_stop(struct seq_file *file, void *shown) {}

static int cnx_listing_show(struct seq_file *file, void *shown)
{
	const struct cnx_listing *listing = shown;

	if (shown == SEQ_START_TOKEN)
		seq_puts(file, "Name            ID\n");
	else
		seq_printf(file, "%-15s %u:%u\n", listing->record.name, listing->record.id.idx, listing->record.id.val);
	return 0;
}

static const struct seq_operations cnx_listing_operations = {
    .start = cnx_listing_start,
    .next = cnx_listing_next,
    .stop = cnx_listing_stop,
    .show = cnx_listing_show,
};

static struct ctl_table cnx_sysctls[] = {{
                                             .procname = "protocol",
                                             .data = &cnx_protocol,
                                             .maxlen = sizeof(cnx_protocol),
                                             .mode = 0444,
                                             .proc_handler = proc_douintvec,
                                         },
                                         CNX_SYSCTL_SENTINEL};

static struct ctl_table_header *cnx_sysctl_header;

/* Sets cnx_protocol and cnx_k_socket. */
static int cnx_open_socket(void)
{
	if (cnx_protocol >= MAX_LINKS) {
		pr_err("cnx: protocol=%u is not a netlink protocol number: use 1 to %u, or 0 to choose\n", cnx_protocol,
		       MAX_LINKS - 1);
		return -EINVAL;
	}
	if (cnx_protocol) {
		cnx_k_socket = cnx_listen_on(cnx_protocol);
		if (!cnx_k_socket)
			pr_err("cnx: netlink protocol %u is taken: use another number, or 0 to choose\n", cnx_protocol);
		return cnx_k_socket ? 0 : -EADDRINUSE;
	}
	cnx_protocol = CNX_PROTOCOL_CONNECTOR;
	cnx_k_socket = cnx_listen_on(cnx_protocol);
	if (cnx_k_socket)
		return 0;
	cnx_protocol = CNX_PROTOCOL_FALLBACK;
	cnx_k_socket = cnx_listen_on(cnx_protocol);
	if (cnx_k_socket)
		return 0;
	pr_err("cnx: netlink protocols %u and %u are taken, or there is no memory: load with protocol=N\n",
	       CNX_PROTOCOL_CONNECTOR, CNX_PROTOCOL_FALLBACK);
	return -EADDRINUSE;
}

static int __init cnx_init(void)
{
	int status;

	status = cnx_core_init(CNX_VERSION, cnx_pool_depth, cnx_pool_bytes);
	if (status == -EINVAL)
		pr_err("cnx: pool_depth=%u pool_bytes=%u is not a pool: use 0 to 1024 skbs of 0 to %zu bytes\n",
		       cnx_pool_depth, cnx_pool_bytes, (size_t)cnx_k_skb_room(CNX_K_POOL_LARGEST_HEAD));
	if (status)
		return status;
	status = cnx_pool_start();
	if (status)
		goto end_core;
	status = netlink_register_notifier(&cnx_notifier);
	if (status)
		goto end_pool;
	status = cnx_open_socket();
	if (status)
		goto end_notifier;
	cnx_core_opened(cnx_protocol, CNX_GROUPS);
	if (!proc_create_seq_private("cnx", 0444, init_net.proc_net, &cnx_listing_operations,
	                             sizeof(struct cnx_listing), NULL)) {
		status = -ENOMEM;
		goto end_socket;
	}
	cnx_sysctl_header = register_net_sysctl(&init_net, "net/cnx", cnx_sysctls);
	if (!cnx_sysctl_header) {
		status = -ENOMEM;
		goto end_proc;
	}
	pr_info("cnx: %s: netlink protocol %u, %u groups\n", CNX_VERSION, cnx_protocol, CNX_GROUPS);
	return 0;

end_proc:
	remove_proc_entry("cnx", init_net.proc_net);
end_socket:
	netlink_kernel_release(cnx_k_socket);
end_notifier:
	netlink_unregister_notifier(&cnx_notifier);
end_pool:
	cnx_pool_stop();
end_core:
	cnx_core_exit();
	return status;
}

/* Reached only when no user socket is open and no driver is loaded: both pin the module. */
static void __exit cnx_exit(void)
{
	unregister_net_sysctl_table(cnx_sysctl_header);
	remove_proc_entry("cnx", init_net.proc_net);
	netlink_kernel_release(cnx_k_socket);
	netlink_unregister_notifier(&cnx_notifier);
	cnx_pool_stop();
	cnx_core_exit();
}

module_init(cnx_init);
module_exit(cnx_exit);
MODULE_LICENSE("GPL v2");
MODULE_AUTHOR("The cnx authors");
MODULE_DESCRIPTION("A message bus between drivers and user programs over netlink");
MODULE_VERSION(CNX_VERSION);
