// SPDX-License-Identifier: GPL-2.0-only
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "sight.h"

/*
 * Whether what the current task writes is what it means to say. A program of more rights that is given somebody else's
 * socket to write its output to says nothing of its own; one that names an address does, which is netlink's rule, too.
 */
static bool speaks_for_itself(const struct sk_buff *skb)
{
	const struct netlink_skb_parms *parms = &NETLINK_CB(skb);

	return parms->flags & NETLINK_SKB_DST || uid_eq(parms->sk->sk_socket->file->f_cred->euid, current_euid());
}

int procevents_sight_take(struct procevents_sight *sight, const struct cnx_sender *sender)
{
	struct pid_namespace *pids = task_active_pid_ns(current);

	/*
	 * The network namespace says who asks here. It does not say whose processes there are: who makes one of his own
	 * is root in it, and still in the pid namespace of all others.
	 */
	sight->everyone = netlink_ns_capable(sender->skb, sender->net->user_ns, CAP_NET_ADMIN) &&
	                  netlink_ns_capable(sender->skb, pids->user_ns, CAP_NET_ADMIN);
	if (!sight->everyone && !speaks_for_itself(sender->skb))
		return -EPERM;
	sight->user = current_uid();
	sight->pids = get_pid_ns(pids);
	sight->ids = get_user_ns(current_user_ns());
	return 0;
}

void procevents_sight_release(const struct procevents_sight *sight)
{
	put_pid_ns(sight->pids);
	put_user_ns(sight->ids);
}

bool procevents_sight_equals(const struct procevents_sight *one, const struct procevents_sight *other)
{
	return one->pids == other->pids && one->ids == other->ids && one->everyone == other->everyone &&
	       (one->everyone || uid_eq(one->user, other->user));
}
