// SPDX-License-Identifier: GPL-2.0-only
// cnx's dispatcher in a program of one's own: g++ -std=c++23 example.cpp $(pkg-config --cflags --libs cnx-replica)
#include <cnx/core/dispatcher.hpp>
#include <cnx/replica/default.hpp>
#include <cstdio>
using P = cnx::replica::Default;

static int hello(void *, const cnx_message *message, const cnx_sender *)
{
	return std::printf("hello, %u bytes\n", message->length) > 0 ? 0 : -1;
}

int main()
{
	const P::Thread thread;
	const auto dispatcher = cnx::Dispatcher<P>::create().value();
	const auto spec =
	    cnx::Registry<P>::check({40, 1}, "hello", hello, nullptr, CNX_KIND_ATOMIC, CNX_SENDER_ANYONE, false);
	auto *const callback = dispatcher->registry().add(spec.value()).value();
	const auto outcome =
	    dispatcher->dispatch({.id = {40, 1}, .seq = 0, .ack = 0, .flags = 0, .length = 5, .payload = "world"});
	return outcome.status == 0 && dispatcher->registry().remove({&callback, 1}) ? 0 : 1;
}
