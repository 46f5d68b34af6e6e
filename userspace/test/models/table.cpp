// SPDX-License-Identifier: GPL-2.0-only
// Publishing, looking up and removing, in the table: the real RcuTable.
#include "world.hpp"

#include <cnx/core/rcu_table.hpp>

namespace model
{
namespace
{

/// A value whose key is plain data, as a callback's is.
class Value
{
public:
	explicit Value(std::uint64_t key) : key_(key) {}
	[[nodiscard]] std::uint64_t key() const { return key_.read(); }
	/// As freed memory would be used for something else.
	void scrap() { key_.write(~std::uint64_t{0}); }

private:
	Plain<std::uint64_t> key_;
};

using Table = cnx::RcuTable<World, Value>;

struct Subject {
	Table table;
	Table::Writer writer{table};

	void insert(Value &value)
	{
		if (!writer.insert(value))
			Explorer::instance().fail("there is no room in the table");
	}

	/// The end of a value, as Registry::remove() brings it about.
	void remove(Value &value)
	{
		if (!writer.erase(value.key()))
			Explorer::instance().fail("what was inserted is not there");
		World::synchronize();
		writer.recycle(value);
		value.scrap();
	}
};

[[nodiscard]] Subject &subject()
{
	reset_state();
	return make<Subject>();
}

/// A reader finds what has the key that it looked for, or nothing, if it need not be there.
void look_up(Subject &subject, std::uint64_t key, bool there = false)
{
	const World::ReadGuard guard;
	const Value *const found = subject.table.find(guard, key);
	if (there && !found)
		Explorer::instance().fail("what is there is not found");
	if (found && found->key() != key)
		Explorer::instance().fail("another value is found");
}

/// The first value, which comes with the first array.
void publish()
{
	Subject &all = subject();
	Explorer &explorer = Explorer::instance();
	explorer.spawn([&all] { all.insert(make<Value>(1u)); });
	explorer.spawn([&all] { look_up(all, 1); });
}

/// One more, in an array that is there.
void insert()
{
	Subject &all = subject();
	all.insert(make<Value>(1u));
	Explorer &explorer = Explorer::instance();
	explorer.spawn([&all] { all.insert(make<Value>(2u)); });
	explorer.spawn([&all] { look_up(all, 2); });
	explorer.spawn([&all] { look_up(all, 1); });
}

/// A value that leaves, and a slot that another gets.
void replace()
{
	Subject &all = subject();
	Value &first = make<Value>(1u);
	all.insert(first);
	Explorer &explorer = Explorer::instance();
	explorer.spawn([&all, &first] {
		all.remove(first);
		all.insert(make<Value>(1u));
	});
	explorer.spawn([&all] { look_up(all, 1); });
}

/// What is there stays to be found while the array is exchanged for a larger one.
void grow()
{
	Subject &all = subject();
	all.insert(make<Value>(1u));
	for (std::uint64_t key = 2; key <= 8; ++key)
		all.insert(make<Value>(key));
	Explorer &explorer = Explorer::instance();
	explorer.spawn([&all] { all.insert(make<Value>(9u)); });
	explorer.spawn([&all] { look_up(all, 1, true); });
}

} // namespace

std::vector<Model> table_models()
{
	return {{"publishing the first value", publish},
	        {"inserting beside another", insert},
	        {"removing, and using the slot again", replace},
	        {"growing", grow}};
}

} // namespace model
