// SPDX-License-Identifier: GPL-2.0-only
#include "ck_ht.hpp"

#include "../families.hpp"

namespace cnx::bench
{

void add_ck_ht(const Options &options)
{
	Families<CkHt>(options).add();
}

} // namespace cnx::bench
