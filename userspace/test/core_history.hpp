// SPDX-License-Identifier: GPL-2.0-only
// What one writer did to a key of a map and what readers saw of it, and whether any map could have behaved so.
#ifndef CNX_TEST_CORE_HISTORY_HPP
#define CNX_TEST_CORE_HISTORY_HPP

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace cnx::test
{

/// Time as a count of events: of two ticks, the one that really came first has the lower number, in whatever threads.
class Clock
{
public:
	[[nodiscard]] std::uint64_t tick() { return now_.fetch_add(1, std::memory_order_seq_cst); }

private:
	std::atomic<std::uint64_t> now_{1};
};

/// From just before an operation to just after it.
struct Interval {
	std::uint64_t begin, end;
};
inline constexpr std::uint64_t never = ~std::uint64_t{0};

/// One stay of a value under the key. Identities of later stays are higher, and none is 0.
struct Stay {
	std::uint64_t identity;
	Interval insert;
	Interval erase{never, never};
};

struct Lookup {
	Interval when;
	std::uint64_t found; // an identity, or 0 for nothing
};

struct KeyHistory {
	std::vector<Stay> stays; // in the writer's order
	std::vector<Lookup> lookups;
};

/// Why a history is not linearizable, or an empty string if it is. Linearizable means that each operation can be given
/// a point in its interval such that every lookup finds what the inserts and erases with earlier points have left. A
/// map is linearizable if it is for each key alone (Herlihy and Wing, 1990, "locality").
///
/// The answer is exact, because there is one writer and no value comes twice. Let x be the point of a stay's insert and
/// y that of its erase. A lookup that found the stay and took [b, e] has a point to it if and only if x <= e and
/// b <= y. One that found nothing has a point if and only if [b, e] is not wholly inside the [x, y] of any one stay:
/// there is a gap before and after each. So what sightings ask for is that each x is low and each y high, whatever the
/// other points are; what the other lookups ask for is that each x is high and each y low, the more the better. The
/// writer's intervals do not overlap, so no choice of one point takes anything from another. Hence the highest x and
/// the lowest y that the sightings allow satisfy everything that can be satisfied, and only these need be tried.
[[nodiscard]] inline std::string complaint(const KeyHistory &history)
{
	const auto text = [](const Interval &when) {
		return "[" + std::to_string(when.begin) + ", " + std::to_string(when.end) + "]";
	};
	std::uint64_t before = 0;
	std::uint64_t last = 0;
	std::vector<Interval> surely; // from the highest x to the lowest y of each stay
	for (const Stay &stay : history.stays) {
		const bool in_order = before <= stay.insert.begin && stay.insert.begin <= stay.insert.end &&
		                      stay.insert.end <= stay.erase.begin && stay.erase.begin <= stay.erase.end;
		if (!in_order || stay.identity <= last)
			return "this is no history of one writer: stay " + std::to_string(stay.identity);
		before = stay.erase.end;
		last = stay.identity;
		surely.push_back({stay.insert.end, stay.erase.begin});
	}

	for (const Lookup &lookup : history.lookups) {
		if (lookup.found == 0)
			continue;
		const auto stay = std::lower_bound(
		    history.stays.begin(), history.stays.end(), lookup.found,
		    [](const Stay &candidate, std::uint64_t identity) { return candidate.identity < identity; });
		const std::string sighting =
		    "stay " + std::to_string(lookup.found) + " was seen in " + text(lookup.when);
		if (stay == history.stays.end() || stay->identity != lookup.found)
			return sighting + " and never was";
		if (lookup.when.end < stay->insert.begin)
			return sighting + " before its insert in " + text(stay->insert);
		if (lookup.when.begin > stay->erase.end)
			return sighting + " after its erase in " + text(stay->erase);
		Interval &sure = surely[static_cast<std::size_t>(stay - history.stays.begin())];
		sure.begin = std::min(sure.begin, lookup.when.end);
		sure.end = std::max(sure.end, lookup.when.begin);
	}

	for (const Lookup &lookup : history.lookups) {
		if (lookup.found != 0)
			continue;
		// Of the stays that had not surely ended when the lookup did, the first one began first.
		const auto sure =
		    std::upper_bound(surely.begin(), surely.end(), lookup.when.end,
		                     [](std::uint64_t end, const Interval &candidate) { return end < candidate.end; });
		if (sure != surely.end() && sure->begin < lookup.when.begin)
			return "nothing was seen in " + text(lookup.when) + " while a stay surely lasted " +
			       text(*sure);
	}
	return {};
}

} // namespace cnx::test

#endif // CNX_TEST_CORE_HISTORY_HPP
