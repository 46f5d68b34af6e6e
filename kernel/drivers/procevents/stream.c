// SPDX-License-Identifier: GPL-2.0-only
#include <linux/rculist.h>
#include <linux/slab.h>

#include "stream.h"

/* Under the lock of all listeners. */
static LIST_HEAD(streams);

static bool is_for(const struct procevents_stream *stream, const struct net *net, u32 events,
                   const struct procevents_sight *sight)
{
	return stream->net == net && stream->events == events && procevents_sight_equals(&stream->sight, sight);
}

static struct procevents_stream *create(const struct net *net, u32 events, const struct procevents_sight *sight)
{
	struct procevents_stream *stream = kzalloc(sizeof(*stream), GFP_KERNEL_ACCOUNT);

	if (!stream)
		return NULL;
	stream->numbers = alloc_percpu_gfp(struct procevents_numbers, GFP_KERNEL_ACCOUNT);
	if (!stream->numbers) {
		kfree(stream);
		return NULL;
	}
	stream->net = net;
	stream->events = events;
	stream->sight = *sight;
	stream->listeners = 1;
	list_add(&stream->node, &streams);
	return stream;
}

struct procevents_stream *procevents_stream_join(const struct net *net, u32 events,
                                                 const struct procevents_sight *sight)
{
	struct procevents_stream *stream;

	list_for_each_entry(stream, &streams, node) {
		if (!is_for(stream, net, events, sight))
			continue;
		stream->listeners++;
		procevents_sight_release(sight);
		return stream;
	}
	stream = create(net, events, sight);
	if (!stream)
		procevents_sight_release(sight);
	return stream;
}

static void reclaim(struct rcu_head *head)
{
	struct procevents_stream *gone = container_of(head, struct procevents_stream, rcu);

	procevents_sight_release(&gone->sight);
	free_percpu(gone->numbers);
	kfree(gone);
}

void procevents_stream_leave(struct procevents_stream *stream)
{
	if (--stream->listeners)
		return;
	list_del(&stream->node);
	call_rcu(&stream->rcu, reclaim);
}
