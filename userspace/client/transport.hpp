// SPDX-License-Identifier: MIT
/* How a Client's datagrams cross to the kernel: a netlink socket, or a test's stand-in for one. */
#ifndef CNX_CLIENT_TRANSPORT_HPP
#define CNX_CLIENT_TRANSPORT_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include <cnx/client.hpp>

namespace cnx::client
{

/* A point in time at which waiting ends; none: never. */
using Deadline = std::optional<std::chrono::steady_clock::time_point>;

struct Datagram {
	std::size_t stored;   /* bytes in the caller's buffer */
	std::size_t length;   /* bytes of the whole datagram; more than `stored` if the buffer was too small */
	std::uint32_t sender; /* port id; 0: the kernel */
	std::uint32_t group;  /* 0: unicast */
};

class Transport
{
public:
	Transport() = default;
	Transport(const Transport &) = delete;
	Transport &operator=(const Transport &) = delete;
	virtual ~Transport() = default;

	virtual int fd() const = 0;
	virtual std::uint32_t portid() const = 0;

	/* Sends one datagram to the kernel, whole or not at all. */
	virtual Result<void> transmit(std::span<const std::byte> datagram) = 0;

	/* Receives one datagram. ENOBUFS: some were lost. ETIMEDOUT, EINTR. */
	virtual Result<Datagram> receive(std::span<std::byte> buffer, Deadline deadline) = 0;

	/* Adds or drops a membership in the protocol's group table; EINVAL beyond the table. */
	virtual Result<void> join(std::uint32_t group) = 0;
	virtual Result<void> leave(std::uint32_t group) = 0;
};

/* A bound netlink socket. */
Result<std::unique_ptr<Transport>> open_socket(const Options &options);

/* An Error for `code`: what was attempted, strerror's words, and the remedy if there is one. */
Error failure(int code, std::string_view attempted, std::string_view remedy = {});

} // namespace cnx::client

#endif // CNX_CLIENT_TRANSPORT_HPP
