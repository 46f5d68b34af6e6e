// SPDX-License-Identifier: GPL-2.0-only
/* What cnx top shows, from samples on. */
#include <algorithm>
#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "cli/top_model.hpp"

namespace
{

using namespace cnx;
using namespace std::chrono_literals;
using tool::TopOrder;

tool::Sample sample(std::chrono::milliseconds time, std::uint64_t factor)
{
	tool::Sample sample;
	sample.time = std::chrono::steady_clock::time_point(time);
	sample.round_trip = factor * 10us;
	sample.info.version = "0.1.0";
	std::vector<std::uint64_t> counters(CNX_COUNTERS);
	counters[CNX_SENT] = 100 * factor;
	counters[CNX_DROP_UNKNOWN_ID] = 7;
	counters[CNX_LOST_OVERRUN] = 50 * factor;
	counters[CNX_POOL_HITS] = 30 * factor;
	counters[CNX_POOL_MISSES] = 10 * factor;
	sample.cpus = {{0, counters}};
	const auto callback = [factor](std::uint32_t idx, const char *name, std::uint64_t received, std::uint64_t sent,
	                               std::uint64_t lost) {
		return client::Callback{{idx, 1}, idx,           false,         -1,  received * factor, 0,
		                        0,        sent * factor, lost * factor, name};
	};
	sample.callbacks = {callback(1, "zebra", 5, 10, 0), callback(2, "ape", 50, 20, 3),
	                    callback(3, "bee", 1, 90, 2)};
	sample.losses = {{{70, {1, 1}, factor}, {71, {1, 1}, 5 * factor}}};
	return sample;
}

tool::TopModel model()
{
	tool::TopModel model;
	model.add(sample(0ms, 1));
	EXPECT_FALSE(model.ready());
	model.add(sample(500ms, 2));
	EXPECT_TRUE(model.ready());
	return model;
}

std::string order_of(TopOrder order, bool reversed)
{
	std::string names;
	for (const auto &callback : model().frame(order, reversed).rates.callbacks)
		names += callback.name + " ";
	return names;
}

TEST(tool_top, callbacks_are_sorted_as_asked)
{
	EXPECT_EQ(order_of(TopOrder::Sent, false), "bee ape zebra ");
	EXPECT_EQ(order_of(TopOrder::Sent, true), "zebra ape bee ");
	EXPECT_EQ(order_of(TopOrder::Received, false), "ape zebra bee ");
	EXPECT_EQ(order_of(TopOrder::Lost, false), "ape bee zebra ");
	EXPECT_EQ(order_of(TopOrder::Name, false), "ape bee zebra ");
	EXPECT_EQ(order_of(TopOrder::Id, false), "zebra ape bee ");
}

TEST(tool_top, a_frame_is_what_happened_between_the_last_two_samples)
{
	const auto frame = model().frame(TopOrder::Sent, false);
	EXPECT_DOUBLE_EQ(frame.rates.of(CNX_SENT), 200);
	ASSERT_EQ(frame.drops.size(), 2u);
	EXPECT_EQ(frame.drops[0].reason, "lost_overrun");
	EXPECT_DOUBLE_EQ(frame.drops[0].rate, 100);
	EXPECT_EQ(frame.drops[1].reason, "drop_unknown_id");
	EXPECT_DOUBLE_EQ(frame.drops[1].rate, 0);
	EXPECT_EQ(frame.drops[1].total, 7u);
	ASSERT_TRUE(frame.pool_hits);
	EXPECT_DOUBLE_EQ(*frame.pool_hits, 0.75);
	ASSERT_EQ(frame.rates.listeners.size(), 2u);
	EXPECT_EQ(frame.rates.listeners[0].portid, 71u);
}

TEST(tool_top, latency_is_that_of_the_last_refreshes)
{
	tool::TopModel model;
	for (std::uint64_t round = 1; round <= 300; ++round)
		model.add(sample(round * 1s, round));
	const auto latency = model.frame(TopOrder::Sent, false).latency;
	EXPECT_EQ(latency.last, 3000us);
	EXPECT_EQ(latency.worst, 3000us);
	EXPECT_EQ(latency.median, 2000us) << "of 101 to 300";
	EXPECT_EQ(latency.p99, 2980us);
}

TEST(tool_top, an_empty_module_is_shown_too)
{
	tool::TopModel model;
	model.add({});
	model.add({});
	const auto frame = model.frame(TopOrder::Name, true);
	EXPECT_FALSE(frame.pool_hits);
	const auto lines = tool::top_lines(frame);
	ASSERT_EQ(lines.size(), 8u);
	EXPECT_NE(lines[3].text.find("not asked yet"), std::string::npos);
	EXPECT_NE(lines[5].text.find("none so far"), std::string::npos);
	EXPECT_TRUE(lines[7].title);
}

TEST(tool_top, no_line_has_a_control_character)
{
	auto odd = sample(1s, 3);
	odd.callbacks[0].name = "a\x1b[2Jb\n";
	tool::TopModel model;
	model.add(sample(0s, 1));
	model.add(odd);
	for (const auto &line : tool::top_lines(model.frame(TopOrder::Id, false)))
		EXPECT_TRUE(std::ranges::none_of(line.text, [](char character) {
			return character >= 0 && character < ' ';
		})) << line.text;
}

TEST(tool_top, rates_take_little_room)
{
	EXPECT_EQ(tool::format_rate(0), "0");
	EXPECT_EQ(tool::format_rate(0.04), "0");
	EXPECT_EQ(tool::format_rate(12.34), "12.3");
	EXPECT_EQ(tool::format_rate(99.96), "100");
	EXPECT_EQ(tool::format_rate(9999.4), "9999");
	EXPECT_EQ(tool::format_rate(9999.6), "10.0k");
	EXPECT_EQ(tool::format_rate(999'960), "1.00M");
}

} // namespace
