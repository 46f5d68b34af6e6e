// SPDX-License-Identifier: GPL-2.0-only
#include "cli/top_model.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace cnx::tool
{
namespace
{

constexpr std::size_t most_round_trips = 200;

void sort(std::vector<CallbackRates> &callbacks, TopOrder order, bool reversed)
{
	/* Equal ones stay apart by their ids, so that they do not change places from frame to frame. */
	const auto before = [order](const CallbackRates &left, const CallbackRates &right) {
		switch (order) {
		case TopOrder::Sent:
			return std::tuple(-left.sent, left.id) < std::tuple(-right.sent, right.id);
		case TopOrder::Received:
			return std::tuple(-left.received, left.id) < std::tuple(-right.received, right.id);
		case TopOrder::Lost:
			return std::tuple(-left.lost, left.id) < std::tuple(-right.lost, right.id);
		case TopOrder::Name:
			return std::tie(left.name, left.id) < std::tie(right.name, right.id);
		case TopOrder::Id:
			break;
		}
		return left.id < right.id;
	};
	std::ranges::sort(callbacks, before);
	if (reversed)
		std::ranges::reverse(callbacks);
}

Latency latency_of(const std::deque<std::chrono::nanoseconds> &round_trips)
{
	if (round_trips.empty())
		return {};
	std::vector sorted(round_trips.begin(), round_trips.end());
	std::ranges::sort(sorted);
	const auto at = [&sorted](std::size_t percent) { return sorted[(sorted.size() * percent + 99) / 100 - 1]; };
	return {round_trips.back(), at(50), at(99), sorted.back()};
}

bool is_drop(std::size_t counter)
{
	return (counter >= CNX_DROP_TRUNCATED && counter <= CNX_LOST_TOO_LARGE) || counter == CNX_LOST_UNNAMED;
}

std::string microseconds(std::chrono::nanoseconds time)
{
	return fmt::format("{:.1f}", std::chrono::duration<double, std::micro>(time).count());
}

const char *name_of(TopOrder order)
{
	switch (order) {
	case TopOrder::Sent:
		return "sent";
	case TopOrder::Received:
		return "received";
	case TopOrder::Lost:
		return "lost";
	case TopOrder::Name:
		return "name";
	case TopOrder::Id:
		break;
	}
	return "id";
}

} // namespace

void TopModel::add(Sample sample)
{
	round_trips_.push_back(sample.round_trip);
	if (round_trips_.size() > most_round_trips)
		round_trips_.pop_front();
	before_ = std::exchange(now_, std::move(sample));
}

TopFrame TopModel::frame(TopOrder order, bool reversed) const
{
	TopFrame frame{};
	frame.order = order;
	if (!before_ || !now_)
		return frame;
	frame.info = now_->info;
	frame.rates = rates_between(*before_, *now_);
	sort(frame.rates.callbacks, order, reversed);
	std::ranges::sort(frame.rates.listeners, [](const ListenerRates &left, const ListenerRates &right) {
		return std::tuple(-left.lost, ~left.total, left.portid, left.id) <
		       std::tuple(-right.lost, ~right.total, right.portid, right.id);
	});

	const auto totals = now_->totals();
	for (std::size_t index = 0; index < totals.size(); ++index)
		if (is_drop(index) && totals[index])
			frame.drops.push_back({counter_name(index).name, frame.rates.counters[index], totals[index]});
	std::ranges::stable_sort(frame.drops, [](const DropRate &left, const DropRate &right) {
		return std::pair(left.rate, left.total) > std::pair(right.rate, right.total);
	});

	if (totals.size() > CNX_POOL_MISSES)
		if (const auto asked = totals[CNX_POOL_HITS] + totals[CNX_POOL_MISSES])
			frame.pool_hits = static_cast<double>(totals[CNX_POOL_HITS]) / static_cast<double>(asked);
	frame.latency = latency_of(round_trips_);
	return frame;
}

std::string format_rate(double rate)
{
	/* What would be rounded up to five digits gets the next unit. */
	if (rate < 0.05)
		return "0";
	if (rate < 99.95)
		return fmt::format("{:.1f}", rate);
	if (rate < 9999.5)
		return fmt::format("{:.0f}", rate);
	if (rate < 999'950)
		return fmt::format("{:.1f}k", rate / 1e3);
	return fmt::format("{:.2f}M", rate / 1e6);
}

std::vector<TopLine> top_lines(const TopFrame &frame)
{
	std::vector<TopLine> lines;
	const auto rate = [&frame](cnx_counter counter) { return format_rate(frame.rates.of(counter)); };
	lines.push_back({fmt::format("cnx {}  protocol {}  {} callbacks  {} subscriptions  per second, over {:.1f} s",
	                             frame.info.version, frame.info.protocol, frame.info.callbacks,
	                             frame.info.subscriptions, frame.rates.seconds)});
	lines.push_back({fmt::format("in        {:>7} from sockets  {:>7} from drivers  {:>7} acknowledged",
	                             rate(CNX_RECEIVED), rate(CNX_DISPATCHED), rate(CNX_ACKNOWLEDGED))});
	lines.push_back({fmt::format("out       {:>7} messages      {:>7} datagrams     {:>7} waited for others",
	                             rate(CNX_SENT), rate(CNX_SENT_DATAGRAMS), rate(CNX_COALESCED))});
	lines.push_back({fmt::format("magazines {:>7} hits          {:>7} misses        {:>7} refilled  {}",
	                             rate(CNX_POOL_HITS), rate(CNX_POOL_MISSES), rate(CNX_POOL_REFILLS),
	                             frame.pool_hits ? fmt::format("{:.1f} % hits so far", *frame.pool_hits * 100)
	                                             : "not asked yet")});
	lines.push_back({fmt::format("latency   {:>7} us last       {:>7} median        {:>7} p99  {} worst",
	                             microseconds(frame.latency.last), microseconds(frame.latency.median),
	                             microseconds(frame.latency.p99), microseconds(frame.latency.worst))});
	std::string drops = "drops     ";
	for (const auto &drop : frame.drops)
		drops += fmt::format("{} {} ({})  ", drop.reason, format_rate(drop.rate), drop.total);
	lines.push_back({frame.drops.empty() ? drops + "none so far" : drops});

	lines.push_back({});
	lines.push_back({fmt::format("{:<22} {:<20} {:>8} {:>8} {:>8} {:>8} {:>8}  by {}", "ID", "NAME", "RECEIVED",
	                             "REFUSED", "FAILED", "SENT", "LOST", name_of(frame.order)),
	                 true});
	for (const auto &callback : frame.rates.callbacks)
		lines.push_back(
		    {fmt::format("{:<22} {:<20} {:>8} {:>8} {:>8} {:>8} {:>8}", format_id(callback.id),
		                 format_payload(client::bytes(callback.name), false), format_rate(callback.received),
		                 format_rate(callback.refused), format_rate(callback.failed),
		                 format_rate(callback.sent), format_rate(callback.lost))});
	if (!frame.rates.listeners.empty()) {
		lines.push_back({});
		lines.push_back(
		    {fmt::format("{:<22} {:<20} {:>8} {:>17}", "LISTENER", "MISSED OF", "LOST", "SO FAR"), true});
	}
	for (const auto &listener : frame.rates.listeners)
		lines.push_back({fmt::format("{:<22} {:<20} {:>8} {:>17}", listener.portid, format_id(listener.id),
		                             format_rate(listener.lost), listener.total)});
	return lines;
}

} // namespace cnx::tool
