// Transport tables are read from files of the operator. Whatever they hold, parsing ends, look-ups end, and a next hop
// that was understood is written so that it is understood again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>

#include "absl/strings/string_view.h"
#include "base/log.h"
#include "mail/address.h"
#include "tables/transport_table.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void CheckNextHop(absl::string_view text) {
  const auto hop = verifyd::NextHop::Parse(text);
  if (!hop.ok()) {
    Require(!hop.status().message().empty());
    return;
  }
  const auto again = verifyd::NextHop::Parse(hop->ToString());
  Require(again.ok() && *again == *hop);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const verifyd::Address kAddress = verifyd::Address::Parse("joe@a.b.example.com").value();
  static const verifyd::Address kLiteral = verifyd::Address::Parse("\"joe doe\"@[192.0.2.1]").value();
  const verifyd::CapturedLog quiet;
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  CheckNextHop(text);
  const auto table = verifyd::TransportTable::Parse("fuzz", text);
  if (!table.ok()) {
    Require(table.status().message().size() > 5);
    return 0;
  }
  for (const verifyd::Address* address : {&kAddress, &kLiteral}) {
    const std::optional<verifyd::Transport> found = (*table)->Find(*address);
    if (!found.has_value()) continue;
    Require((*table)->size() > 0);
    const bool by_host =
        found->kind == verifyd::Transport::Kind::kSmtp || found->kind == verifyd::Transport::Kind::kLmtp;
    Require(by_host || !found->next_hop.given());
    if (found->kind == verifyd::Transport::Kind::kSmtp) CheckNextHop(found->next_hop.ToString());
  }
  return 0;
}
