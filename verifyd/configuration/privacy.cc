#include "verifyd/configuration/privacy.h"

#include <utility>

#include "absl/strings/string_view.h"
#include "base/log.h"
#include "mail/masked_text.h"

namespace verifyd {

absl::StatusOr<std::shared_ptr<const Pseudonyms>> OpenPseudonyms(const Privacy& privacy, bool make) {
  if (!privacy.cache_hashed && privacy.logged_addresses != LoggedAddresses::kHashed) return nullptr;
  absl::StatusOr<Pseudonyms> pseudonyms = Pseudonyms::Open(privacy.key_file, make);
  if (!pseudonyms.ok()) return pseudonyms.status();
  return std::make_shared<const Pseudonyms>(*std::move(pseudonyms));
}

void FilterLog(LoggedAddresses logged, std::shared_ptr<const Pseudonyms> pseudonyms) {
  if (logged == LoggedAddresses::kFull) return SetLogFilter(nullptr);
  if (logged == LoggedAddresses::kDomain || pseudonyms == nullptr) {
    return SetLogFilter([](absl::string_view line) { return MaskedText(line, WithoutLocalPart); });
  }
  SetLogFilter([pseudonyms = std::move(pseudonyms)](absl::string_view line) {
    return MaskedText(line, [&](absl::string_view address) { return pseudonyms->Of(address); });
  });
}

}  // namespace verifyd
