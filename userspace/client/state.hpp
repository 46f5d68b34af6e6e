// SPDX-License-Identifier: MIT
/*
 * What a Client holds, shared by the files that implement it.
 *
 * Overruns: netlink says ENOBUFS before it yields what was queued, and queues nothing more, answers included, until
 * that has been read. So an overrun's place is where the queue is next seen empty, and there cnx is asked for the
 * number.
 */
#ifndef CNX_CLIENT_STATE_HPP
#define CNX_CLIENT_STATE_HPP

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "client/datagram.hpp"
#include "client/transport.hpp"

namespace cnx::client
{

/* The place in the stream of an overrun whose number is not known yet. */
struct Gap {
	bool uncounted = false; /* there was nothing to subtract from when it came, so its number is unknown */
	bool answers = false;   /* acknowledgements that nothing waits for may be among what was lost */
};

struct Client::State {
	State(std::unique_ptr<Transport> transport_, const Options &options_);

	/* What was read too early. */
	using Held = std::variant<Event, Error, Gap>;

	/* The next event of the stream, past what is kept aside. */
	Result<Event> next(Deadline deadline);

	/* Sets an event aside for receive() while something else is awaited. */
	void keep(Event event) { hold(kept, std::move(event)); }

	/* Encodes and sends; the number of the first message. */
	Result<std::uint32_t> transmit(std::span<const MessageView> messages, Answer answer);

	/*
	 * Sends a message to cnx itself, which answers within the send, and returns its reply. So the reply is lost if
	 * the queue has been read empty without it; the message is sent again if that is because the queue was full,
	 * a bounded number of times. What else arrives is held for next(), whose part of the stream it is.
	 */
	Result<Message> ask(MessageView message, Deadline deadline, bool *repeated = nullptr);

	/* A control request that carries nothing but itself; its reply's header and records, checked. */
	struct Page {
		Message message;
		std::uint32_t count;
		std::uint64_t cursor;
		std::size_t stride; /* bytes from record to record; 0 without records */

		std::span<const std::byte> record(std::uint32_t index) const;
	};
	struct Request {
		std::uint16_t op;
		Id id;
		std::uint32_t count = 0;
		std::uint64_t cursor = 0;
	};
	Result<Page> control(const Request &request, std::size_t record_size, Deadline deadline,
	                     bool *repeated = nullptr);
	/* For requests that a user makes. */
	Deadline patience() const;

	Result<std::vector<Counters>> counters(Deadline deadline);
	Result<std::vector<Loss>> losses(std::uint32_t portid, Deadline deadline);

	/* Takes the numbers that later ones are compared with, unless they are known. Before the first subscription. */
	void begin_counting();

	std::unique_ptr<Transport> transport;
	Options options;
	std::vector<std::byte> buffer;
	std::vector<std::byte> outgoing;
	DatagramReader reader;
	std::uint32_t group = 0; /* of the datagram that the reader walks */
	std::size_t cut = 0;     /* whole length of that datagram if it did not fit; else 0 */
	/* Oldest first: what an answer was awaited past, then what was read past the event that next() is to return. */
	std::deque<Held> kept;
	std::deque<Held> ahead;
	std::set<std::uint32_t> subscribed;
	std::set<std::uint32_t> memberships;
	std::uint64_t overruns = 0;        /* told */
	std::uint64_t overflows = 0;       /* seen, whether or not anything was missed */
	std::optional<Gap> gap;            /* an overflow behind which the queue is yet to be read empty */
	bool unsettled = false;            /* there are gaps ahead; never without it */
	bool answers_due = false;          /* acknowledgements may be queued that nothing waits for */
	std::optional<std::uint64_t> told; /* of the kernel's number of missed messages: what overruns have told */
	std::uint64_t unnamed = 0;         /* CNX_LOST_UNNAMED when that was last looked at */
	Ignored ignored;
	std::uint32_t netlink_seq = 1; /* of the next message; numbers acknowledgements */
	std::uint32_t exchange = 1;    /* seq of the next exchange that this client starts */

private:
	/* The next event off the wire; ENOBUFS where messages were lost. */
	Result<Event> read(Deadline deadline);

	/*
	 * Reads on behind an overflow until the queue is empty, without waiting and without returning to the caller:
	 * whatever arrives before this is seen comes ahead of the overrun. It stops at the bound of hold().
	 */
	void drain();

	/*
	 * Asks for the number of what was missed at the gaps ahead, and makes it an overrun at the first. Long before
	 * it is returned: the later it is, the more of it was missed elsewhere.
	 */
	void settle();

	/* Appends an event or error. Beyond a bound it is dropped, and counted in an overrun at the end. */
	void hold(std::deque<Held> &queue, Held item);

	/* read() said ENOBUFS; and it said ETIMEDOUT, so that the queue is empty. */
	void overflowed();
	void emptied();

	/* Asks how much was missed. Nothing: nothing was. */
	std::optional<Overrun> measure(const Gap &place);
	std::optional<std::uint64_t> count_missed();
	std::optional<std::uint64_t> count_unnamed();
};

/* When a wait that starts now ends. */
Deadline deadline_after(Timeout timeout);

/* That no answer came in time. */
Error no_answer(bool overrun);

/* What an NLMSG_ERROR says. */
Error refused(const Acknowledgement &acknowledgement);

} // namespace cnx::client

#endif // CNX_CLIENT_STATE_HPP
