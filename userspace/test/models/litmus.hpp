// SPDX-License-Identifier: GPL-2.0-only
#ifndef CNX_TEST_MODELS_LITMUS_HPP
#define CNX_TEST_MODELS_LITMUS_HPP

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace model
{

struct Litmus {
	const char *name;
	std::function<void()> program;
	std::set<std::string> outcomes; // all that there are
};

[[nodiscard]] std::vector<Litmus> litmus_tests();
[[nodiscard]] std::set<std::string> outcomes_of(const Litmus &test);

} // namespace model

#endif // CNX_TEST_MODELS_LITMUS_HPP
