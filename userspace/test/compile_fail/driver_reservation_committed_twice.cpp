// SPDX-License-Identifier: GPL-2.0-only
// Committing consumes a reservation, so it cannot be written to or committed again by mistake.
// EXPECT: discards qualifiers|as 'this' argument|passing .*Reservation
#include <cnx/driver.hpp>

cnx::Status finish(cnx::MessageBatch::Reservation &reservation)
{
#ifdef MUST_FAIL
	return reservation.commit();
#else
	return std::move(reservation).commit();
#endif
}
