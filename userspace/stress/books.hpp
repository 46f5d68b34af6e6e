// SPDX-License-Identifier: GPL-2.0-only
/* The books that every receiver keeps: what came, in what order, and whether it adds up. No input or output. */
#ifndef CNX_STRESS_BOOKS_HPP
#define CNX_STRESS_BOOKS_HPP

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <cnx/client.hpp>
#include <cnx/stress.h>

namespace cnx::stress
{

/* A promise that was broken. `expected` and `seen` are ends of a sentence. */
struct Broken {
	std::string scenario;
	std::string invariant;
	std::string expected;
	std::string seen;
};

inline constexpr const char *order_per_sender = "order per sender";
inline constexpr const char *all_accounted_for = "sent = received + counted lost";
inline constexpr const char *right_portid = "no reply to the wrong portid";
inline constexpr const char *whole_payload = "payloads arrive as they were sent";

/* Of numbers that only grow. */
class Sequence
{
public:
	/* Whether the number is larger than all before it. */
	[[nodiscard]] bool take(std::uint64_t number)
	{
		if (number <= last_)
			return false;
		last_ = number;
		++taken_;
		return true;
	}
	std::uint64_t last() const { return last_; }
	std::uint64_t taken() const { return taken_; }

private:
	std::uint64_t last_ = 0;
	std::uint64_t taken_ = 0;
};

/* What one listener got of what the threads of bursts sent. */
class Listening
{
public:
	/* A message of the driver's. Nothing if all is well with it. */
	std::optional<Broken> take(const client::Message &message);

	std::uint64_t received() const;

private:
	std::map<std::pair<std::uint32_t, std::uint32_t>, Sequence> senders_; /* by job and thread */
};

/*
 * Whether what was sent to a receiver is what it got and what was counted as lost. `unnamed`: losses of this or another
 * receiver that cnx had no memory to put a name to, and which may be among the missing.
 */
std::optional<Broken> settle(std::uint64_t sent, std::uint64_t received, std::uint64_t lost, std::uint64_t unnamed);

/* What a program asks an echo: who it is, and a number. */
struct Question {
	std::uint32_t portid;
	std::uint32_t worker;
	std::uint64_t number;
};

/* A question of `size` bytes, at least those of a Question; the rest depends on the number. */
std::vector<std::byte> write_question(const Question &question, std::size_t size);

/* Questions that one socket asked, and what came of them. */
class Asking
{
public:
	Asking(std::uint32_t portid, std::uint32_t worker) : portid_(portid), worker_(worker) {}

	/* The next question, of `size` bytes. It counts as asked. */
	std::vector<std::byte> ask(std::size_t size);
	void refused() { ++refused_; }

	/* A reply from the callback `id`. Nothing if all is well with it. */
	std::optional<Broken> take(const client::Message &message, client::Id id);

	/* Whether it all adds up, when every reply that was not lost has been taken. */
	std::optional<Broken> settle(std::uint64_t lost, std::uint64_t unnamed) const;

	std::uint64_t asked() const { return asked_; }
	std::uint64_t replies() const { return replies_.taken(); }
	std::uint64_t refusals() const { return refused_; }

private:
	std::uint32_t portid_;
	std::uint32_t worker_;
	std::uint64_t number_ = 0;
	std::uint64_t asked_ = 0;
	std::uint64_t refused_ = 0;
	Sequence replies_;
};

} // namespace cnx::stress

#endif // CNX_STRESS_BOOKS_HPP
