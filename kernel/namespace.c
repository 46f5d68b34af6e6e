// SPDX-License-Identifier: GPL-2.0-only
/*
 * cnx in each network namespace: a kernel socket, the listing in /proc, and the protocol's number in sysctl.
 *
 * A user socket of a protocol whose first kernel socket is ours pins this module. Elsewhere the first is the kernel's
 * own connector, which is in the initial namespace alone: there cnx answers on its protocol, and nothing pins cnx. What
 * runs on behalf of such a socket is therefore inside cnx_users.
 */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/notifier.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/seq_file.h>
#include <linux/srcu.h>
#include <linux/sysctl.h>
#include <net/net_namespace.h>
#include <net/netlink.h>
#include <net/netns/generic.h>
#include <net/sock.h>

#include "bindings.h"
#include "deferral.h"
#include "early_senders.h"
#include "namespace.h"
#include "version.h"

static const struct ctl_table cnx_sysctls[] = {{
                                                   .procname = "protocol",
                                                   .maxlen = sizeof(unsigned int),
                                                   .mode = 0444,
                                                   .proc_handler = proc_douintvec,
                                               },
                                               CNX_SYSCTL_SENTINEL};

struct cnx_namespace {
	struct cnx_connector *connector; /* NULL: cnx has no socket here */
	struct sock *socket;
	unsigned int protocol;
	struct ctl_table sysctls[ARRAY_SIZE(cnx_sysctls)];
	struct ctl_table_header *sysctl_header;
};

static unsigned int cnx_namespace_id __read_mostly;

/*
 * Entered by who asks whether the core is open, in which case the namespaces' state is there to be looked at: to wait
 * for it is to wait for them.
 */
DEFINE_STATIC_SRCU(cnx_users);

/* Entered by who tells the core that a socket has closed. */
DEFINE_STATIC_SRCU(cnx_closing);

/* Whether there ever was another namespace than the initial one. */
static bool cnx_was_elsewhere;

static struct cnx_namespace *cnx_namespace_of(const struct net *net)
{
	return net_generic(net, cnx_namespace_id);
}

struct cnx_connector *cnx_k_connector_of(const struct net *net)
{
	return cnx_namespace_of(net)->connector;
}

static __always_inline struct cnx_k_origin cnx_origin(const struct sk_buff *skb)
{
	const struct netlink_skb_parms *parms = &NETLINK_CB(skb);

	return (struct cnx_k_origin){
	    .pid = parms->creds.pid,
	    .uid = __kuid_val(parms->creds.uid),
	    .gid = __kgid_val(parms->creds.gid),
	    .portid = parms->portid,
	};
}

/* In the initial namespace, where the sender pins this module. */
static void cnx_input(struct sk_buff *skb)
{
	cnx_core_receive(skb, skb->data, skb->len, &init_net, cnx_origin(skb));
}

static void cnx_input_elsewhere(struct sk_buff *skb)
{
	struct net *net = sock_net(skb->sk);
	int index = srcu_read_lock(&cnx_users);

	if (cnx_core_is_open())
		cnx_core_receive_by(cnx_namespace_of(net)->connector, skb, skb->data, skb->len, net, cnx_origin(skb));
	srcu_read_unlock(&cnx_users, index);
}

/* Who may join a group: see CNX_CONTROL_SUBSCRIBE in cnx/uapi.h, whose rule is the same. Process context. */
static int cnx_bind(struct net *net, int group)
{
	struct cnx_connector *connector;
	int status = -EOPNOTSUPP;
	int index = srcu_read_lock(&cnx_users);

	/* A socket of the initial namespace's protocol in another one, where cnx answers on its own. */
	if (!cnx_core_is_open() || cnx_namespace_of(net)->protocol != cnx_namespace_of(&init_net)->protocol)
		goto end;
	connector = cnx_namespace_of(net)->connector;
	if (connector)
		status =
		    ns_capable(net->user_ns, CAP_NET_ADMIN) || cnx_core_group_is_open(connector, group) ? 0 : -EPERM;
end:
	srcu_read_unlock(&cnx_users, index);
	return status;
}

static int cnx_socket_event(struct notifier_block *block, unsigned long event, void *data)
{
	const struct netlink_notify *notify = data;
	const struct cnx_namespace *space;
	int index;

	if (event != NETLINK_URELEASE)
		return NOTIFY_DONE;
	/* To unregister the notifier is to wait for this, so that the namespaces are there. */
	index = srcu_read_lock(&cnx_closing);
	if (cnx_core_is_open()) {
		space = cnx_namespace_of(notify->net);
		if (space->connector && space->protocol == notify->protocol)
			cnx_core_socket_closed(space->connector, notify->portid);
	}
	srcu_read_unlock(&cnx_closing, index);
	return NOTIFY_DONE;
}

