// The dialogue of a probe: what it tried, said and heard, with times, for the person who asked to see it. It is
// bounded, and costs nothing when it is not wanted.
//
// Thread: one at a time (moves from loop to loop with its probe).
#ifndef VERIFYD_PROBE_DIALOGUE_H_
#define VERIFYD_PROBE_DIALOGUE_H_

#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "mail/probe_outcome.h"
#include "mail/reply.h"

namespace verifyd {

class Dialogue {
 public:
  static constexpr size_t kMaxLines = 500;
  static constexpr size_t kMaxLine = 512;  // bytes

  // Times count from now. `clock` must outlive the dialogue.
  Dialogue(const Clock& clock, bool wanted) : clock_(&clock), wanted_(wanted), start_(clock.Mono()) {}

  bool wanted() const { return wanted_; }
  void Note(absl::string_view text) { Add(DialogueLine::Kind::kNote, text); }
  void Sent(absl::string_view command) { Add(DialogueLine::Kind::kSent, command); }
  void Received(const Reply& reply);
  std::vector<DialogueLine> Take() { return std::move(lines_); }

 private:
  void Add(DialogueLine::Kind kind, absl::string_view text);

  const Clock* clock_;
  bool wanted_;
  MonoTime start_;
  std::vector<DialogueLine> lines_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_DIALOGUE_H_
