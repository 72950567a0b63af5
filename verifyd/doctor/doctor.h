// The doctor: finds what makes other servers refuse our probes, or verification useless, and says how to mend it. It
// asks DNS and mail servers, from here; no message is ever sent, and nothing is changed.
//
// Thread: the loop's thread only.
#ifndef VERIFYD_VERIFYD_DOCTOR_DOCTOR_H_
#define VERIFYD_VERIFYD_DOCTOR_DOCTOR_H_

#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "dns/resolver.h"
#include "probe/probe_settings.h"
#include "stream/dialer.h"
#include "verifyd/configuration/configuration.h"
#include "verifyd/doctor/doctor_context.h"
#include "verifyd/doctor/examination.h"

namespace verifyd {

// Fills `addresses` and `inner_addresses` with the addresses that probes leave from, as the settings say, else as the
// system chooses.
void FindAddresses(const ProbeSettings& settings, DoctorQuestion& question);

// Examines everything at once; ends within 30 seconds. All that is passed by reference outlives it.
boost::asio::awaitable<Examinations> ExamineAll(Loop& loop, Resolver& resolver, Dialer& dialer,
                                                const Configuration& configuration, DoctorQuestion question);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOCTOR_DOCTOR_H_
