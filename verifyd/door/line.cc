#include "verifyd/door/line.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/text.h"
#include "verifyd/door/access_action.h"
#include "verifyd/door/lookup_protocol.h"

namespace verifyd {
namespace {

bool IsThere(const std::optional<Verdict>& verdict) {
  if (!verdict.has_value()) return false;
  const Deliverability deliverability = verdict->deliverability();
  return deliverability == Deliverability::kDeliverable || deliverability == Deliverability::kRisky;
}

class LineConversation final : public LookupConversation {
 public:
  using LookupConversation::LookupConversation;

  std::optional<boost::asio::awaitable<void>> Answer(absl::string_view line) override {
    const absl::StatusOr<LineRequest> request = ParseLineRequest(line);
    if (request.ok()) return LookUp(request->role, request->address);
    client().HangUpFor(request.status().message());
    return std::nullopt;
  }

 private:
  std::string Worded(const Ruling& ruling) const override {
    const Decision& decision = ruling.decision;
    if (decision.refuses()) {
      return absl::StrCat(decision.kind == DecisionKind::kReject ? "deny " : "defer ", decision.code, " ", decision.dsn,
                          " ", AsciiText(decision.text), "\n");
    }
    if (ruling.warning.has_value()) return absl::StrCat("unknown ", Warned(*ruling.warning), "\n");
    return IsThere(ruling.verdict) ? "accept\n" : "unknown\n";
  }
};

}  // namespace

absl::StatusOr<LineRequest> ParseLineRequest(absl::string_view line) {
  absl::ConsumeSuffix(&line, "\n");
  absl::ConsumeSuffix(&line, "\r");
  absl::string_view address = line;
  if (absl::ConsumePrefix(&address, "rcpt ")) return LineRequest{.role = Role::kRecipient, .address = address};
  if (absl::ConsumePrefix(&address, "sender ")) return LineRequest{.role = Role::kSender, .address = address};
  return absl::InvalidArgumentError(
      absl::StrCat("found \"", Printable(line, 60), "\", expected rcpt ADDRESS or sender ADDRESS"));
}

std::unique_ptr<Conversation> LineProtocol::Begin(DoorClient& client) {
  return std::make_unique<LineConversation>(*this, client);
}

}  // namespace verifyd
