// SPDX-License-Identifier: MIT
/* A client under asio, over a socket whose other end is the test. */
#ifndef CNX_CLIENT_ASIO_WORLD_HPP
#define CNX_CLIENT_ASIO_WORLD_HPP

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <cnx/asio.hpp>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client_stub.hpp"

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

struct client_asio : testing::Test {
	asio::io_context context;
	int far = -1;
	std::optional<AsyncClient> client;
	Kernel kernel; /* what it queues goes over the wire */

	client_asio()
	{
		std::array<int, 2> ends{};
		EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
		far = ends[1];
		auto adopted = AsyncClient::adopt(context.get_executor(), Client{std::make_unique<Wire>(ends[0])});
		EXPECT_TRUE(adopted);
		client = std::move(*adopted);
	}

	~client_asio() override
	{
		if (far >= 0)
			::close(far);
	}

	void flush()
	{
		for (; !kernel.queue.empty(); kernel.queue.pop_front()) {
			const auto &bytes = kernel.queue.front().bytes;
			ASSERT_EQ(::send(far, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
		}
	}

	void tell(std::uint32_t seq, std::string_view payload = "told")
	{
		kernel.message({{33, 1}, seq, 0, 0, bytes(payload)});
		flush();
	}

	/* The next message that the client sent. */
	std::pair<Message, nlmsghdr> sent()
	{
		Bytes buffer(65536);
		const ssize_t length = ::recv(far, buffer.data(), buffer.size(), MSG_DONTWAIT);
		EXPECT_GT(length, 0);
		DatagramReader reader(std::span<const std::byte>(buffer).first(static_cast<std::size_t>(length)));
		const auto view = std::get<MessageView>(*reader.next());
		nlmsghdr header;
		std::memcpy(&header, buffer.data(), sizeof header);
		return {Message{view.id, view.seq, view.ack, view.flags, 0, {view.payload.begin(), view.payload.end()}},
		        header};
	}

	void reply(const Message &to, std::string_view payload)
	{
		kernel.message({to.id, to.seq, to.ack + 1, 0, bytes(payload)});
		flush();
	}

	/* Starts a coroutine, whose result is there once the context has run. */
	template <class T>
	std::shared_ptr<std::optional<T>> start(asio::awaitable<T> operation)
	{
		auto result = std::make_shared<std::optional<T>>();
		asio::co_spawn(context, std::move(operation), [result](std::exception_ptr problem, T value) {
			EXPECT_FALSE(problem);
			result->emplace(std::move(value));
		});
		return result;
	}

	/* What can go on without waiting does. */
	void settle()
	{
		context.restart();
		for (unsigned round = 0; round < 20; ++round)
			context.poll();
	}

	static std::string words(const Result<Event> &event)
	{
		if (!event)
			return "error " + std::to_string(event.error().code);
		if (const auto *message = std::get_if<Message>(&*event))
			return std::to_string(message->seq) + " " + std::string(text(message->payload));
		return "other";
	}
};

} // namespace cnx::client::test

#endif // CNX_CLIENT_ASIO_WORLD_HPP
