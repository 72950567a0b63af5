// Privacy: whether addresses are kept and logged in clear, as the settings say, and the key of the pseudonyms that
// stand for them else.
//
// Thread: any, before there are several.
#ifndef VERIFYD_VERIFYD_CONFIGURATION_PRIVACY_H_
#define VERIFYD_VERIFYD_CONFIGURATION_PRIVACY_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "mail/pseudonym.h"

namespace verifyd {

enum class LoggedAddresses : uint8_t { kFull, kDomain, kHashed };

struct Privacy {
  bool cache_hashed = false;                                  // address_verify_cache_privacy
  LoggedAddresses logged_addresses = LoggedAddresses::kFull;  // log_address
  std::string key_file;                                       // address_verify_cache_privacy_key_file
};

// Null where no setting asks for them. The key file is made if it is missing and `make` is set.
absl::StatusOr<std::shared_ptr<const Pseudonyms>> OpenPseudonyms(const Privacy& privacy, bool make);

// From now on addresses are logged as `logged` says; without `pseudonyms` none is logged hashed, but without its local
// part.
void FilterLog(LoggedAddresses logged, std::shared_ptr<const Pseudonyms> pseudonyms);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_CONFIGURATION_PRIVACY_H_
