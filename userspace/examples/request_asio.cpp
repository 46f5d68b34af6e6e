// SPDX-License-Identifier: MIT
// Asks the echo driver while it listens to the ticker, in one thread: request_asio [QUESTIONS [TICKS]]
#include <cnx/asio.hpp>
#include <cstdio>
#include <cstdlib>

namespace client = cnx::client;

static int status = 0;

static void fail(const client::Error &error)
{
	std::fprintf(stderr, "request_asio: %s\n", error.what.c_str());
	status = 1;
}

static asio::awaitable<void> ask(client::AsyncClient &connection, unsigned long questions)
{
	for (; questions && !status; --questions) {
		const auto reply = co_await connection.request({.id = {32, 1}, .payload = client::bytes("hello")},
		                                               std::chrono::seconds(5));
		if (!reply)
			co_return fail(reply.error());
		std::puts("an answer");
	}
}

static asio::awaitable<void> listen(client::AsyncClient &connection, unsigned long ticks)
{
	if (const auto joined = connection.client().join(33); !joined)
		co_return fail(joined.error());
	for (; ticks && !status; --ticks) {
		const auto event = co_await connection.receive(std::chrono::seconds(5));
		if (!event)
			co_return fail(event.error());
		std::puts(std::holds_alternative<client::Message>(*event) ? "a tick" : "ticks were missed");
	}
}

int main(int argc, char **argv)
{
	asio::io_context context;
	auto connection = client::AsyncClient::open(context.get_executor());
	if (!connection)
		return fail(connection.error()), status;
	asio::co_spawn(context, ask(*connection, argc > 1 ? std::strtoul(argv[1], nullptr, 0) : 3), asio::detached);
	asio::co_spawn(context, listen(*connection, argc > 2 ? std::strtoul(argv[2], nullptr, 0) : 3), asio::detached);
	context.run();
	return status;
}
