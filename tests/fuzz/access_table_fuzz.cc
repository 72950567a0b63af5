// Access tables are written by the operator, and their keys come from clients. Whatever both are, parsing ends,
// look-ups end, and the value found was checked, or is printable and bounded. The last line is looked up in the lines
// before it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "base/log.h"
#include "base/text.h"
#include "tables/network_table.h"
#include "tables/pattern_table.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

template <typename ATable, typename Check>
std::shared_ptr<const ATable> Parsed(absl::string_view text, Check check) {
  const auto table = ATable::Parse("f", text, check);
  Require(table.ok() || absl::StartsWith(table.status().message(), "f:"));
  return table.ok() ? *table : nullptr;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kLongEnough = 4096;
  if (size > kLongEnough) return 0;
  const verifyd::CapturedLog quiet;
  const absl::string_view all(reinterpret_cast<const char*>(data), size);
  const size_t end = all.rfind('\n');
  const absl::string_view text = all.substr(0, end == absl::string_view::npos ? 0 : end + 1);
  const absl::string_view key = all.substr(text.size());
  size_t values = 0;
  const auto check = [&](absl::string_view value) {
    ++values;
    return value == "bad" ? absl::InvalidArgumentError("bad") : absl::OkStatus();
  };
  if (const auto networks = Parsed<verifyd::NetworkTable>(text, check)) {
    const std::optional<uint32_t> found = networks->Find(key);
    Require(!found.has_value() || *found < values);
  }
  values = 0;
  if (const auto patterns = Parsed<verifyd::PatternTable>(text, check)) {
    const std::optional<verifyd::PatternTable::Found> found = patterns->Find(key);
    Require(!found.has_value() || found->value < values);
    if (found.has_value() && found->substituted.has_value()) {
      const std::string& value = *found->substituted;
      Require(value.size() <= verifyd::PatternTable::kMaxValue && verifyd::Printable(value, value.size()) == value);
    }
  }
  return 0;
}
