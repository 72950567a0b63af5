// A local part and a server's reply to it. Input: the local part, a line feed, then the reply.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "classifier/classifier.h"
#include "classifier/marks.h"
#include "mail/address.h"
#include "mail/address_forms.h"
#include "mail/masked_text.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void TryForms(absl::string_view local, absl::string_view text) {
  const verifyd::AddressForms forms(local);
  size_t behind = 0;
  for (const verifyd::AddressForms::Place& place : forms.In(text)) {
    Require(behind <= place.begin && place.begin < place.end && place.end <= text.size());
    behind = place.end;
  }
  Require(forms.WithoutItsWords(text).size() <= text.size());
  verifyd::MaskedReply(text, absl::StrCat(local, "@our.test"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace verifyd;  // NOLINT(google-build-using-namespace)
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = input.find('\n');
  if (end == absl::string_view::npos) return 0;
  const absl::string_view local = input.substr(0, end);
  TryForms(local, input.substr(end + 1));
  const absl::StatusOr<Address> address = Address::FromUnquoted(absl::StrCat(local, "@our.test"));
  const absl::StatusOr<Reply> reply = Reply::Parse(input.substr(end + 1));
  if (!address.ok() || !reply.ok()) return 0;
  const Classification meaning =
      Classifier::BuiltIn()->Classify(Stage::kRcpt, *reply, "", Marks{.recipient = &*address});
  Require(meaning.deliverability != Deliverability::kUndeliverable || reply->code_class() == 5);
  // A reply that holds only the address blames nothing else.
  Reply echo = *reply;
  echo.lines = {absl::StrCat("<", address->Key(), ">")};
  echo.enhanced = {};
  const Reason bare = [&] {
    Reply other = echo;
    other.lines = {"<jane.doe@our.test>"};
    return Classifier::BuiltIn()->Classify(Stage::kRcpt, other, "", Marks{}).reason;
  }();
  const Classification echoed = Classifier::BuiltIn()->Classify(Stage::kRcpt, echo, "", Marks{.recipient = &*address});
  Require(echoed.reason == bare ||
          (echoed.deliverability == Deliverability::kUnknown && echoed.scope == Scope::kAddress));
  return 0;
}
