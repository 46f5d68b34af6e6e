// SPDX-License-Identifier: GPL-2.0-only
#include "cli/rates.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace cnx::tool
{

std::vector<std::uint64_t> Sample::totals() const
{
	std::vector<std::uint64_t> sum;
	for (const auto &counters : cpus) {
		sum.resize(std::max(sum.size(), counters.value.size()));
		for (std::size_t index = 0; index < counters.value.size(); ++index)
			sum[index] += counters.value[index];
	}
	return sum;
}

Rates rates_between(const Sample &before, const Sample &after)
{
	Rates rates;
	rates.seconds = std::chrono::duration<double>(after.time - before.time).count();
	const auto rate = [&rates](std::uint64_t from, std::uint64_t to) {
		const std::uint64_t change = to < from ? to : to - from;
		return rates.seconds > 0 ? static_cast<double>(change) / rates.seconds : 0;
	};

	const auto old_totals = before.totals();
	const auto totals = after.totals();
	for (std::size_t index = 0; index < totals.size(); ++index)
		rates.counters.push_back(rate(index < old_totals.size() ? old_totals[index] : 0, totals[index]));

	std::map<std::uint64_t, const client::Callback *> old_callbacks;
	for (const auto &callback : before.callbacks)
		old_callbacks[callback.serial] = &callback;
	const client::Callback fresh{};
	for (const auto &callback : after.callbacks) {
		const auto found = old_callbacks.find(callback.serial);
		const auto &old =
		    found != old_callbacks.end() && found->second->id == callback.id ? *found->second : fresh;
		rates.callbacks.push_back({callback.id, callback.name, rate(old.received, callback.received),
		                           rate(old.refused, callback.refused), rate(old.failed, callback.failed),
		                           rate(old.sent, callback.sent), rate(old.lost, callback.lost)});
	}

	if (!after.losses)
		return rates;
	std::map<std::pair<std::uint32_t, client::Id>, std::uint64_t> old_losses;
	if (before.losses)
		for (const auto &loss : *before.losses)
			old_losses[{loss.portid, loss.id}] = loss.lost;
	for (const auto &loss : *after.losses) {
		const auto found = old_losses.find({loss.portid, loss.id});
		rates.listeners.push_back(
		    {loss.portid, loss.id, rate(found == old_losses.end() ? 0 : found->second, loss.lost), loss.lost});
	}
	return rates;
}

} // namespace cnx::tool
