// Catch-all: which servers are asked whether they take any address, and with which address.
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

// Returns whether to ask the server of the job. Big providers are not asked: their answer is known, and they count
// questions about addresses that do not exist.
bool WantsCatchAll(const ProbeJob& job);

// Returns an address that looks like a person's, but that nobody has: pronounceable, long, never the same twice.
absl::StatusOr<Address> RandomAddress(const std::string& domain, absl::BitGenRef random);

}  // namespace verifyd

#endif  // VERIFYD_PROBE_CATCH_ALL_H_
