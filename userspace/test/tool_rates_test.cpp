// SPDX-License-Identifier: GPL-2.0-only
#include <chrono>

#include <gtest/gtest.h>

#include "cli/rates.hpp"

namespace
{

using namespace cnx;
using namespace std::chrono_literals;

tool::Sample at(std::chrono::milliseconds time)
{
	tool::Sample sample;
	sample.time = std::chrono::steady_clock::time_point(time);
	return sample;
}

client::Callback callback(std::uint64_t serial, std::uint64_t sent)
{
	return {{7, 1}, serial, false, -1, 0, 0, 0, sent, 0, "name"};
}

TEST(tool_rates, are_per_second_and_over_all_cpus)
{
	auto before = at(1000ms);
	auto after = at(1500ms);
	before.cpus = {{0, {100, 1}}, {1, {200, 1}}};
	after.cpus = {{0, {110, 1}}, {1, {215, 1}}};
	const auto rates = tool::rates_between(before, after);
	EXPECT_DOUBLE_EQ(rates.seconds, 0.5);
	EXPECT_DOUBLE_EQ(rates.of(CNX_RECEIVED), 50);
	EXPECT_DOUBLE_EQ(rates.of(CNX_DISPATCHED), 0);
	EXPECT_DOUBLE_EQ(rates.of(CNX_COALESCED), 0) << "not counted by this module";
}

TEST(tool_rates, what_began_anew_counts_from_zero)
{
	auto before = at(0ms);
	auto after = at(2000ms);
	before.cpus = {{0, {1000}}};
	after.cpus = {{0, {40, 6}}};
	before.callbacks = {callback(1, 500)};
	after.callbacks = {callback(2, 600)};
	before.losses = {{{10, {7, 1}, 50}}};
	after.losses = {{{10, {7, 1}, 8}, {11, {7, 1}, 4}}};
	const auto rates = tool::rates_between(before, after);
	EXPECT_DOUBLE_EQ(rates.of(CNX_RECEIVED), 20);
	EXPECT_DOUBLE_EQ(rates.of(CNX_DISPATCHED), 3);
	ASSERT_EQ(rates.callbacks.size(), 1u);
	EXPECT_DOUBLE_EQ(rates.callbacks[0].sent, 300);
	ASSERT_EQ(rates.listeners.size(), 2u);
	EXPECT_DOUBLE_EQ(rates.listeners[0].lost, 4);
	EXPECT_DOUBLE_EQ(rates.listeners[1].lost, 2);
	EXPECT_EQ(rates.listeners[1].total, 4u);
}

TEST(tool_rates, the_same_callback_counts_on)
{
	auto before = at(0ms);
	auto after = at(1000ms);
	before.callbacks = {callback(1, 500)};
	after.callbacks = {callback(1, 512)};
	EXPECT_DOUBLE_EQ(tool::rates_between(before, after).callbacks.at(0).sent, 12);
	EXPECT_TRUE(tool::rates_between(before, after).callbacks.at(0).any());
	EXPECT_FALSE(tool::rates_between(after, after).callbacks.at(0).any());
}

TEST(tool_rates, no_time_is_no_rate)
{
	auto sample = at(5ms);
	sample.cpus = {{0, {1000}}};
	EXPECT_DOUBLE_EQ(tool::rates_between(at(5ms), sample).of(CNX_RECEIVED), 0);
}

} // namespace
