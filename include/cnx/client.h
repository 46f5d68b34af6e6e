/* SPDX-License-Identifier: MIT */
/*
 * The client library of cnx for C, and for whatever can call C: what cnx/client.hpp offers a C++ program.
 * Link with libcnx.so, or with libcnx.a and the C++ runtime.
 *
 * Errors: a function that can fail returns 0 (or what else it says) or a negative errno, and never anything else: no
 * C++ exception leaves it. cnx_client_error() has a sentence about the last failure in the calling thread. A NULL where
 * a pointer is wanted, and a value that is none of its enum, are -EINVAL and change nothing. -ENOMEM: memory ran out.
 *
 * Ownership: what is passed in stays the caller's and need not outlive the call. What is handed out points into the
 * client, and each function that hands something out says for how long.
 *
 * Threads: a client belongs to one thread at a time. Different clients do not know of each other.
 *
 * Time-outs are in milliseconds: 0 does not wait, a negative one waits for ever.
 */
#ifndef CNX_CLIENT_H
#define CNX_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cnx/uapi.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CNX_CLIENT_API __attribute__((visibility("default")))

/* A socket to cnx, and what has been read from it. */
struct cnx_client;

struct cnx_client_options {
	size_t size;           /* sizeof(struct cnx_client_options): later versions append fields */
	int protocol;          /* the netlink protocol number; negative: it is read from CNX_PROTOCOL_FILE */
	bool batches;          /* take messages several in a datagram, where their driver lets them wait for that */
	size_t receive_buffer; /* bytes; 0: the system's default */
	size_t send_buffer;    /* bytes: bounds a batch; 0: the system's default */
	int answer_timeout;    /* for acknowledgements; 0: that of the library, 5000 */
};

/* Every field at its default. */
#define CNX_CLIENT_OPTIONS_INIT                                                                                        \
	{                                                                                                              \
		sizeof(struct cnx_client_options), -1, false, 0, 0, 0                                                  \
	}

/* A message, on its way out or in. `seq` and `ack` are as in struct cnx_msg. */
struct cnx_client_message {
	struct cnx_id id;
	uint32_t seq;
	uint32_t ack;
	uint16_t flags;
	uint32_t group;      /* of a received one: the group it was multicast to, 0: to this socket alone */
	const void *payload; /* may be NULL where length is 0 */
	size_t length;       /* bytes of payload, at most CNX_MAX_MESSAGE less its header */
};

/* Messages were lost at this point of the stream, because the socket's receive buffer was full. */
struct cnx_client_overrun {
	uint64_t count;    /* overruns of this client so far, with this one */
	uint64_t missed;   /* messages; 0 if nobody knows */
	bool missed_known; /* false: their number is unknown, and a later overrun may make up for it */
};

/* The kernel's own answer to a message that this client sent. */
struct cnx_client_acknowledgement {
	int code;         /* 0: accepted; else a positive errno */
	uint32_t seq;     /* what the sending function gave as the message's number */
	const char *what; /* the kernel's sentence, empty where it gave none; never NULL */
};

enum cnx_client_event_kind {
	CNX_CLIENT_MESSAGE = 1,
	CNX_CLIENT_OVERRUN = 2,
	CNX_CLIENT_ACKNOWLEDGEMENT = 3,
};

/* What receiving yields; `kind` says which member counts. */
struct cnx_client_event {
	enum cnx_client_event_kind kind;
	union {
		struct cnx_client_message message;
		struct cnx_client_overrun overrun;
		struct cnx_client_acknowledgement acknowledgement;
	};
};

/* Whether the kernel answers a message by itself, apart from what the callback replies: the argument `answer`. */
enum cnx_client_answer {
	CNX_CLIENT_ANSWER_NONE = 0,   /* never: the sender does not learn that a message was dropped */
	CNX_CLIENT_ANSWER_ERRORS = 1, /* where it was dropped: an acknowledgement arrives among the events */
	CNX_CLIENT_ANSWER_ALWAYS = 2, /* always, and the sending function waits for it */
	CNX_CLIENT_ANSWER_EACH = 3,   /* always: an acknowledgement arrives among the events */
};

/*
 * Opens a client into *client, which is the caller's to close; NULL there after a failure. options may be NULL.
 * -EPROTONOSUPPORT while cnx is not loaded, -EINVAL if options->size is smaller than it ever was, -E2BIG if the options
 * ask for something that this version does not know, and whatever socket(2), setsockopt(2) or bind(2) fail with.
 */
