// SPDX-License-Identifier: GPL-2.0-only
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/percpu.h>
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

	list_for_each_entry(listener, &procevents_listeners, node) events |= listener->events;
	WRITE_ONCE(procevents_asked, events);
}

static struct procevents_listener *find(const void *key)
{
	struct procevents_listener *listener;

	list_for_each_entry(listener, &procevents_listeners, node) if (listener->key == key) return listener;
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

	list_for_each_entry(listener, &procevents_listeners, node)
	{
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

static void reclaim(struct rcu_head *head)
{
	struct procevents_listener *gone = container_of(head, struct procevents_listener, rcu);

	procevents_sight_release(&gone->sight);
	if (!gone->replaced)
		free_percpu(gone->next);
	kfree(gone);
}

static void unlink(struct procevents_listener *gone)
{
	list_del_rcu(&gone->node);
	ask();
}

static void destroy(struct procevents_listener *unlinked)
{
	cnx_listener_destroy(unlinked->socket);
	call_rcu(&unlinked->rcu, reclaim);
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

	listener->next = alloc_percpu_gfp(u32, GFP_KERNEL_ACCOUNT);
	if (!listener->next)
		return -ENOMEM;
	listener->socket = cnx_listener_create(sender, &listening);
	if (!IS_ERR(listener->socket))
		return 0;
	free_percpu(listener->next);
	return PTR_ERR(listener->socket);
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
			list_add_tail_rcu(&listener->node, &procevents_listeners);
		return status;
	}
	listener->next = former->next;
	listener->socket = former->socket;
	former->replaced = true;
	list_replace_rcu(&former->node, &listener->node);
	call_rcu(&former->rcu, reclaim);
	return 0;
}

int procevents_listen(const struct cnx_sender *sender, u32 events)
{
	struct procevents_listener *listener = kzalloc(sizeof(*listener), GFP_KERNEL_ACCOUNT);
	int status;

	if (!listener)
		return -ENOMEM;
	status = procevents_sight_take(&listener->sight, sender);
	if (status)
		goto end_listener;
	listener->events = events;
	listener->key = NETLINK_CB(sender->skb).sk;
	listener->privileged = netlink_capable(sender->skb, CAP_NET_ADMIN);
	listener->payer = payer();
	mutex_lock(&changes);
	status = put_in_place(listener, sender);
	if (!status)
		ask();
	mutex_unlock(&changes);
	if (!status)
		return 0;
	procevents_sight_release(&listener->sight);
end_listener:
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
	/* For reclaim(). */
	rcu_barrier();
}
