// SPDX-License-Identifier: GPL-2.0-only
// The table of callbacks against a std::map, with keys that crowd a few buckets and a few tags, readers that hold on to
// what they found, and memory that ends.
#include "fuzz/world.hpp"

#include <cnx/core/rcu_table.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

using namespace cnx;
using namespace cnx::fuzz;

namespace
{

struct Value {
	explicit Value(std::uint64_t number) : number_(number) {}
	[[nodiscard]] std::uint64_t key() const { return number_; }

private:
	std::uint64_t number_;
};

using Table = RcuTable<P, Value>;

/// The key whose product with the table's multiplier is `hash`: the table's own, so that a fuzzer can choose where a
/// key belongs. With another one the keys would merely spread.
constexpr std::uint64_t key_with(std::uint64_t hash)
{
	constexpr std::uint64_t multiplier = 0xa0b2f2b0ed976d97u;
	std::uint64_t inverse = multiplier;
	for (unsigned round = 0; round < 5; ++round)
		inverse *= 2 - multiplier * inverse;
	static_assert(multiplier % 2 == 1);
	return hash * inverse;
}

class Player
{
public:
	explicit Player(Input input) : input_(input) {}
	~Player()
	{
		guards_.clear();
		held_.clear();
	}

	void play()
	{
		while (!input_.empty()) {
			step();
			require(writer_.size() == live_.size());
		}
		find_all();
	}

private:
	enum class Op : std::uint8_t { Insert, InsertMany, Erase, Recycle, Find, Open, Close, FindAll };
	static constexpr unsigned ops = 8;

	/// Few homes and few tags, or many: by the upper bits of the hash.
	std::uint64_t any_key()
	{
		const auto number = input_.take<std::uint16_t>();
		switch (number >> 14) {
		case 0: // one home, whatever the size, and tags that differ in a bit or two
			return key_with(std::uint64_t{number & 0xffu});
		case 1: // the last home, from where a lookup goes on to the first
			return key_with(~std::uint64_t{0} << 16 | number);
		case 2: // any home, one tag
			return key_with(std::uint64_t{number} << 56);
		default:
			return number;
		}
	}

	void step()
	{
		switch (static_cast<Op>(input_.below(ops))) {
		case Op::Insert:
			return insert(any_key());
		case Op::InsertMany: {
			const auto first = any_key();
			for (unsigned i = input_.below(64); i != 0; --i)
				insert(first + i);
			return;
		}
		case Op::Erase:
			return erase();
		case Op::Recycle:
			return recycle();
		case Op::Find:
			return find(any_key());
		case Op::Open:
			return open();
		case Op::Close:
			return close();
		case Op::FindAll:
			return find_all();
		}
	}

	void insert(std::uint64_t key)
	{
		auto value = std::make_unique<Value>(key);
		const Shortage shortage(input_);
		const Status status = writer_.insert(*value);
		if (!status) {
			require(status.error() == Error::exists
			            ? live_.contains(key)
			            : status.error() == Error::no_memory && shortage.happened());
			return;
		}
		require(live_.emplace(key, std::move(value)).second);
	}

	void erase()
	{
		auto key = any_key();
		// As a rule one that is there.
		if (input_.below(4) != 0 && !live_.empty()) {
			const auto at = live_.lower_bound(key);
			key = at == live_.end() ? live_.begin()->first : at->first;
		}
		const auto found = live_.find(key);
		const Status status = writer_.erase(key);
		require(to_errno(status) == (found == live_.end() ? to_errno(Error::no_entry) : 0));
		if (!status)
			return;
		leaving_.push_back(std::move(found->second));
		live_.erase(found);
	}

	/// A grace period is over, which it cannot be while somebody reads.
	void recycle()
	{
		if (!guards_.empty() || leaving_.empty())
			return;
		const auto at = leaving_.begin() + input_.below(static_cast<unsigned>(leaving_.size()));
		const Shortage shortage(input_);
		writer_.recycle(**at);
		leaving_.erase(at);
	}

	void find(std::uint64_t key)
	{
		const P::ReadGuard guard;
		const auto found = live_.find(key);
		require(table_.find(guard, key) == (found == live_.end() ? nullptr : found->second.get()));
	}

	void find_all()
	{
		require(writer_.displaced() <= live_.size());
		for (const auto &[key, value] : live_)
			find(key);
		for (const auto &value : leaving_)
			find(value->key());
	}

	void open()
	{
		if (guards_.size() == 4)
			return;
		guards_.push_back(std::make_unique<P::ReadGuard>());
		const auto key = any_key();
		if (const Value *const value = table_.find(*guards_.back(), key))
			held_.emplace_back(value, key);
	}

	void close()
	{
		if (guards_.empty())
			return;
		// What was found is there until the last guard closes, whatever became of its key.
		for (const auto &[value, key] : held_)
			require(value->key() == key);
		guards_.pop_back();
		if (guards_.empty())
			held_.clear();
	}

	Input input_;
	Table table_;
	Table::Writer writer_{table_};
	std::map<std::uint64_t, std::unique_ptr<Value>> live_;
	std::vector<std::unique_ptr<Value>> leaving_;
	std::vector<std::unique_ptr<P::ReadGuard>> guards_;
	std::vector<std::pair<const Value *, std::uint64_t>> held_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	const Fresh fresh;
	Player(Input(std::as_bytes(std::span(data, size)))).play();
	return 0;
}
