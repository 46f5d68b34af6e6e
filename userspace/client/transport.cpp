// SPDX-License-Identifier: MIT
#include "client/transport.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cnx::client
{
namespace
{

/* A file descriptor and the duty to close it. */
class Descriptor
{
public:
	explicit Descriptor(int fd) : fd_(fd) {}
	Descriptor(Descriptor &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
	Descriptor &operator=(Descriptor &&) = delete;
	~Descriptor()
	{
		if (fd_ >= 0)
			::close(fd_);
	}

	int get() const { return fd_; }
	explicit operator bool() const { return fd_ >= 0; }

private:
	int fd_;
};

Error not_loaded()
{
	return {EPROTONOSUPPORT, "cnx is not loaded: run `cnx load` as root"};
}

/* Sets a socket option that takes an int; false, with errno, if it cannot be. */
bool set_option(int fd, int level, int name, int value)
{
	return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/* Sets a buffer's size past the system's limit where the rights allow that, else up to it. */
Result<void> set_buffer(int fd, int forced, int limited, std::size_t bytes)
{
	const int value = static_cast<int>(std::min<std::size_t>(bytes, INT_MAX / 2));
	if (!set_option(fd, SOL_SOCKET, forced, value) && !set_option(fd, SOL_SOCKET, limited, value))
		return std::unexpected(failure(errno, "cannot set the socket's buffer size"));
	return {};
}

/* What poll(2) is to wait, in milliseconds: rounded up, so that a wait never ends early and spins. */
int remaining(Deadline deadline)
{
	if (!deadline)
		return -1;
	const auto left =
	    std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now()).count();
	return static_cast<int>(std::clamp<long long>(left, 0, INT_MAX));
}

class Socket final : public Transport
{
public:
	Socket(Descriptor descriptor, std::uint32_t portid) : descriptor_(std::move(descriptor)), portid_(portid) {}

	int fd() const override { return descriptor_.get(); }
	std::uint32_t portid() const override { return portid_; }

	Result<void> transmit(std::span<const std::byte> datagram) override
	{
		sockaddr_nl kernel{};
		kernel.nl_family = AF_NETLINK;
		// SAFETY: a sockaddr_nl is what a sockaddr of AF_NETLINK is, as the socket interface has it.
		const auto *address = reinterpret_cast<const sockaddr *>(&kernel);
		if (::sendto(fd(), datagram.data(), datagram.size(), 0, address, sizeof kernel) >= 0)
			return {};
		switch (errno) {
		case EMSGSIZE:
			return std::unexpected(Error{EMSGSIZE, "the batch exceeds the socket's send buffer: send fewer "
			                                       "messages at once, or open with a larger send_buffer"});
		case ECONNREFUSED:
			return std::unexpected(
			    Error{ECONNREFUSED, "cnx is not there any more in this network namespace: run `cnx load` "
			                        "as root, then open anew"});
		default:
			return std::unexpected(failure(errno, "cannot send"));
		}
	}

	Result<Datagram> receive(std::span<std::byte> buffer, Deadline deadline) override
	{
		for (;;) {
			sockaddr_nl sender{};
			iovec part{buffer.data(), buffer.size()};
			alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(nl_pktinfo))> control;
			msghdr message{};
			message.msg_name = &sender;
			message.msg_namelen = sizeof sender;
			message.msg_iov = &part;
			message.msg_iovlen = 1;
			message.msg_control = control.data();
			message.msg_controllen = control.size();

			/* With MSG_TRUNC the whole length is returned, however little of it fits. */
			const ssize_t length = ::recvmsg(fd(), &message, MSG_DONTWAIT | MSG_TRUNC);
			if (length >= 0) {
				const auto whole = static_cast<std::size_t>(length);
				return Datagram{std::min(whole, buffer.size()), whole, sender.nl_pid,
				                destination(message)};
			}
			if (errno == ENOBUFS)
				return std::unexpected(Error{ENOBUFS,
				                             "the receive buffer was full and messages were lost: "
				                             "receive faster, or open with a larger "
				                             "receive_buffer"});
			if (errno != EAGAIN && errno != EWOULDBLOCK)
				return std::unexpected(failure(errno, "cannot receive"));

			pollfd wait{fd(), POLLIN, 0};
			const int ready = ::poll(&wait, 1, remaining(deadline));
			if (ready < 0)
				return std::unexpected(failure(errno, "waiting was interrupted"));
			if (ready == 0)
				return std::unexpected(Error{ETIMEDOUT, "nothing arrived in time"});
		}
	}

	Result<void> join(std::uint32_t group) override { return membership(NETLINK_ADD_MEMBERSHIP, group, "join"); }
	Result<void> leave(std::uint32_t group) override { return membership(NETLINK_DROP_MEMBERSHIP, group, "leave"); }

private:
	static std::uint32_t destination(msghdr &message)
	{
		for (cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
			if (header->cmsg_level == SOL_NETLINK && header->cmsg_type == NETLINK_PKTINFO &&
			    header->cmsg_len >= CMSG_LEN(sizeof(nl_pktinfo))) {
				nl_pktinfo info;
				std::memcpy(&info, CMSG_DATA(header), sizeof info);
				return info.group;
			}
		}
		return 0;
	}

	Result<void> membership(int option, std::uint32_t group, std::string_view verb)
	{
		if (set_option(fd(), SOL_NETLINK, option, static_cast<int>(group)))
			return {};
		const int code = errno;
		return std::unexpected(failure(code, "cannot " + std::string(verb) + " group " + std::to_string(group),
		                               code == EPERM ? "listening to it needs CAP_NET_ADMIN" : ""));
	}

	Descriptor descriptor_;
	std::uint32_t portid_;
};

} // namespace

Error failure(int code, std::string_view attempted, std::string_view remedy)
{
	std::string what(attempted);
	what += ": ";
	what += std::generic_category().message(code);
	if (!remedy.empty()) {
		what += ": ";
		what += remedy;
	}
	return {code, std::move(what)};
}

Result<int> discover_protocol()
{
	const Descriptor file(::open(CNX_PROTOCOL_FILE, O_RDONLY | O_CLOEXEC));
	if (!file) {
		if (errno == ENOENT)
			return std::unexpected(not_loaded());
		return std::unexpected(failure(errno, "cannot read " CNX_PROTOCOL_FILE));
	}
	std::array<char, 32> digits{};
	const ssize_t length = ::read(file.get(), digits.data(), digits.size());
	if (length < 0)
		return std::unexpected(failure(errno, "cannot read " CNX_PROTOCOL_FILE));
	int protocol = -1;
	const auto [end, problem] = std::from_chars(digits.data(), digits.data() + length, protocol);
	if (problem != std::errc{} || protocol < 0 || protocol >= MAX_LINKS)
		return std::unexpected(Error{EPROTO, CNX_PROTOCOL_FILE " holds no netlink protocol number: is another "
		                                                       "program's module called cnx?"});
	return protocol;
}

Result<std::unique_ptr<Transport>> open_socket(const Options &options)
{
	int protocol = 0;
	if (options.protocol) {
		protocol = *options.protocol;
	} else {
		const auto discovered = discover_protocol();
		if (!discovered)
			return std::unexpected(discovered.error());
		protocol = *discovered;
	}

	Descriptor descriptor(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
	if (!descriptor) {
		if (errno == EPROTONOSUPPORT)
			return std::unexpected(not_loaded());
		return std::unexpected(failure(errno, "cannot open a netlink socket"));
	}
	const int fd = descriptor.get();

	/*
	 * Errors with their sentence but without the quoted message; the group of what arrives; and a sender in the
	 * kernel that learns when this socket overruns.
	 */
	for (const int option : {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_PKTINFO, NETLINK_BROADCAST_ERROR})
		if (!set_option(fd, SOL_NETLINK, option, 1))
			return std::unexpected(failure(errno, "cannot prepare the netlink socket"));
	if (options.receive_buffer)
		if (auto set = set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, options.receive_buffer); !set)
			return std::unexpected(set.error());
	if (options.send_buffer)
		if (auto set = set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, options.send_buffer); !set)
			return std::unexpected(set.error());

	/* nl_pid 0 lets the kernel choose: the process may hold several sockets. */
	sockaddr_nl address{};
	address.nl_family = AF_NETLINK;
	socklen_t length = sizeof address;
	// SAFETY: a sockaddr_nl is what a sockaddr of AF_NETLINK is, as the socket interface has it.
	if (::bind(fd, reinterpret_cast<const sockaddr *>(&address), length) != 0 ||
	    ::getsockname(fd, reinterpret_cast<sockaddr *>(&address), &length) != 0)
		return std::unexpected(failure(errno, "cannot bind the netlink socket"));
	return std::make_unique<Socket>(std::move(descriptor), address.nl_pid);
}

} // namespace cnx::client
