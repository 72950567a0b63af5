#include "verifyd/door/socketmap.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/netstring.h"
#include "base/text.h"
#include "classifier/reason.h"
#include "verifyd/door/access_action.h"
#include "verifyd/door/lookup_protocol.h"

namespace verifyd {
namespace {

constexpr absl::string_view kNotFound = "NOTFOUND ";

std::string VerifyEntry(const Ruling& ruling) {
  const std::string action = AccessAction(ruling);
  return action.empty() ? std::string(kNotFound) : absl::StrCat("OK ", action);
}

std::string StatusEntry(const Ruling& ruling) {
  const std::optional<Verdict>& verdict = ruling.verdict;
  if (!verdict.has_value() || verdict->state == VerdictState::kNotVerifiable) return std::string(kNotFound);
  return absl::StrCat("OK ", DeliverabilityName(verdict->deliverability()));
}

// Postfix refuses a missing address for good. So only those that every other door refuses for good are missing.
std::string RelayRecipientsEntry(const Ruling& ruling) {
  return ruling.decision.kind == DecisionKind::kReject ? std::string(kNotFound) : "OK OK";
}

class SocketmapConversation final : public LookupConversation {
 public:
  using LookupConversation::LookupConversation;

  std::optional<boost::asio::awaitable<void>> Answer(absl::string_view netstring) override {
    absl::string_view text = netstring.substr(netstring.find(':') + 1);
    text.remove_suffix(1);
    const absl::StatusOr<SocketmapRequest> request = ParseSocketmapRequest(text);
    if (!request.ok()) {
      client().Say(Netstring(absl::StrCat("PERM ", request.status().message())));
      return std::nullopt;
    }
    map_ = request->map;
    return LookUp(Role::kRecipient, request->key);
  }

 private:
  std::string Worded(const Ruling& ruling) const override {
    switch (map_) {
      case SocketmapName::kVerify:
        return Netstring(VerifyEntry(ruling));
      case SocketmapName::kStatus:
        return Netstring(StatusEntry(ruling));
      case SocketmapName::kRelayRecipients:
        return Netstring(RelayRecipientsEntry(ruling));
    }
    return Netstring(kNotFound);
  }
  std::string WordedTrouble(const Ruling& trouble) const override {
    return Netstring(absl::StrCat("TEMP ", trouble.decision.text));
  }

  SocketmapName map_ = SocketmapName::kVerify;  // the one being asked
};

std::optional<SocketmapName> NamedMap(absl::string_view name) {
  if (name == "verify") return SocketmapName::kVerify;
  if (name == "status") return SocketmapName::kStatus;
  if (name == "relay_recipients") return SocketmapName::kRelayRecipients;
  return std::nullopt;
}

}  // namespace

absl::StatusOr<SocketmapRequest> ParseSocketmapRequest(absl::string_view text) {
  const size_t space = text.find(' ');
  const std::optional<SocketmapName> map = NamedMap(text.substr(0, space));
  if (map.has_value() && space != absl::string_view::npos) {
    return SocketmapRequest{.map = *map, .key = text.substr(space + 1)};
  }
  return absl::InvalidArgumentError(
      absl::StrCat("found \"", Printable(text, 60), "\", expected verify, status or relay_recipients, and an address"));
}

absl::StatusOr<size_t> SocketmapProtocol::RequestLength(absl::string_view buffer) const {
  const absl::StatusOr<std::optional<std::string>> text = ParseNetstring(buffer);
  if (!text.ok()) return text.status();
  if (!text->has_value()) return 0;
  return buffer.find(':') + 1 + (*text)->size() + 1;
}

std::unique_ptr<Conversation> SocketmapProtocol::Begin(DoorClient& client) {
  return std::make_unique<SocketmapConversation>(*this, client);
}

}  // namespace verifyd
