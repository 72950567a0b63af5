// The answers of servers of tables, routes and verdicts: netstrings and lists of attributes.
#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "base/netstring.h"
#include "probe/postfix_service.h"
#include "probe/socketmap.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto text = verifyd::ParseNetstring(bytes); text.ok() && text->has_value()) {
    Require((*text)->size() < size);
  }
  const auto list = verifyd::ParseAttributes(bytes);
  if (!list.ok() || !list->has_value()) return 0;
  const auto& [attributes, length] = **list;
  Require(length <= size);
  Require(verifyd::EncodeAttributes(attributes) == bytes.substr(0, length));
  return 0;
}
