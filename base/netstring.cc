#include "base/netstring.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace verifyd {
namespace {

constexpr size_t kMaxLength = 100000;

}  // namespace

std::string Netstring(absl::string_view text) { return absl::StrCat(text.size(), ":", text, ","); }

absl::StatusOr<std::optional<std::string>> ParseNetstring(absl::string_view bytes) {
  const size_t colon = bytes.substr(0, 8).find(':');
  const absl::string_view digits = bytes.substr(0, std::min<size_t>(colon, 7));
  size_t length = 0;
  const bool number = !digits.empty() && digits.find_first_not_of("0123456789") == absl::string_view::npos &&
                      absl::SimpleAtoi(digits, &length);
  if ((!number && !bytes.empty()) || length > kMaxLength || (colon == absl::string_view::npos && bytes.size() >= 8)) {
    return absl::InvalidArgumentError(
        absl::StrCat("found \"", Printable(bytes.substr(0, 20), 40), "\", expected LENGTH:TEXT,"));
  }
  if (colon == absl::string_view::npos || bytes.size() < colon + 1 + length + 1) return std::nullopt;
  if (bytes[colon + 1 + length] != ',') return absl::InvalidArgumentError("a netstring without its comma");
  return std::string(bytes.substr(colon + 1, length));
}

}  // namespace verifyd
