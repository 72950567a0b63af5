// Replies are the same however the stream is cut, and never exceed their bounds.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/text.h"
#include "mail/reply.h"

namespace {

using verifyd::Reply;
using verifyd::ReplyParser;

void Check(bool holds) {
  if (!holds) abort();
}

struct Heard {
  std::vector<Reply> replies;
  absl::Status error;
  bool at_boundary = true;
};

Heard Hear(absl::string_view stream, size_t piece_size) {
  Heard heard;
  ReplyParser parser;
  while (!stream.empty() && heard.error.ok()) {
    absl::string_view piece = stream.substr(0, piece_size);
    stream.remove_prefix(piece.size());
    while (!piece.empty() && heard.error.ok()) {
      const size_t before = piece.size();
      absl::StatusOr<std::optional<Reply>> reply = parser.Feed(piece);
      Check(!reply.ok() || piece.size() < before);
      heard.error = reply.status();
      if (!reply.ok()) continue;
      Check(reply->has_value() || piece.empty());
      if (reply->has_value()) heard.replies.push_back(**std::move(reply));
    }
  }
  heard.at_boundary = parser.at_boundary();
  return heard;
}

bool Same(const Reply& a, const Reply& b) { return a.code == b.code && a.enhanced == b.enhanced && a.lines == b.lines; }

void CheckReply(const Reply& reply) {
  Check(reply.code >= 200 && reply.code <= 599);
  Check(!reply.lines.empty() && reply.lines.size() <= ReplyParser::kMaxLines);
  Check(reply.Text().size() <= ReplyParser::kMaxReply);
  const std::string line = reply.ToLine();
  Check(line.size() <= 250 && verifyd::Printable(line, 250) == line);
  const int status_class = reply.enhanced.status_class;
  Check(status_class == 0 || status_class == 2 || status_class == 4 || status_class == 5);
  Check(reply.enhanced.subject <= 999 && reply.enhanced.detail <= 999);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  // The first byte says how the stream is cut.
  const absl::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Heard whole = Hear(stream, std::max<size_t>(stream.size(), 1));
  const Heard cut = Hear(stream, data[0] % 64U + 1);
  Check(std::equal(whole.replies.begin(), whole.replies.end(), cut.replies.begin(), cut.replies.end(), Same));
  for (const Reply& reply : whole.replies) CheckReply(reply);
  Check(whole.error == cut.error);
  if (whole.error.ok()) Check(whole.at_boundary == cut.at_boundary);

  if (const absl::StatusOr<Reply> reply = Reply::Parse(stream); reply.ok()) CheckReply(*reply);
  absl::string_view rest;
  if (!verifyd::EnhancedCode::TakeFrom(stream, &rest).given()) Check(rest == stream);
  return 0;
}
