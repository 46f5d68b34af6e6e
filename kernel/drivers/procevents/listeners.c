// SPDX-License-Identifier: GPL-2.0-only
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include <cnx/procevents.h>

#include "listeners.h"

/* Listeners of all namespaces together. The second half is for who has CAP_NET_ADMIN in the initial user namespace. */
#define MOST 4096
/* Of one user who does not. */
#define MOST_OF_A_USER 64

LIST_HEAD(procevents_listeners);
u32 procevents_asked;
unsigned int procevents_wait_us = 10000;

/* Guards the list against other writers. closed() takes it, so no listener is destroyed under it. */
static DEFINE_MUTEX(changes);

static void ask(void)
{
	const struct procevents_listener *listener;
	u32 events = 0;

	list_for_each_entry(listener, &procevents_listeners, node)
		events |= listener->stream->events;
	WRITE_ONCE(procevents_asked, events);
}

static struct procevents_listener *find(const void *key)
{
	struct procevents_listener *listener;

	list_for_each_entry(listener, &procevents_listeners, node)
		if (listener->key == key)
			return listener;
	return NULL;
}

/* The user who answers for the current task: who made the user namespaces that it is in, since he may call himself by
 * as many names in them as he was given; or, where that is root, the user that it says. */
static kuid_t payer(void)
{
	const struct user_namespace *outermost = current_user_ns();

	if (outermost == &init_user_ns)
		return current_uid();
	while (outermost->parent != &init_user_ns)
		outermost = outermost->parent;
	return uid_eq(outermost->owner, GLOBAL_ROOT_UID) ? current_uid() : outermost->owner;
}

/* Whether there may be this one, instead of `former` if there is one. */
static bool has_room(const struct procevents_listener *added, const struct procevents_listener *former)
{
	const struct procevents_listener *listener;
	unsigned int all = 0;
	unsigned int same = 0;

	list_for_each_entry(listener, &procevents_listeners, node) {
		if (listener == former)
			continue;
		all++;
		if (!listener->privileged && uid_eq(listener->payer, added->payer))
			same++;
	}
	if (added->privileged)
		return all < MOST;
	return all < MOST / 2 && same < MOST_OF_A_USER;
}

static void unlink(struct procevents_listener *gone)
{
	list_del_rcu(&gone->node);
	procevents_stream_leave(gone->stream);
	ask();
}

static void destroy(struct procevents_listener *unlinked)
{
	cnx_listener_destroy(unlinked->socket);
	kfree_rcu(unlinked, rcu);
}

static int end(const void *key)
{
	struct procevents_listener *gone;

	mutex_lock(&changes);
	gone = find(key);
	if (gone)
		unlink(gone);
	mutex_unlock(&changes);
	if (gone)
		destroy(gone);
	return 0;
}

static void closed(void *key)
{
	end(key);
}

/* What a socket needs that was not served before. */
static int serve(struct procevents_listener *listener, const struct cnx_sender *sender)
{
	const struct cnx_listening listening = {
	    .id = {CNX_PROC_IDX, CNX_PROC_VAL},
	    .group = CNX_PROC_IDX,
	    .coalescing = {.delay_us = procevents_wait_us},
	    .closed = closed,
	    .context = (void *)listener->key,
	};

	listener->socket = cnx_listener_create(sender, &listening);
	return PTR_ERR_OR_ZERO(listener->socket);
}

/* Among the others of its stream, so that one message can be for all of them. */
static void link(struct procevents_listener *added)
{
	struct procevents_listener *other;

	list_for_each_entry(other, &procevents_listeners, node) {
		if (other->stream != added->stream)
			continue;
		list_add_rcu(&added->node, &other->node);
		return;
	}
	list_add_tail_rcu(&added->node, &procevents_listeners);
}

/* Makes it to be found instead of what the socket had before. */
static int put_in_place(struct procevents_listener *listener, const struct cnx_sender *sender)
{
	struct procevents_listener *former = find(listener->key);

	if (!has_room(listener, former))
		return -ENOSPC;
	if (!former) {
		int status = serve(listener, sender);

		if (!status)
			link(listener);
		return status;
	}
	listener->socket = former->socket;
	list_replace_rcu(&former->node, &listener->node);
	procevents_stream_leave(former->stream);
	kfree_rcu(former, rcu);
	return 0;
}

/* The sight is not the caller's any more. */
static int add(struct procevents_listener *listener, const struct cnx_sender *sender, u32 events,
               const struct procevents_sight *sight)
{
	int status;

	listener->stream = procevents_stream_join(sender->net, events, sight);
	if (!listener->stream)
		return -ENOMEM;
	status = put_in_place(listener, sender);
	if (status)
		procevents_stream_leave(listener->stream);
	else
		ask();
	return status;
}

int procevents_listen(const struct cnx_sender *sender, u32 events)
{
	struct procevents_listener *listener = kzalloc(sizeof(*listener), GFP_KERNEL_ACCOUNT);
	struct procevents_sight sight;
	int status;

	if (!listener)
		return -ENOMEM;
	status = procevents_sight_take(&sight, sender);
	if (!status) {
		listener->key = NETLINK_CB(sender->skb).sk;
		listener->privileged = netlink_capable(sender->skb, CAP_NET_ADMIN);
		listener->payer = payer();
		mutex_lock(&changes);
		status = add(listener, sender, events, &sight);
		mutex_unlock(&changes);
	}
	if (status)
		kfree(listener);
	return status;
}

int procevents_ignore(const struct cnx_sender *sender)
{
	return end(NETLINK_CB(sender->skb).sk);
}

void procevents_end_all(void)
{
	for (;;) {
		struct procevents_listener *gone;

		mutex_lock(&changes);
		gone = list_first_entry_or_null(&procevents_listeners, struct procevents_listener, node);
		if (gone)
			unlink(gone);
		mutex_unlock(&changes);
		if (!gone)
			break;
		destroy(gone);
	}
	cnx_listener_barrier();
	/* For what reclaims the streams. */
	rcu_barrier();
}
