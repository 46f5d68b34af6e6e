// SPDX-License-Identifier: GPL-2.0-only
#include "cnx.hpp"

#include "../families.hpp"

namespace cnx::bench
{

void add_cnx(const Options &options)
{
	with_flavour(options.flavour, [&]<replica::Flavour F>() {
		Families<Cnx<F>>(options).add();
		Families<CnxDispatcher<F>>(options).dispatching();
		Families<CnxSleepable<F>>(options).dispatching();
		Families<Floor<F>>(options).dispatching();
	});
}

} // namespace cnx::bench
