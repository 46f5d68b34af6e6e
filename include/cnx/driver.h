/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a driver calls. The C++ face of the same functions, which owns and cannot leak, is cnx/driver.hpp.
 *
 * Nothing here needs init or exit order from a driver: to link against cnx.ko is to pin it.
 */
#ifndef CNX_DRIVER_H
#define CNX_DRIVER_H

#include <linux/errno.h>
#include <linux/netlink.h>

#include <cnx/callback.h>

#ifdef __cplusplus
extern "C" {
#else
#include <linux/string.h>
#include <linux/types.h>
#endif

/* Bytes of a datagram that this kernel sends at most. */
#define CNX_MAX_BATCH (64u << 10)

/* A registered callback. Made by cnx_register(), owned by the driver until cnx_unregister() has returned 0. */
struct cnx_callback;

/*
 * Lets the messages that cnx_send() sends under an id wait for each other, so that many go in one datagram, to
 * listeners that asked for batches (CNX_SUBSCRIBE_BATCHES). Everyone else gets each message at once, alone. They go as
 * soon as one of the three is reached, and when the callback is unregistered. Messages to one destination keep their
 * order.
 *
 * Only messages to a group or to a portid wait: one with a filter, `except`, `lossless` or `failed` goes at once, and
 * may overtake what waits. cnx_send() returns 0 for a message that waits; what a listener misses of it later is
 * counted.
 */
struct cnx_coalescing {
	__u32 delay_us; /* that a message waits at most, plus the time to a timer's softirq: 1 to 1000000; 0: none waits
	                 */
	__u32 messages; /* in a datagram at most: 1 to 65535; 0: as many as fit */
	__u32
	    bytes; /* of a datagram at most, headers included: 64 to CNX_MAX_BATCH; 0: 3776, which skbs are ready for */
};

/* Whom a callback serves. */
enum cnx_scope CNX_ANY_NUMBER {
	CNX_INITIAL_NAMESPACE, /* the initial network namespace alone */
	/*
	 * Each network namespace, those that exist and those to come, as if the driver had registered in every one of
	 * them. cnx_sender.net says where a message came from, and cnx_destination.net where one goes.
	 */
	CNX_EVERY_NAMESPACE,
};

struct cnx_registration {
	struct cnx_id id;
	const char *name; /* 1 to CNX_NAME_SIZE - 1 bytes, copied */
	cnx_callback_fn callback;
	void *context; /* handed to every call; must outlive the registration */
	enum cnx_kind kind;
	int sender;                       /* CNX_SENDER_... */
	bool open_to_listeners;           /* true: anyone may subscribe to group id.idx; false: CAP_NET_ADMIN */
	struct cnx_coalescing coalescing; /* all zero: none */
	enum cnx_scope scope;
};

/*
 * Register a callback. Process context; may sleep. The callback may run before this returns.
 * Returns the registration, or ERR_PTR:
 *	-EINVAL		no callback; no name, or one that is empty or too long; unknown kind, capability or
 *			scope; control id; coalescing beyond its limits
 *	-EEXIST		the id is taken
 *	-ENOMEM
 */
struct cnx_callback *cnx_register(const struct cnx_registration *registration);

/*
 * Unregister. When it returns 0, the callback is not running on any CPU and will not run again, and the registration
 * is gone. Process context; sleeps for a grace period and for running sleepable calls.
 * Returns 0, or with nothing changed:
 *	-EINVAL		NULL or ERR_PTR, or another thread is unregistering it
 *	-EDEADLK	called from inside the callback itself, or inside any RCU read section
 * Two sleepable callbacks that unregister each other wait for each other, as any two threads that join each other do.
 */
int cnx_unregister(struct cnx_callback *callback);

/*
 * Unregister `count` callbacks for the price of one grace period. All or, on error (as above, and -EINVAL if one is
 * there twice), none.
 */
int cnx_unregister_all(struct cnx_callback *const *callbacks, __kernel_size_t count);

/*
 * Whether the caller may sleep, which the allocator wants to know.
 *
 * On a kernel with PREEMPT_RT, whose locks sleep, what is sent in hardirq or with interrupts or preemption off is put
 * off: a thread sends it, soon, and before anything that is sent later. The send returns 0, and what a listener misses
 * of it is counted, as everywhere. 1024 sends can wait for each CPU, beyond which they are -ENOBUFS. A payload of more
 * than 96 bytes, a batch or a filter needs a ready skb, of up to 3776 bytes, and is -ENOMEM without one. With
 * `lossless` or `failed` a send is refused, -EOPNOTSUPP, since what becomes of it is known later only.
 */
enum cnx_context CNX_ANY_NUMBER {
	CNX_NO_SLEEP, /* softirq, hardirq, under a spinlock, in an atomic callback */
	CNX_MAY_SLEEP,
};

/* Says whether a message may go to the listener `portid`. Called inside an RCU read section; must not sleep. */
typedef bool (*cnx_filter_fn)(void *context, __u32 portid);

/*
 * Told of a listener that a message did not reach: -EAGAIN or -ENOBUFS if its queue is full, -ENOMEM. `portid` 0 stands
 * for some member of the netlink group, which netlink does not name. Called in the sender's context, once the message
 * has been handed to those before it; it may send.
 */
typedef void (*cnx_failed_fn)(void *context, __u32 portid, int status);

/*
 * Where a message goes: to one socket (portid), to a group's members and subscribers (group), to both, or, with both
 * zero, to the group of the callback registered under the message's id.
 */
struct cnx_destination {
	/*
	 * NULL: the initial network namespace. Another one must not end meanwhile: hold it (get_net()), or be called by
	 * one of its sockets, or be in its pernet exit. Where cnx has no socket in it, nobody listens.
	 */
	struct net *net;
	__u32 portid;
	__u32 group;
	__u32 except; /* a portid that the group's copy does not go to; 0: none. Not together with portid. */
	/*
	 * The sender will see to it that what a listener has no room for now reaches it later, so it is not counted as
	 * lost. To a portid: a sender that may sleep waits until there is room, or a signal comes; one that may not
	 * gets -EAGAIN. To a group: `failed` is told who has not got it, and must be there.
	 */
	bool lossless;
	cnx_filter_fn filter; /* NULL: no filter. With one, only subscribers of the group are asked and served. */
	void *filter_context;
	cnx_failed_fn failed; /* NULL: nobody is told */
	void *failed_context;
};

/*
 * Send one message. Any context that `context` tells truly. Returns 0 when a listener was given it, or
 *	-ENODEV		to be looked up by id, and no callback has that id
 *	-ESRCH		nobody listens
 *	-ENOMSG		listeners there are, and all were filtered out
 *	-ENOBUFS	a listener that wants to be counted had no room; others may have been given it
 *	-ECONNREFUSED	no socket has that portid
 *	-EAGAIN		the socket at portid has no room
 *	-ERESTARTSYS	a signal came while waiting for room
 *	-ENOMEM
 *	-EMSGSIZE	more than CNX_MAX_MESSAGE
 *	-EINVAL		no message, no destination, a length without a payload, both portid and except, or
 *			lossless to a group without `failed`
 *	-EOPNOTSUPP	put off (see enum cnx_context), and lossless or with `failed`
 */
int cnx_send(const struct cnx_message *message, const struct cnx_destination *to, enum cnx_context context);

/*
 * A socket that a driver serves by itself, beside all groups: to send to it takes no search, and the driver is told
 * when it closes. Made while a message from it is being handled, owned by the driver until cnx_listener_destroy().
 */
struct cnx_listener;

/* The listener's socket has closed, and nothing reaches it any more. Process context; may sleep. May destroy this
 * listener, and no other. */
typedef void (*cnx_closed_fn)(void *context);

struct cnx_listening {
	struct cnx_id id; /* of all messages to it */
	__u32 group;      /* that the socket is told it was sent to; 0: to itself */
	/* All zero: none. Otherwise used if the socket has by now asked for batches of what is sent to it alone, by
	 * CNX_CONTROL_SUBSCRIBE of group 0. */
	struct cnx_coalescing coalescing;
	cnx_closed_fn closed;
	void *context; /* of closed() */
};

/*
 * The listener that is the socket of `sender`. Process context, inside a sleepable callback that was handed the sender.
 * Returns it, or ERR_PTR:
 *	-EINVAL		the sender is a driver; no closed(); coalescing beyond its limits
 *	-ENOMEM
 */
struct cnx_listener *cnx_listener_create(const struct cnx_sender *sender, const struct cnx_listening *listening);

/*
 * The end of a listener, which only those may still be sending to who found it in an RCU read section that has begun
 * before. closed() is not running when this returns, unless this is called by it, and will not run. What waits in a
 * batch is sent. Process context; may sleep; not under a lock that closed() takes.
 */
void cnx_listener_destroy(struct cnx_listener *listener);

/* To so many listeners one message can be sent at once. */
#define CNX_LISTENERS_AT_ONCE 16

/*
 * Send a message to several listeners at once, which have their bytes in common: listeners of one namespace, with the
 * same id and group. Any context that `context` tells truly. What a listener misses is counted, as for cnx_send().
 * Returns 0 when one was given it at least, and no other that is there missed it, or when it waits for others; or
 *	-ENOBUFS	one has no room; others may have been given it
 *	-ESRCH		their sockets have closed
 *	-ENOMEM
 *	-EMSGSIZE	more than CNX_MAX_MESSAGE
 *	-EINVAL		none, or more than CNX_LISTENERS_AT_ONCE; unlike ones; another id than theirs; or a length
 *			without a payload
 */
int cnx_listeners_send(struct cnx_listener *const *listeners, __kernel_size_t count, const struct cnx_message *message,
                       enum cnx_context context);

/*
 * Until every closed() that was running has returned. For the exit of a driver whose closed() destroys its listener:
 * once the last listener is gone, and before the driver's code goes. Process context; sleeps; not in a closed().
 */
void cnx_listener_barrier(void);

/*
 * Answer a message: send one to the socket that it came from, inside the callback that was handed the sender. `group`:
 *what the socket is told that it was sent to; 0: to itself. An answer that finds no room is counted as a dropped
 *answer, and is no loss of the socket's: who asked asks again. Any context that the callback may have. Returns 0, or
 *	-ENOBUFS	the socket has no room
 *	-ENOMEM
 *	-EMSGSIZE	more than CNX_MAX_MESSAGE
 *	-EINVAL		no message; the sender is a driver; or a length without a payload
 */
int cnx_answer(const struct cnx_sender *sender, const struct cnx_message *answer, __u32 group);

/*
 * Hand a message to the callback registered under its id, here and now, without a socket. The sender it sees has
 * portid 0 and passes every policy. Any context; a sleepable callback needs one that may sleep.
 * Returns what the callback returned, or
 *	-ENODEV		no callback has that id
 *	-EWOULDBLOCK	the callback is sleepable and the caller must not sleep
 *	-EMSGSIZE, -EINVAL	as for cnx_send()
 */
int cnx_dispatch(const struct cnx_message *message);

/*
 * Several messages in one datagram, each payload written straight into the buffer:
 *
 *	struct cnx_batch batch;
 *	cnx_batch_begin(&batch, 4096, CNX_NO_SLEEP);
 *	payload = cnx_batch_reserve(&batch, &header);	(header->length bytes; fill them)
 *	cnx_batch_commit(&batch);
 *	cnx_batch_send(&batch, &to);			(or cnx_batch_cancel(&batch))
 *
 * A reservation that is not committed leaves no trace. One context uses a batch at a time.
 */
struct cnx_batch {
	/* private: the bytes from `next` to `end` are zero, but for those of a pending reservation. */
	struct sk_buff *skb;
	unsigned char *next; /* where the pending message is, or the next one will be */
	unsigned char *end;
	__u32 pending;  /* bytes that the pending reservation takes; 0: there is none */
	__u32 messages; /* committed */
	struct cnx_id first;
	bool mixed; /* with messages of other ids than the first one's */
	enum cnx_context context;
};

/* `capacity`: bytes of datagram, headers included; cnx_batch_room() tells what one message takes.
 * 0, -EINVAL (capacity 0), -EMSGSIZE (beyond CNX_MAX_BATCH), -ENOMEM. */
int cnx_batch_begin(struct cnx_batch *batch, __kernel_size_t capacity, enum cnx_context context);

/* Bytes of datagram that a message with a payload of `length` bytes takes. */
static inline __kernel_size_t cnx_batch_room(__kernel_size_t length)
{
	return NLMSG_ALIGN(sizeof(struct nlmsghdr) + sizeof(struct cnx_msg) + length);
}

/*
 * Writes both headers of a message with header->length bytes of payload to `at`, which has room for them, and returns
 * where its payload goes. For cnx and the functions below.
 */
static inline void *cnx_write_headers(void *at, const struct cnx_message *header)
{
	/* SAFETY: the caller has room there for both, aligned as each message of a datagram is. */
	struct nlmsghdr *netlink = (struct nlmsghdr *)at;
	struct cnx_msg *message = (struct cnx_msg *)(netlink + 1);

	netlink->nlmsg_len = (__u32)(sizeof(*netlink) + sizeof(*message) + header->length);
	netlink->nlmsg_type = NLMSG_DONE;
	netlink->nlmsg_flags = 0;
	netlink->nlmsg_seq = header->seq;
	netlink->nlmsg_pid = 0;
	message->id = header->id;
	message->seq = header->seq;
	message->ack = header->ack;
	message->len = header->length;
	message->flags = header->flags;
	return message + 1;
}

/* For the functions below: an errno as linux/err.h has it. */
static inline void *cnx_batch_error(long status)
{
	return (void *)status;
}

/* Space for header->length bytes of payload (header->payload is not read), zero-filled; or ERR_PTR: -ENOSPC (the
 * batch is full: send it and begin another), -EMSGSIZE, -EINVAL (no batch), -EBUSY (a reservation is pending). */
static inline void *cnx_batch_reserve(struct cnx_batch *batch, const struct cnx_message *header)
{
	__kernel_size_t room;

	if (!batch || !batch->skb || !header)
		return cnx_batch_error(-EINVAL);
	if (batch->pending)
		return cnx_batch_error(-EBUSY);
	if (sizeof(struct cnx_msg) + header->length > CNX_MAX_MESSAGE)
		return cnx_batch_error(-EMSGSIZE);
	room = cnx_batch_room(header->length);
	if (room > (__kernel_size_t)(batch->end - batch->next))
		return cnx_batch_error(-ENOSPC);
	batch->pending = (__u32)room;
	if (batch->messages == 0)
		batch->first = header->id;
	else if (header->id.idx != batch->first.idx || header->id.val != batch->first.val)
		batch->mixed = true;
	return cnx_write_headers(batch->next, header);
}

/* 0, or -EINVAL if nothing is reserved. */
static inline int cnx_batch_commit(struct cnx_batch *batch)
{
	if (!batch || !batch->skb || !batch->pending)
		return -EINVAL;
	batch->next += batch->pending;
	batch->pending = 0;
	batch->messages++;
	return 0;
}

/* Take the pending reservation back. Harmless if nothing is reserved. */
static inline void cnx_batch_drop(struct cnx_batch *batch)
{
	if (!batch || !batch->skb)
		return;
	/* What was written there is not to show up in the next one. */
	__builtin_memset(batch->next, 0, batch->pending);
	batch->pending = 0;
}

/* Ends the batch whatever it returns, which is as for cnx_send(), or -ENODATA if nothing was committed. With neither
 * portid nor group, the id of its first message is looked up. */
int cnx_batch_send(struct cnx_batch *batch, const struct cnx_destination *to);
/* Ends the batch, sends nothing. Harmless on a batch that has ended. */
void cnx_batch_cancel(struct cnx_batch *batch);

#ifdef __cplusplus
}
#endif

#endif /* CNX_DRIVER_H */
