// Any file of the decision record: it is refused, or it is a tally within its bounds that can be written again.
#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "boost/json.hpp"
#include "verifyd/history/tally.h"
#include "verifyd/history/watch.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace verifyd;  // NOLINT(google-build-using-namespace)
  boost::system::error_code error;
  const auto value = boost::json::parse({reinterpret_cast<const char*>(data), size}, error);
  if (error || !value.is_object()) return 0;
  const auto tally = Tally::FromJson(value.get_object());
  if (!tally.ok()) {
    Require(!tally.status().message().empty());
    return 0;
  }
  Require(tally->domains().size() <= Tally::kMostDomains + 1);
  Require(tally->reasons().size() <= Tally::kMostReasons + 1);
  Require(tally->refused().entries().size() <= TopAddresses::kMost &&
          tally->asked().entries().size() <= TopAddresses::kMost);
  Require(tally->deferred().size() <= Tally::kMostDeferred);
  Require(Tally::FromJson(tally->ToJson()).ok());
  Notices(*tally, *tally, *tally);
  tally->Report();
  return 0;
}
