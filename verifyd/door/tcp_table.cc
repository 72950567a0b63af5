#include "verifyd/door/tcp_table.h"

#include <cstdint>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/text.h"
#include "verifyd/door/access_action.h"
#include "verifyd/door/lookup_protocol.h"

namespace verifyd {
namespace {

class TcpTableConversation final : public LookupConversation {
 public:
  using LookupConversation::LookupConversation;

  std::optional<boost::asio::awaitable<void>> Answer(absl::string_view line) override {
    const absl::StatusOr<std::string> key = ParseTcpTableRequest(line);
    if (key.ok()) return LookUp(Role::kRecipient, *key);
    client().HangUpFor(key.status().message());
    return std::nullopt;
  }

 private:
  std::string Worded(const Ruling& ruling) const override {
    const std::string action = AccessAction(ruling);
    return action.empty() ? "500 not%20found\n" : absl::StrCat("200 ", EncodeTcpTableText(action), "\n");
  }
  std::string WordedTrouble(const Ruling& trouble) const override {
    return absl::StrCat("400 ", EncodeTcpTableText(trouble.decision.text), "\n");
  }
};

absl::Status NotARequest(absl::string_view line, absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat("found \"", Printable(line, 60), "\", expected ", expected));
}

}  // namespace

absl::StatusOr<std::string> ParseTcpTableRequest(absl::string_view line) {
  absl::ConsumeSuffix(&line, "\n");
  absl::ConsumeSuffix(&line, "\r");
  absl::string_view rest = line;
  if (!absl::ConsumePrefix(&rest, "get ")) return NotARequest(line, "get KEY");
  std::string key;
  key.reserve(rest.size());
  while (!rest.empty()) {
    if (rest[0] != '%') {
      key.push_back(rest[0]);
      rest.remove_prefix(1);
      continue;
    }
    if (rest.size() < 3 || !absl::ascii_isxdigit(rest[1]) || !absl::ascii_isxdigit(rest[2])) {
      return NotARequest(line, "two hexadecimal digits behind each %");
    }
    key += absl::HexStringToBytes(rest.substr(1, 2));
    rest.remove_prefix(3);
  }
  return key;
}

std::string EncodeTcpTableText(absl::string_view text) {
  std::string encoded;
  encoded.reserve(text.size() * 3 / 2);
  for (const char c : text) {
    if (absl::ascii_isgraph(c) && c != '%') {
      encoded.push_back(c);
    } else {
      absl::StrAppend(&encoded, "%", absl::Hex(static_cast<uint8_t>(c), absl::kZeroPad2));
    }
  }
  return encoded;
}

std::unique_ptr<Conversation> TcpTableProtocol::Begin(DoorClient& client) {
  return std::make_unique<TcpTableConversation>(*this, client);
}

}  // namespace verifyd
