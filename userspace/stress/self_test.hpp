// SPDX-License-Identifier: GPL-2.0-only
/* Whether a broken promise would be noticed: the driver is told to break some, see cnx/stress.h. */
#ifndef CNX_STRESS_SELF_TEST_HPP
#define CNX_STRESS_SELF_TEST_HPP

#include <string>
#include <vector>

#include "stress/run.hpp"

namespace cnx::stress
{

struct SelfTest {
	std::string name;
	std::string expected; /* the invariant that is to be found broken; empty: none */
	std::string found;    /* which was; empty: none */

	bool passed() const { return expected == found; }
};

client::Result<std::vector<SelfTest>> self_test(const Surroundings &surroundings,
                                                const std::function<void(const RunReport &)> &hung);

} // namespace cnx::stress

#endif // CNX_STRESS_SELF_TEST_HPP
