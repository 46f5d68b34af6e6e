// SPDX-License-Identifier: MIT
/* What a Client holds, shared by the files that implement it. */
#ifndef CNX_CLIENT_STATE_HPP
#define CNX_CLIENT_STATE_HPP

#include <cstdint>
#include <deque>
#include <set>
#include <vector>

#include "client/datagram.hpp"
#include "client/transport.hpp"

namespace cnx::client
{

struct Client::State {
	State(std::unique_ptr<Transport> transport_, const Options &options_);

	/* The next event off the wire, past what is kept aside. */
	Result<Event> next(Deadline deadline);

	/* Sets an event aside for receive() while something else is awaited. Beyond a bound it becomes an overrun. */
	void keep(Event event);

	/* Encodes and sends; the number of the first message. */
	Result<std::uint32_t> transmit(std::span<const MessageView> messages, Answer answer);

	/* A control request that carries nothing but itself; its reply's header and records, checked. */
	struct Page {
		Message message;
		std::uint32_t count;
		std::uint64_t cursor;
		std::size_t stride; /* bytes from record to record; 0 without records */

		std::span<const std::byte> record(std::uint32_t index) const;
	};
	Result<Page> control(Client &client, std::uint16_t op, Id id, std::uint64_t cursor, std::size_t record_size);

	std::unique_ptr<Transport> transport;
	Options options;
	std::vector<std::byte> buffer;
	std::vector<std::byte> outgoing;
	DatagramReader reader;
	std::uint32_t group = 0; /* of the datagram that the reader walks */
	std::size_t cut = 0;     /* whole length of that datagram if it did not fit; else 0 */
	std::deque<Event> kept;
	std::set<std::uint32_t> subscribed;
	std::uint64_t overruns = 0;
	Ignored ignored;
	std::uint32_t netlink_seq = 1; /* of the next message; numbers acknowledgements */
	std::uint32_t exchange = 1;    /* seq of the next exchange that this client starts */
};

/* When a wait that starts now ends. */
Deadline deadline_after(Timeout timeout);

} // namespace cnx::client

#endif // CNX_CLIENT_STATE_HPP
