// Any mail log: every delivery read from it has an address, a named relay and a reply that decides, and arrives at the
// daemon as it was sent.
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "boost/json.hpp"
#include "verifyctl/delivery_log.h"
#include "verifyd/json/described.h"
#include "verifyd/json/record_reader.h"
#include "verifyd/json/shown_delivery.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace verifyd;  // NOLINT(google-build-using-namespace)
  const absl::Time now = absl::FromUnixSeconds(1795600000);
  for (const absl::string_view line :
       absl::StrSplit(absl::string_view(reinterpret_cast<const char*>(data), size), '\n')) {
    const std::optional<Delivery> delivery = LoggedDelivery(line, absl::UTCTimeZone(), now);
    if (!delivery.has_value()) continue;
    Require(!delivery->relay.empty() && !delivery->relay_address.empty());
    Require(delivery->reply.code_class() == 2 || delivery->reply.code_class() == 5);
    // Earlier times are no times of a cache.
    if (delivery->when < absl::UnixEpoch()) continue;
    const absl::StatusOr<Delivery> read = DeliveryFromJson(AsJson(Shown(*delivery)));
    Require(read.ok());
    Require(read->address == delivery->address);
    Require(read->relay_address == delivery->relay_address && read->relay_port == delivery->relay_port);
    Require(read->reply.code == delivery->reply.code && read->lmtp == delivery->lmtp);
  }
  return 0;
}
