// SPDX-License-Identifier: GPL-2.0-only
#include "libcds.hpp"

#include "../families.hpp"

namespace cnx::bench
{

void add_libcds(const Options &options)
{
	Families<Libcds>(options).add();
}

} // namespace cnx::bench
