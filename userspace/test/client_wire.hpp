// SPDX-License-Identifier: MIT
/* A transport with a descriptor that can be waited for, whose other end is the test. */
#ifndef CNX_CLIENT_WIRE_HPP
#define CNX_CLIENT_WIRE_HPP

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>
#include <unistd.h>

#include "client/transport.hpp"

namespace cnx::client::test
{

/* One end of a pair of sockets that keep datagrams apart. */
class Wire final : public Transport
{
public:
	explicit Wire(int fd) : fd_(fd) {}
	~Wire() override { ::close(fd_); }

	int fd() const override { return fd_; }
	std::uint32_t portid() const override { return 77; }

	Result<void> transmit(std::span<const std::byte> datagram) override
	{
		if (::send(fd_, datagram.data(), datagram.size(), MSG_NOSIGNAL) < 0)
			return std::unexpected(failure(errno, "cannot send"));
		return {};
	}

	Result<Datagram> receive(std::span<std::byte> buffer, Deadline) override
	{
		const ssize_t length = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
		if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return std::unexpected(Error{ETIMEDOUT, "nothing"});
		if (length < 0)
			return std::unexpected(failure(errno, "cannot receive"));
		/* Only an end of the stream is empty. */
		if (length == 0)
			return std::unexpected(Error{ENOTCONN, "the other end is closed"});
		const auto whole = static_cast<std::size_t>(length);
		return Datagram{std::min(whole, buffer.size()), whole, 0, 0};
	}

	Result<void> join(std::uint32_t) override { return {}; }
	Result<void> leave(std::uint32_t) override { return {}; }

private:
	int fd_;
};

} // namespace cnx::client::test

#endif // CNX_CLIENT_WIRE_HPP
