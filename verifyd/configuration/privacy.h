// Privacy: the settings that say whether addresses are kept and logged in clear, and the key of the pseudonyms that
// otherwise stand for them.
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

// Opens the pseudonyms; null where no setting asks for them. Makes a missing key file if `make` is set.
absl::StatusOr<std::shared_ptr<const Pseudonyms>> OpenPseudonyms(const Privacy& privacy, bool make);

// Makes the log write addresses as `logged` says from now on; without `pseudonyms` kHashed means kDomain.
void FilterLog(LoggedAddresses logged, std::shared_ptr<const Pseudonyms> pseudonyms);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_CONFIGURATION_PRIVACY_H_
