/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the driver learns what happens. */
#ifndef CNX_DRIVERS_PROCEVENTS_SOURCES_H
#define CNX_DRIVERS_PROCEVENTS_SOURCES_H

/*
 * Begin and end to be told. A source that this kernel does not have is named in its log, and the events of the others
 * are reported all the same; -ENOMEM where there is no memory for one that it has, and then nothing has begun. When the
 * end has returned, none is being reported, nor will be. They may sleep.
 */
int procevents_tracepoints_begin(void);
void procevents_tracepoints_end(void);
int procevents_kprobes_begin(void);
void procevents_kprobes_end(void);

/* Says in the log that events of a kind will not be had. */
void procevents_lacks(const char *events, const char *source, int status);

#endif /* CNX_DRIVERS_PROCEVENTS_SOURCES_H */
