// SPDX-License-Identifier: GPL-2.0-only
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/string.h>

#include <cnx/driver.h>
#include <cnx/procevents.h>

#include "listeners.h"
#include "request.h"

/* Nothing about the bytes of a message is to be relied on. 0 or -EINVAL. */
static int parse(const struct cnx_message *message, struct cnx_proc_request *request)
{
	*request = (struct cnx_proc_request){};
	if (message->length != sizeof(request->op) && message->length != sizeof(*request))
		return -EINVAL;
	memcpy(request, message->payload, message->length);
	if (request->op != CNX_PROC_LISTEN && request->op != CNX_PROC_IGNORE)
		return -EINVAL;
	if (request->events & ~CNX_PROC_ALL)
		return -EINVAL;
	if (!request->events)
		request->events = CNX_PROC_ALL;
	return 0;
}

static int carry_out(const struct cnx_message *message, const struct cnx_sender *sender)
{
	struct cnx_proc_request request;
	int status = parse(message, &request);

	if (status)
		return status;
	return request.op == CNX_PROC_LISTEN ? procevents_listen(sender, request.events) : procevents_ignore(sender);
}

int procevents_request(void *context, const struct cnx_message *message, const struct cnx_sender *sender)
{
	struct cnx_proc_event event = {.what = CNX_PROC_ACK, .cpu = -1};
	const struct cnx_message answer = {
	    .id = message->id,
	    .seq = message->seq,
	    .ack = message->ack + 1,
	    .length = sizeof(event),
	    .payload = &event,
	};
	int status;

	/* A driver of this kernel has no socket to be served at. */
	if (!sender->portid)
		return -EOPNOTSUPP;
	status = carry_out(message, sender);
	event.time_ns = ktime_get_ns();
	event.ack.error = -status;
	/* One that finds no room is counted, and who asked asks again. */
	(void)cnx_answer(sender, &answer, CNX_PROC_IDX);
	return status;
}
