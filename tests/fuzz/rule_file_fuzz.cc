// Any rule file: it is refused with its place named, or its rules keep the limits that no rule may break.
#include <cstdint>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "classifier/classifier.h"
#include "classifier/reason.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

bool Undeliverable(verifyd::Reason reason) {
  return reason != verifyd::Reason::kNone &&
         verifyd::RowOf(reason).deliverability == verifyd::Deliverability::kUndeliverable;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace verifyd;  // NOLINT(google-build-using-namespace)
  constexpr size_t kLongEnough = 4096;
  if (size > kLongEnough) return 0;
  const auto made = Classifier::FromRules("f", absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!made.ok()) {
    Require(absl::StartsWith(made.status().message(), "f:"));
    return 0;
  }
  for (const Rule& rule : (*made)->rules()) {
    Require(!rule.id.empty() && rule.reason != Reason::kNone && rule.stages != 0 && !rule.codes.empty());
    Require(!Undeliverable(rule.reason_4yz));
    if (!Undeliverable(rule.reason)) continue;
    Require(!rule.AppliesAt(Stage::kMail) && !rule.AppliesAt(Stage::kBanner));
    for (const CodePattern& code : rule.codes) {
      Require(code.low >= 500 || (code.low >= 400 && rule.reason_4yz != Reason::kNone));
    }
  }
  return 0;
}
