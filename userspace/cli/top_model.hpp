// SPDX-License-Identifier: GPL-2.0-only
/* What `cnx top` shows, without a terminal: samples become a frame, and a frame becomes lines. */
#ifndef CNX_CLI_TOP_MODEL_HPP
#define CNX_CLI_TOP_MODEL_HPP

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "cli/rates.hpp"
#include "cli/sample.hpp"

namespace cnx::tool
{

enum class TopOrder { Sent, Received, Lost, Name, Id };

/* The round trips of the last refreshes. */
struct Latency {
	std::chrono::nanoseconds last{}, median{}, p99{}, worst{};
};

struct DropRate {
	std::string reason;
	double rate; /* per second */
	std::uint64_t total;
};

struct TopFrame {
	client::Info info;
	Rates rates;                 /* callbacks in the order asked for; listeners with the greatest losses first */
	std::vector<DropRate> drops; /* those that ever happened, most frequent first */
	std::optional<double>
	    pool_hits; /* the part of all that magazines were asked for, since cnx was loaded; 0 to 1 */
	Latency latency;
	TopOrder order = TopOrder::Sent;
};

class TopModel
{
public:
	void add(Sample sample);

	/* Rates need two samples. */
	bool ready() const { return before_.has_value(); }

	/* Empty until ready. `reversed`: the least or last first. */
	TopFrame frame(TopOrder order, bool reversed) const;

private:
	std::optional<Sample> before_;
	std::optional<Sample> now_;
	std::deque<std::chrono::nanoseconds> round_trips_;
};

struct TopLine {
	std::string text;
	bool title = false; /* the head of a table */
};

/* Lines of any length: whoever shows them cuts them. */
std::vector<TopLine> top_lines(const TopFrame &frame);

/* Four digits and a unit at most: "0", "12.3", "1234", "56.7k", "1.23M". */
std::string format_rate(double rate);

} // namespace cnx::tool

#endif // CNX_CLI_TOP_MODEL_HPP
