// Whether a server takes any address: who is asked, and with which address.
//
// Thread: any (pure functions).
#ifndef VERIFYD_PROBE_CATCH_ALL_H_
#define VERIFYD_PROBE_CATCH_ALL_H_

#include <string>

#include "absl/random/bit_gen_ref.h"
#include "absl/status/statusor.h"
#include "mail/address.h"
#include "probe/probe_job.h"

namespace verifyd {

// Not of big providers: their answer is known, and they count who asks for nobody.
bool WantsCatchAll(const ProbeJob& job);

// An address as people have them, which nobody has: pronounceable, long, never the same twice.
absl::StatusOr<Address> RandomAddress(const std::string& domain, absl::BitGenRef random);

}  // namespace verifyd

#endif  // VERIFYD_PROBE_CATCH_ALL_H_
