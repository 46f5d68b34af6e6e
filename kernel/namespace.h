/* SPDX-License-Identifier: GPL-2.0-only */
/* The network namespaces, as main.c sees them. Process context. */
#ifndef CNX_KERNEL_NAMESPACE_H
#define CNX_KERNEL_NAMESPACE_H

/*
 * Opens a kernel socket in every namespace, now and as they are made. `protocol`: the number to use in the initial one,
 * 0 to choose; what it came to, afterwards. 0, or a negative errno, with nothing left behind and the reason in the log.
 */
int cnx_namespaces_open(unsigned int *protocol);
/* Nobody sends or receives when this returns. */
void cnx_namespaces_close(void);

#endif /* CNX_KERNEL_NAMESPACE_H */
