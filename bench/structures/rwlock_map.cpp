// SPDX-License-Identifier: GPL-2.0-only
#include "rwlock_map.hpp"

#include "../families.hpp"

namespace cnx::bench
{

void add_rwlock_map(const Options &options)
{
	Families<RwlockMap>(options).add();
}

} // namespace cnx::bench
