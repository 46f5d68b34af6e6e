// SPDX-License-Identifier: GPL-2.0-only
#include "absl_map.hpp"

#include "../families.hpp"

namespace cnx::bench
{

void add_absl_map(const Options &options)
{
	Families<AbslMap>(options).add();
}

} // namespace cnx::bench
