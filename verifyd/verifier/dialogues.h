// The dialogues of the last probes that did not find an address deliverable. The id of a refusal (refusal_id) leads to
// them. They are in memory only.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_VERIFIER_DIALOGUES_H_
#define VERIFYD_VERIFYD_VERIFIER_DIALOGUES_H_

#include <cstddef>
#include <list>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "mail/probe_outcome.h"

namespace verifyd {

struct KeptDialogue {
  absl::Time ended;
  std::vector<DialogueLine> lines;
};

class Dialogues {
 public:
  // The oldest go first.
  static constexpr size_t kMostBytes = size_t{32} << 20;

  // Replaces the one that is kept for this key (Address::Key()).
  void Keep(absl::string_view key, KeptDialogue dialogue);
  // Null if there is none. The pointer is valid until the next change.
  const KeptDialogue* Find(absl::string_view key) const;

 private:
  struct Kept {
    std::string key;
    KeptDialogue dialogue;
    size_t bytes = 0;
  };
  void Forget(std::list<Kept>::iterator kept);

  std::list<Kept> kept_;  // oldest first
  absl::flat_hash_map<std::string, std::list<Kept>::iterator> by_key_;
  size_t bytes_ = 0;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_DIALOGUES_H_
