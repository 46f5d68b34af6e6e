/* SPDX-License-Identifier: GPL-2.0-only */
/* Those who asked for process events. */
#ifndef CNX_DRIVERS_PROCEVENTS_LISTENERS_H
#define CNX_DRIVERS_PROCEVENTS_LISTENERS_H

#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

#include <cnx/driver.h>

#include "stream.h"

/* A listener is not changed once it can be found: one that asks for something else is replaced. */
struct procevents_listener {
	struct list_head node;
	struct procevents_stream *stream;
	struct cnx_listener *socket;
	const void *key; /* of the socket, as long as it is served */
	kuid_t payer;    /* on whose account it is, if it is on anybody's */
	bool privileged; /* it is on nobody's */
	struct rcu_head rcu;
};

/* Every listener, for those in an RCU read section. Those of one stream stand together, but for some that have been in
 * another one before. */
extern struct list_head procevents_listeners;

/* All events that some listener asks for, so that those that none does are no more than a look at this. */
extern u32 procevents_asked;

static inline bool procevents_is_asked(u32 events)
{
	return READ_ONCE(procevents_asked) & events;
}

/* How long events wait for each other, for who asked for batches, in microseconds; 0: not at all. Set at load. */
extern unsigned int procevents_wait_us;

/*
 * LISTEN and IGNORE of the current task by the socket of `sender`, in the callback that was handed it. 0 or a negative
 * errno, with nothing changed.
 */
int procevents_listen(const struct cnx_sender *sender, u32 events);
int procevents_ignore(const struct cnx_sender *sender);

/* The end of all of them, and of what the driver's code does for them. No request is handled any more, and no event is
 * reported. May sleep. */
void procevents_end_all(void);

#endif /* CNX_DRIVERS_PROCEVENTS_LISTENERS_H */
