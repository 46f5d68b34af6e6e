// SPDX-License-Identifier: GPL-2.0-only
#include "cli/own_network.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cnx/uapi.h>

#include "cli/file.hpp"

namespace cnx::tool
{
namespace
{

using client::Error;
using client::Result;

std::unexpected<Error> failed(const char *attempted)
{
	return std::unexpected(Error{errno, fmt::format("{}: {}", attempted, std::strerror(errno))});
}

Result<void> write_file(const char *name, const std::string &text)
{
	OwnedFile file(std::fopen(name, "we"));
	if (!file || std::fputs(text.c_str(), file.get()) < 0 || std::fflush(file.get()) != 0)
		return std::unexpected(Error{errno, fmt::format("cannot write {}: {}", name, std::strerror(errno))});
	return {};
}

/* In a user namespace that was just made: who this process is there. */
Result<void> map_identity(uid_t uid, gid_t gid, Identity identity)
{
	const bool root = identity == Identity::Root;
	/* Without this the kernel lets nobody map a group who could not leave groups before. */
	if (auto done = write_file("/proc/self/setgroups", "deny"); !done)
		return done;
	if (auto done = write_file("/proc/self/uid_map", fmt::format("{} {} 1", root ? 0 : uid, uid)); !done)
		return done;
	return write_file("/proc/self/gid_map", fmt::format("{} {} 1", root ? 0 : gid, gid));
}

/* Has CAP_NET_ADMIN stay with whatever program this process becomes, though that user is not root. */
Result<void> keep_net_admin()
{
	__user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
	std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
	if (::syscall(SYS_capget, &header, sets.data()) != 0)
		return failed("cannot read this process's capabilities");
	sets[CAP_TO_INDEX(CAP_NET_ADMIN)].inheritable |= CAP_TO_MASK(CAP_NET_ADMIN);
	if (::syscall(SYS_capset, &header, sets.data()) != 0 ||
	    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0) != 0)
		return failed("cannot keep CAP_NET_ADMIN over the new network namespace");
	return {};
}

Result<void> bring_loopback_up()
{
	const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ifreq request{};
	std::strcpy(request.ifr_name, "lo");
	bool up = fd >= 0 && ::ioctl(fd, SIOCGIFFLAGS, &request) == 0;
	request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
	up = up && ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
	const int code = errno;
	if (fd >= 0)
		::close(fd);
	errno = code;
	if (!up)
		return failed("cannot bring the loopback interface of the new network namespace up");
	return {};
}

/* Whether the last system call was refused for who asked, or because that user may have no more, which may be none. */
bool not_allowed()
{
	return errno == EPERM || errno == EACCES || errno == ENOSPC;
}

Result<void> make_network(Identity identity)
{
	if (::unshare(CLONE_NEWNET) == 0)
		return {};
	if (errno != EPERM)
		return failed("cannot make a network namespace");
	const uid_t uid = ::geteuid();
	const gid_t gid = ::getegid();
	if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
		if (not_allowed())
			return std::unexpected(Error{EPERM,
			                             "this user may not make a network namespace: run it as root, or "
			                             "let users make user namespaces by `sysctl "
			                             "user.max_user_namespaces` and, where there is one, "
			                             "`kernel.unprivileged_userns_clone`"});
		return failed("cannot make a user namespace");
	}
	if (auto mapped = map_identity(uid, gid, identity); !mapped)
		return mapped;
	return identity == Identity::Root ? Result<void>{} : keep_net_admin();
}

} // namespace

Result<void> enter_own_network(Identity identity)
{
	const auto here = client::discover_protocol();
	if (!here)
		return std::unexpected(here.error());
	if (*here == CNX_PROTOCOL_CONNECTOR)
		return {};
	if (auto made = make_network(identity); !made)
		return made;
	if (auto up = bring_loopback_up(); !up)
		return up;
	const auto there = client::discover_protocol();
	if (!there && there.error().code != EPROTONOSUPPORT)
		return std::unexpected(there.error());
	if (!there || *there != CNX_PROTOCOL_CONNECTOR)
		return std::unexpected(
		    Error{EPROTONOSUPPORT, fmt::format("cnx is loaded, and not in a new network namespace, where "
		                                       "another module has netlink protocol {}: unload that one",
		                                       CNX_PROTOCOL_CONNECTOR)});
	return {};
}

} // namespace cnx::tool
