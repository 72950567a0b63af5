// The milter protocol takes bytes from every client that can reach the socket. Here each of its parsers gets the bytes
// of every packet, whatever its letter.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/string_view.h"
#include "verifyd/door/milter_packet.h"

namespace verifyd {
namespace {

void Check(bool held) {
  if (!held) std::abort();
}

void CheckWithin(absl::string_view part, absl::string_view whole) {
  if (part.data() == nullptr) return;
  Check(part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void CheckAddress(absl::string_view argument) {
  const std::string unquoted = UnquotedMilterAddress(argument);
  Check(unquoted.size() <= argument.size());
  Decision decision;
  decision.kind = DecisionKind::kReject;
  decision.code = 550;
  decision.dsn = "5.1.1";
  decision.text = unquoted;
  const std::string refusal = MilterRefusal(decision, true);
  Check(*MilterPacketLength(refusal) == refusal.size());
  Check(refusal.size() <= 4 + 1 + 980 + 1);
  Check(
      std::none_of(refusal.begin() + 5, refusal.end() - 1, [](char c) { return c == '\0' || c == '\r' || c == '\n'; }));
}

void Parse(absl::string_view data) {
  if (const auto options = ParseMilterOptions(data); options.ok()) {
    if (const auto chosen = ChooseMilterOptions(*options); chosen.ok()) {
      Check((chosen->steps & ~options->steps) == 0 && chosen->actions == 0 && chosen->version <= options->version);
    }
  }
  if (const auto client = ParseMilterConnect(data); client.ok()) {
    CheckWithin(client->address, data);
    IsLocalSubmission(*client);
  }
  if (const auto argument = ParseMilterArgument(data); argument.ok()) {
    CheckWithin(*argument, data);
    CheckAddress(*argument);
  }
  if (const auto macros = ParseMilterMacros(data); macros.ok()) {
    for (const auto& [name, value] : macros->values) {
      CheckWithin(name, data);
      CheckWithin(value, data);
    }
  }
}

}  // namespace
}  // namespace verifyd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  absl::string_view rest(reinterpret_cast<const char*>(data), size);
  for (;;) {
    const absl::StatusOr<size_t> length = verifyd::MilterPacketLength(rest);
    if (!length.ok() || *length == 0) return 0;
    verifyd::Check(*length <= rest.size());
    if (const auto packet = verifyd::ParseMilterPacket(rest.substr(0, *length)); packet.ok()) {
      verifyd::Parse(packet->data);
    }
    rest.remove_prefix(*length);
  }
}
