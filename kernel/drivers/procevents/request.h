/* SPDX-License-Identifier: GPL-2.0-only */
/* What listeners ask for. */
#ifndef CNX_DRIVERS_PROCEVENTS_REQUEST_H
#define CNX_DRIVERS_PROCEVENTS_REQUEST_H

#include <cnx/callback.h>

/* The driver's callback; sleepable. Answers each request, and returns 0 or the negative errno that it was answered
 * with. */
int procevents_request(void *context, const struct cnx_message *message, const struct cnx_sender *sender);

#endif /* CNX_DRIVERS_PROCEVENTS_REQUEST_H */
