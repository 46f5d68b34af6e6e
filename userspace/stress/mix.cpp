// SPDX-License-Identifier: GPL-2.0-only
#include "stress/scenario.hpp"

#include <algorithm>
#include <set>

namespace cnx::stress
{

std::expected<std::vector<std::string>, std::string> parse_mix(std::string_view text,
                                                               std::span<const ScenarioKind> kinds)
{
	std::set<std::string_view> wanted;
	for (bool more = true; more;) {
		const auto comma = text.find(',');
		const auto name = text.substr(0, comma);
		more = comma != text.npos;
		text.remove_prefix(more ? comma + 1 : text.size());
		if (name == "all") {
			for (const auto &kind : kinds)
				wanted.insert(kind.name);
			continue;
		}
		if (std::ranges::none_of(kinds, [&](const ScenarioKind &kind) { return name == kind.name; }))
			return std::unexpected("there is no scenario '" + std::string(name) +
			                       "': `cnx stress --list` shows them");
		wanted.insert(name);
	}
	std::vector<std::string> chosen;
	for (const auto &kind : kinds)
		if (wanted.contains(kind.name))
			chosen.emplace_back(kind.name);
	return chosen;
}

} // namespace cnx::stress