CNX_CLIENT_API int cnx_client_open(struct cnx_client **client, const struct cnx_client_options *options);

/* Closes it, and ends the life of all that it has handed out. NULL is passed over. */
CNX_CLIENT_API void cnx_client_close(struct cnx_client *client);

/*
 * The descriptor, for poll(2): readable when cnx_client_receive() will find something, except what is already here, so
 * call that with a time-out of 0 until -ETIMEDOUT before polling. It stays the client's.
 */
CNX_CLIENT_API int cnx_client_fd(const struct cnx_client *client);

/* Stores the socket's netlink port id, where drivers send unicast. */
CNX_CLIENT_API int cnx_client_portid(const struct cnx_client *client, uint32_t *portid);

/*
 * Receives from now on what is multicast to a group. -EPERM without CAP_NET_ADMIN where the group's callbacks want it,
 * -EINVAL for group 0, -EEXIST if it was joined already.
 */
CNX_CLIENT_API int cnx_client_join(struct cnx_client *client, uint32_t group);

/* The end of it. What arrived before is still received. -ENOENT if it was not joined. */
CNX_CLIENT_API int cnx_client_leave(struct cnx_client *client, uint32_t group);

/*
 * Sends one message. *number, unless that is NULL, becomes the number that its acknowledgement will carry. With
 * CNX_CLIENT_ANSWER_ALWAYS an errno in the acknowledgement is returned, and -ETIMEDOUT if none comes. -EMSGSIZE if the
 * payload is too long, -ECONNREFUSED if cnx is gone.
 */
CNX_CLIENT_API int cnx_client_send(struct cnx_client *client, const struct cnx_client_message *message, int answer,
                                   uint32_t *number);

/*
 * Sends many messages as one datagram, which cnx handles in order. *first, unless that is NULL, becomes the first one's
 * number; the others' follow it. Returns how many were refused, which only CNX_CLIENT_ANSWER_ALWAYS finds out: they can
 * be had from cnx_client_refused(). -EMSGSIZE if it exceeds the send buffer: then none was sent.
 */
CNX_CLIENT_API int cnx_client_send_batch(struct cnx_client *client, const struct cnx_client_message *messages,
                                         size_t count, int answer, uint32_t *first);

/*
 * Stores the refusal number `index`, from 0 on, of the last cnx_client_send_batch(). Its `what` lives until the next
 * one. -ENOENT if there were not so many.
 */
CNX_CLIENT_API int cnx_client_refused(const struct cnx_client *client, size_t index,
                                      struct cnx_client_acknowledgement *refusal);

/*
 * Sends a message and waits for its answer, which is the one with the same id and seq and with ack + 1. A seq of 0 is
 * replaced by a fresh one. Other events that arrive meanwhile are kept for cnx_client_receive(). reply->payload lives
 * until the next cnx_client_request() of this client. If the kernel refuses the message, its errno is returned;
 * -ETIMEDOUT if nothing comes in time.
 */
CNX_CLIENT_API int cnx_client_request(struct cnx_client *client, const struct cnx_client_message *message, int timeout,
                                      struct cnx_client_message *reply);

/*
 * Stores the next event. What it points to lives until the next cnx_client_receive() of this client. -ETIMEDOUT if none
 * comes in time, -EINTR if a signal handler ran, -EMSGSIZE if a datagram was larger than the buffer (its whole messages
 * come first; the buffer grows for the next one). After a failure *event is as it was.
 */
CNX_CLIENT_API int cnx_client_receive(struct cnx_client *client, int timeout, struct cnx_client_event *event);

/*
 * Stores what arrived and was passed over since the client was opened: datagrams that another program sent, and
 * messages that contradict the wire format. Either pointer may be NULL.
 */
CNX_CLIENT_API int cnx_client_ignored(const struct cnx_client *client, uint64_t *foreign, uint64_t *malformed);

/*
 * One sentence about the last failure of any function above in the calling thread, with the remedy where there is one;
 * empty before the first. It lives until the next failure in this thread. Longer than 511 bytes it is cut.
 */
CNX_CLIENT_API const char *cnx_client_error(void);

/* The positive errno of that failure; 0 before the first. */
CNX_CLIENT_API int cnx_client_error_code(void);

#ifdef __cplusplus
}
#endif

#endif /* CNX_CLIENT_H */
