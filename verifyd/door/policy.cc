#include "verifyd/door/policy.h"

#include <optional>
#include <string>

#include "verifyd/door/policy_request.h"

namespace verifyd {
namespace {

class PolicyConversation final : public MailConversation {
 public:
  using MailConversation::MailConversation;

  std::optional<boost::asio::awaitable<void>> Answer(absl::string_view text) override {
    const absl::StatusOr<MailRequest> request = ParsePolicyRequest(text);
    if (request.ok()) return Decide(*request);
    client().HangUpFor(request.status().message());
    return std::nullopt;
  }

 private:
  std::string Worded(const Ruling& ruling) const override { return PolicyAnswer(ruling); }
};

}  // namespace

size_t PolicyProtocol::request_limit() const { return kMaxPolicyRequest; }

absl::StatusOr<size_t> PolicyProtocol::RequestLength(absl::string_view buffer) const {
  return PolicyRequestLength(buffer);
}

std::unique_ptr<Conversation> PolicyProtocol::Begin(DoorClient& client) {
  return std::make_unique<PolicyConversation>(*this, client);
}

}  // namespace verifyd
