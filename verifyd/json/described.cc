#include "verifyd/json/described.h"

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace verifyd {
namespace {

namespace json = boost::json;

constexpr size_t kShownValue = 80;

}  // namespace

std::string ShownTime(absl::Time time) {
  return described::IsSet(time) ? absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone()) : "";
}

std::string FoundInstead(const json::value* found, absl::string_view expected) {
  return absl::StrCat("found ", found == nullptr ? "none" : Printable(json::serialize(*found), kShownValue),
                      ", expected ", expected);
}

namespace described {

bool IsSet(absl::Time time) { return time != absl::InfinitePast() && time != absl::InfiniteFuture(); }

bool Reader::TakeOne(const json::value& value, absl::string_view& text) {
  const json::string* const found = value.if_string();
  if (found == nullptr) return Refuse(value, "a text");
  text = absl::string_view(found->data(), found->size());
  return true;
}

bool Reader::TakeOne(const json::value& value, std::string& text) {
  absl::string_view found;
  if (!TakeOne(value, found)) return false;
  text = std::string(found);
  return true;
}

bool Reader::TakeOne(const json::value& value, absl::Time& time) {
  const json::string* const text = value.if_string();
  absl::Time found;
  std::string error;
  const bool is_time =
      text != nullptr &&
      absl::ParseTime(absl::RFC3339_full, absl::string_view(text->data(), text->size()), &found, &error);
  if (!is_time || found < absl::UnixEpoch() || !IsSet(found)) return Refuse(value, "a time, \"2026-01-31T12:00:00Z\"");
  time = found;
  return true;
}

bool Reader::TakeOne(const json::value& value, bool& flag) {
  if (!value.is_bool()) return Refuse(value, "true or false");
  flag = value.get_bool();
  return true;
}

bool Reader::TakeOne(const json::value& value, double& number) {
  if (!value.is_number()) return Refuse(value, "a number");
  number = value.to_number<double>();
  return true;
}

bool Reader::TakeNumber(const json::value& value, uint64_t most, uint64_t& number) {
  boost::system::error_code error;
  const auto found = value.to_number<uint64_t>(error);
  if (error || found > most) return Refuse(value, absl::StrCat("a number from 0 to ", most));
  number = found;
  return true;
}

bool Reader::Refuse(const json::value& found, absl::string_view expected) {
  if (!status_.ok()) return false;
  std::string where;
  for (const absl::string_view name : path_) absl::StrAppend(&where, "\"", name, "\": ");
  status_ = absl::InvalidArgumentError(absl::StrCat(where, FoundInstead(&found, expected)));
  return false;
}

}  // namespace described
}  // namespace verifyd
