// Any reply at any stage. Input: a byte for the stage, a byte (odd: a known provider's MX), then the reply's text.
#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "classifier/classifier.h"
#include "classifier/reason.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace verifyd;  // NOLINT(google-build-using-namespace)
  if (size < 3) return 0;
  const auto stage = static_cast<Stage>(data[0] % (static_cast<unsigned>(Stage::kQuit) + 1));
  const absl::string_view mx_name = data[1] % 2 == 1 ? "a-com.mail.protection.outlook.com" : "";
  const auto reply = Reply::Parse(absl::string_view(reinterpret_cast<const char*>(data) + 2, size - 2));
  if (!reply.ok()) return 0;
  const Classification result = Classifier::BuiltIn()->Classify(stage, *reply, mx_name, Marks{});
  if (result.reason == Reason::kNone) {
    Require(reply->code_class() < 4 && stage < Stage::kRcpt && result.rule.empty());
    return 0;
  }
  const ReasonRow& row = RowOf(result.reason);
  Require(result.deliverability == row.deliverability && result.scope == row.scope && !result.rule.empty());
  if (result.deliverability == Deliverability::kUndeliverable) {
    Require(reply->code_class() == 5 && (stage == Stage::kRcpt || stage == Stage::kData));
  }
  // The rules compiled in leave nothing open where the dialogue ends.
  if (reply->code_class() >= 4 && stage >= Stage::kBanner) Require(result.rule != "no_rule");
  const Classification again = Classifier::BuiltIn()->Classify(stage, *reply, mx_name, Marks{});
  Require(again.reason == result.reason && again.rule == result.rule);
  return 0;
}
