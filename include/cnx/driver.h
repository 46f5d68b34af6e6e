/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a driver calls. The C++ face of the same functions, which owns and cannot leak, is cnx/driver.hpp.
 *
 * Nothing here needs init or exit order from a driver: to link against cnx.ko is to pin it.
 */
#ifndef CNX_DRIVER_H
#define CNX_DRIVER_H

#include <cnx/callback.h>

#ifdef __cplusplus
extern "C" {
#else
#include <linux/types.h>
#endif

/* A registered callback. Made by cnx_register(), owned by the driver until cnx_unregister() has returned 0. */
struct cnx_callback;

struct cnx_registration {
	struct cnx_id id;
	const char *name; /* 1 to CNX_NAME_SIZE - 1 bytes, copied */
	cnx_callback_fn callback;
	void *context; /* handed to every call; must outlive the registration */
	enum cnx_kind kind;
	int sender;             /* CNX_SENDER_... */
	bool open_to_listeners; /* true: anyone may subscribe to group id.idx; false: CAP_NET_ADMIN */
};

/*
 * Register a callback. Process context; may sleep. The callback may run before this returns.
 * Returns the registration, or ERR_PTR:
 *	-EINVAL		no callback; no name, or one that is empty or too long; unknown kind or capability; control id
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

/* Whether the caller may sleep, which the allocator wants to know. */
enum cnx_context {
	CNX_NO_SLEEP, /* softirq, hardirq, under a spinlock, in an atomic callback */
	CNX_MAY_SLEEP,
};

/* Says whether a message may go to the listener `portid`. Called inside an RCU read section; must not sleep. */
typedef bool (*cnx_filter_fn)(void *context, __u32 portid);

/*
 * Where a message goes: to one socket (portid), to a group's members and subscribers (group), to both, or, with both
 * zero, to the group of the callback registered under the message's id.
 */
struct cnx_destination {
	struct net *net; /* NULL: the initial network namespace */
	__u32 portid;
	__u32 group;
	__u32 except;         /* a portid that the group's copy does not go to; 0: none. Not together with portid. */
	bool wait;            /* a sender that may sleep waits until the socket at portid has room, or a signal comes */
	cnx_filter_fn filter; /* NULL: no filter. With one, only subscribers of the group are asked and served. */
	void *filter_context;
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
 *	-EINVAL		no message, no destination, a length without a payload, or both portid and except
 */
int cnx_send(const struct cnx_message *message, const struct cnx_destination *to, enum cnx_context context);

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
	/* private: */
	struct sk_buff *skb;
	__u32 reserved; /* bytes of the pending reservation */
	__u32 messages; /* committed */
	struct cnx_id first;
	enum cnx_context context;
};

/* `capacity`: bytes of datagram, headers included; cnx_batch_room() tells what one message takes.
 * 0, -EINVAL (capacity 0), -EMSGSIZE (beyond CNX_MAX_BATCH), -ENOMEM. */
#define CNX_MAX_BATCH (64u << 10)
int cnx_batch_begin(struct cnx_batch *batch, __kernel_size_t capacity, enum cnx_context context);
/* Bytes of datagram that a message with a payload of `length` bytes takes. */
__kernel_size_t cnx_batch_room(__kernel_size_t length);
/* Space for header->length bytes of payload (header->payload is not read), zero-filled; or ERR_PTR: -ENOSPC (the
 * batch is full: send it and begin another), -EMSGSIZE, -EINVAL (no batch), -EBUSY (a reservation is pending). */
void *cnx_batch_reserve(struct cnx_batch *batch, const struct cnx_message *header);
/* 0, or -EINVAL if nothing is reserved. */
int cnx_batch_commit(struct cnx_batch *batch);
/* Take the pending reservation back. Harmless if nothing is reserved. */
void cnx_batch_drop(struct cnx_batch *batch);
/* Ends the batch whatever it returns, which is as for cnx_send(), or -ENODATA if nothing was committed. With neither
 * portid nor group, the id of its first message is looked up. */
int cnx_batch_send(struct cnx_batch *batch, const struct cnx_destination *to);
/* Ends the batch, sends nothing. Harmless on a batch that has ended. */
void cnx_batch_cancel(struct cnx_batch *batch);

#ifdef __cplusplus
}
#endif

#endif /* CNX_DRIVER_H */