void cnx_k_wait_for_closing(void)
{
	synchronize_srcu(&cnx_closing);
}

static struct notifier_block cnx_notifier = {
    .notifier_call = cnx_socket_event,
};

/* A position is the serial of the callback shown last, so a listing survives what comes and goes meanwhile. */
struct cnx_listing {
	struct seq_net_private net; /* first, for seq_file_net() */
	struct cnx_callback_record record;
};

static void *cnx_listing_next(struct seq_file *file, void *shown, loff_t *position)
{
	struct cnx_listing *listing = file->private;

	if (!cnx_core_next_callback(cnx_k_connector_of(seq_file_net(file)), *position, &listing->record)) {
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
	if (!cnx_core_next_callback(cnx_k_connector_of(seq_file_net(file)), *position - 1, &listing->record))
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

/* Whether the kernel's own connector is where /proc/net/connector would be. */
static bool cnx_kernel_has_connector(const struct net *net)
{
	return IS_ENABLED(CONFIG_CONNECTOR) && net_eq(net, &init_net);
}

static bool cnx_make_listing(struct net *net, const char *name)
{
	return proc_create_net(name, 0444, net->proc_net, &cnx_listing_operations, sizeof(struct cnx_listing));
}

/*
 * netlink makes no socket and does not say why. Whether there is one already can be asked as any program may, by
 * sending to it: a byte, which is too short to be a message of any protocol's.
 */
static bool cnx_protocol_is_taken(struct net *net, unsigned int protocol)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct msghdr message = {.msg_name = &kernel, .msg_namelen = sizeof(kernel)};
	u8 nothing = 0;
	struct kvec payload = {.iov_base = &nothing, .iov_len = sizeof(nothing)};
	struct socket *socket;
	int sent;

	if (sock_create_kern(net, PF_NETLINK, SOCK_RAW, protocol, &socket))
		return false;
	sent = kernel_sendmsg(socket, &message, &payload, 1, sizeof(nothing));
	sock_release(socket);
	return sent >= 0;
}

/* 0, -EADDRINUSE, -ENOMEM. */
static int cnx_listen_on(struct net *net, unsigned int protocol)
{
	struct cnx_namespace *space = cnx_namespace_of(net);
	struct netlink_kernel_cfg config = {
	    .groups = CNX_GROUPS,
	    .flags = NL_CFG_F_NONROOT_RECV,
	    .input = net_eq(net, &init_net) ? cnx_input : cnx_input_elsewhere,
	    .bind = cnx_bind,
	};

	space->protocol = protocol;
	space->socket = netlink_kernel_create(net, protocol, &config);
	if (space->socket)
		return 0;
	return cnx_protocol_is_taken(net, protocol) ? -EADDRINUSE : -ENOMEM;
}

/* What the caller of cnx_namespaces_open() asked for. */
static unsigned int cnx_wanted_protocol;

static int cnx_listen_initially(struct net *net)
{
	int status;

	if (cnx_wanted_protocol) {
		status = cnx_listen_on(net, cnx_wanted_protocol);
		if (status == -EADDRINUSE)
			pr_err("cnx: netlink protocol %u is taken: use another number, or 0 to choose\n",
			       cnx_wanted_protocol);
		return status;
	}
	status = cnx_listen_on(net, CNX_PROTOCOL_CONNECTOR);
	if (status == -EADDRINUSE)
		status = cnx_listen_on(net, CNX_PROTOCOL_FALLBACK);
	if (status == -EADDRINUSE)
		pr_err("cnx: netlink protocols %u and %u are taken: load with protocol=N\n", CNX_PROTOCOL_CONNECTOR,
		       CNX_PROTOCOL_FALLBACK);
	return status;
}

/* netlink's table of a protocol's groups is as its first kernel socket asked, and no smaller than this. */
#define CNX_LEAST_GROUPS 32

static int cnx_namespace_init(struct net *net)
{
	struct cnx_namespace *space = cnx_namespace_of(net);
	const bool initially = net_eq(net, &init_net);
	struct cnx_connector *connector;
	unsigned int groups = CNX_GROUPS;
	int status = initially ? cnx_listen_initially(net) : 0;

	if (status)
		return status;
	if (!initially) {
		cnx_was_elsewhere = true;
		status = cnx_listen_on(net, CNX_PROTOCOL_CONNECTOR);
		/* Somebody else's socket there is no reason for the namespace not to be. */
		if (status == -EADDRINUSE) {
			pr_warn_ratelimited("cnx: netlink protocol %u is taken in a new network namespace, which "
			                    "therefore has no cnx\n",
			                    CNX_PROTOCOL_CONNECTOR);
			return 0;
		}
		if (status)
			return status;
		if (cnx_namespace_of(&init_net)->protocol != CNX_PROTOCOL_CONNECTOR)
			groups = CNX_LEAST_GROUPS;
	}
	status = -ENOMEM;
	connector = initially ? cnx_core_initial() : cnx_core_connector_create();
	if (!connector)
		goto end_socket;
	cnx_core_connector_opened(connector, space->socket, space->protocol, groups,
	                          initially && space->protocol != CNX_PROTOCOL_CONNECTOR);
	if (!cnx_make_listing(net, "cnx"))
		goto end_connector;
	if (!cnx_kernel_has_connector(net) && !cnx_make_listing(net, "connector"))
		goto end_listing;
	memcpy(space->sysctls, cnx_sysctls, sizeof(cnx_sysctls));
	space->sysctls[0].data = &space->protocol;
	space->sysctl_header = register_net_sysctl(net, "net/cnx", space->sysctls);
	if (!space->sysctl_header)
		goto end_listings;
	space->connector = connector;
	return 0;

end_listings:
	if (!cnx_kernel_has_connector(net))
		remove_proc_entry("connector", net->proc_net);
end_listing:
	remove_proc_entry("cnx", net->proc_net);
end_connector:
	if (!initially)
		cnx_core_connector_close(connector);
end_socket:
	netlink_kernel_release(space->socket);
	return status;
}

/* No user socket is left in the namespace, or cnx is closed. */
static void cnx_namespace_exit(struct net *net)
{
	struct cnx_namespace *space = cnx_namespace_of(net);

	if (!space->connector)
		return;
	/* What drivers have sent here. */
	cnx_k_settle();
	unregister_net_sysctl_table(space->sysctl_header);
	if (!cnx_kernel_has_connector(net))
		remove_proc_entry("connector", net->proc_net);
	remove_proc_entry("cnx", net->proc_net);
	netlink_kernel_release(space->socket);
	if (!net_eq(net, &init_net))
		cnx_core_connector_close(space->connector);
	space->connector = NULL;
}

static struct pernet_operations cnx_namespaces = {
    .init = cnx_namespace_init,
    .exit = cnx_namespace_exit,
    .id = &cnx_namespace_id,
    .size = sizeof(struct cnx_namespace),
};

/*
 * A task may be about to enter cnx_users, or may have just left it, with nothing to pin this module. It finds cnx
 * closed, and is out of this code once it has slept or is back in user space.
 */
static void cnx_wait_for_users(void)
{
	if (cnx_was_elsewhere)
		synchronize_rcu_tasks();
}

static void cnx_forget_early_senders(void)
{
	struct net *net;

	down_read(&net_rwsem);
	for_each_net(net)
		if (cnx_namespace_of(net)->connector)
			cnx_early_senders_forget(cnx_namespace_of(net)->socket);
	up_read(&net_rwsem);
}

/* In those namespaces that there are, and from now on in each new one. */
static int cnx_make_namespaces(void)
{
	int status = cnx_early_senders_hold_off();

	if (status)
		return status;
	status = register_pernet_subsys(&cnx_namespaces);
	/* Who has found a socket that was not marked yet does not sleep before it has told its owner. */
	cnx_wait_for_users();
	if (!status)
		cnx_forget_early_senders();
	cnx_early_senders_let_in();
	return status;
}

int cnx_namespaces_open(unsigned int *protocol)
{
	int status;

	cnx_wanted_protocol = *protocol;
	status = cnx_make_namespaces();
	if (status)
		return status;
	status = netlink_register_notifier(&cnx_notifier);
	if (status) {
		unregister_pernet_subsys(&cnx_namespaces);
		cnx_wait_for_users();
		return status;
	}
	*protocol = cnx_namespace_of(&init_net)->protocol;
	/* Not before a socket's end is noticed: what has subscribed must be forgotten. */
	cnx_core_open(true);
	return 0;
}

void cnx_namespaces_close(void)
{
	cnx_core_open(false);
	synchronize_srcu(&cnx_users);
	netlink_unregister_notifier(&cnx_notifier);
	/* What drivers have destroyed may still be about to let go of its namespace. */
	rcu_barrier();
	unregister_pernet_subsys(&cnx_namespaces);
	cnx_wait_for_users();
}
