/* SPDX-License-Identifier: GPL-2.0-only */
/* Listeners of one namespace that ask for the same and see the same, and therefore are told the same. */
#ifndef CNX_DRIVERS_PROCEVENTS_STREAM_H
#define CNX_DRIVERS_PROCEVENTS_STREAM_H

#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

#include "sight.h"

struct net;

/* What events of a stream are numbered by on one CPU. */
struct procevents_numbers {
	u32 next;
	u64 last_event; /* the event of this CPU that had the last number */
};

/* Those in an RCU read section find it through its listeners. But for its count it does not change. */
struct procevents_stream {
	struct list_head node;
	unsigned int listeners; /* under the lock of all listeners */
	u32 events;
	struct procevents_sight sight;
	const struct net *net; /* whose cnx it is; its listeners' sockets hold it */
	struct procevents_numbers __percpu *numbers;
	struct rcu_head rcu;
};

/*
 * The stream of those who listen to `events` with `sight` in `net`, which has one listener more from now on. NULL:
 * there is no memory. The sight is not the caller's any more. Under the lock of all listeners; may sleep.
 */
struct procevents_stream *procevents_stream_join(const struct net *net, u32 events,
                                                 const struct procevents_sight *sight);

/* It has one listener fewer, whom those in an RCU read section may still find. Under the same lock. */
void procevents_stream_leave(struct procevents_stream *stream);

/*
 * The number in a stream of this CPU's event `event`, which counts from 1: the same for all of the stream's listeners,
 * however often it is asked for. With preemption off.
 */
static inline u32 procevents_stream_number(const struct procevents_stream *stream, u64 event)
{
	struct procevents_numbers *numbers = this_cpu_ptr(stream->numbers);

	if (numbers->last_event != event) {
		numbers->last_event = event;
		numbers->next++;
	}
	return numbers->next - 1;
}

#endif /* CNX_DRIVERS_PROCEVENTS_STREAM_H */
