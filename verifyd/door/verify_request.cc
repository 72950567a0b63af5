#include "verifyd/door/verify_request.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace verifyd {
namespace {

constexpr absl::string_view kNul{"\0", 1};
constexpr size_t kMaxShown = 60;

// Takes the text before the next NUL, and that NUL, off `rest`. Nothing: there is no NUL.
std::optional<absl::string_view> TakeAttributeText(absl::string_view& rest) {
  const size_t end = rest.find('\0');
  if (end == absl::string_view::npos) return std::nullopt;
  const absl::string_view text = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return text;
}

struct Attributes {
  std::optional<absl::string_view> request;
  std::optional<absl::string_view> address;
  std::optional<absl::string_view> recipient_status;
  std::optional<absl::string_view> reason;
};

Attributes AttributesOf(absl::string_view list) {
  Attributes attributes;
  for (;;) {
    const std::optional<absl::string_view> name = TakeAttributeText(list);
    const std::optional<absl::string_view> value = TakeAttributeText(list);
    if (!name.has_value() || name->empty() || !value.has_value()) return attributes;
    if (name == "request") {
      attributes.request = value;
    } else if (name == "address") {
      attributes.address = value;
    } else if (name == "recipient_status") {
      attributes.recipient_status = value;
    } else if (name == "reason") {
      attributes.reason = value;
    }
  }
}

absl::Status Malformed(absl::string_view found, absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat("a request with ", found, ", expected ", expected));
}

std::string Named(absl::string_view name, absl::string_view value) {
  return absl::StrCat(name, " \"", Printable(value, kMaxShown), "\"");
}

absl::string_view NumberOf(VerifyStatus status) {
  switch (status) {
    case VerifyStatus::kOk:
      return "0";
    case VerifyStatus::kFail:
      return "4294967295";
    case VerifyStatus::kBad:
      return "4294967294";
  }
  return "4294967295";
}

}  // namespace

// A value may be empty, so two NULs in a row are not always the end.
size_t VerifyRequestLength(absl::string_view buffer) {
  absl::string_view rest = buffer;
  for (;;) {
    const std::optional<absl::string_view> name = TakeAttributeText(rest);
    if (!name.has_value()) return 0;
    if (name->empty()) return buffer.size() - rest.size();
    if (!TakeAttributeText(rest).has_value()) return 0;
  }
}

absl::StatusOr<VerifyRequest> ParseVerifyRequest(absl::string_view text) {
  const Attributes found = AttributesOf(text);
  if (!found.request.has_value()) return Malformed("no request", "request query or update");
  if (!found.address.has_value()) return Malformed(Named("request", *found.request), "an address in it");
  VerifyRequest request;
  request.address = *found.address;
  if (*found.request == "query") return request;
  if (*found.request != "update") return Malformed(Named("request", *found.request), "query or update");
  request.kind = VerifyRequest::Kind::kUpdate;
  const absl::string_view status = found.recipient_status.value_or("");
  if (status.size() != 1 || status[0] < '0' || status[0] > '2') {
    return Malformed(Named("recipient_status", status), "0, 1 or 2");
  }
  if (!found.reason.has_value()) return Malformed("request update", "a reason in it");
  request.recipient_status = static_cast<RecipientStatus>(status[0] - '0');
  request.reason = *found.reason;
  return request;
}

std::string VerifyAnswer(VerifyStatus status, RecipientStatus recipient_status, absl::string_view reason) {
  return absl::StrCat("status", kNul, NumberOf(status), kNul, "recipient_status", kNul,
                      static_cast<int>(recipient_status), kNul, "reason", kNul, reason, kNul, kNul);
}

std::string VerifyUpdateAnswer(VerifyStatus status) {
  return absl::StrCat("status", kNul, NumberOf(status), kNul, kNul);
}

}  // namespace verifyd
