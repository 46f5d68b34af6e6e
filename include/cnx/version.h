/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/* The version of cnx: the one place that says it. The build, the packages and the pages of the manual read it here. */
#ifndef CNX_VERSION_H
#define CNX_VERSION_H

#define CNX_VERSION "0.1.0"

#endif /* CNX_VERSION_H */
