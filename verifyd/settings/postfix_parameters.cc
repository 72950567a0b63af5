#include "verifyd/settings/postfix_parameters.h"

#include <algorithm>
#include <iterator>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace verifyd {
namespace {

constexpr absl::string_view kOfTransports[] = {
    "_delivery_slot_cost",
    "_delivery_slot_discount",
    "_delivery_slot_loan",
    "_destination_concurrency_failed_cohort_limit",
    "_destination_concurrency_limit",
    "_destination_concurrency_negative_feedback",
    "_destination_concurrency_positive_feedback",
    "_destination_rate_delay",
    "_destination_recipient_limit",
    "_extra_recipient_limit",
    "_initial_destination_concurrency",
    "_minimum_delivery_slots",
    "_recipient_limit",
    "_recipient_refill_delay",
    "_recipient_refill_limit",
    "_time_limit",
    "_transport_rate_delay",
};

}  // namespace

bool IsPostfixParameter(absl::string_view name) {
  static const auto* const kNames =
      new absl::flat_hash_set<absl::string_view>(absl::StrSplit(PostfixParameterNames(), '\n', absl::SkipEmpty()));
  return kNames->contains(name);
}

bool IsTransportParameter(absl::string_view name) {
  return std::any_of(std::begin(kOfTransports), std::end(kOfTransports), [name](absl::string_view suffix) {
    return name.size() > suffix.size() && absl::EndsWith(name, suffix);
  });
}

}  // namespace verifyd
