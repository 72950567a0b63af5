#include "probe/dialogue.h"

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace verifyd {

void Dialogue::Received(const Reply& reply) {
  if (!wanted_) return;
  for (size_t i = 0; i < reply.lines.size(); ++i) {
    const absl::string_view separator = i + 1 < reply.lines.size() ? "-" : " ";
    Add(DialogueLine::Kind::kReceived, absl::StrCat(reply.code, separator, reply.lines[i]));
  }
}

void Dialogue::Add(DialogueLine::Kind kind, absl::string_view text) {
  if (!wanted_ || lines_.size() >= kMaxLines) return;
  lines_.push_back({clock_->Mono() - start_, kind, Printable(text, kMaxLine)});
}

}  // namespace verifyd
