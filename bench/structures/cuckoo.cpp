// SPDX-License-Identifier: GPL-2.0-only
#include "cuckoo.hpp"

#include "../families.hpp"

namespace cnx::bench
{

void add_cuckoo(const Options &options)
{
	Families<Cuckoo>(options).add();
}

} // namespace cnx::bench
