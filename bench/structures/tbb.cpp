// SPDX-License-Identifier: GPL-2.0-only
#include "tbb.hpp"

#include "../families.hpp"

namespace cnx::bench
{

void add_tbb(const Options &options)
{
	Families<Tbb>(options).add();
}

} // namespace cnx::bench
